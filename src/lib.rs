//! Grafito: ordinary Rust functions, traced into computation graphs, optimized, and run.

#![forbid(unsafe_code)]

/// The README's program, as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// The programs of the page on control flow, as tests.
#[cfg(doctest)]
#[doc = include_str!("../docs/control-flow.md")]
struct ControlFlow;

/// The program of the page on TensorBoard, as a test.
#[cfg(doctest)]
#[doc = include_str!("../docs/tensorboard.md")]
struct OnTensorBoard;

/// The program of the page for those who come from Keras, as a test.
#[cfg(doctest)]
#[doc = include_str!("../docs/keras.md")]
struct Keras;

/// The program of the page on performance, as a test.
#[cfg(doctest)]
#[doc = include_str!("../docs/performance.md")]
struct Performance;

// The macros emit paths that start with `::grafito`, also within this crate.
extern crate self as grafito;

mod autograph;
pub mod datasets;
pub mod function;
pub mod nn;
pub mod session;
pub mod tensorboard;
pub mod terminal;

pub use function::CacheInfo;
pub use graph_core::{
    Arena, Array, Attr, Attributes, Changed, Class, DType, Element, Error, Fact, Facts, Fusion, Graph,
    Kernel, MachineCode, Mode, NameScope, Node, NodeId, NodeKind, Op, OpError, Origin, PassRun, Plan,
    PlanOptions, Profile, Report, Shape, Source, StepProfile, THREADS_VARIABLE, Value, View, ViewMut, Vjp,
    empty_pool, mode, name_scope, num_threads, operands, set_mode, set_num_threads, with_element, with_mode,
};
pub use graph_macros::{TensorTree, graph_fn};
pub use graph_ops::{
    Axes, Cotangents, Fixed, Operand, Padding, Scalar, Segment, Tensor, TensorTree, TreeVisitor, VjpExt,
    apply, apply_many, catch, checkpoint, cond, grad, leaves, optimize, raise, range, range_between,
    range_step, scan, value_and_grad, value_and_grad_aux, while_loop, with_vjp,
};

/// What nearly every program needs.
pub mod prelude {
    pub use crate::{
        DType, Mode, Padding, Shape, Tensor, TensorTree, grad, graph_fn, range, value_and_grad, with_mode,
    };
}

/// What the macros emit paths to. Not part of the public API.
#[doc(hidden)]
pub mod __private {
    pub use crate::autograph::*;
    pub use crate::function::{
        ByMut, ByRef, ByValue, FixedRef, FixedValue, Function, Invoke, Refuse, Refused, Tag, ViaFixed,
        ViaTree, give, lend,
    };
    pub use graph_ops::{Fixed, Segment, TensorTree, TreeVisitor, Variant, catch, fixed};
}
