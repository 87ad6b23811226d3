//! Plans: a graph made ready to run, with everything decided that can be decided once.
//!
//! A plan is an ordered list of [`Step`]s over *places*. Temporaries live at fixed offsets of one arena, assigned from
//! liveness by the [`planner`]; a value computed in place shares the place of its operand; a reshape shares the place
//! it views. Regions become plans of their own, whose arenas are slots of the parent's.

mod apart;
mod arena;
mod epilogue;
mod kernels;
mod options;
mod planner;
mod print;
mod provenance;
mod rows;
mod scalar;
mod schedule;
mod step;

use self::apart::Apart;
pub use self::options::{Fusion, MachineCode, PlanOptions};
pub(crate) use rows::{
    Chain, Fold, Home, Level, Reading, Register, RowAction, RowInstruction, RowProgram, Target,
};
pub(crate) use scalar::{Instruction, ScalarCode, bits};
pub(crate) use step::{Action, Argument, Place, Slot, Step, SubPlan, TileProgram};

use crate::array::Array;
use crate::error::Error;
use crate::fact::Fact;
use crate::graph::Graph;
use crate::team::Pace;
use crate::verify::verify_after;

/// A graph compiled for the host's processor: what runs when it is called, decided once. Displayed, it says what was decided.
///
/// What `#[graph_fn]` calls keep and replay; made by hand where a graph is to be planned in other ways, or run without a
/// function around it.
///
/// ```
/// use graph_core::{Arena, Array, Graph, Plan};
///
/// # let op_from_text = |_: &str, _: &graph_core::Attributes| Ok(None);
/// let graph = Graph::parse("graph identity(%x: f32[2]) { return %x }", &op_from_text)?;
/// let plan = Plan::new(&graph)?;
/// let x = Array::from_slice([2], &[1.0f32, 2.0]).unwrap();
/// let outputs = plan.run(&mut [x], &mut Arena::new(&plan))?;
/// assert_eq!(outputs[0].as_slice::<f32>(), Some(&[1.0, 2.0][..]));
/// assert_eq!((plan.num_steps(), plan.arena_bytes()), (0, 0));
/// println!("{plan}");
/// # Ok::<(), graph_core::Error>(())
/// ```
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
    apart: Vec<(String, Apart)>,
    /// Whether it runs on the team or on one thread.
    pub(crate) pace: Pace,
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
