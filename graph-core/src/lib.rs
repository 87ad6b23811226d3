//! The engine of Grafito: graphs, their construction, verification, optimization, planning and execution.
//!
//! It knows nothing of any particular numeric operation: those are [`Op`]s, defined elsewhere.

mod array;
mod attr;
mod buffer;
mod draw;
mod dtype;
mod error;
mod exec;
mod fact;
mod given;
mod grad;
mod graph;
mod ids;
mod kernel;
mod mode;
mod op;
mod origin;
mod passes;
mod pending;
mod plan;
mod pool;
mod rewrite;
mod scope;
mod shape;
mod team;
mod text;
mod trace;
mod verify;
mod vjp;

// In reading order: what a value is, what an op is, what a graph is, how it is made and run.
pub use array::Array;
pub use attr::{Attr, Attributes};
pub use buffer::ALIGNMENT;
pub use dtype::{DType, Element};
pub use error::{Error, FailedOp, OpError, Operand};
pub use exec::{Arena, Profile, StepProfile, compute, compute_over, run_once, run_with};
pub use fact::{Fact, Facts};
pub use given::Given;
pub use grad::{Algebra, backward};
pub use graph::{CallScopes, Graph, Node, NodeKind};
pub use ids::{NodeId, Value, Values};
pub use kernel::{
    ChainFamily, ChainLink, ChainLoop, ChainOther, ChainRow, DataCheck, Infallible, Kernel, Link, MOST_LINKS,
    MOST_OPERANDS, Primitive, Rectangle, RowFold, RowKernel, RowLoop, RowOperand, RowSpan, RowWalk, RowWalks,
    Rows, RowsLoop, ScalarCheck, ScalarFn, ScalarKernel, Source, Strides, Tiled, Untiled, View, ViewMut,
    row_offset,
};
pub use mode::{MODE_VARIABLE, Mode, mode, set_mode, with_mode};
pub use op::{Class, Op, OpIdentity, OpRef, infer, operands};
pub use origin::Origin;
pub use passes::{
    Changed, Pass, PassRun, Pipeline, Report, Reshape, cse, dce, fold, forward, hoist, inline, share, unroll,
};
pub use pending::{Pending, PendingOperand};
pub use plan::{Fusion, MachineCode, Plan, PlanOptions};
pub use pool::empty_pool;
pub use rewrite::{Bindings, FindOp, Rule, Rules, Site, Term, simplify};
pub use scope::NameScope;
pub use shape::Shape;
pub use team::{Address, THREADS_VARIABLE, can_share, num_threads, parallel, set_num_threads};
pub use text::{OpFromText, WithOrigins};
pub use trace::{Captured, Entered, Recording, Trace, TraceKind, name_scope};
pub use verify::{Violation, verify, verify_after};
pub use vjp::Vjp;
