//! Softmax and its relatives: each lane is shifted by its largest element before anything is exponentiated, so that no
//! logit is too large. Totals of f32 are kept in f64.

use std::sync::Arc;

use graph_core::{
    DType, Fact, Kernel, OpError, RowKernel, RowLoop, RowOperand, RowSpan, Source, View, ViewMut,
};

use super::indices::Indices;
use super::lanes::{Lanes, for_each_block, row};
use super::loops::multiversion;
use super::reduce::{Accumulate, largest, sum_with};
use super::scalar::{Number, Real};

/// What is made of a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LaneFunction {
    /// `exp(x) / Σ exp(x)`
    Softmax,
    /// `x - ln Σ exp(x)`
    LogSoftmax,
    /// `ln Σ exp(x)`: one element a lane.
    LogSumExp,
}

/// A function of each lane.
#[derive(Debug)]
pub(crate) struct SoftmaxKernel {
    lanes: Lanes,
    function: LaneFunction,
    /// The function of one row.
    row_loop: RowLoop,
    /// Whether lanes are rows.
    is_by_rows: bool,
}

/// What an exponential costs, in elements' worth of plain work.
const EXP_COST: usize = 16;

impl Kernel for SoftmaxKernel {
    fn run(&self, outs: &mut [ViewMut<'_>], ins: &[Source<'_>]) -> Result<(), OpError> {
        let (out, x) = (&mut outs[0], ins[0].view());
        match out.dtype() {
            DType::F32 => self.run_typed::<f32>(out.as_mut_slice(), x.as_slice()),
            _ => self.run_typed::<f64>(out.as_mut_slice(), x.as_slice()),
        }
        Ok(())
    }

    fn may_fail(&self) -> bool {
        false
    }

    fn row(&self) -> Option<RowKernel> {
        let span = match self.function {
            LaneFunction::LogSumExp => RowSpan::Total { axes: 1 },
            LaneFunction::Softmax | LaneFunction::LogSoftmax => RowSpan::Row { axes: 1 },
        };
        // SAFETY: the loop reads a row of the dtype, and writes as the span says.
        self.is_by_rows.then(|| unsafe { RowKernel::new(self.row_loop, span) }.with_cost(EXP_COST))
    }
}

impl SoftmaxKernel {
    pub(crate) fn new(function: LaneFunction, x: &Fact, axis: usize) -> SoftmaxKernel {
        SoftmaxKernel {
            lanes: Lanes::new(&x.shape, axis),
            function,
            row_loop: row_loop(function, x.dtype),
            is_by_rows: axis + 1 == x.shape.rank(),
        }
    }

    fn run_typed<T>(&self, out: &mut [T], x: &[T])
    where
        T: Accumulate<Total: Real> + Real,
    {
        let Lanes { len, inner, .. } = self.lanes;
        let block = if self.function == LaneFunction::LogSumExp { inner } else { self.lanes.block() };
        for_each_block(out, block, x.len() * EXP_COST, |i, out| {
            let x = &x[i * self.lanes.block()..][..self.lanes.block()];
            if inner == 1 {
                let operand = RowOperand { address: x.as_ptr().cast(), is_splat: false };
                // SAFETY: a block is a row of `len` elements, and as many, or one, of the result.
                unsafe { (self.row_loop)(out.as_mut_ptr().cast(), &[operand], len) };
            } else {
                (0..inner).for_each(|column| lane(self.function, out, x, len, column, inner));
            }
        });
    }
}

/// The function of a lane of `len` elements from `start`, `stride` apart.
#[inline(always)]
fn lane<T>(function: LaneFunction, out: &mut [T], x: &[T], len: usize, start: usize, stride: usize)
where
    T: Accumulate<Total: Real> + Real,
{
    let lane = Lane { x, len, start, stride };
    let largest = lane.largest();
    match function {
        LaneFunction::Softmax => {
            let total = lane.exponentials(largest, |first, group| match stride {
                1 => out[start + first..][..group.len()].copy_from_slice(group),
                _ => group.iter().zip(first..).for_each(|(&y, i)| out[start + i * stride] = y),
            });
            let scale = T::narrow(total.reciprocal());
            lane.positions().for_each(|at| out[at] = out[at].times(scale));
        }
        LaneFunction::LogSoftmax => {
            let total = T::narrow(lane.exponentials(largest, |_, _| ()).ln());
            lane.positions().for_each(|at| out[at] = x[at].minus(largest).minus(total));
        }
        LaneFunction::LogSumExp => {
            // An infinite shift would make `∞ - ∞`; unshifted, infinities come out as they should.
            let shift = if largest.minus(largest) == T::default() { largest } else { T::default() };
            let total = lane.exponentials(shift, |_, _| ());
            out[start] = T::narrow(total.ln().plus(shift.widen()));
        }
    }
}

