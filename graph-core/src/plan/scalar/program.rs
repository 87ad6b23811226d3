//! Scalar programs.

use super::instruction::{Instruction, Register};
use crate::error::{Error, OpError};
use crate::graph::Graph;
use crate::ids::NodeId;
use crate::kernel::{ScalarCheck, ScalarKernel};
use crate::op::OpRef;
use crate::plan::provenance::Provenance;

/// Code over registers.
pub(crate) struct Program {
    pub(crate) code: Vec<Instruction>,
    pub(crate) num_registers: usize,
    /// What registers hold before the code runs.
    pub(crate) constants: Vec<(Register, u64)>,
    pub(crate) checks: Vec<Check>,
    /// Where the node's operands go.
    pub(crate) operands: Vec<Register>,
    /// Where its results are.
    pub(crate) results: Vec<Register>,
}

/// What is checked of an operand, and which op's operand it is.
pub(crate) struct Check {
    scalar: ScalarCheck,
    provenance: Provenance,
}

impl Check {
    pub(super) fn new(scalar: ScalarCheck, graph: &Graph, id: NodeId) -> Check {
        Check { scalar, provenance: Provenance::of(graph, id) }
    }

    /// Whether it holds of an operand of these bits.
    pub(crate) fn holds(&self, bits: u64) -> bool {
        (self.scalar.holds)(bits) != 0
    }

    /// What is said where it does not.
    pub(crate) fn error(&self) -> Error {
        self.provenance.error(OpError::value(self.scalar.reason))
    }
}

/// The function of a node's op; `None` if it has none.
pub(super) fn kernel(graph: &Graph, id: NodeId, op: &OpRef) -> Result<Option<ScalarKernel>, Error> {
    let node = graph.node(id);
    let facts: Vec<_> = node.inputs().iter().map(|&value| graph.fact(value)).collect();
    let kernel = op.kernel(&facts, node.facts());
    Ok(kernel.map_err(|reason| Provenance::of(graph, id).error(reason))?.scalar())
}

/// The bits of a scalar, zero-extended.
pub(crate) fn bits(bytes: &[u8]) -> u64 {
    let mut bits = [0; 8];
    bits[..bytes.len()].copy_from_slice(bytes);
    u64::from_le_bytes(bits)
}
