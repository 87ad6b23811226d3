//! A single lane of any length, at any distance between its elements.

use super::super::reduce::{Accumulate, largest, sum_with};
use super::super::scalar::{Number, Real};
use super::LaneFunction;

/// The function of a lane of `len` elements from `start`, `stride` apart.
#[inline(always)]
pub(super) fn lane<T>(function: LaneFunction, out: &mut [T], x: &[T], len: usize, start: usize, stride: usize)
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
            let shift = shift_of(largest);
            let total = lane.exponentials(shift, |_, _| ());
            out[start] = T::narrow(total.ln().plus(shift.widen()));
        }
    }
}

/// By how much the elements of a lane are shifted whose largest is this. An infinite shift would make `∞ - ∞`; unshifted,
/// infinities come out as they should.
#[inline(always)]
pub(super) fn shift_of<T: Real>(largest: T) -> T {
    if largest.minus(largest) == T::default() { largest } else { T::default() }
}

/// The cross-entropy with a label, `ln Σ exp(x) - x[label]`, from the total of `exp(x - largest)`.
#[inline(always)]
pub(super) fn loss_of<T>(total: T::Total, largest: T, logit: T) -> T
where
    T: Accumulate<Total: Real> + Real,
{
    T::narrow(total.ln().plus(largest.widen().minus(logit.widen())))
}

/// Elements that are worked on together: registers of them, with something in the place of those that there are not.
const GROUP: usize = 64;
/// A group is as long as it must be, in whole registers.
pub(super) const REGISTER: usize = 16;

/// `len` elements from `start`, `stride` apart.
#[derive(Clone, Copy)]
pub(super) struct Lane<'a, T> {
    pub(super) x: &'a [T],
    pub(super) len: usize,
    pub(super) start: usize,
    pub(super) stride: usize,
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
    pub(super) fn largest(self) -> T {
        if self.stride == 1 && self.len >= REGISTER {
            return self.x[self.start..][..self.len]
                .chunks(GROUP)
                .fold(T::LEAST, |result, group| result.greatest(largest(group)));
        }
        self.positions().fold(T::LEAST, |result, at| result.greatest(self.x[at]))
    }

    /// `Σ exp(x - shift)`; calls `visit` with groups of exponentials, and the number of the first element of each.
    #[inline(always)]
    pub(super) fn exponentials(self, shift: T, mut visit: impl FnMut(usize, &[T])) -> T::Total {
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
