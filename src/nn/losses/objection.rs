//! Probabilities taken for logits, and logits for probabilities.

use super::super::activation::Activation;

/// What a cross-entropy, which is from logits or not, says to the activation before it. It applies `own` to logits itself;
/// `also` makes probabilities for it, too.
pub(super) fn objection(
    kind: &str,
    from_logits: bool,
    own: Activation,
    also: Option<Activation>,
    last: Activation,
) -> Option<String> {
    let applied = own.name();
    let makes_probabilities = matches!(last, Activation::Softmax | Activation::Sigmoid);
    if from_logits {
        makes_probabilities.then(|| {
            format!(
                "`{kind}::from_logits()` applies a {applied} to that; write `{kind}::new()`, or leave the activation out"
            )
        })
    } else {
        (last != own && Some(last) != also).then(|| {
            format!(
                "`{kind}::new()` takes the probabilities of a {applied}; end with `{own:?}`, or write \
                 `{kind}::from_logits()`"
            )
        })
    }
}
