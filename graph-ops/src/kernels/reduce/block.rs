//! How the elements of a chunk become a total: in blocks of a constant size, each with parallel accumulators, whose totals are
//! added in order. That, and how a row is cut into chunks ([`super::row`]), fixes the bits of a result, whatever the processor
//! and the number of threads, but for which NaN a NaN is.

use std::marker::PhantomData;

use super::super::instructions::Instructions;
use super::super::loops::multiversion;
use super::monoid::{Accumulate, Monoid, RUN};

/// Parallel accumulators along a row.
const ACCUMULATORS: usize = 16;
/// Elements of a row that are combined before their totals are widened.
pub(super) const BLOCK: usize = RUN * ACCUMULATORS;

/// Computes totals with the instructions of this processor.
#[derive(Debug)]
pub(super) struct Reducer<T: Accumulate, M> {
    add: unsafe fn(&mut T::Total, &[T]),
    monoid: PhantomData<fn() -> M>,
}

impl<T: Accumulate, M: Monoid> Reducer<T, M> {
    pub(super) fn new() -> Reducer<T, M> {
        Reducer::with_instructions(Instructions::fastest())
    }

    /// With other instructions than the fastest, which must be present.
    fn with_instructions(instructions: Instructions) -> Reducer<T, M> {
        type Add<T> = unsafe fn(&mut <T as Accumulate>::Total, &[T]);
        let add = multiversion!(
            Add<T>, for instructions, if T::DTYPE.is_float(),
            <T: Accumulate, M: Monoid> |total: &mut T::Total, chunk: &[T]| {
                *total = add_elements::<T, M>(*total, chunk);
            }
        );
        Reducer { add, monoid: PhantomData }
    }

    /// The total of a chunk.
    pub(super) fn total(&self, chunk: &[T]) -> T::Total {
        let mut total = M::identity::<T>().widen();
        // SAFETY: the processor has the instructions, and nothing else is asked for.
        unsafe { (self.add)(&mut total, chunk) };
        total
    }
}

/// A total with more elements of its chunk, which are the next whole blocks, or what is left. (Loops and not `fold`, whose
/// closures may not be inlined, and then are compiled for the baseline.)
#[inline(always)]
pub(super) fn add_elements<T: Accumulate, M: Monoid>(mut total: T::Total, elements: &[T]) -> T::Total {
    let mut blocks = elements.chunks_exact(BLOCK);
    for block in &mut blocks {
        total = add_block::<T, M>(total, block);
    }
    match blocks.remainder() {
        [] => total,
        rest => add_block::<T, M>(total, rest),
    }
}

/// A total with the elements of a block, or of a part of one.
#[inline(always)]
fn add_block<T: Accumulate, M: Monoid>(total: T::Total, block: &[T]) -> T::Total {
    let mut lanes = [M::identity::<T>(); ACCUMULATORS];
    let mut groups = block.chunks_exact(ACCUMULATORS);
    for group in &mut groups {
        combine_each::<T, M>(&mut lanes, group);
    }
    combine_each::<T, M>(&mut lanes, groups.remainder());
    // Through memory: the compiler would otherwise make the loop fit what follows, in which lanes are taken two by two, and use a
    // quarter of each register, or an eighth. A row without a whole group has no loop, and would only take longer.
    if block.len() >= ACCUMULATORS {
        lanes = std::hint::black_box(lanes);
    }
    M::combine(total, total_of::<T, M>(lanes))
}

/// Combines each lane with an element, as far as there are elements.
#[inline(always)]
fn combine_each<T: Accumulate, M: Monoid>(lanes: &mut [T; ACCUMULATORS], elements: &[T]) {
    for (lane, &x) in lanes.iter_mut().zip(elements) {
        *lane = M::combine(*lane, x);
    }
}

