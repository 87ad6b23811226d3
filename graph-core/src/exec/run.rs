//! Running a plan: its steps in order, loops and branches by running the plans of their regions.

use std::cell::RefCell;
use std::time::Instant;

use smallvec::SmallVec;

use super::arena::{Arena, Workspace};
use super::frame::{Addresses, Frame};
use super::profile::Recorder;
use super::rows;
use super::scalar;
use super::stack::Stack;
use crate::array::Array;
use crate::error::{Error, OpError};
use crate::plan::{Action, Argument, Place, Plan, RowProgram, Slot, Step, SubPlan, bits};

pub(super) fn run(
    plan: &Plan,
    inputs: &mut [Array],
    arena: &mut Arena,
    outputs: &mut Vec<Array>,
    recorder: Option<&Recorder>,
) -> Result<(), Error> {
    let Arena { memory, stacks, workspace } = arena;
    assert!(
        memory.len() >= plan.arena_bytes && stacks.len() >= plan.num_stacks,
        "the arena is that of this plan"
    );
    assert!(
        plan.input_facts.iter().eq(inputs.iter().map(|array| array.fact())),
        "the plan takes {:?}",
        plan.input_facts
    );
    for (input, &overwritten) in inputs.iter_mut().zip(&plan.overwritten) {
        if overwritten {
            input.make_unique();
        }
    }
    workspace.clear();
    let Workspace { fresh, input_addresses, fresh_addresses } = workspace;
    fresh.extend(plan.fresh.iter().cloned().map(Array::arbitrary));
    input_addresses.extend(inputs.iter().map(|array| array.as_ptr()));
    fresh_addresses.extend(fresh.iter().map(|array| array.as_ptr()));
    let frame = Frame {
        arena: memory.as_ptr(),
        inputs: input_addresses,
        fresh: fresh_addresses,
        constants: &plan.constants,
        stacks,
        recorder,
    };
    // SAFETY: the arena is large enough and borrowed exclusively; the facts of the inputs were compared; inputs that
    // are overwritten and the fresh arrays are unique; `inputs` and `fresh` outlive the frame.
    let result = unsafe { run_steps(plan, &frame) };
    if result.is_err() {
        workspace.clear();
        return result;
    }
    let array = |place: Place| match place {
        Place::Input(index) => inputs[index].clone(),
        Place::Constant(index) => plan.constants[index].clone(),
        Place::Fresh(index) => fresh[index].clone(),
        Place::Arena(_) | Place::Stack(_) => unreachable!("outputs outlive the arena"),
    };
    outputs.extend(plan.outputs.iter().map(|slot| array(slot.place).reshaped(slot.fact.shape.clone())));
    workspace.clear();
    Ok(())
}

/// Runs all steps.
///
/// # Safety
/// The frame's addresses are valid for this plan: of the sizes of its facts, initialized, and nobody else writes to
/// them, or reads what the plan writes, during the run.
unsafe fn run_steps(plan: &Plan, frame: &Frame<'_>) -> Result<(), Error> {
    // SAFETY: the caller's promise.
    let run = || unsafe { run_in_order(plan, frame) };
    // Profiles show one way, not a mixture.
    if frame.recorder.is_some() { plan.pace.run_as_found(run) } else { plan.pace.run(run) }
}

/// # Safety
/// As for [`run_steps`].
unsafe fn run_in_order(plan: &Plan, frame: &Frame<'_>) -> Result<(), Error> {
    for step in &plan.steps {
        match frame.recorder {
            // SAFETY: the caller's promise, for one step of the plan.
            None => unsafe { run_step(step, frame) }?,
            Some(recorder) => {
                let start = Instant::now();
                // SAFETY: as above.
                unsafe { run_step(step, frame) }?;
                recorder.note(step, start);
            }
        }
    }
    Ok(())
}

