//! Kernels that follow indices: reading at them, adding at them, and setting a one at them.

use std::sync::Arc;

use graph_core::{
    DType, Element, Kernel, OpError, RowKernel, RowLoop, RowOperand, RowSpan, Source, View, ViewMut,
    with_element,
};

use super::lanes::Lanes;
use super::parallel::for_each_block;
use super::scalar::Number;

/// An operand of any integer dtype, read as positions.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Indices<'a> {
    I32(&'a [i32]),
    I64(&'a [i64]),
    U8(&'a [u8]),
}

impl<'a> Indices<'a> {
    pub(crate) fn of(view: View<'a>) -> Indices<'a> {
        match view.dtype() {
            DType::I32 => Indices::I32(view.as_slice()),
            DType::I64 => Indices::I64(view.as_slice()),
            DType::U8 => Indices::U8(view.as_slice()),
            dtype => unreachable!("infer takes integer indices only, not {dtype}"),
        }
    }

    /// Index `i`, which has been checked.
    #[inline(always)]
    pub(crate) fn at(self, i: usize) -> usize {
        match self {
            Indices::I32(indices) => indices[i] as usize,
            Indices::I64(indices) => indices[i] as usize,
            Indices::U8(indices) => indices[i] as usize,
        }
    }

    /// Whether all are in `0..len`; the message is made of the first that is not.
    pub(crate) fn check(self, len: usize, message: impl Fn(i64) -> String) -> Result<(), OpError> {
        let len = len as i64;
        let first_outside = match self {
            Indices::I32(indices) => indices.iter().map(|&i| i64::from(i)).find(|i| !(0..len).contains(i)),
            Indices::I64(indices) => indices.iter().copied().find(|i| !(0..len).contains(i)),
            Indices::U8(indices) => indices.iter().map(|&i| i64::from(i)).find(|i| !(0..len).contains(i)),
        };
        first_outside.map_or(Ok(()), |index| Err(OpError::value(message(index))))
    }

    fn check_axis(self, len: usize) -> Result<(), OpError> {
        self.check(len, |index| format!("index {index} is out of range for an axis of length {len}"))
    }
}

/// Which element of the operand belongs to an element of the indexed result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Indexing {
    /// One list of indices for every lane: whole rows are taken.
    Rows,
    /// An index for each element of the result.
    Elements,
}

/// The walk over an indexed operand: its lanes, and how many indices stand along the axis in the result.
#[derive(Debug, Clone, Copy)]
pub(crate) struct IndexWalk {
    pub(crate) lanes: Lanes,
    pub(crate) num_indices: usize,
    pub(crate) indexing: Indexing,
}

impl IndexWalk {
    /// Calls `visit` with the position in the operand's block and in the result's, and how many elements are contiguous
    /// from there in both.
    #[inline(always)]
    fn visit(self, outer: usize, indices: Indices<'_>, mut visit: impl FnMut(usize, usize, usize)) {
        let inner = self.lanes.inner;
        for i in 0..self.num_indices {
            match self.indexing {
                Indexing::Rows => visit(indices.at(i) * inner, i * inner, inner),
                Indexing::Elements => {
                    for j in 0..inner {
                        let at = i * inner + j;
                        visit(indices.at(outer * self.num_indices * inner + at) * inner + j, at, 1);
                    }
                }
            }
        }
    }

    /// The work of visiting this many elements, in elements' worth of plain work.
    fn work(self, num_elements: usize) -> usize {
        match self.indexing {
            Indexing::Rows => num_elements,
            Indexing::Elements => num_elements * 8,
        }
    }

    /// Number of elements of the result within one outer index.
    fn result_block(self) -> usize {
        self.num_indices * self.lanes.inner
    }
}

/// Reads the operand at indices.
#[derive(Debug)]
pub(crate) struct GatherKernel(pub(crate) IndexWalk);

impl Kernel for GatherKernel {
    fn run(&self, outs: &mut [ViewMut<'_>], ins: &[Source<'_>]) -> Result<(), OpError> {
        let (x, indices) = (ins[0].view(), Indices::of(ins[1].view()));
        indices.check_axis(self.0.lanes.len)?;
        with_element!(x.dtype(), T => self.read::<T>(outs[0].as_mut_slice(), x.as_slice(), indices));
        Ok(())
    }
}

impl GatherKernel {
    fn read<T: Element>(&self, out: &mut [T], x: &[T], indices: Indices<'_>) {
        let (block, work) = (self.0.lanes.block(), self.0.work(out.len()));
        for_each_block(out, self.0.result_block(), work, |outer, out| {
            let x = &x[outer * block..][..block];
            self.0.visit(outer, indices, |from, to, len| match len {
                1 => out[to] = x[from],
                _ => out[to..to + len].copy_from_slice(&x[from..from + len]),
            });
        });
    }
}

/// Copies the first operand, and adds the third to it at the second's indices. Where an index repeats, the sums are
/// taken in the order of the indices.
#[derive(Debug)]
pub(crate) struct ScatterAddKernel(pub(crate) IndexWalk);

impl Kernel for ScatterAddKernel {
    fn run(&self, outs: &mut [ViewMut<'_>], ins: &[Source<'_>]) -> Result<(), OpError> {
        let (out, indices, updates) = (&mut outs[0], Indices::of(ins[1].view()), ins[2].view());
        indices.check_axis(self.0.lanes.len)?;
        if let Source::View(base) = ins[0] {
            out.copy_from(base);
        }
        match out.dtype() {
            DType::F32 => self.add::<f32>(out.as_mut_slice(), indices, updates.as_slice()),
            DType::F64 => self.add::<f64>(out.as_mut_slice(), indices, updates.as_slice()),
            DType::I32 => self.add::<i32>(out.as_mut_slice(), indices, updates.as_slice()),
            DType::I64 => self.add::<i64>(out.as_mut_slice(), indices, updates.as_slice()),
            DType::U8 => self.add::<u8>(out.as_mut_slice(), indices, updates.as_slice()),
            DType::Bool => unreachable!("infer refuses bool"),
        }
        Ok(())
    }
}

impl ScatterAddKernel {
    fn add<T: Element + Number>(&self, out: &mut [T], indices: Indices<'_>, updates: &[T]) {
        let block = self.0.result_block();
        for_each_block(out, self.0.lanes.block(), self.0.work(updates.len()), |outer, out| {
            let updates = &updates[outer * block..][..block];
            self.0.visit(outer, indices, |to, from, len| {
                for (out, &x) in out[to..to + len].iter_mut().zip(&updates[from..from + len]) {
                    *out = out.plus(x);
                }
            });
        });
    }
}

/// Writes rows of zeros with a one at the index.
#[derive(Debug)]
pub(crate) struct OneHotKernel {
    depth: usize,
    row_loop: RowLoop,
}

impl Kernel for OneHotKernel {
    fn run(&self, outs: &mut [ViewMut<'_>], ins: &[Source<'_>]) -> Result<(), OpError> {
        let (out, indices) = (&mut outs[0], Indices::of(ins[0].view()));
        check_depth(ins[0].view(), self.depth)?;
        with_element!(out.dtype(), T => write_ones::<T>(out.as_mut_slice(), self.depth, indices));
        Ok(())
    }

    fn row(&self) -> Option<RowKernel> {
        let depth = self.depth;
        // SAFETY: the loop reads an index, which the check has found in range, and writes a row.
        let row = unsafe { RowKernel::new(self.row_loop, RowSpan::Row { axes: 1 }) };
        Some(row.with_check(0, Arc::new(move |indices: View<'_>| check_depth(indices, depth))))
    }
}

impl OneHotKernel {
    pub(crate) fn new(depth: usize, to: DType, indices: DType) -> OneHotKernel {
        OneHotKernel { depth, row_loop: one_hot_loop(to, indices) }
    }
}

/// The element that is a one.
trait One {
    const ONE: Self;
}

macro_rules! one {
    ($($ty:ty: $one:expr),*) => {$(
        impl One for $ty {
            const ONE: $ty = $one;
        }
    )*};
}

one!(f32: 1.0, f64: 1.0, i32: 1, i64: 1, u8: 1, bool: true);

fn check_depth(indices: View<'_>, depth: usize) -> Result<(), OpError> {
    Indices::of(indices).check(depth, |index| format!("index {index} is out of range for depth {depth}"))
}

/// A row of zeros with a one at an index, which is in range.
fn one_hot_loop(to: DType, indices: DType) -> RowLoop {
    /// # Safety
    /// As for [`RowLoop`]: an index that is the same throughout, and room for a row.
    unsafe fn of<T: Element + One, I: Element + Into<i64>>(
        destination: *mut u8,
        operands: &[RowOperand],
        len: usize,
    ) {
        // SAFETY: the caller's promise.
        let index: i64 = unsafe { operands[0].address.cast::<I>().read() }.into();
        let destination = destination.cast::<T>();
        assert!((0..len as i64).contains(&index), "the index was checked");
        // SAFETY: as above. Written through the pointer: what is there may be no valid element, as of bool.
        unsafe {
            (0..len).for_each(|i| destination.add(i).write(T::default()));
            destination.add(index as usize).write(T::ONE);
        }
    }
    with_element!(to, T => match indices {
        DType::I32 => of::<T, i32>,
        DType::I64 => of::<T, i64>,
        _ => of::<T, u8>,
    })
}

fn write_ones<T: Element + One>(out: &mut [T], depth: usize, indices: Indices<'_>) {
    out.fill(T::default());
    for (i, row) in out.chunks_mut(depth.max(1)).enumerate() {
        row[indices.at(i)] = T::ONE;
    }
}
