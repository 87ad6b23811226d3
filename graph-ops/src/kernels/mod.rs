//! Kernels: loops over dense arrays. They know slices and shapes, no tensors and no graphs.

pub(crate) mod gemm;
pub(crate) mod indices;
pub(crate) mod lanes;
pub(crate) mod matmul;
pub(crate) mod pointwise;
pub(crate) mod random;
pub(crate) mod reduce;
pub(crate) mod scalar;
pub(crate) mod scan;
pub(crate) mod softmax;
pub(crate) mod strided;

use graph_core::{Infallible, Kernel, Source, ViewMut};

/// Work below this many elements is done on the calling thread: handing half of it to a second one costs more than it
/// saves. Measured in additions of f32, of which this many take 50 µs and a hand-over costs 10 to 20; kernels whose
/// elements cost more count each as several.
pub(crate) const PARALLEL_ELEMENTS: usize = 1 << 19;

/// The kernel of every op whose output is its operand.
pub(crate) fn copy() -> Box<dyn Kernel> {
    Box::new(Infallible(|outs: &mut [ViewMut<'_>], ins: &[Source<'_>]| outs[0].copy_from(ins[0].view())))
}
