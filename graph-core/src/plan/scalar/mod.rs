//! Scalar programs: control flow on scalars, compiled to flat code over registers.
//!
//! A loop counter or a condition is a handful of operations on single numbers. Through tensor kernels each would cost
//! tens of nanoseconds; here a structural node all of whose values are scalars, regions and all, becomes a list of
//! instructions with jumps, which `exec/scalar.rs` interprets. A register holds the bits of a value, zero-extended.
//!
//! With the feature `jit`, what is worth it becomes machine code, too.

mod compile;
mod fuse;
mod instruction;
// Without the feature, a type of no values: the rest knows nothing of features.
#[cfg_attr(not(feature = "jit"), path = "no_native.rs")]
mod native;
mod program;

pub(crate) use instruction::Instruction;
pub(crate) use native::Native;
pub(crate) use program::{Program, bits};

use crate::error::Error;
use crate::graph::{Graph, NodeKind};
use crate::ids::NodeId;
use crate::plan::options::{MachineCode, PlanOptions};

/// How a structural node on scalars is computed.
pub(crate) struct ScalarCode {
    pub(crate) program: Program,
    /// The same as machine code, on the same registers, where there is any.
    pub(crate) native: Option<Native>,
}

/// To compile a short loop takes a third of a millisecond, as long as to interpret some 30,000 of its iterations; plans are
/// run many times.
const WORTHY_ITERATIONS: usize = 1000;

/// The code of a structural node; `None` where not everything in it is a scalar with a scalar function.
pub(super) fn compile(graph: &Graph, id: NodeId, options: PlanOptions) -> Result<Option<ScalarCode>, Error> {
    let Some(program) = compile::compile(graph, id)? else { return Ok(None) };
    let is_worth_it = match options.machine_code {
        MachineCode::Off => false,
        MachineCode::Auto => iterations(graph.node(id).kind()) >= WORTHY_ITERATIONS,
        MachineCode::Forced => true,
    };
    let native = if is_worth_it { Native::compile(graph, id, &program) } else { None };
    Ok(Some(ScalarCode { program, native }))
}

/// How often the innermost part of a node may be computed: once where it has no loop, and without end where nobody knows.
fn iterations(kind: &NodeKind) -> usize {
    let inner = || {
        let regions = kind.regions();
        let kinds = regions.iter().flat_map(|region| region.node_ids().map(|id| region.node(id).kind()));
        kinds.map(iterations).max().unwrap_or(1)
    };
    match kind {
        NodeKind::While { .. } => usize::MAX,
        NodeKind::For { trips, .. } => trips.unwrap_or(usize::MAX).saturating_mul(inner()),
        _ => inner(),
    }
}
