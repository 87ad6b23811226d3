//! Printing: values as NumPy prints them, and what is known of a tensor that has none yet.

use std::fmt;

use graph_core::{Element, View, with_element};

use super::shown::shown;
use super::{Repr, Tensor};

/// Arrays with more elements than this, or with a longer axis, are abbreviated.
const ABBREVIATE_ABOVE: usize = 1000;
/// How many entries are shown at either end of an abbreviated axis.
const EDGE: usize = 3;

impl fmt::Debug for Tensor {
    /// Values where there are any; otherwise operation, dtype and shape, and that nothing is computed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fact = self.fact();
        if let (Repr::Symbolic { .. }, Some(number)) = (&self.repr, shown(self, true)) {
            return f.write_str(&number);
        }
        match &self.repr {
            Repr::Concrete(array) | Repr::Taped { array, .. } => {
                write!(f, "Tensor({}, {fact})", Elements::new(array.view()))
            }
            Repr::Symbolic { trace, value, .. } if trace.is_open() => {
                let op = trace.with_graph(|graph| graph.node(value.node()).kind().name().to_owned());
                write!(f, "Tensor({op} in the trace of `{}`, {fact}, not computed)", trace.name())
            }
            Repr::Symbolic { trace, .. } => {
                write!(f, "Tensor(of the ended trace of `{}`, {fact}, not computed)", trace.name())
            }
            Repr::Pending(pending) => match pending.array() {
                Some(array) => write!(f, "Tensor({}, {fact})", Elements::new(array.view())),
                None => write!(f, "Tensor({}, {fact}, not computed)", pending.op_name()),
            },
        }
    }
}

impl fmt::Display for Tensor {
    /// The values; computes what is pending. A symbolic tensor is shown as by `{:?}`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if matches!(self.repr, Repr::Symbolic { .. }) {
            if let Some(number) = shown(self, false) {
                return f.write_str(&number);
            }
            return fmt::Debug::fmt(self, f);
        }
        match self.try_array() {
            Ok(array) => write!(f, "{}", Elements::new(array.view())),
            Err(error) => write!(f, "<{error}>"),
        }
    }
}

/// The elements of an array in nested brackets.
pub(crate) struct Elements<'a>(View<'a>);

impl<'a> Elements<'a> {
    pub(crate) fn new(view: View<'a>) -> Elements<'a> {
        Elements(view)
    }
}

impl fmt::Display for Elements<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fact = self.0.fact();
        with_element!(fact.dtype, T => {
            let elements = self.0.as_slice::<T>();
            // Without elements, an axis may be of any length.
            let is_large = elements.len().max(fact.shape.iter().copied().max().unwrap_or(0)) > ABBREVIATE_ABOVE;
            let edge = if is_large { EDGE } else { usize::MAX / 2 };
            write_nested(f, elements, &fact.shape, edge, 1)
        })
    }
}

fn write_nested<T: Element>(
    f: &mut fmt::Formatter<'_>,
    elements: &[T],
    shape: &[usize],
    edge: usize,
    depth: usize,
) -> fmt::Result {
    let Some((&len, inner)) = shape.split_first() else {
        // `{:?}` of a float keeps the point, so that 1.0 is not taken for an integer.
        return write!(f, "{:?}", elements[0]);
    };
    let row: usize = inner.iter().product();
    f.write_str("[")?;
    let is_abbreviated = len > 2 * edge;
    let (head, tail) = if is_abbreviated { (0..edge, len - edge..len) } else { (0..len, 0..0) };
    for i in head.chain(tail) {
        if i > 0 {
            separate(f, inner.len(), depth)?;
        }
        if is_abbreviated && i == len - edge {
            f.write_str("...")?;
            separate(f, inner.len(), depth)?;
        }
        write_nested(f, &elements[i * row..(i + 1) * row], inner, edge, depth + 1)?;
    }
    f.write_str("]")
}

/// Between the entries of an axis that has `inner` axes within it.
fn separate(f: &mut fmt::Formatter<'_>, inner: usize, depth: usize) -> fmt::Result {
    if inner == 0 {
        return f.write_str(", ");
    }
    write!(f, ",{}{:depth$}", "\n".repeat(inner), "")
}

#[cfg(test)]
mod tests {
    use graph_core::DType;

    use crate::Tensor;

    #[test]
    fn long_arrays_are_abbreviated() {
        let numbers =
            |shape: &[usize]| Tensor::arange(shape.iter().product(), DType::I64).reshape(shape).to_string();
        assert_eq!(numbers(&[7]), "[0, 1, 2, 3, 4, 5, 6]");
        assert_eq!(numbers(&[1001]), "[0, 1, 2, ..., 998, 999, 1000]");
        assert_eq!(
            numbers(&[2, 501]),
            "[[0, 1, 2, ..., 498, 499, 500],\n [501, 502, 503, ..., 999, 1000, 1001]]"
        );
        assert_eq!(numbers(&[6, 0]), "[[],\n [],\n [],\n [],\n [],\n []]");
        assert_eq!(numbers(&[1 << 40, 0]), "[[],\n [],\n [],\n ...,\n [],\n [],\n []]");
    }
}