/// Elements that are worked on together: registers of them, with something in the place of those that there are not.
const GROUP: usize = 64;
/// A group is as long as it must be, in whole registers.
const REGISTER: usize = 16;

/// `len` elements from `start`, `stride` apart.
#[derive(Clone, Copy)]
struct Lane<'a, T> {
    x: &'a [T],
    len: usize,
    start: usize,
    stride: usize,
}

impl<T> Lane<'_, T>
where
    T: Accumulate<Total: Real> + Real,
{
    #[inline(always)]
    fn positions(self) -> impl ExactSizeIterator<Item = usize> {
        (0..self.len).map(move |i| self.start + i * self.stride)
    }

    /// The largest element; NaN if any is.
    #[inline(always)]
    fn largest(self) -> T {
        if self.stride == 1 && self.len >= REGISTER {
            return self.x[self.start..][..self.len]
                .chunks(GROUP)
                .fold(T::LEAST, |result, group| result.greatest(largest(group)));
        }
        self.positions().fold(T::LEAST, |result, at| result.greatest(self.x[at]))
    }

    /// `Σ exp(x - shift)`; calls `visit` with groups of exponentials, and the number of the first element of each.
    #[inline(always)]
    fn exponentials(self, shift: T, mut visit: impl FnMut(usize, &[T])) -> T::Total {
        let mut total = T::Total::default();
        let mut first = 0;
        if self.stride == 1 {
            for x in self.x[self.start..][..self.len].chunks_exact(GROUP) {
                let mut group = [T::default(); GROUP];
                group.iter_mut().zip(x).for_each(|(y, x)| *y = x.minus(shift).exp());
                total = sum_with(total, &group);
                visit(first, &group);
                first += GROUP;
            }
        }
        for first in (first..self.len).step_by(GROUP) {
            let mut group = [T::default(); GROUP];
            let len = GROUP.min(self.len - first);
            for (element, i) in group[..len].iter_mut().zip(first..) {
                *element = self.x[self.start + i * self.stride].minus(shift);
            }
            let whole = len.next_multiple_of(REGISTER);
            group[..whole].iter_mut().for_each(|element| *element = element.exp());
            if len < REGISTER {
                // Few are added faster one after the other than a register is.
                for (y, i) in group[..len].iter().zip(first..) {
                    visit(i, std::slice::from_ref(y));
                    total = total.plus(y.widen());
                }
            } else {
                group[len..whole].fill(T::default());
                total = sum_with(total, &group[..whole]);
                visit(first, &group[..len]);
            }
        }
        total
    }
}

/// The function of one row.
fn row_loop(function: LaneFunction, dtype: DType) -> RowLoop {
    macro_rules! row_loop {
        ($ty:ty, $function:ident) => {
            multiversion!(|destination, operands, len| {
                let is_total = matches!(LaneFunction::$function, LaneFunction::LogSumExp);
                // SAFETY: the contract of a RowLoop; the destination does not overlap the row.
                let (out, x) = unsafe {
                    let out_len = if is_total { 1 } else { len };
                    (
                        std::slice::from_raw_parts_mut(destination.cast::<$ty>(), out_len),
                        row(&operands[0], len),
                    )
                };
                lane::<$ty>(LaneFunction::$function, out, x, len, 0, 1);
            })
        };
    }
    match (function, dtype) {
        (LaneFunction::Softmax, DType::F32) => row_loop!(f32, Softmax),
        (LaneFunction::Softmax, _) => row_loop!(f64, Softmax),
        (LaneFunction::LogSoftmax, DType::F32) => row_loop!(f32, LogSoftmax),
        (LaneFunction::LogSoftmax, _) => row_loop!(f64, LogSoftmax),
        (LaneFunction::LogSumExp, DType::F32) => row_loop!(f32, LogSumExp),
        (LaneFunction::LogSumExp, _) => row_loop!(f64, LogSumExp),
    }
}

