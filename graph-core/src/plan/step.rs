//! Steps: what a plan does, in which places.

use smallvec::SmallVec;

use super::Plan;
use super::provenance::Provenance;
use super::rows::RowProgram;
use super::scalar::ScalarCode;
use crate::fact::Fact;
use crate::kernel::{Kernel, Tiled};

/// Where a value's bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    /// At an offset of the arena.
    Arena(usize),
    /// In the buffer of an input.
    Input(usize),
    /// In a constant.
    Constant(usize),
    /// In a buffer made for an output.
    Fresh(usize),
    /// In a stack, which grows while a loop runs.
    Stack(usize),
}

/// A place with the fact of the value in it.
#[derive(Debug, Clone)]
pub(crate) struct Slot {
    pub(crate) place: Place,
    pub(crate) fact: Fact,
}

/// Where a step's operand is.
#[derive(Debug, Clone)]
pub(crate) enum Argument {
    Slot(Slot),
    /// In the step's first destination.
    InPlace,
}

pub(crate) struct Step {
    pub(crate) action: Action,
    pub(crate) arguments: SmallVec<[Argument; 4]>,
    pub(crate) results: SmallVec<[Slot; 1]>,
    pub(crate) provenance: Provenance,
}

/// A kernel in tiles, and what is done with the rows of each.
pub(crate) struct TileProgram {
    pub(crate) kernel: Box<dyn Kernel>,
    /// The name of the op that it is the kernel of.
    pub(crate) producer: String,
    /// The epilogue.
    pub(crate) program: RowProgram,
    /// The program's argument that the kernel computes. The kernel's operands come after the program's arguments.
    pub(crate) computed: usize,
    /// Tiles that are worth a part of their own.
    pub(crate) tiles_per_part: usize,
}

impl TileProgram {
    pub(crate) fn tiled(&self) -> &dyn Tiled {
        self.kernel.tiled().expect("it was planned for its tiles")
    }
}

pub(crate) enum Action {
    Kernel(Box<dyn Kernel>),
    /// Several ops, row by row.
    Rows(RowProgram),
    /// The same on a kernel's output, tile by tile.
    Tiles(TileProgram),
    /// Copies the argument to the result.
    Copy,
    Call(SubPlan),
    /// Control flow on scalars.
    Scalar {
        code: ScalarCode,
        /// Offset of the registers.
        registers: usize,
    },
    If {
        then_plan: SubPlan,
        else_plan: SubPlan,
    },
    While {
        condition: SubPlan,
        body: SubPlan,
        carried: usize,
        /// Offset of the condition's result.
        decision: usize,
        /// Second homes of the loop variables that do not stay in one; the first are the results.
        spare: Vec<usize>,
    },
    For {
        body: SubPlan,
        /// `None`: as many as its stacks have rows.
        trips: Option<usize>,
        reverse: bool,
        carried: usize,
        scanned: usize,
        /// Offset of the iteration's number.
        counter: usize,
        spare: Vec<usize>,
    },
}

impl Action {
    /// Arithmetic operations, where that is known.
    pub(crate) fn flop(&self) -> u64 {
        match self {
            Action::Kernel(kernel) => kernel.flop(),
            Action::Rows(program) => program.flop,
            Action::Tiles(TileProgram { kernel, program, .. }) => kernel.flop() + program.flop,
            _ => 0,
        }
    }

    /// The plans of the node's regions.
    pub(crate) fn regions(&self) -> SmallVec<[&SubPlan; 2]> {
        match self {
            Action::Kernel(_) | Action::Rows(_) | Action::Tiles(_) | Action::Copy | Action::Scalar { .. } => {
                SmallVec::new()
            }
            Action::Call(body) | Action::For { body, .. } => SmallVec::from_iter([body]),
            Action::If { then_plan, else_plan } => SmallVec::from_iter([then_plan, else_plan]),
            Action::While { condition, body, .. } => SmallVec::from_iter([condition, body]),
        }
    }

    /// The offsets of what it needs of the arena beside its operands and results.
    pub(super) fn scratch_mut(&mut self) -> SmallVec<[&mut usize; 4]> {
        match self {
            Action::Kernel(_) | Action::Rows(_) | Action::Tiles(_) | Action::Copy => SmallVec::new(),
            Action::Scalar { registers, .. } => SmallVec::from_iter([registers]),
            Action::Call(body) => SmallVec::from_iter([&mut body.arena]),
            Action::If { then_plan, else_plan } => {
                SmallVec::from_iter([&mut then_plan.arena, &mut else_plan.arena])
            }
            Action::While { condition, body, decision, spare, .. } => {
                [&mut condition.arena, &mut body.arena, decision].into_iter().chain(spare).collect()
            }
            Action::For { body, counter, spare, .. } => {
                [&mut body.arena, counter].into_iter().chain(spare).collect()
            }
        }
    }
}

/// A region's plan, with the offset of its arena in the parent's.
pub(crate) struct SubPlan {
    pub(crate) plan: Plan,
    pub(crate) arena: usize,
    /// Number of its first stack among those of its parent.
    pub(crate) first_stack: usize,
}
