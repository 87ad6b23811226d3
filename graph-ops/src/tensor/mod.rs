//! Tensors: the handle that user code holds, whether the value exists yet or not.

mod convert;
mod dispatch;
mod format;
mod operand;
mod raise;
pub(crate) mod shown;

use std::borrow::Cow;

use graph_core::{Array, DType, Error, Fact, Origin, Pending, Shape, Trace, Value};

use crate::optimize::optimize_pending;

pub use convert::IntoElements;
pub(crate) use dispatch::apply_over;
pub use dispatch::{apply, apply_many, computes_at_once, symbolic_trace, try_apply_many};
pub(crate) use format::Elements;
pub use operand::{Operand, Scalar};
pub(crate) use operand::{scalar_like, tensor_like};
pub(crate) use raise::unwrap_or_raise;
pub use raise::{catch, or_raise, raise};

/// A multi-dimensional array of numbers, present or promised.
///
/// One type serves eager and lazy code. A tensor is *concrete* (its elements exist), *symbolic* (a value of a function
/// being traced) or *pending* (a lazy operation outside any function, computed when read). Operations on it are the
/// same methods in each case. Cloning is cheap: it shares the elements.
///
/// Comparisons are methods, too: `x.gt(&y)` has an answer for each element. `x > y`, and an `if` on a tensor, are for
/// functions that are marked `#[graph_fn]`.
///
/// ```
/// use graph_ops::Tensor;
/// let x = Tensor::from([[1.0f32, 2.0], [3.0, 4.0]]);
/// let y = (&x * 2.0).sum(0);
/// assert_eq!(y.to_vec::<f32>(), [8.0, 12.0]);
/// ```
#[derive(Clone)]
pub struct Tensor {
    repr: Repr,
    origin: Origin,
}

#[derive(Clone)]
enum Repr {
    Concrete(Array),
    /// Computed and recorded on a tape.
    Taped {
        array: Array,
        trace: Trace,
        value: Value,
    },
    /// Recorded in a symbolic trace.
    Symbolic {
        trace: Trace,
        value: Value,
        fact: Fact,
    },
    Pending(Pending),
}

impl Tensor {
    /// A concrete tensor over an array.
    #[track_caller]
    pub fn from_array(array: Array) -> Tensor {
        Tensor { repr: Repr::Concrete(array), origin: Origin::caller() }
    }

    /// The tensor for a value of a trace.
    #[track_caller]
    pub fn from_traced(trace: &Trace, value: Value) -> Tensor {
        let origin = Origin::caller();
        let trace = trace.clone();
        let repr = match trace.array(value) {
            Some(array) => Repr::Taped { array, trace, value },
            None => Repr::Symbolic { fact: trace.fact(value), trace, value },
        };
        Tensor { repr, origin }
    }

    /// The tensor for a pending value.
    pub fn from_pending(pending: Pending) -> Tensor {
        let origin = pending.origin();
        Tensor { repr: Repr::Pending(pending), origin }
    }

    /// DType and shape.
    pub fn fact(&self) -> &Fact {
        match &self.repr {
            Repr::Concrete(array) | Repr::Taped { array, .. } => array.fact(),
            Repr::Symbolic { fact, .. } => fact,
            Repr::Pending(pending) => pending.fact(),
        }
    }

    /// Element type.
    pub fn dtype(&self) -> DType {
        self.fact().dtype
    }

    /// Lengths of the axes, outermost first.
    pub fn shape(&self) -> &Shape {
        &self.fact().shape
    }

    /// Number of axes.
    pub fn rank(&self) -> usize {
        self.shape().rank()
    }

    /// Number of elements.
    pub fn num_elements(&self) -> usize {
        self.shape().num_elements()
    }

    /// Where the user made it.
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// Whether the elements exist: nothing would have to be computed to read them.
    pub fn is_computed(&self) -> bool {
        match &self.repr {
            Repr::Concrete(_) | Repr::Taped { .. } => true,
            Repr::Symbolic { .. } => false,
            Repr::Pending(pending) => pending.array().is_some(),
        }
    }

