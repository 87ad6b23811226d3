//! The kernels of a graph's steps, each of which an op is asked for once. (Control flow on scalars asks for its own, as often
//! as it is compiled: `scalar/program.rs`.)

use smallvec::SmallVec;

use super::provenance::Provenance;
use crate::error::Error;
use crate::fact::Fact;
use crate::graph::{Graph, NodeKind};
use crate::ids::NodeId;
use crate::kernel::{Kernel, MOST_OPERANDS, RowKernel};

/// By the index of the node, until its step is made. A view has none.
pub(super) struct Kernels(Vec<Option<Box<dyn Kernel>>>);

impl Kernels {
    /// The kernels of these nodes.
    pub(super) fn of(graph: &Graph, nodes: &[NodeId]) -> Result<Kernels, Error> {
        let mut kernels: Vec<Option<Box<dyn Kernel>>> = Vec::new();
        kernels.resize_with(graph.index_bound(), || None);
        for &id in nodes {
            let node = graph.node(id);
            if let NodeKind::Apply(op) = node.kind()
                && !node.kind().is_view()
            {
                let facts: SmallVec<[&Fact; 4]> = node.inputs().iter().map(|&v| graph.fact(v)).collect();
                let kernel = op.kernel(&facts, node.facts());
                kernels[id.index()] = Some(kernel.map_err(|reason| Provenance::of(graph, id).error(reason))?);
            }
        }
        Ok(Kernels(kernels))
    }

    pub(super) fn get(&self, id: NodeId) -> Option<&dyn Kernel> {
        self.0[id.index()].as_deref()
    }

    /// The kernel, for its step.
    pub(super) fn take(&mut self, id: NodeId) -> Box<dyn Kernel> {
        self.0[id.index()].take().expect("an op that computes has a kernel, and one step")
    }

    /// A node as a function of rows, if it is one of no more operands than an instruction has.
    pub(super) fn row(&self, graph: &Graph, id: NodeId) -> Option<RowKernel> {
        self.get(id).filter(|_| graph.node(id).inputs().len() <= MOST_OPERANDS)?.row()
    }

    /// Whether a node may fail, on the data that it is given.
    pub(super) fn may_fail(&self, graph: &Graph, id: NodeId) -> bool {
        match graph.node(id).kind() {
            NodeKind::Input { .. } | NodeKind::Constant(_) => false,
            NodeKind::Apply(_) => self.get(id).is_some_and(|kernel| kernel.may_fail()),
            NodeKind::Call { .. } | NodeKind::If { .. } | NodeKind::While { .. } | NodeKind::For { .. } => {
                true
            }
        }
    }
}