/// The total of a block's lanes, by halves: the longest way from a lane to it is four combinations instead of sixteen.
#[inline(always)]
fn total_of<T: Accumulate, M: Monoid>(lanes: [T; ACCUMULATORS]) -> T::Total {
    let mut totals = lanes.map(T::widen);
    let mut half = ACCUMULATORS / 2;
    while half > 0 {
        for i in 0..half {
            totals[i] = M::combine(totals[i], totals[i + half]);
        }
        half /= 2;
    }
    totals[0]
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::monoid::{Accumulate, Max, Min, Monoid, Prod, Sum};
    use super::{Instructions, Reducer};

    /// The definition, with numbers instead of names: what they are is part of it.
    pub(in super::super) fn defined<T: Accumulate, M: Monoid>(chunk: &[T]) -> T::Total {
        let mut total = M::identity::<T>().widen();
        for block in chunk.chunks(512) {
            let lane = |lane: usize| {
                let elements = block.iter().skip(lane).step_by(16);
                elements.fold(M::identity::<T>(), |sum, &x| M::combine(sum, x)).widen()
            };
            let mut totals: Vec<T::Total> = (0..16).map(lane).collect();
            while totals.len() > 1 {
                let upper = totals.split_off(totals.len() / 2);
                totals = totals.iter().zip(&upper).map(|(&a, &b)| M::combine(a, b)).collect();
            }
            total = M::combine(total, totals[0]);
        }
        total
    }

    /// The same for all NaNs.
    pub(in super::super) fn bits(x: f64) -> u64 {
        if x.is_nan() { f64::NAN.to_bits() } else { x.to_bits() }
    }

    /// From 0 to 1.
    fn hashed(i: usize) -> f64 {
        let hash = (i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        hash as f64 / f64::from(u32::MAX)
    }

    /// Numbers of both signs and of so many sizes that each order of additions has a sum of its own.
    pub(in super::super) fn number(i: usize) -> f64 {
        (hashed(3 * i) - 0.5) * ((hashed(3 * i + 1) - 0.5) * 80.0).exp2()
    }

    /// Numbers whose products are neither large nor small.
    pub(in super::super) fn factor(i: usize) -> f64 {
        0.9 + 0.2 * hashed(i)
    }

    fn check<T: Accumulate, M: Monoid>(row: &[T], bits: impl Fn(T::Total) -> u64) {
        let lengths = (0..50).chain((0..row.len()).step_by(97)).chain([511, 512, 513, 1024, row.len()]);
        for len in lengths.filter(|&len| len <= row.len()) {
            let defined = bits(defined::<T, M>(&row[..len]));
            for instructions in Instructions::present() {
                let total = Reducer::<T, M>::with_instructions(instructions).total(&row[..len]);
                assert_eq!(bits(total), defined, "{len} elements, {instructions:?}");
            }
        }
    }

    const LEN: usize = 5 * 512 + 37;

    fn all<T>(element: impl Fn(usize) -> T) -> Vec<T> {
        (0..LEN).map(element).collect()
    }

    #[test]
    fn totals_have_the_bits_of_their_definition() {
        check::<f32, Sum>(&all(|i| number(i) as f32), bits);
        check::<f32, Prod>(&all(|i| factor(i) as f32), bits);
        check::<f64, Sum>(&all(number), bits);
        check::<f64, Prod>(&all(factor), bits);
        check::<i32, Sum>(&all(|i| i as i32 * 7919), |total| total as u64);
        check::<i64, Prod>(&all(|i| 2 * i as i64 + 1), |total| total as u64);
        check::<u8, Sum>(&all(|i| i as u8), u64::from);
    }

    /// The one extreme element of a row is found, wherever it is.
    #[test]
    fn extremes_are_found() {
        for at in (0..LEN).step_by(61).chain([LEN - 1]) {
            let single = |x: f64| all(|i| if i == at { x } else { 1.0 });
            let floats: Vec<Vec<f32>> =
                [3.0, -2.0, f64::NAN].map(|x| single(x).iter().map(|&x| x as f32).collect()).into();
            let bytes = all(|i| if i == at { 9u8 } else { 4 });
            for instructions in Instructions::present() {
                let most = Reducer::<f32, Max>::with_instructions(instructions);
                let least = Reducer::<f32, Min>::with_instructions(instructions);
                assert_eq!((most.total(&floats[0]), least.total(&floats[1])), (3.0, -2.0), "at {at}");
                assert!(most.total(&floats[2]).is_nan() && least.total(&floats[2]).is_nan(), "at {at}");
                assert_eq!(Reducer::<f64, Max>::with_instructions(instructions).total(&single(3.0)), 3.0);
                assert_eq!(Reducer::<u8, Max>::with_instructions(instructions).total(&bytes), 9);
            }
        }
    }

    #[test]
    fn infinities_are_ieee() {
        let row = |values: [f32; 2]| {
            let mut row = vec![1.0f32; LEN];
            (row[40], row[1999]) = (values[0], values[1]);
            row
        };
        let infinity = f32::INFINITY;
        for values in [[infinity, 1.0], [infinity, -infinity], [-infinity, f32::NAN]] {
            check::<f32, Sum>(&row(values), bits);
            check::<f32, Max>(&row(values), bits);
        }
    }
}
