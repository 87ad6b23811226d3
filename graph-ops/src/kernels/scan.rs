//! Kernels that go along each lane once: running sums, and the position of the largest or smallest element.

use graph_core::{
    DType, Element, Fact, Kernel, OpError, RowKernel, RowLoop, RowOperand, RowSpan, Source, ViewMut,
    with_element,
};

use super::lanes::{Lanes, row};
use super::parallel::for_each_block;
use super::reduce::Accumulate;
use super::scalar::Number;

/// What a step along a lane costs, in elements' worth of plain work: each waits for the one before.
const STEP_COST: usize = 8;

/// Running sums along each lane, from its start or from its end. Totals of f32 are kept in f64.
#[derive(Debug)]
pub(crate) struct CumsumKernel {
    pub(crate) lanes: Lanes,
    pub(crate) reverse: bool,
}

impl Kernel for CumsumKernel {
    fn run(&self, outs: &mut [ViewMut<'_>], ins: &[Source<'_>]) -> Result<(), OpError> {
        let (out, x) = (&mut outs[0], ins[0].view());
        match out.dtype() {
            DType::F32 => self.run_typed::<f32>(out.as_mut_slice(), x.as_slice()),
            DType::F64 => self.run_typed::<f64>(out.as_mut_slice(), x.as_slice()),
            DType::I32 => self.run_typed::<i32>(out.as_mut_slice(), x.as_slice()),
            DType::I64 => self.run_typed::<i64>(out.as_mut_slice(), x.as_slice()),
            DType::U8 => self.run_typed::<u8>(out.as_mut_slice(), x.as_slice()),
            DType::Bool => unreachable!("infer refuses bool"),
        }
        Ok(())
    }

    fn may_fail(&self) -> bool {
        false
    }
}

impl CumsumKernel {
    fn run_typed<T: Accumulate>(&self, out: &mut [T], x: &[T]) {
        let Lanes { len, inner, .. } = self.lanes;
        let block = self.lanes.block();
        for_each_block(out, block, x.len() * STEP_COST, |i, out| {
            let x = &x[i * block..][..block];
            for column in 0..inner {
                let mut total = T::Total::default();
                let mut step = |i: usize| {
                    let at = column + i * inner;
                    total = total.plus(x[at].widen());
                    out[at] = T::narrow(total);
                };
                match self.reverse {
                    true => (0..len).rev().for_each(&mut step),
                    false => (0..len).for_each(&mut step),
                }
            }
        });
    }
}

/// The position of each lane's largest (or smallest) element: the first of equals. NaN is larger and smaller than
/// anything.
#[derive(Debug)]
pub(crate) struct ArgKernel {
    lanes: Lanes,
    largest: bool,
    /// The function of one row, where lanes are rows.
    row: Option<RowKernel>,
}

impl Kernel for ArgKernel {
    fn run(&self, outs: &mut [ViewMut<'_>], ins: &[Source<'_>]) -> Result<(), OpError> {
        let (out, x) = (outs[0].as_mut_slice::<i64>(), ins[0].view());
        match x.dtype() {
            DType::F32 => self.run_typed::<f32>(out, x.as_slice()),
            DType::F64 => self.run_typed::<f64>(out, x.as_slice()),
            DType::I32 => self.run_typed::<i32>(out, x.as_slice()),
            DType::I64 => self.run_typed::<i64>(out, x.as_slice()),
            DType::U8 => self.run_typed::<u8>(out, x.as_slice()),
            DType::Bool => self.run_typed::<bool>(out, x.as_slice()),
        }
        Ok(())
    }

    fn may_fail(&self) -> bool {
        false
    }

    fn row(&self) -> Option<RowKernel> {
        self.row.clone()
    }
}

impl ArgKernel {
    pub(crate) fn new(x: &Fact, axis: usize, largest: bool) -> ArgKernel {
        let row = (axis + 1 == x.shape.rank()).then(|| {
            let function: RowLoop = with_element!(x.dtype, T => match largest {
                true => position_in_row::<T, true>,
                false => position_in_row::<T, false>,
            });
            // SAFETY: the loop reads a row of the dtype and writes one position.
            unsafe { RowKernel::new(function, RowSpan::Total { axes: 1 }) }.with_cost(STEP_COST)
        });
        ArgKernel { lanes: Lanes::new(&x.shape, axis), largest, row }
    }

    fn run_typed<T: Element>(&self, out: &mut [i64], x: &[T]) {
        let Lanes { len, inner, .. } = self.lanes;
        let block = self.lanes.block();
        for_each_block(out, inner, x.len() * STEP_COST, |i, out| {
            let x = &x[i * block..][..block];
            for (column, out) in out.iter_mut().enumerate() {
                *out = position(self.largest, |i| x[column + i * inner], len);
            }
        });
    }
}

#[inline(always)]
fn position<T: Element>(largest: bool, lane: impl Fn(usize) -> T, len: usize) -> i64 {
    let (mut best, mut position) = (lane(0), 0);
    for i in 1..len {
        let x = lane(i);
        let is_better = if largest { x > best } else { x < best };
        // The first NaN stays.
        if is_better || (is_nan(x) && !is_nan(best)) {
            (best, position) = (x, i);
        }
    }
    position as i64
}

/// # Safety
/// As for [`RowLoop`]: a row of `T`, and room for an `i64`.
unsafe fn position_in_row<T: Element, const LARGEST: bool>(
    destination: *mut u8,
    operands: &[RowOperand],
    len: usize,
) {
    // SAFETY: the caller's promise.
    let x: &[T] = unsafe { row(&operands[0], len) };
    // SAFETY: as above.
    unsafe { destination.cast::<i64>().write(position(LARGEST, |i| x[i], len)) };
}

/// Only NaN cannot be ordered, not even with itself.
fn is_nan<T: PartialOrd>(x: T) -> bool {
    x.partial_cmp(&x).is_none()
}