/// # Safety
/// As for [`run_steps`].
unsafe fn run_step(step: &Step, frame: &Frame<'_>) -> Result<(), Error> {
    match &step.action {
        Action::Kernel(kernel) => {
            // SAFETY: by the frame's invariant results overlap neither each other nor arguments with a slot.
            let ins: SmallVec<[_; 8]> = step.arguments.iter().map(|a| unsafe { frame.source(a) }).collect();
            let in_place = step.arguments.iter().any(|a| matches!(a, Argument::InPlace));
            // SAFETY: as above.
            let mut outs: SmallVec<[_; 1]> =
                step.results.iter().map(|slot| unsafe { frame.view_mut(slot, in_place) }).collect();
            kernel.run(&mut outs, &ins).map_err(|reason| step.provenance.error(reason))
        }
        Action::Rows(program) => {
            // SAFETY: nothing is written yet.
            unsafe { check_rows(program, step, frame) }?;
            let arguments: Addresses = step.arguments.iter().map(|a| frame.argument(a)).collect();
            // SAFETY: by the frame's invariant results overlap neither each other nor arguments, but where the planner
            // asked the program whether it may overwrite one.
            unsafe { rows::run(program, &arguments, &results(step, frame)) };
            Ok(())
        }
        Action::Tiles(tiles) => {
            // SAFETY: nothing is written yet.
            unsafe { check_rows(&tiles.program, step, frame) }?;
            let arguments: Addresses = step.arguments.iter().map(|a| frame.argument(a)).collect();
            let operands = &step.arguments[tiles.program.num_arguments..];
            // SAFETY: by the frame's invariant what the producer reads overlaps neither what it computes nor any result.
            let operands: SmallVec<[_; 8]> =
                operands.iter().map(|a| unsafe { frame.source(a) }.view()).collect();
            // SAFETY: as above, and as for `Rows`; the argument that the producer computes is the one that is written, of
            // which the frame's invariant says what else may be there.
            unsafe { rows::run_tiles(tiles, &operands, &arguments, &results(step, frame)) };
            Ok(())
        }
        Action::Copy => {
            let from = frame.argument(&step.arguments[0]);
            let to = &step.results[0];
            // SAFETY: a copy is planned only between different places; both have the bytes of the fact.
            unsafe { frame.address(to.place).copy_from_nonoverlapping(from, to.fact.num_bytes()) };
            Ok(())
        }
        Action::Call(body) => {
            let operands: Addresses = step.arguments.iter().map(|a| frame.argument(a)).collect();
            // SAFETY: the region's facts agree with the step's (verified), its results are the step's own slots.
            unsafe { run_region(body, frame, &operands, &results(step, frame)) }
        }
        Action::If { then_plan, else_plan } => {
            // SAFETY: the first argument of an `If` is a bool scalar that no one writes now.
            let chosen =
                if unsafe { *frame.argument(&step.arguments[0]) } != 0 { then_plan } else { else_plan };
            let operands: Addresses = step.arguments[1..].iter().map(|a| frame.argument(a)).collect();
            // SAFETY: as for `Call`.
            unsafe { run_region(chosen, frame, &operands, &results(step, frame)) }
        }
        Action::Scalar { code, registers } => {
            let program = &code.program;
            let start = frame.address(Place::Arena(*registers)).cast::<u64>();
            // SAFETY: the planner gave the registers an aligned slot of the arena, which nothing else uses now.
            let registers = unsafe { std::slice::from_raw_parts_mut(start, program.num_registers) };
            for (argument, &register) in step.arguments.iter().zip(&program.operands) {
                // SAFETY: by the frame's invariant no result overlaps an argument.
                let view = unsafe { frame.source(argument) }.view();
                registers[register as usize] = bits(view.as_bytes());
            }
            scalar::run(code, registers)?;
            for (slot, &register) in step.results.iter().zip(&program.results) {
                let bytes = registers[register as usize].to_le_bytes();
                let to = frame.address(slot.place);
                // SAFETY: the slot has the bytes of its dtype, of which none has more than eight.
                unsafe { to.copy_from_nonoverlapping(bytes.as_ptr(), slot.fact.num_bytes()) };
            }
            Ok(())
        }
        // SAFETY: the caller's promise.
        Action::While { .. } => unsafe { run_while(step, frame) },
        // SAFETY: the caller's promise.
        Action::For { .. } => unsafe { run_for(step, frame) },
    }
}

/// Looks at the data that a row program wants to know more of.
///
/// # Safety
/// As for [`run_steps`], before the step has written anything.
unsafe fn check_rows(program: &RowProgram, step: &Step, frame: &Frame<'_>) -> Result<(), Error> {
    program.checks.iter().try_for_each(|check| {
        // SAFETY: the caller's promise.
        let view = unsafe { frame.source(&step.arguments[check.argument]) }.view();
        (check.check)(view).map_err(|reason| check.provenance.error(reason))
    })
}

fn results(step: &Step, frame: &Frame<'_>) -> Addresses {
    step.results.iter().map(|slot| frame.address(slot.place)).collect()
}

