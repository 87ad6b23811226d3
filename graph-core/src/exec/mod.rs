//! Execution on the host: the one place, with buffers and kernels' views, that deals in host memory.

mod arena;
mod frame;
mod profile;
mod rows;
mod run;
mod scalar;
mod stack;

use smallvec::{SmallVec, smallvec};

pub use self::arena::Arena;
use self::profile::Recorder;
pub use self::profile::{Profile, StepProfile};
use crate::array::Array;
use crate::error::{Error, OpError};
use crate::fact::{Fact, Facts};
use crate::given::Given;
use crate::graph::{Graph, NodeKind};
use crate::kernel::{Kernel, Source, ViewMut};
use crate::op::Class;
use crate::plan::{MachineCode, Plan, PlanOptions};

impl Plan {
    /// Runs the plan. Arrays of inputs that the plan updates in place are overwritten (copied first where they are
    /// shared); an output that lives in an input's buffer shares it.
    ///
    /// # Errors
    /// When an op fails on the data. No input has been overwritten then.
    ///
    /// # Panics
    /// When inputs or arena are not those of this plan.
    pub fn run(&self, inputs: &mut [Array], arena: &mut Arena) -> Result<Vec<Array>, Error> {
        let mut outputs = Vec::with_capacity(self.outputs.len());
        self.run_into(inputs, arena, &mut outputs)?;
        Ok(outputs)
    }

    /// The same, adding the outputs to a list. With room there, and once the outputs of an earlier run have been dropped
    /// on this thread, nothing is allocated.
    ///
    /// # Errors
    /// As [`Plan::run`].
    ///
    /// # Panics
    /// As [`Plan::run`].
    pub fn run_into(
        &self,
        inputs: &mut [Array],
        arena: &mut Arena,
        outputs: &mut Vec<Array>,
    ) -> Result<(), Error> {
        run::run(self, inputs, arena, outputs, None)
    }

    /// Runs the plan so many times (once at least, and once more before, to warm up), each time on these inputs, and says
    /// where the time goes. The graph is the one that the plan was made from.
    ///
    /// # Errors
    /// As [`Plan::run`].
    ///
    /// # Panics
    /// As [`Plan::run`].
    pub fn profile(&self, graph: &Graph, inputs: &[Array], rounds: u32) -> Result<Profile, Error> {
        let mut arena = Arena::new(self);
        let mut outputs = Vec::new();
        // Inputs that are updated in place are copied once, and go on from there.
        let mut inputs = inputs.to_vec();
        self.run_into(&mut inputs, &mut arena, &mut outputs)?;
        let recorder = Recorder::new();
        for _ in 0..rounds.max(1) {
            outputs.clear();
            run::run(self, &mut inputs, &mut arena, &mut outputs, Some(&recorder))?;
        }
        Ok(recorder.profile(self, graph, rounds.max(1)))
    }
}

/// Plans and runs a graph once.
///
/// # Errors
/// When an op has no kernel or fails on the data.
///
/// # Panics
/// When the graph has inputs.
pub fn run_once(graph: &Graph) -> Result<Vec<Array>, Error> {
    run_with(graph, &mut [])
}

/// Plans and runs a graph once on these inputs.
///
/// # Errors
/// When an op has no kernel or fails on the data.
///
/// # Panics
/// When the inputs are not of the facts that the graph takes.
pub fn run_with(graph: &Graph, inputs: &mut [Array]) -> Result<Vec<Array>, Error> {
    // To compile takes longer than most loops that run once.
    let options = PlanOptions { machine_code: MachineCode::Off, ..PlanOptions::default() };
    let plan = Plan::with_options(graph, options)?;
    plan.run(inputs, &mut Arena::new(&plan))
}

