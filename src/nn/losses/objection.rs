//! Probabilities taken for logits, and logits for probabilities.

use super::super::activation::Activation;

/// What a cross-entropy, which is from logits or not, says to the activation before it. `makers` make probabilities for it;
/// the first is the one that it applies to logits itself.
pub(super) fn objection(
    kind: &str,
    from_logits: bool,
    makers: &[Activation],
    last: Activation,
) -> Option<String> {
    let own = makers[0];
    let applied = own.name();
    match from_logits {
        true if matches!(last, Activation::Softmax | Activation::Sigmoid) => Some(format!(
            "`{kind}::from_logits()` applies a {applied} to that; write `{kind}::new()`, or leave the activation out"
        )),
        false if !makers.contains(&last) => Some(format!(
            "`{kind}::new()` takes the probabilities of a {applied}; end with `{own:?}`, or write `{kind}::from_logits()`"
        )),
        _ => None,
    }
}