/// # Safety
/// Operands and results are valid for the region's facts and do not overlap where the region writes.
unsafe fn run_region(
    region: &SubPlan,
    frame: &Frame<'_>,
    operands: &[*mut u8],
    results: &[*mut u8],
) -> Result<(), Error> {
    let inner = Frame {
        arena: frame.arena.wrapping_add(region.arena),
        inputs: operands,
        fresh: results,
        constants: &region.plan.constants,
        stacks: &frame.stacks[region.first_stack..],
        recorder: frame.recorder,
    };
    // SAFETY: the region's arena is a slot of the parent's; the rest is the caller's promise. Of a region's inputs only
    // loop variables that stay in place are written, which are in homes of the loop's own (see `Homes`).
    unsafe { run_steps(&region.plan, &inner) }
}

/// # Safety
/// As for [`run_steps`].
unsafe fn run_while(step: &Step, frame: &Frame<'_>) -> Result<(), Error> {
    let Action::While { condition, body, carried, decision, spare } = &step.action else {
        unreachable!("called for a while")
    };
    let mut operands: Addresses = step.arguments.iter().map(|a| frame.argument(a)).collect();
    let mut homes = Homes::new(step, frame, spare);
    // SAFETY: as for the whole loop.
    unsafe { homes.move_in(step, body, &mut operands[..*carried]) };
    let decision = frame.address(Place::Arena(*decision));
    let collected = &step.results[*carried..];
    collected.iter().for_each(|slot| stack(frame, slot).borrow_mut().clear());
    for trip in 0.. {
        // SAFETY: operands are the current loop variables and the invariants; the decision has a slot of its own.
        unsafe { run_region(condition, frame, &operands, &[decision]) }?;
        // SAFETY: the condition has just written its bool there.
        if unsafe { *decision } == 0 {
            break;
        }
        let mut outs = homes.next.clone();
        for slot in collected {
            outs.push(new_row(step, frame, slot, trip, trip + 1)?);
        }
        // SAFETY: the next values go where `Homes` says, and to new rows.
        unsafe { run_region(body, frame, &operands, &outs) }?;
        homes.advance(&mut operands[..*carried]);
    }
    // SAFETY: the current loop variables are in one of their two homes, or still where they came from.
    unsafe { homes.settle(step, frame, &operands[..*carried]) };
    Ok(())
}

fn stack<'f>(frame: &Frame<'f>, slot: &Slot) -> &'f RefCell<Stack> {
    match slot.place {
        Place::Stack(index) => &frame.stacks[index],
        _ => unreachable!("a stack is in a place for stacks"),
    }
}

/// Where row `row` of a stack that will have `rows` is written; valid until the stack grows again.
fn new_row(step: &Step, frame: &Frame<'_>, slot: &Slot, row: usize, rows: usize) -> Result<*mut u8, Error> {
    let bytes = row_bytes(slot);
    let mut stack = stack(frame, slot).borrow_mut();
    if stack.rows() < rows {
        stack.resize(rows, bytes).map_err(|message| {
            let message = format!("what iterations leave for the gradient is too large: {message}");
            step.provenance.error(OpError::value(message))
        })?;
    }
    Ok(stack.row(row, bytes))
}

/// The bytes of a row of a sequence or stack.
fn row_bytes(slot: &Slot) -> usize {
    slot.fact.row().map_or(0, |row| row.num_bytes())
}

/// The slices of a sequence or stack along its first axis, to read.
struct Slices {
    start: *mut u8,
    bytes: usize,
}

impl Slices {
    fn new(argument: &Argument, trips: usize, frame: &Frame<'_>) -> Slices {
        let Argument::Slot(slot) = argument else {
            unreachable!("structural steps are not computed in place")
        };
        let bytes = row_bytes(slot);
        let start = match slot.place {
            Place::Stack(_) if trips == 0 => std::ptr::null_mut(),
            Place::Stack(_) => {
                let stack = stack(frame, slot).borrow();
                assert_eq!(stack.rows(), trips, "the stacks of a loop have one length");
                stack.row(0, bytes)
            }
            place => frame.address(place),
        };
        Slices { start, bytes }
    }

    fn slice(&self, number: usize) -> *mut u8 {
        self.start.wrapping_add(number * self.bytes)
    }
}