/// For each row of logits `ln Σ exp(x) - x[label]`.
#[derive(Debug)]
pub(crate) struct CrossEntropyKernel {
    num_classes: usize,
    row_loop: RowLoop,
}

fn check_labels(labels: View<'_>, num_classes: usize) -> Result<(), OpError> {
    Indices::of(labels)
        .check(num_classes, |label| format!("label {label} is out of range for {num_classes} classes"))
}

impl Kernel for CrossEntropyKernel {
    fn run(&self, outs: &mut [ViewMut<'_>], ins: &[Source<'_>]) -> Result<(), OpError> {
        let (out, logits, labels) = (&mut outs[0], ins[0].view(), ins[1].view());
        check_labels(labels, self.num_classes)?;
        match out.dtype() {
            DType::F32 => self.run_typed::<f32>(out.as_mut_slice(), logits, labels),
            _ => self.run_typed::<f64>(out.as_mut_slice(), logits, labels),
        }
        Ok(())
    }

    fn row(&self) -> Option<RowKernel> {
        let num_classes = self.num_classes;
        // SAFETY: the loop reads a row and a label, which the check has found in range, and writes one element.
        let row = unsafe { RowKernel::new(self.row_loop, RowSpan::Total { axes: 1 }) };
        let check = Arc::new(move |labels: View<'_>| check_labels(labels, num_classes));
        Some(row.with_cost(EXP_COST).with_check(1, check))
    }
}

impl CrossEntropyKernel {
    pub(crate) fn new(logits: &Fact, labels: &Fact) -> CrossEntropyKernel {
        let num_classes = logits.shape[logits.shape.rank() - 1];
        CrossEntropyKernel { num_classes, row_loop: cross_entropy_loop(logits.dtype, labels.dtype) }
    }

    fn run_typed<T: Accumulate>(&self, out: &mut [T], logits: View<'_>, labels: View<'_>) {
        let (x, size) = (logits.as_slice::<T>(), labels.dtype().size());
        for_each_block(out, 1, x.len() * EXP_COST, |i, out| {
            let row = &x[i * self.num_classes..][..self.num_classes];
            let label = &labels.as_bytes()[i * size..][..size];
            let operands = [
                RowOperand { address: row.as_ptr().cast(), is_splat: false },
                RowOperand { address: label.as_ptr(), is_splat: true },
            ];
            // SAFETY: a row of the logits, its label, which was checked, and its element of the result.
            unsafe { (self.row_loop)(out.as_mut_ptr().cast(), &operands, self.num_classes) };
        });
    }
}

/// The cross-entropy of a row of logits with a label, which is in range.
fn cross_entropy_loop(logits: DType, labels: DType) -> RowLoop {
    macro_rules! row_loop {
        ($ty:ty, $label:ty) => {
            multiversion!(|destination, operands, len| {
                // SAFETY: the contract of a RowLoop: a row, a label that is the same throughout, and room for one.
                let (x, label) = unsafe {
                    (row::<$ty>(&operands[0], len), operands[1].address.cast::<$label>().read() as usize)
                };
                let lane = Lane { x, len, start: 0, stride: 1 };
                let largest = lane.largest();
                let total = lane.exponentials(largest, |_, _| ()).ln();
                let loss = <$ty>::narrow(total.plus(largest.widen().minus(x[label].widen())));
                // SAFETY: as above.
                unsafe { destination.cast::<$ty>().write(loss) };
            })
        };
    }
    match (logits, labels) {
        (DType::F32, DType::I32) => row_loop!(f32, i32),
        (DType::F32, DType::I64) => row_loop!(f32, i64),
        (DType::F32, _) => row_loop!(f32, u8),
        (_, DType::I32) => row_loop!(f64, i32),
        (_, DType::I64) => row_loop!(f64, i64),
        (_, _) => row_loop!(f64, u8),
    }
}
