//! Tensors and the operations on them: shape rules, gradients, kernels for the host, and the rewrite rules over ops.

mod grad;
mod kernels;
pub mod ops;
mod returned;
mod tensor;
mod tree;

pub use ops::algebra::TensorAlgebra;
pub use ops::axes::Axes;
pub use ops::vjp::{Cotangents, VjpExt};
pub use grad::{grad, value_and_grad, value_and_grad_aux, with_vjp};
pub use returned::Returned;
pub use tree::{
    Fixed, Path, Segment, TensorTree, TreeVisitor, leaf_paths, leaves, visit_sequence, zip_leaves,
};
pub use tensor::{IntoElements, Operand, Scalar, Tensor, apply, apply_many, catch, raise, try_apply_many};

use std::sync::LazyLock;

use graph_core::{Error, Graph, Pass, Pipeline, Report, cse, dce, fold, inline};

static PIPELINE: LazyLock<Pipeline> = LazyLock::new(|| {
    Pipeline::new([Pass::new("inline", inline), Pass::new("fold", fold), Pass::new("cse", cse), Pass::new("dce", dce)])
});

/// Runs all passes, in their order, and says what each did.
///
/// # Errors
/// When a pass breaks the graph.
pub fn optimize(graph: &mut Graph) -> Result<Report, Error> {
    PIPELINE.run(graph)
}

/// Optimizes the pending graph before it is run.
pub(crate) fn optimize_pending(graph: &mut Graph) -> Result<(), Error> {
    optimize(graph).map(drop)
}
