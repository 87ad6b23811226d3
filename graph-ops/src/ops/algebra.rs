//! The arithmetic that accumulating gradients needs: sums and zeros, made of ordinary ops.

use graph_core::{Algebra, Array, Error, Fact, Origin, Trace, Value};

use crate::tensor::Tensor;

/// [`Algebra`] over tensors.
#[derive(Debug, Clone, Copy, Default)]
pub struct TensorAlgebra;

impl Algebra for TensorAlgebra {
    fn add(&self, trace: &Trace, a: Value, b: Value) -> Result<Value, Error> {
        let _entered = enter(trace);
        let sum = Tensor::from_traced(trace, a) + Tensor::from_traced(trace, b);
        sum.value_in(trace, Origin::caller())
    }

    fn zeros(&self, trace: &Trace, fact: &Fact) -> Result<Value, Error> {
        let _entered = enter(trace);
        let zero = Tensor::from_array(Array::zeros(Fact::scalar(fact.dtype)));
        zero.broadcast_to(&fact.shape).value_in(trace, Origin::caller())
    }
}

/// Makes the trace current, unless it is.
fn enter(trace: &Trace) -> Option<graph_core::Entered> {
    (Trace::current().as_ref() != Some(trace)).then(|| trace.enter())
}
