//! Softmax and its relatives: each lane is shifted by its largest element before anything is exponentiated, so that no
//! logit is too large. Totals of f32 are kept in f64.

use graph_core::{DType, Kernel, OpError, Source, View, ViewMut};

use super::indices::Indices;
use super::lanes::{Lanes, for_each_block};
use super::reduce::Accumulate;
use crate::ops::pointwise::{Number, Real};

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
    pub(crate) lanes: Lanes,
    pub(crate) function: LaneFunction,
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
}

impl SoftmaxKernel {
    fn run_typed<T>(&self, out: &mut [T], x: &[T])
    where
        T: Accumulate<Total: Real> + Real,
    {
        let Lanes { len, inner, .. } = self.lanes;
        let block = if self.function == LaneFunction::LogSumExp { inner } else { self.lanes.block() };
        for_each_block(out, block, x.len() * EXP_COST, |i, out| {
            let x = &x[i * self.lanes.block()..][..self.lanes.block()];
            if inner == 1 {
                self.lane(out, x, len, 0, 1);
            } else {
                (0..inner).for_each(|column| self.lane(out, x, len, column, inner));
            }
        });
    }

    /// The lane of `len` elements from `start`, `stride` apart.
    #[inline(always)]
    fn lane<T>(&self, out: &mut [T], x: &[T], len: usize, start: usize, stride: usize)
    where
        T: Accumulate<Total: Real> + Real,
    {
        let positions = || (0..len).map(|i| start + i * stride);
        let largest = positions().map(|at| x[at]).fold(T::LEAST, Number::greatest);
        match self.function {
            LaneFunction::Softmax => {
                let mut total = T::Total::default();
                for at in positions() {
                    out[at] = x[at].minus(largest).exp();
                    total = total.plus(out[at].widen());
                }
                let scale = T::narrow(total.reciprocal());
                positions().for_each(|at| out[at] = out[at].times(scale));
            }
            LaneFunction::LogSoftmax => {
                let total = T::narrow(shifted_total(positions().map(|at| x[at]), largest).ln());
                positions().for_each(|at| out[at] = x[at].minus(largest).minus(total));
            }
            LaneFunction::LogSumExp => {
                // An infinite shift would make `∞ - ∞`; unshifted, infinities come out as they should.
                let shift = if largest.minus(largest) == T::default() { largest } else { T::default() };
                let total = shifted_total(positions().map(|at| x[at]), shift);
                out[start] = T::narrow(total.ln().plus(shift.widen()));
            }
        }
    }
}

/// `Σ exp(x - shift)`
#[inline(always)]
fn shifted_total<T>(lane: impl Iterator<Item = T>, shift: T) -> T::Total
where
    T: Accumulate<Total: Real> + Real,
{
    lane.fold(T::Total::default(), |total, x| total.plus(x.minus(shift).exp().widen()))
}

/// For each row of logits `ln Σ exp(x) - x[label]`.
#[derive(Debug)]
pub(crate) struct CrossEntropyKernel {
    pub(crate) num_classes: usize,
}

impl Kernel for CrossEntropyKernel {
    fn run(&self, outs: &mut [ViewMut<'_>], ins: &[Source<'_>]) -> Result<(), OpError> {
        let (out, logits, labels) = (&mut outs[0], ins[0].view(), Indices::of(ins[1].view()));
        labels.check(self.num_classes, |label| {
            format!("label {label} is out of range for {} classes", self.num_classes)
        })?;
        match out.dtype() {
            DType::F32 => self.run_typed::<f32>(out.as_mut_slice(), logits, labels),
            _ => self.run_typed::<f64>(out.as_mut_slice(), logits, labels),
        }
        Ok(())
    }
}

impl CrossEntropyKernel {
    fn run_typed<T>(&self, out: &mut [T], logits: View<'_>, labels: Indices<'_>)
    where
        T: Accumulate<Total: Real> + Real,
    {
        let x = logits.as_slice::<T>();
        for_each_block(out, 1, x.len() * EXP_COST, |i, out| {
            let row = &x[i * self.num_classes..][..self.num_classes];
            let largest = row.iter().copied().fold(T::LEAST, Number::greatest);
            let total = shifted_total(row.iter().copied(), largest).ln();
            out[0] = T::narrow(total.plus(largest.widen().minus(row[labels.at(i)].widen())));
        });
    }
}
