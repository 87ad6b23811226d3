//! Gradient rules over tensors: reads a node's operands as tensors, and hands the cotangents back to the engine.

use graph_core::{Error, Origin, Value, Vjp};
use smallvec::{SmallVec, smallvec};

use crate::tensor::Tensor;

/// The parts of a [`Vjp`] as tensors.
pub trait VjpExt {
    /// Operand `i`.
    fn input(&self, i: usize) -> Tensor;
    /// Output `i`.
    fn output(&self, i: usize) -> Tensor;
    /// The cotangent of output `i`; `None` where it is zero.
    fn cotangent(&self, i: usize) -> Option<Tensor>;
    /// No cotangent for any operand.
    fn nothing(&self) -> SmallVec<[Option<Value>; 4]>;
}

impl VjpExt for Vjp<'_> {
    fn input(&self, i: usize) -> Tensor {
        Tensor::from_traced(self.trace(), self.inputs[i])
    }

    fn output(&self, i: usize) -> Tensor {
        Tensor::from_traced(self.trace(), self.outputs[i])
    }

    fn cotangent(&self, i: usize) -> Option<Tensor> {
        self.cotangents[i].map(|value| Tensor::from_traced(self.trace(), value))
    }

    fn nothing(&self) -> SmallVec<[Option<Value>; 4]> {
        smallvec![None; self.inputs.len()]
    }
}

/// The cotangents of all operands, in order.
#[derive(Debug)]
pub struct Cotangents(SmallVec<[Option<Tensor>; 4]>);

impl Cotangents {
    /// As values of the trace.
    ///
    /// # Errors
    /// When a tensor belongs to another trace.
    pub fn emit(self, cx: &Vjp<'_>) -> Result<SmallVec<[Option<Value>; 4]>, Error> {
        self.0
            .into_iter()
            .map(|tensor| tensor.map(|tensor| tensor.value_in(cx.trace(), Origin::caller())).transpose())
            .collect()
    }
}

impl FromIterator<Option<Tensor>> for Cotangents {
    fn from_iter<I: IntoIterator<Item = Option<Tensor>>>(tensors: I) -> Cotangents {
        Cotangents(tensors.into_iter().collect())
    }
}
