//! Pointwise ops: each output element is a function of the operands' elements at the same position.
//!
//! The functions themselves are the rows of `table.rs`; this file says, once for all of them, how they broadcast, how
//! dtypes combine, and how gradients flow back through broadcasting.

mod broadcast;
mod cast;
mod demand;
mod operators;
mod select;
mod table;

use graph_core::{
    Class, DType, Error, Fact, Facts, Given, Kernel, Op, OpError, RowLoop, ScalarKernel, Shape, Value, Vjp,
};
use smallvec::{SmallVec, smallvec};

pub use broadcast::BroadcastTo;
pub use cast::Cast;
pub use select::Select;
pub use table::ScalarOp;

use crate::kernels::made_for::MadeFor;
use crate::kernels::pointwise::{ElementFunction, PointwiseKernel};
use crate::kernels::quotient;
use crate::ops::vjp::{Cotangents, VjpExt};
use crate::tensor::{Operand, Tensor, apply_over, scalar_like};

/// A row of the table, applied to tensors with broadcasting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pointwise(pub ScalarOp);

/// The dtypes a row takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Domain {
    /// `f32`, `f64`.
    Float,
    /// The floats, `i32` and `i64`.
    Signed,
    /// The floats and all integers.
    Number,
    /// `bool` and the integers, bit by bit.
    Bits,
    /// Every dtype.
    Any,
}

impl Domain {
    /// Whether the dtype belongs to it.
    pub fn contains(self, dtype: DType) -> bool {
        match self {
            Domain::Float => dtype.is_float(),
            Domain::Signed => dtype.is_float() || matches!(dtype, DType::I32 | DType::I64),
            Domain::Number => dtype != DType::Bool,
            Domain::Bits => !dtype.is_float(),
            Domain::Any => true,
        }
    }

    fn describe(self) -> &'static str {
        match self {
            Domain::Float => "f32 and f64",
            Domain::Signed => "f32, f64, i32 and i64",
            Domain::Number => "floats and integers",
            Domain::Bits => "bool and integers",
            Domain::Any => "every dtype",
        }
    }
}

impl Op for Pointwise {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn infer(&self, inputs: &[&Fact]) -> Result<Facts, OpError> {
        let expected = self.0.arity();
        if inputs.len() != expected {
            return Err(OpError::Arity { expected, found: inputs.len() });
        }
        let dtype = inputs[0].dtype;
        if let Some(other) = inputs[1..].iter().find(|fact| fact.dtype != dtype) {
            return Err(OpError::MixedDTypes { left: dtype, right: other.dtype });
        }
        let domain = self.0.domain();
        if !domain.contains(dtype) {
            return Err(OpError::UnsupportedDType { dtype, accepts: domain.describe() });
        }
        let shape = broadcast_shapes(inputs)?;
        let dtype = if self.0.is_comparison() { DType::Bool } else { dtype };
        Ok(smallvec![Fact { dtype, shape }])
    }

    fn vjp(&self, cx: &Vjp<'_>) -> Result<SmallVec<[Option<Value>; 4]>, Error> {
        let Some(g) = cx.cotangent(0) else { return Ok(cx.nothing()) };
        let rule = self.0.gradient();
        let operands: SmallVec<[Tensor; 2]> = (0..cx.inputs.len()).map(|i| cx.input(i)).collect();
        let y = cx.output(0);
        let flow = |i: usize| {
            if !cx.needed[i] {
                return None;
            }
            // Broadcasting copies an element to many places, so its cotangent is the sum over them.
            let flowing = rule.flow(i, &g, &operands, &y)?;
            Some(flowing.sum_to(operands[i].shape()))
        };
        Cotangents::from_iter((0..operands.len()).map(flow)).emit(cx)
    }

    fn kernel(&self, inputs: &[&Fact], _: &[Fact]) -> Result<Box<dyn Kernel>, OpError> {
        let row_loop = row_loop(self.0, inputs[0].dtype).ok_or_else(|| OpError::UnsupportedDType {
            dtype: inputs[0].dtype,
            accepts: self.0.domain().describe(),
        })?;
        let dtype = inputs[0].dtype;
        let demand = self.0.demand(dtype);
        let (of_array, of_scalar) = demand.map(|demand| (demand.of_array, demand.of_scalar)).unzip();
        let scalar = |function| ScalarKernel { function, check: of_scalar, primitive: self.0.primitive() };
        let function = ElementFunction::new(row_loop)
            .with_check(of_array)
            .with_cost(self.0.cost(dtype))
            .with_scalar(self.0.on_bits(dtype).map(scalar));
        // SAFETY: both are of this row of the table and of this dtype.
        let function = unsafe { function.with_link(self.0.link(dtype)) };
        Ok(Box::new(PointwiseKernel::new(function, MadeFor::new(self, inputs)?)))
    }

    fn class(&self) -> Class {
        Class::Pointwise
    }
}

/// The loop that applies an op to elements of this dtype: that of its row in the table, unless there is a faster one.
fn row_loop(op: ScalarOp, dtype: DType) -> Option<RowLoop> {
    let faster = if op == ScalarOp::Div { quotient::row_loop(dtype) } else { None };
    faster.or_else(|| op.row_loop(dtype))
}

/// The shape that all operands broadcast to.
pub(crate) fn broadcast_shapes(inputs: &[&Fact]) -> Result<Shape, OpError> {
    let mut shape = inputs[0].shape.clone();
    for fact in &inputs[1..] {
        shape = shape
            .broadcast(&fact.shape)
            .ok_or_else(|| OpError::Broadcast { left: shape.clone(), right: fact.shape.clone() })?;
    }
    Ok(shape)
}

/// Applies a binary row to operands of which at least one is a tensor; a scalar takes the tensor's dtype. Operands that are
/// passed by value, and a left one that is assigned to, are donated.
#[track_caller]
pub(crate) fn binary<R: Operand>(op: ScalarOp, left: &mut impl Operand, mut right: R) -> Tensor {
    // In no closure: scalars, too, are of the caller's line.
    let left_scalar = match left.as_tensor() {
        Some(_) => None,
        None => Some(scalar_like(op.name(), left, tensor(&right))),
    };
    let right_scalar = match right.as_tensor() {
        Some(_) => None,
        None => Some(scalar_like(op.name(), &right, tensor(left))),
    };
    let left = left_scalar.as_ref().map(Given::Kept).or_else(|| left.as_given());
    let right = right_scalar.as_ref().map(Given::Kept).or_else(|| right.as_given());
    let [Some(left), Some(right)] = [left, right] else { unreachable!("each is a tensor, or made one") };
    apply_over(Pointwise(op), &mut [left, right])
}

/// The side of an operator whose other side is a scalar.
fn tensor(operand: &impl Operand) -> &Tensor {
    operand.as_tensor().expect("one side of an operator is a tensor")
}
