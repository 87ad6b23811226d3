//! Handles: typed indices of nodes and of the values they define.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};

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

/// Something for each of some indices.
pub(crate) type IndexMap<K, T> = HashMap<K, T, BuildHasherDefault<IndexHasher>>;

/// Some indices.
pub(crate) type IndexSet<K> = HashSet<K, BuildHasherDefault<IndexHasher>>;

/// Hashes indices and addresses. Nobody chooses them to collide, so a product will do: by an odd number, half of whose
/// bits are set, which maps what differs in low bits to what differs in low bits and high ones.
#[derive(Debug, Default)]
pub(crate) struct IndexHasher(u64);

impl IndexHasher {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15; // 2^64 over the golden ratio.
}

impl Hasher for IndexHasher {
    fn write_u32(&mut self, index: u32) {
        self.write_u64(index.into());
    }

    fn write_usize(&mut self, index: usize) {
        self.write_u64(index as u64);
    }

    fn write_u64(&mut self, index: u64) {
        self.0 = (self.0.rotate_left(32) ^ index).wrapping_mul(IndexHasher::FACTOR);
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.write_u64(byte.into()));
    }

    fn finish(&self) -> u64 {
        // Tables look at the low bits, which for aligned addresses are all zeros.
        self.0.rotate_left(26)
    }
}