/// # Safety
/// As for [`run_steps`].
unsafe fn run_for(step: &Step, frame: &Frame<'_>) -> Result<(), Error> {
    let Action::For { body, trips, reverse, carried, scanned, counter, spare } = &step.action else {
        unreachable!("called for a for")
    };
    let (variables, rest) = step.arguments.split_at(*carried);
    let (sequences, invariants) = rest.split_at(*scanned);
    let trips = trips.unwrap_or_else(|| match &sequences[0] {
        Argument::Slot(slot) => stack(frame, slot).borrow().rows(),
        Argument::InPlace => unreachable!("structural steps are not computed in place"),
    });
    let sequences: SmallVec<[Slices; 4]> = sequences.iter().map(|a| Slices::new(a, trips, frame)).collect();
    let counter = frame.address(Place::Arena(*counter)).cast::<i64>();
    // The body takes the counter, the loop variables, a row of each sequence, the invariants.
    let mut operands: Addresses = SmallVec::from_iter([counter.cast()]);
    operands.extend(variables.iter().map(|a| frame.argument(a)));
    operands.extend(sequences.iter().map(|slices| slices.start));
    operands.extend(invariants.iter().map(|a| frame.argument(a)));
    let mut homes = Homes::new(step, frame, spare);
    // SAFETY: as for the whole loop.
    unsafe { homes.move_in(step, body, &mut operands[1..1 + carried]) };
    let collected = &step.results[*carried..];
    for slot in collected.iter().filter(|slot| slot.fact.is_stack()) {
        stack(frame, slot).borrow_mut().clear();
    }
    for trip in 0..trips {
        let row = if *reverse { trips - 1 - trip } else { trip };
        // SAFETY: the counter has an aligned slot of eight bytes.
        unsafe { counter.write(row as i64) };
        for (operand, slices) in operands[1 + carried..].iter_mut().zip(&sequences) {
            *operand = slices.slice(row);
        }
        let mut outs = homes.next.clone();
        for slot in collected {
            outs.push(match slot.place {
                Place::Stack(_) => new_row(step, frame, slot, row, trips)?,
                place => frame.address(place).wrapping_add(row * row_bytes(slot)),
            });
        }
        // SAFETY: rows lie within their sequences; next values go where `Homes` says. The
        // stacks that are read are complete: no region adds to a stack of the graph around it.
        unsafe { run_region(body, frame, &operands, &outs) }?;
        homes.advance(&mut operands[1..1 + carried]);
    }
    // SAFETY: as in `run_while`.
    unsafe { homes.settle(step, frame, &operands[1..1 + carried]) };
    Ok(())
}

/// The two homes of each loop variable: the step's result, and a spare slot. The next value goes to the home that the
/// current one is not in.
///
/// A variable that *stays* has one home, the step's result: the loop begins by copying the initial value there, so that it
/// is the loop's own, and the body writes the next value over the current one. The planner lets it do so only at the last
/// step that reads the current value, and not where that is also returned.
struct Homes {
    /// Where the next iteration writes.
    next: Addresses,
    /// The other homes.
    other: Addresses,
}

impl Homes {
    fn new(step: &Step, frame: &Frame<'_>, spare: &[usize]) -> Homes {
        let results = step.results[..spare.len()].iter();
        Homes {
            next: results.map(|slot| frame.address(slot.place)).collect(),
            other: spare.iter().map(|&offset| frame.address(Place::Arena(offset))).collect(),
        }
    }

    /// Lets the variables that stay in one home begin there.
    ///
    /// # Safety
    /// The initial values and the homes are valid for the facts of the loop variables.
    unsafe fn move_in(&mut self, step: &Step, body: &SubPlan, current: &mut [*mut u8]) {
        for (i, _) in body.plan.stays.iter().enumerate().filter(|(_, stays)| **stays) {
            let home = self.next[i];
            if current[i] != home {
                // SAFETY: the caller's promise; a result does not overlap an argument.
                unsafe { home.copy_from_nonoverlapping(current[i], step.results[i].fact.num_bytes()) };
            }
            current[i] = home;
            self.other[i] = home;
        }
    }

    /// The values just written become current.
    fn advance(&mut self, current: &mut [*mut u8]) {
        current.copy_from_slice(&self.next);
        std::mem::swap(&mut self.next, &mut self.other);
    }

    /// Brings the current values to the step's results.
    ///
    /// # Safety
    /// Both are valid for the facts of the loop variables.
    unsafe fn settle(&self, step: &Step, frame: &Frame<'_>, current: &[*mut u8]) {
        for (slot, &from) in step.results.iter().zip(current) {
            let to = frame.address(slot.place);
            if from != to {
                // SAFETY: the caller's promise; two different homes do not overlap.
                unsafe { to.copy_from_nonoverlapping(from, slot.fact.num_bytes()) };
            }
        }
    }
}
