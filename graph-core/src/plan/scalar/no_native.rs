//! No machine code: the feature `jit` is off.

use super::program::Program;
use crate::error::Error;
use crate::graph::Graph;
use crate::ids::NodeId;

/// There is none.
pub(crate) enum Native {}

impl Native {
    pub(super) fn compile(_: &Graph, _: NodeId, _: &Program) -> Option<Native> {
        None
    }

    pub(crate) fn run(&self, _: &mut [u64]) -> Result<(), Error> {
        match *self {}
    }
}
