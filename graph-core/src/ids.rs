//! Handles: typed indices of nodes and of the values they define.

use std::fmt;

use smallvec::SmallVec;

/// A node of one graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(u32);

impl NodeId {
    pub(crate) fn new(index: usize) -> NodeId {
        NodeId(u32::try_from(index).expect("a graph has fewer than 2^32 nodes"))
    }

    /// Position in tables that are indexed by node.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// An output of a node: what operands refer to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Value {
    node: NodeId,
    output: u32,
}

/// The outputs of one node; nearly always one.
pub type Values = SmallVec<[Value; 1]>;

impl Value {
    /// Output number `output` of `node`.
    pub fn new(node: NodeId, output: usize) -> Value {
        Value { node, output: u32::try_from(output).expect("a node has fewer than 2^32 outputs") }
    }

    /// The node that defines it.
    pub fn node(self) -> NodeId {
        self.node
    }

    /// Which of the node's outputs it is.
    pub fn output(self) -> usize {
        self.output as usize
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "%{}", self.node.0)?;
        if self.output > 0 {
            write!(f, ".{}", self.output)?;
        }
        Ok(())
    }
}
