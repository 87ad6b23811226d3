//! Kernels: loops over dense arrays. They know slices and shapes, no tensors and no graphs.

pub(crate) mod chain;
pub(crate) mod conv;
pub(crate) mod gemm;
pub(crate) mod indices;
pub(crate) mod instructions;
pub(crate) mod lanes;
pub(crate) mod loops;
pub(crate) mod made_for;
pub(crate) mod math;
pub(crate) mod matmul;
pub(crate) mod parallel;
pub(crate) mod pointwise;
pub(crate) mod pool;
pub(crate) mod quotient;
pub(crate) mod random;
pub(crate) mod reduce;
pub(crate) mod scalar;
pub(crate) mod scan;
pub(crate) mod scratch;
pub(crate) mod softmax;
pub(crate) mod strided;
pub(crate) mod vector;
pub(crate) mod windows;

use graph_core::{Infallible, Kernel, Source, ViewMut};

/// The kernel of every op whose output is its operand.
pub(crate) fn copy() -> Box<dyn Kernel> {
    Box::new(Infallible(|outs: &mut [ViewMut<'_>], ins: &[Source<'_>]| outs[0].copy_from(ins[0].view())))
}
