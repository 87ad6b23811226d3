//! What is usually meant where predictions and targets do not fit: it is said with the error.

use grafito::Fact;

/// For a loss or metric whose targets have the shape of the predictions.
pub(super) fn same_shape(predictions: &Fact, targets: &Fact) -> Option<String> {
    let (values, given) = (&predictions.shape[..], &targets.shape[..]);
    let (classes, examples) = values.split_last()?;
    match given {
        _ if given == examples && *classes == 1 => Some("`targets.unsqueeze(-1)` has that shape".to_owned()),
        _ if given.split_last() == Some((&1, values)) => {
            Some("`targets.squeeze(-1)` has that shape".to_owned())
        }
        _ if given == examples && targets.dtype.is_int() => {
            let dtype = predictions.dtype.name().to_uppercase();
            Some(format!("`targets.one_hot({classes}, DType::{dtype})` has that shape"))
        }
        _ => unflattened(values, given),
    }
}

/// For a loss whose targets are labels, a class for each example: the name of a loss that takes what is given, or what
/// makes labels of it.
pub(super) fn labels(predictions: &Fact, targets: &Fact) -> Option<String> {
    let (values, given) = (&predictions.shape[..], &targets.shape[..]);
    let (_, examples) = values.split_last()?;
    match given {
        _ if given == values => Some(
            "for one-hot targets there is `CrossEntropy`; `targets.argmax(-1)` are their labels".to_owned(),
        ),
        _ if given == examples => Some("`targets.cast(DType::I64)` are integers".to_owned()),
        _ if given.split_last() == Some((&1, examples)) => {
            Some("`targets.squeeze(-1)` are labels".to_owned())
        }
        _ => unflattened(values, given),
    }
}

/// For a loss whose targets are distributions, one for each example: the name of a loss that takes labels, where those are
/// given.
pub(super) fn distributions(predictions: &Fact, targets: &Fact) -> Option<String> {
    let (_, examples) = predictions.shape.split_last()?;
    (targets.dtype.is_int() && *examples == targets.shape[..])
        .then(|| "for labels, one for each example, there is `SparseCrossEntropy`".to_owned())
}

/// A row of features was expected of each example, and rows of them came: a dense layer takes both.
fn unflattened(values: &[usize], given: &[usize]) -> Option<String> {
    let is_likely = values.len() > 2 && given.len() <= 2 && values.first() == given.first();
    is_likely.then(|| "a `Flatten` before the first `Dense` makes one row of each example".to_owned())
}
