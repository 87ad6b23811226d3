//! Plans: a graph made ready to run, with everything decided that can be decided once.
//!
//! A plan is an ordered list of [`Step`]s over *places*. Temporaries live at fixed offsets of one arena, assigned from
//! liveness by the [`planner`]; a value computed in place shares the place of its operand; a reshape shares the place
//! it views. Regions become plans of their own, whose arenas are slots of the parent's.

mod arena;
mod epilogue;
mod kernels;
mod planner;
mod print;
mod rows;
mod scalar;
mod schedule;

use smallvec::SmallVec;

pub(crate) use print::Alone;
pub(crate) use rows::{
    Chain, Fold, Home, Level, Reading, Register, RowAction, RowInstruction, RowProgram, Target,
};
pub(crate) use scalar::{Instruction, ScalarCode, bits};

use crate::array::Array;
use crate::error::{Error, OpError, Operand};
use crate::fact::Fact;
use crate::graph::Graph;
use crate::ids::NodeId;
use crate::kernel::{Kernel, Tiled};
use crate::origin::Origin;
use crate::team::Pace;
use crate::verify::verify_after;

/// A graph compiled for the host's processor.
pub struct Plan {
    pub(crate) steps: Vec<Step>,
    /// Size of the arena, in bytes.
    pub(crate) arena_bytes: usize,
    /// What no layout of it could do without.
    pub(crate) least_bytes: usize,
    /// Stacks of this plan and of those of its regions.
    pub(crate) num_stacks: usize,
    pub(crate) constants: Vec<Array>,
    /// Which inputs are overwritten: their buffers must be the caller's alone.
    pub(crate) overwritten: Vec<bool>,
    pub(crate) input_facts: Vec<Fact>,
    /// Buffers made for outputs that no input's buffer can hold.
    pub(crate) fresh: Vec<Fact>,
    /// Where each output is at the end.
    pub(crate) outputs: Vec<Slot>,
    /// Of a loop's body: which loop variables have their next value in the place of the one before.
    pub(crate) stays: Vec<bool>,
    /// Ops that are steps of their own, and why.
    pub(crate) alone: Vec<(String, Alone)>,
    /// Whether it runs on the team or on one thread.
    pub(crate) pace: Pace,
}

/// What a planner may do. No result depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PlanOptions {
    /// Which ops are computed together.
    pub fusion: Fusion,
    /// Which control flow on scalars becomes machine code.
    pub machine_code: MachineCode,
}

/// Whether ops on the same rows are computed together, in one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fusion {
    /// Each op is a step.
    Off,
    /// Where it is estimated to be worth it.
    #[default]
    Auto,
    /// Wherever it can be done, an op alone included: shows in tests that nothing depends on the estimates.
    Forced,
}

/// Whether control flow on scalars becomes machine code. Without the feature `jit`, none does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MachineCode {
    /// It is interpreted.
    Off,
    /// Loops that may be long.
    #[default]
    Auto,
    /// Whatever can.
    Forced,
}

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

/// What a step comes from: what is needed to report a failed one at the user's line, and to say what takes time.
pub(crate) struct Provenance {
    pub(crate) op: String,
    /// The nodes that it computes, in order.
    pub(crate) nodes: SmallVec<[NodeId; 1]>,
    pub(crate) origin: Origin,
    pub(crate) operands: Vec<Operand>,
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
    fn scratch_mut(&mut self) -> SmallVec<[&mut usize; 4]> {
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

impl Plan {
    /// Plans a graph to be called from outside: outputs are arrays, donated inputs may become outputs.
    ///
    /// The graph is verified first: execution follows addresses that are only as right as its facts.
    ///
    /// # Errors
    /// When the graph breaks the rules of the IR, or an op has no kernel for its operands.
    pub fn new(graph: &Graph) -> Result<Plan, Error> {
        Plan::with_options(graph, PlanOptions::default())
    }

    /// The same, decided in other ways.
    ///
    /// # Errors
    /// As [`Plan::new`].
    pub fn with_options(graph: &Graph, options: PlanOptions) -> Result<Plan, Error> {
        verify_after("before planning", graph)?;
        planner::plan(graph, planner::Border::Caller, options)
    }

    /// Number of steps, those of regions not counted.
    pub fn num_steps(&self) -> usize {
        self.steps.len()
    }

    /// Size of the memory for temporaries, in bytes.
    pub fn arena_bytes(&self) -> usize {
        self.arena_bytes
    }

    /// What no layout of the arena could do without, in bytes: the most that is alive at once.
    pub fn least_arena_bytes(&self) -> usize {
        self.least_bytes
    }

    /// What an iteration of a loop of unknown length leaves for its gradient, in bytes: the rows of all stacks, each
    /// loop counted once, those of regions included.
    pub fn saved_bytes_per_iteration(&self) -> usize {
        let own =
            self.steps.iter().filter(|step| matches!(step.action, Action::While { .. })).flat_map(|step| {
                step.results.iter().filter_map(|slot| slot.fact.row().filter(|_| slot.fact.is_stack()))
            });
        let inner = self.steps.iter().flat_map(|step| step.action.regions());
        own.map(|row| row.num_bytes()).sum::<usize>()
            + inner.map(|region| region.plan.saved_bytes_per_iteration()).sum::<usize>()
    }

    /// Visits every offset in the arena, those of regions' own arenas not counted.
    fn in_arena_mut(&mut self, mut visit: impl FnMut(&mut usize)) {
        let mut visit_place = |slot: &mut Slot| {
            if let Place::Arena(offset) = &mut slot.place {
                visit(offset);
            }
        };
        self.outputs.iter_mut().for_each(&mut visit_place);
        for step in &mut self.steps {
            let arguments = step.arguments.iter_mut().filter_map(|argument| match argument {
                Argument::Slot(slot) => Some(slot),
                Argument::InPlace => None,
            });
            arguments.chain(&mut step.results).for_each(&mut visit_place);
        }
        self.steps.iter_mut().flat_map(|step| step.action.scratch_mut()).for_each(visit);
    }

    /// How many inputs are updated in place.
    pub fn num_in_place_inputs(&self) -> usize {
        self.overwritten.iter().filter(|&&is| is).count()
    }
}

impl Provenance {
    /// That of a node.
    fn of(graph: &Graph, id: NodeId) -> Provenance {
        let node = graph.node(id);
        let operands = node.inputs().iter().map(|&value| Operand {
            fact: graph.fact(value).clone(),
            origin: graph.node(value.node()).origin(),
        });
        Provenance {
            op: node.kind().name().to_owned(),
            nodes: SmallVec::from_elem(id, 1),
            origin: node.origin(),
            operands: operands.collect(),
        }
    }

    pub(crate) fn error(&self, reason: OpError) -> Error {
        Error::op(self.op.clone(), reason, self.operands.clone(), self.origin)
    }
}