/// Computes one node at once: what eager mode does for each operation.
///
/// # Errors
/// When the node does not take these operands or fails on the data.
pub fn compute(kind: &NodeKind, inputs: &[&Array]) -> Result<SmallVec<[Array; 1]>, OpError> {
    let mut kept: SmallVec<[Given<'_, Array>; 4]> = inputs.iter().map(|&array| Given::Kept(array)).collect();
    compute_over(kind, &mut kept)
}

/// The same, over the buffer of a donated operand where the op allows it, cannot fail, and nobody else shares the buffer:
/// such an operand is the result, too, afterwards. After an error all operands are what they were.
///
/// # Errors
/// As [`compute`].
pub fn compute_over(
    kind: &NodeKind,
    inputs: &mut [Given<'_, Array>],
) -> Result<SmallVec<[Array; 1]>, OpError> {
    let facts: SmallVec<[_; 4]> = inputs.iter().map(|array| array.fact()).collect();
    let output_facts = kind.infer(&facts)?;
    match kind {
        NodeKind::Constant(array) => Ok(smallvec![array.clone()]),
        kind if kind.is_view() => Ok(smallvec![inputs[0].reshaped(output_facts[0].shape.clone())]),
        NodeKind::Apply(op) => {
            let kernel = op.kernel(&facts, &output_facts)?;
            drop(facts);
            match overwritable(op.class(), &*kernel, inputs, &output_facts) {
                Some(index) => Ok(smallvec![run_in_place(&*kernel, inputs, index)?]),
                None => run_apart(&*kernel, inputs, output_facts),
            }
        }
        _ => compute_structure(kind, inputs),
    }
}

/// The operand that the output may be computed over. As in a plan, what may fail overwrites nothing that the caller would
/// miss.
fn overwritable(
    class: Class,
    kernel: &dyn Kernel,
    inputs: &[Given<'_, Array>],
    outputs: &[Fact],
) -> Option<usize> {
    let [output] = outputs else { return None };
    if kernel.may_fail() {
        return None;
    }
    inputs.iter().enumerate().position(|(index, input)| {
        matches!(input, Given::Donated(array) if array.is_unique() && array.fact() == output)
            && class.allows_in_place(index)
    })
}

fn run_in_place<'i>(
    kernel: &dyn Kernel,
    inputs: &'i mut [Given<'_, Array>],
    index: usize,
) -> Result<Array, OpError> {
    let (before, rest) = inputs.split_at_mut(index);
    let Some((Given::Donated(array), after)) = rest.split_first_mut() else {
        unreachable!("only what is donated is overwritten")
    };
    let view = |input: &'i Given<'_, Array>| Source::View(input.view());
    let ins: SmallVec<[Source<'_>; 4]> =
        before.iter().map(view).chain([Source::InPlace]).chain(after.iter().map(view)).collect();
    kernel.run(&mut [array.view_mut()], &ins)?;
    Ok(Array::clone(array))
}

fn run_apart(
    kernel: &dyn Kernel,
    inputs: &[Given<'_, Array>],
    output_facts: Facts,
) -> Result<SmallVec<[Array; 1]>, OpError> {
    let mut outputs: SmallVec<[Array; 1]> = output_facts.into_iter().map(Array::arbitrary).collect();
    let mut outs: SmallVec<[ViewMut<'_>; 1]> = outputs.iter_mut().map(Array::view_mut).collect();
    let ins: SmallVec<[Source<'_>; 4]> = inputs.iter().map(|array| Source::View(array.view())).collect();
    kernel.run(&mut outs, &ins)?;
    drop(outs);
    Ok(outputs)
}

/// A structural node computed alone: as a graph of that node.
fn compute_structure(kind: &NodeKind, inputs: &[Given<'_, Array>]) -> Result<SmallVec<[Array; 1]>, OpError> {
    let origin = crate::origin::Origin::caller();
    let mut graph = Graph::new(kind.name());
    let values: Vec<_> =
        inputs.iter().map(|array| graph.add_input("operand", array.fact().clone(), origin)).collect();
    let outputs = graph.add(kind.clone(), &values, origin)?;
    graph.set_outputs(outputs.to_vec());
    let mut arrays: Vec<Array> = inputs.iter().map(|array| Array::clone(array)).collect();
    match run_with(&graph, &mut arrays) {
        Ok(outputs) => Ok(outputs.into()),
        Err(Error::Op(failed)) => Err(OpError::value(failed.to_string())),
        Err(error) => Err(OpError::value(error.to_string())),
    }
}
