//! The memory that a plan runs in.

use std::cell::RefCell;

use super::stack::Stack;
use crate::array::Array;
use crate::buffer::Buffer;
use crate::plan::Plan;

/// Memory for the temporaries of one plan; kept between runs.
#[derive(Debug)]
pub struct Arena {
    pub(super) memory: Buffer,
    pub(super) stacks: Vec<RefCell<Stack>>,
    pub(super) workspace: Workspace,
}

impl Arena {
    /// An arena of the plan's size.
    pub fn new(plan: &Plan) -> Arena {
        let stacks = std::iter::repeat_with(|| RefCell::new(Stack::new())).take(plan.num_stacks);
        Arena {
            memory: Buffer::zeroed(plan.arena_bytes),
            stacks: stacks.collect(),
            workspace: Workspace::default(),
        }
    }
}

/// Lists that a run fills and empties; their room is kept.
#[derive(Debug, Default)]
pub(super) struct Workspace {
    /// Arrays made for outputs.
    pub(super) fresh: Vec<Array>,
    pub(super) input_addresses: Vec<*mut u8>,
    pub(super) fresh_addresses: Vec<*mut u8>,
}

// SAFETY: addresses are used by the run alone that put them there, which clears the lists first: after a run that panicked
// they may hold what nobody looks at.
unsafe impl Send for Workspace {}

impl Workspace {
    pub(super) fn clear(&mut self) {
        self.fresh.clear();
        self.input_addresses.clear();
        self.fresh_addresses.clear();
    }
}
