//! How the elements of a row become a total: in blocks of a constant size, each with parallel accumulators, whose totals are
//! added in order. That is what fixes the bits of a result, whatever the processor and the number of threads.

use super::super::loops::multiversion;
use super::monoid::{Accumulate, Monoid, RUN};

/// Parallel accumulators along a row.
const LANES: usize = 16;
/// Elements of a row that are combined before their totals are widened.
pub(super) const BLOCK: usize = RUN * LANES;

/// Adds the elements of a row to a total.
pub(super) type Adder<T> = unsafe fn(&mut <T as Accumulate>::Total, &[T]);

/// The one for this processor, which may be called with any row.
pub(super) fn adder<T: Accumulate, M: Monoid>() -> Adder<T> {
    multiversion!(Adder<T>, if T::IS_FLOAT, <T: Accumulate, M: Monoid> |total: &mut T::Total, row: &[T]| {
        *total = add_elements::<T, M>(*total, row);
    })
}

/// A total with more elements, which are the next whole blocks, or what is left. (Loops and not `fold`, whose closures would
/// not be compiled for the instructions of the function around them.)
#[inline(always)]
pub(super) fn add_elements<T: Accumulate, M: Monoid>(mut total: T::Total, row: &[T]) -> T::Total {
    let mut blocks = row.chunks_exact(BLOCK);
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
    let mut lanes = [M::identity::<T>(); LANES];
    let mut groups = block.chunks_exact(LANES);
    for group in &mut groups {
        combine_each::<T, M>(&mut lanes, group);
    }
    combine_each::<T, M>(&mut lanes, groups.remainder());
    if block.len() >= LANES {
        // Through memory: the compiler would otherwise make the loop fit what follows, in which lanes are taken two by two, and
        // use a quarter of each register, or an eighth.
        lanes = std::hint::black_box(lanes);
    }
    M::combine(total, total_of::<T, M>(lanes))
}

/// Combines each lane with an element, as far as there are elements.
#[inline(always)]
fn combine_each<T: Accumulate, M: Monoid>(lanes: &mut [T; LANES], elements: &[T]) {
    for (lane, &x) in lanes.iter_mut().zip(elements) {
        *lane = M::combine(*lane, x);
    }
}

/// The total of a block's lanes, by halves: the longest way from a lane to it is four combinations instead of sixteen.
#[inline(always)]
fn total_of<T: Accumulate, M: Monoid>(lanes: [T; LANES]) -> T::Total {
    let mut totals = lanes.map(T::widen);
    let mut half = LANES / 2;
    while half > 0 {
        for i in 0..half {
            totals[i] = M::combine(totals[i], totals[i + half]);
        }
        half /= 2;
    }
    totals[0]
}

#[cfg(test)]
mod tests {
    use super::super::monoid::{Accumulate, Max, Monoid, Prod, Sum};
    use super::{Adder, BLOCK, LANES, adder};

    /// The definition, element by element.
    fn defined<T: Accumulate, M: Monoid>(mut total: T::Total, row: &[T]) -> T::Total {
        for block in row.chunks(BLOCK) {
            let mut totals: Vec<T::Total> = (0..LANES)
                .map(|lane| {
                    let elements = block.iter().skip(lane).step_by(LANES);
                    elements.fold(M::identity::<T>(), |sum, &x| M::combine(sum, x)).widen()
                })
                .collect();
            while totals.len() > 1 {
                let upper = totals.split_off(totals.len() / 2);
                totals = totals.iter().zip(&upper).map(|(&a, &b)| M::combine(a, b)).collect();
            }
            total = M::combine(total, totals[0]);
        }
        total
    }

    fn check<T: Accumulate, M: Monoid>(element: impl Fn(usize) -> T, bits: impl Fn(T::Total) -> u64) {
        let row: Vec<T> = (0..6 * BLOCK + 3 * LANES + 5).map(element).collect();
        let start = T::default().widen();
        let lengths =
            (0..3 * LANES).chain((0..row.len()).step_by(97)).chain([4 * BLOCK, 5 * BLOCK, row.len()]);
        for len in lengths {
            let row = &row[..len];
            let add: Adder<T> = adder::<T, M>();
            let mut total = start;
            // SAFETY: the processor has the instructions that were chosen for it.
            unsafe { add(&mut total, row) };
            let plain = super::add_elements::<T, M>(start, row);
            let defined = bits(defined::<T, M>(start, row));
            assert_eq!(bits(total), defined, "{len} elements");
            assert_eq!(bits(plain), defined, "{len} elements, baseline");
        }
    }

    /// Numbers of all sizes and both signs.
    fn number(i: usize) -> f64 {
        let hash = (i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        (hash as f64 / f64::from(u32::MAX) - 0.5) * f64::from(1 << (hash % 20))
    }

    #[test]
    fn totals_have_the_bits_of_their_definition() {
        check::<f32, Sum>(|i| number(i) as f32, f64::to_bits);
        check::<f32, Max>(|i| number(i) as f32, f64::to_bits);
        check::<f64, Sum>(number, f64::to_bits);
        check::<f64, Prod>(|i| 1.0 + number(i) * 1e-7, f64::to_bits);
        check::<i32, Sum>(|i| i as i32 * 7919, |total| total as u64);
        check::<u8, Max>(|i| (i * 7) as u8, u64::from);
    }

    #[test]
    fn a_nan_is_found_wherever_it_is() {
        for at in (0..5 * BLOCK).step_by(61) {
            let mut row = vec![1.0f32; 5 * BLOCK];
            row[at] = f32::NAN;
            let mut total = f64::NEG_INFINITY;
            // SAFETY: as above.
            unsafe { adder::<f32, Max>()(&mut total, &row) };
            assert!(total.is_nan(), "at {at}");
        }
    }
}
