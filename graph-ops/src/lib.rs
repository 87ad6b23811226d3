//! Tensors and the operations on them: shape rules, gradients, kernels for the host, and the rewrite rules over ops.

mod accumulate;
mod control;
mod grad;
mod kernels;
pub mod ops;
mod optimize;
mod region;
pub mod registry;
mod returned;
mod rows;
mod rules;
mod tensor;
mod tree;

pub use control::{cond, scan, while_loop};
pub use grad::{checkpoint, grad, value_and_grad, value_and_grad_aux, with_vjp};
pub use ops::algebra::TensorAlgebra;
pub use ops::axes::Axes;
pub use ops::effects::{check, print_text};
pub use ops::slice::Span;
pub use ops::vjp::{Cotangents, VjpExt};
pub use ops::windows::Padding;
pub use optimize::{optimize, pipeline};
pub use region::{Capture, OpenRegion, Region, outer, union};
pub use returned::Returned;
pub use rows::{
    Enumerated, Rows, TensorIterator, TensorRange, Trips, Zipped, range, range_between, range_step,
};
pub use rules::rules;
pub use tensor::{
    IntoElements, Operand, Scalar, Tensor, apply, apply_many, catch, computes_at_once, eval_all, or_raise,
    raise, symbolic_trace, try_apply_many,
};
pub use tree::{
    Fixed, Path, Segment, TensorTree, TreeVisitor, Variant, fixed, is_number, leaf_paths, leaf_paths_in,
    leaves, visit_sequence, zip_leaves,
};
