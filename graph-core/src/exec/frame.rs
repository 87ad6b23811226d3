//! Frames: the addresses behind a plan's places during one run. What row programs and loops add to them is in `rows.rs` and
//! `run.rs`.

use std::cell::RefCell;

use smallvec::SmallVec;

use super::profile::Recorder;
use super::stack::Stack;
use crate::array::Array;
use crate::dtype::DType;
use crate::kernel::{Source, View, ViewMut};
use crate::plan::{Argument, Place, Slot};

/// Some addresses; more than these few are rare.
pub(super) type Addresses = SmallVec<[*mut u8; 24]>;

/// The addresses of one activation of a plan.
///
/// Invariant, from the planner: every offset lies within the arena, and at any step what is written overlaps neither other
/// things that are written nor the slots of its arguments. What is written are the slots of its results. An argument that a
/// kernel computes in place has no slot. Row programs and what they follow are the exceptions:
///
/// - A result may be in the slot of an argument that the program [may overwrite](crate::plan::RowProgram::may_overwrite);
///   each result in at most one, each argument by at most one.
/// - The argument that a producer computes, tile by tile, is written, too. Its slot is its own, that of a result of the
///   program under the same condition, or that of the step's last result, which no instruction of the program writes. It
///   overlaps no operand of the producer, nor do results.
pub(super) struct Frame<'a> {
    pub(super) arena: *mut u8,
    pub(super) inputs: &'a [*mut u8],
    pub(super) fresh: &'a [*mut u8],
    pub(super) constants: &'a [Array],
    pub(super) stacks: &'a [RefCell<Stack>],
    /// Notes the steps' times, if anybody wants to know.
    pub(super) recorder: Option<&'a Recorder>,
}

impl Frame<'_> {
    /// The address of a place.
    pub(super) fn address(&self, place: Place) -> *mut u8 {
        match place {
            Place::Arena(offset) => self.arena.wrapping_add(offset),
            Place::Input(index) => self.inputs[index],
            Place::Constant(index) => self.constants[index].as_ptr(),
            Place::Fresh(index) => self.fresh[index],
            Place::Stack(_) => unreachable!("a stack is read and written row by row"),
        }
    }

    /// A slot, to read.
    ///
    /// # Safety
    /// For the lifetime of the view nothing writes to the slot.
    pub(super) unsafe fn view<'v>(&self, slot: &'v Slot) -> View<'v> {
        // SAFETY: the planner gave the slot as many bytes as the fact has, in initialized memory that outlives the
        // run; that nothing writes meanwhile is the caller's promise.
        let bytes = unsafe { std::slice::from_raw_parts(self.address(slot.place), slot.fact.num_bytes()) };
        View::new(&slot.fact, bytes)
    }

    /// A slot, to write.
    ///
    /// # Safety
    /// For the lifetime of the view nothing else reads or writes the slot.
    pub(super) unsafe fn view_mut<'v>(&self, slot: &'v Slot, in_place: bool) -> ViewMut<'v> {
        let address = self.address(slot.place);
        let len = slot.fact.num_bytes();
        if slot.fact.dtype == DType::Bool && !in_place {
            // SAFETY: as below; a slot used before for another dtype may hold bytes that are no bools.
            unsafe { address.write_bytes(0, len) };
        }
        // SAFETY: as in `view`; that the access is exclusive is the caller's promise.
        let bytes = unsafe { std::slice::from_raw_parts_mut(address, len) };
        ViewMut::new(&slot.fact, bytes)
    }

    /// An argument, to read.
    ///
    /// # Safety
    /// As for [`Frame::view`].
    pub(super) unsafe fn source<'v>(&self, argument: &'v Argument) -> Source<'v> {
        match argument {
            Argument::InPlace => Source::InPlace,
            // SAFETY: the caller's promise.
            Argument::Slot(slot) => Source::View(unsafe { self.view(slot) }),
        }
    }

    /// The address of an argument that has a slot, as all of a structural step's have.
    pub(super) fn argument(&self, argument: &Argument) -> *mut u8 {
        match argument {
            Argument::Slot(slot) => self.address(slot.place),
            Argument::InPlace => unreachable!("structural steps are not computed in place"),
        }
    }
}