    /// The trace this tensor is a symbolic value of, with that value.
    pub fn traced(&self) -> Option<(&Trace, Value)> {
        match &self.repr {
            Repr::Symbolic { trace, value, .. } => Some((trace, *value)),
            _ => None,
        }
    }

    /// Whether both are known to be one value: of one trace, one pending graph, or in one buffer.
    pub fn is_same(&self, other: &Tensor) -> bool {
        match (&self.repr, &other.repr) {
            (Repr::Symbolic { trace: t, value: a, .. }, Repr::Symbolic { trace: u, value: b, .. })
            | (Repr::Taped { trace: t, value: a, .. }, Repr::Taped { trace: u, value: b, .. }) => {
                t == u && a == b
            }
            (Repr::Pending(a), Repr::Pending(b)) => a.is(b),
            (Repr::Concrete(a), Repr::Concrete(b)) => a.address() == b.address() && a.fact() == b.fact(),
            _ => false,
        }
    }

    /// The same value without its place on a tape.
    pub(crate) fn untaped(&self) -> Tensor {
        match &self.repr {
            Repr::Taped { array, .. } => Tensor { repr: Repr::Concrete(array.clone()), origin: self.origin },
            _ => self.clone(),
        }
    }

    /// The same value as if made at `origin`.
    #[must_use]
    pub fn with_origin(mut self, origin: Origin) -> Tensor {
        self.origin = origin;
        self
    }

    /// The elements; computes what is pending.
    ///
    /// # Errors
    /// When the tensor is symbolic, or an op on the way to it fails on the data.
    #[track_caller]
    pub fn try_array(&self) -> Result<Array, Error> {
        self.try_array_ref().map(Cow::into_owned)
    }

    /// The same; of a tensor that holds its array, without sharing it.
    #[track_caller]
    fn try_array_ref(&self) -> Result<Cow<'_, Array>, Error> {
        match &self.repr {
            Repr::Concrete(array) | Repr::Taped { array, .. } => Ok(Cow::Borrowed(array)),
            Repr::Pending(pending) => {
                let mut arrays = Pending::eval(std::slice::from_ref(pending), &optimize_pending)?;
                Ok(Cow::Owned(arrays.swap_remove(0)))
            }
            Repr::Symbolic { trace, .. } => Err(unreadable(trace)),
        }
    }

    /// Takes the array out, if it exists, leaving an empty tensor; so that a buffer that nobody else shares stays so.
    pub fn take_array(&mut self) -> Option<Array> {
        if !self.is_computed() {
            return None;
        }
        let empty = Repr::Concrete(Array::zeros(Fact::new(DType::Bool, [0])));
        match std::mem::replace(&mut self.repr, empty) {
            Repr::Concrete(array) | Repr::Taped { array, .. } => Some(array),
            Repr::Pending(pending) => pending.array(),
            Repr::Symbolic { .. } => None,
        }
    }

    /// Computes the elements, if they are pending, and returns the tensor.
    ///
    /// # Panics
    /// When the tensor is symbolic, or an op on the way to it fails on the data.
    #[track_caller]
    pub fn eval(&self) -> Tensor {
        or_raise(self.try_array());
        self.clone()
    }
}

/// Computes all of these that are pending, together.
///
/// # Errors
/// When one is symbolic, or an op on the way to one fails on the data.
#[track_caller]
pub fn eval_all(tensors: &[Tensor]) -> Result<(), Error> {
    let mut waiting = Vec::new();
    for tensor in tensors.iter().filter(|tensor| !tensor.is_computed()) {
        match &tensor.repr {
            Repr::Pending(pending) => waiting.push(pending.clone()),
            Repr::Symbolic { trace, .. } => return Err(unreadable(trace)),
            Repr::Concrete(_) | Repr::Taped { .. } => {}
        }
    }
    if waiting.is_empty() {
        return Ok(());
    }
    Pending::eval(&waiting, &optimize_pending).map(drop)
}

#[track_caller]
fn unreadable(trace: &Trace) -> Error {
    let name = trace.name();
    let message = if trace.is_open() {
        format!("a tensor has no value while `{name}` is traced; return it and read it outside")
    } else {
        format!("a tensor was kept after the trace of `{name}` ended; return it from the function instead")
    };
    Error::Trace { message, origin: Origin::caller() }
}
