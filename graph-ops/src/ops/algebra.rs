//! The operations that the accumulation of gradients needs.

use graph_core::{Algebra, Error, Fact, Origin, Trace, Value};

use crate::tensor::Tensor;

/// Sums, zeros and reversals, as tensor ops.
#[derive(Debug, Clone, Copy)]
pub struct TensorAlgebra;

impl Algebra for TensorAlgebra {
    fn add(&self, trace: &Trace, a: Value, b: Value) -> Result<Value, Error> {
        let sum = Tensor::from_traced(trace, a) + Tensor::from_traced(trace, b);
        sum.value_in(trace, Origin::caller())
    }

    fn zeros(&self, trace: &Trace, fact: &Fact) -> Result<Value, Error> {
        let zero = Tensor::from_array(graph_core::Array::zeros(Fact::scalar(fact.dtype)));
        let zero = Tensor::from_traced(trace, zero.value_in(trace, Origin::caller())?);
        zero.broadcast_to(&fact.shape).value_in(trace, Origin::caller())
    }
}
