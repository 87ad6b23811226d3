//! The product against its definition, for every instruction set that this processor has: sizes around the edges of
//! tiles, layouts, updates, and what may not be touched.

use super::*;
use graph_core::ALIGNMENT;

/// Elements that stand between the rows of strided matrices, and must stay what they are.
const GUARD: f64 = 77.0;

/// The two element types, for tests.
trait Tested: Float + PartialEq + std::fmt::Debug {
    /// Relative to the sum of the terms' magnitudes: a block's chain has at most 383 roundings, of either sign, which together
    /// make some 20 half units in the last place of a sum that is itself smaller.
    const TOLERANCE: f64;
    fn from_f64(x: f64) -> Self;
    fn to_f64(self) -> f64;
    fn bits(self) -> u64;
}

impl Tested for f32 {
    const TOLERANCE: f64 = 1e-6;
    fn from_f64(x: f64) -> f32 {
        x as f32
    }
    fn to_f64(self) -> f64 {
        self.into()
    }
    fn bits(self) -> u64 {
        self.to_bits().into()
    }
}

impl Tested for f64 {
    const TOLERANCE: f64 = 2e-15;
    fn from_f64(x: f64) -> f64 {
        x
    }
    fn to_f64(self) -> f64 {
        self
    }
    fn bits(self) -> u64 {
        self.to_bits()
    }
}

/// Numbers between -1 and 1, the same for the same seed.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 40) as f64 / (1u64 << 23) as f64 - 1.0
    }

    fn below(&mut self, bound: usize) -> usize {
        ((self.next() + 1.0) / 2.0 * bound as f64) as usize
    }
}

/// A matrix in memory whose rows are a stride apart, with guards between them.
struct Stored<T> {
    elements: Vec<T>,
    layout: Layout,
}

impl<T: Tested> Stored<T> {
    /// `at(row, column)` of the operand.
    fn new(
        rows: usize,
        columns: usize,
        transposed: bool,
        gap: usize,
        mut at: impl FnMut(usize, usize) -> f64,
    ) -> Stored<T> {
        let (count, len) = if transposed { (columns, rows) } else { (rows, columns) };
        let layout = Layout { stride: len + gap, transposed };
        // The last row has no gap behind it: to read there is to read out of bounds.
        let size = if count == 0 { 0 } else { (count - 1) * layout.stride + len };
        let mut elements = vec![T::from_f64(GUARD); size];
        for row in 0..rows {
            for column in 0..columns {
                elements[layout.offset(row, column)] = T::from_f64(at(row, column));
            }
        }
        Stored { elements, layout }
    }

    fn at(&self, row: usize, column: usize) -> T {
        self.elements[self.layout.offset(row, column)]
    }
}

/// What is asked of a product.
#[derive(Debug, Clone, Copy)]
struct Case {
    m: usize,
    n: usize,
    k: usize,
    transpose_left: bool,
    transpose_right: bool,
    /// Elements between rows.
    gaps: [usize; 3],
    alpha: f64,
    beta: Beta,
}

impl Case {
    fn of(m: usize, n: usize, k: usize) -> Case {
        let (transpose_left, transpose_right) = (false, false);
        Case { m, n, k, transpose_left, transpose_right, gaps: [0; 3], alpha: 1.0, beta: Beta::Zero }
    }

    fn flagged(self, flags: usize) -> Case {
        Case { transpose_left: flags & 1 == 1, transpose_right: flags & 2 == 2, ..self }
    }

    fn gemm<T: Tested>(&self, instructions: Instructions) -> Gemm<T> {
        let layout = |columns: usize, rows: usize, transposed: bool, gap: usize| Layout {
            stride: if transposed { rows } else { columns } + gap,
            transposed,
        };
        let product = Product {
            m: self.m,
            n: self.n,
            k: self.k,
            left: layout(self.k, self.m, self.transpose_left, self.gaps[0]),
            right: layout(self.n, self.k, self.transpose_right, self.gaps[1]),
        };
        Gemm::with_instructions(product, self.n + self.gaps[2], 1, instructions)
    }

    fn operands<T: Tested>(&self) -> (Stored<T>, Stored<T>) {
        let mut numbers = Numbers((self.m * 31 + self.n * 7 + self.k) as u64);
        let left = Stored::new(self.m, self.k, self.transpose_left, self.gaps[0], |_, _| numbers.next());
        let right = Stored::new(self.k, self.n, self.transpose_right, self.gaps[1], |_, _| numbers.next());
        (left, right)
    }

    /// The destination before: NaN where it must not be read.
    fn destination<T: Tested>(&self) -> Stored<T> {
        let mut numbers = Numbers(5);
        Stored::new(self.m, self.n, false, self.gaps[2], |_, _| match self.beta {
            Beta::Zero => f64::NAN,
            Beta::One => numbers.next(),
        })
    }
}

/// Runs the parts in this order, and checks that each writes its rectangle, for good, and nothing else.
fn run<T: Tested>(
    gemm: &Gemm<T>,
    case: &Case,
    left: &Stored<T>,
    right: &Stored<T>,
    parts: impl Iterator<Item = usize>,
) -> Stored<T> {
    let mut destination = case.destination::<T>();
    let stride = destination.layout.stride;
    let mut scratch = vec![T::from_f64(f64::NAN); gemm.scratch_len() + ALIGNMENT / size_of::<T>()];
    let bits = |elements: &[T]| elements.iter().map(|x| x.bits()).collect::<Vec<_>>();
    let mut expected = bits(&destination.elements);
    let mut is_written = vec![false; expected.len()];
    for part in parts {
        let scratch = scratch.as_mut_ptr();
        let scratch = scratch.wrapping_add(scratch.align_offset(ALIGNMENT));
        let alpha = T::from_f64(case.alpha);
        // SAFETY: the operands have the product's shape and layout, and the scratch memory its size.
        unsafe {
            let (a, b) = (left.elements.as_ptr(), right.elements.as_ptr());
            gemm.run_part(part, destination.elements.as_mut_ptr(), a, b, alpha, case.beta, scratch);
        }
        let found = bits(&destination.elements);
        let (rows, columns) = gemm.rectangle(part);
        for at in rows.flat_map(|row| columns.clone().map(move |column| row * stride + column)) {
            assert!(!is_written[at], "{case:?}: {at} is in two parts");
            is_written[at] = true;
            expected[at] = found[at];
        }
        assert!(found == expected, "{case:?}: part {part} wrote beside its rectangle");
    }
    for (at, is_written) in is_written.into_iter().enumerate() {
        assert_eq!(is_written, at % stride < case.n, "{case:?}: {at}");
    }
    destination
}

fn check_typed<T: Tested>(case: &Case, instructions: Instructions) {
    let (left, right) = case.operands::<T>();
    let gemm = case.gemm::<T>(instructions);
    let before = case.destination::<T>();
    let after = run(&gemm, case, &left, &right, 0..gemm.parts());
    for row in 0..case.m {
        for column in 0..case.n {
            let (mut sum, mut magnitude) = (0.0, 0.0);
            for p in 0..case.k {
                let term = left.at(row, p).to_f64() * right.at(p, column).to_f64();
                sum += term;
                magnitude += term.abs();
            }
            let alpha = T::from_f64(case.alpha).to_f64();
            let old = if case.beta == Beta::One { before.at(row, column).to_f64() } else { 0.0 };
            let expected = alpha * sum + old;
            let found = after.at(row, column).to_f64();
            let bound = T::TOLERANCE * (alpha.abs() * magnitude + old.abs());
            assert!(
                (found - expected).abs() <= bound,
                "{instructions:?} {case:?}: {found} instead of {expected} at {row} {column}, off by more than {bound}"
            );
        }
    }
}

fn check(case: Case) {
    for instructions in Instructions::present() {
        check_typed::<f32>(&case, instructions);
        check_typed::<f64>(&case, instructions);
    }
}

/// A height of 14, a width of 8 registers of 16, and what is around them.
#[test]
fn sizes_around_the_edges_of_tiles() {
    let heights = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 27, 28, 29];
    let widths = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 47, 48, 49, 63, 64, 65, 127, 128, 129, 257];
    let mut numbers = Numbers(1);
    for m in heights {
        for n in widths {
            let k = [0, 1, 2, 3, 4, 5, 8, 17, 33][numbers.below(9)];
            check(Case::of(m, n, k).flagged(numbers.below(4)));
        }
    }
}

#[test]
fn inner_dimensions_around_the_edges_of_blocks() {
    let small = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17];
    let large = [255, 256, 257, 383, 384, 385, 511, 512, 513, 639, 640, 641, 1000, 1023, 1024, 1025];
    for k in small.into_iter().chain(large) {
        for flags in 0..4 {
            check(Case { beta: Beta::One, alpha: -0.25, ..Case::of(15, 33, k).flagged(flags) });
            check(Case::of(3, 5, k).flagged(flags));
        }
    }
}

#[test]
fn rows_that_are_further_apart_than_they_are_long() {
    let mut numbers = Numbers(2);
    for round in 0..200 {
        let gaps = [numbers.below(4), numbers.below(4), numbers.below(4)];
        let beta = [Beta::Zero, Beta::One][round / 4 % 2];
        let case = Case::of(numbers.below(40), numbers.below(70), numbers.below(30)).flagged(round % 4);
        check(Case { gaps, beta, alpha: [1.0, -0.01, 0.0][round % 3], ..case });
    }
}

#[test]
fn vectors() {
    for len in [0, 1, 2, 15, 16, 17, 64, 100, 300, 5000] {
        for flags in 0..4 {
            for gap in [0, 1] {
                let gaps = [gap; 3];
                check(Case { gaps, ..Case::of(1, 1, len).flagged(flags) });
                for depth in [3, 20, 300] {
                    let case =
                        Case { gaps, beta: Beta::One, alpha: 0.5, ..Case::of(1, len, depth).flagged(flags) };
                    check(case);
                    check(Case { m: len, n: 1, ..case });
                }
            }
        }
    }
}

/// Several parts, and copies of the right matrix.
#[test]
fn products_that_are_cut_into_parts_and_copied() {
    for instructions in Instructions::present() {
        for flags in 0..4 {
            let case = Case { beta: Beta::One, alpha: 2.0, ..Case::of(512, 512, 512).flagged(flags) };
            let gemm = case.gemm::<f32>(instructions);
            assert!(gemm.parts() > 4 && gemm.scratch_len() > 0, "{gemm:?}");
            assert!(gemm.blocking.packs_right && gemm.blocking.order == Order::Panels, "{gemm:?}");
            assert_eq!(gemm.blocking.packs_left, case.transpose_left, "{gemm:?}");
            check_typed::<f32>(&case, instructions);
            check_typed::<f64>(&Case::of(300, 260, 256).flagged(flags), instructions);
        }
    }
}

/// More rows, or columns, than a part may have.
#[test]
fn long_and_narrow() {
    check(Case::of(1300, 3, 9));
    check(Case::of(2, 1300, 9).flagged(3));
    check(Case::of(1300, 40, 40).flagged(1));
}

/// A left matrix that comes from far away, whose next rows are asked for in advance by the first panel's tiles: its columns
/// fill registers, or do not, and other panels follow. One that is stored transposed, and not copied.
#[test]
fn large_left_matrices() {
    for (n, flags) in [(17, 0), (128, 0), (17, 1)] {
        let case = Case::of(3000, n, 710).flagged(flags);
        for instructions in Instructions::present() {
            let blocking = case.gemm::<f32>(instructions).blocking;
            assert!(blocking.asks_ahead, "{case:?} {blocking:?}");
        }
        check(case);
    }
    let case = Case::of(35_000, 9, 62).flagged(1);
    for instructions in Instructions::present() {
        let blocking = case.gemm::<f32>(instructions).blocking;
        assert!(blocking.asks_ahead && !blocking.packs_left, "{case:?} {blocking:?}");
    }
    check(case);
}

#[test]
fn the_bits_are_those_of_the_definition() {
    // One chain of fused additions for each block; blocks in order.
    let chain = |case: &Case, left: &Stored<f32>, right: &Stored<f32>, row: usize, column: usize| {
        let blocks = if case.k < 384 { 1 } else { 2 * case.k.div_ceil(512) };
        let mut total = 0.0;
        for block in 0..blocks {
            let mut sum = 0.0f32;
            for p in share(case.k, blocks, block) {
                sum = left.at(row, p).mul_add(right.at(p, column), sum);
            }
            total = if block == 0 { sum } else { sum + total };
        }
        total
    };
    let fused = Instructions::present().filter(|&instructions| instructions != Instructions::Portable);
    for instructions in fused {
        for (m, n, k) in
            [(1, 70, 700), (70, 1, 700), (33, 65, 700), (200, 257, 31), (1, 2, 900), (3, 600, 1024)]
        {
            for flags in 0..4 {
                let case = Case::of(m, n, k).flagged(flags);
                let (left, right) = case.operands::<f32>();
                let gemm = case.gemm::<f32>(instructions);
                let found = run(&gemm, &case, &left, &right, 0..gemm.parts());
                for (row, column) in (0..m).flat_map(|row| (0..n).map(move |column| (row, column))) {
                    let expected = chain(&case, &left, &right, row, column);
                    assert_eq!(
                        found.at(row, column).to_bits(),
                        expected.to_bits(),
                        "{case:?} {row} {column}"
                    );
                }
            }
        }
    }
}

#[test]
fn the_order_of_the_parts_does_not_matter() {
    for instructions in Instructions::present() {
        let case = Case { beta: Beta::One, ..Case::of(150, 170, 300) };
        let (left, right) = case.operands::<f32>();
        let gemm = case.gemm::<f32>(instructions);
        assert!(gemm.parts() > 2, "{gemm:?}");
        let forward = run(&gemm, &case, &left, &right, 0..gemm.parts());
        let backward = run(&gemm, &case, &left, &right, (0..gemm.parts()).rev());
        assert_eq!(forward.elements, backward.elements);
    }
}

/// A few rows and a large matrix: its blocks are computed one by one, in any order, and added up afterwards.
/// Whether it is such a product for these instructions.
fn check_sums<T: Tested>(case: &Case, instructions: Instructions) -> bool {
    let (left, right) = case.operands::<T>();
    let gemm = case.gemm::<T>(instructions);
    let Some(parts) = gemm.sum_parts() else {
        assert!(gemm.blocking.packs_right, "{case:?}: {gemm:?}");
        return false;
    };
    let expected = run(&gemm, case, &left, &right, 0..gemm.parts());
    let mut found = case.destination::<T>();
    let mut sums = vec![T::from_f64(f64::NAN); gemm.sums_len()];
    for part in (0..parts).rev() {
        // SAFETY: the operands have the product's shape and layout, and there is memory for all sums.
        unsafe {
            gemm.run_sum_part(part, sums.as_mut_ptr(), left.elements.as_ptr(), right.elements.as_ptr());
        }
    }
    for rows in [case.m / 2..case.m, 0..case.m / 2] {
        let (to, alpha) = (found.elements.as_mut_ptr(), T::from_f64(case.alpha));
        // SAFETY: the sums are there, and the destination is as large as the product.
        unsafe { gemm.add_sums(rows, to, sums.as_ptr(), alpha, case.beta) };
    }
    let bits = |stored: &Stored<T>| stored.elements.iter().map(|x| x.bits()).collect::<Vec<_>>();
    assert_eq!(bits(&found), bits(&expected), "{instructions:?} {case:?}");
    true
}

#[test]
fn sums_that_are_shared_out_have_the_bits_of_those_that_are_not() {
    for instructions in Instructions::present() {
        let mut compared = 0;
        for (m, n, k) in [(32, 128, 784), (2, 5000, 400), (12, 333, 1500), (20, 65, 5000)] {
            let case = Case::of(m, n, k);
            let other = Case { gaps: [1, 2, 3], alpha: -0.3, beta: Beta::One, ..case };
            for case in [case, other] {
                compared += usize::from(check_sums::<f32>(&case, instructions));
                compared += usize::from(check_sums::<f64>(&case, instructions));
            }
        }
        assert!(compared >= 8, "{instructions:?}: {compared}");
    }
}

#[test]
fn nan_and_infinity_are_not_skipped_by_zeros() {
    for instructions in Instructions::present() {
        for special in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            for (m, n, k) in [(1, 1, 3), (1, 1, 70), (2, 3, 4), (1, 8, 300), (30, 1, 5), (30, 50, 40)] {
                for flags in 0..4 {
                    let case = Case::of(m, n, k).flagged(flags);
                    let left = Stored::<f32>::new(m, k, case.transpose_left, 0, |_, _| 0.0);
                    // In one column and one row only: what a tile computes beside it is not affected.
                    let right = Stored::<f32>::new(k, n, case.transpose_right, 0, |row, column| {
                        if (row, column) == (k - 1, n - 1) { special } else { 1.0 }
                    });
                    let gemm = case.gemm::<f32>(instructions);
                    let found = run(&gemm, &case, &left, &right, 0..gemm.parts());
                    for row in 0..m {
                        assert!(found.at(row, n - 1).is_nan(), "{case:?}");
                        (0..n - 1).for_each(|column| assert_eq!(found.at(row, column), 0.0, "{case:?}"));
                    }
                }
            }
        }
    }
}

#[test]
fn parts_depend_on_the_shape_and_are_of_much_the_same_size() {
    for instructions in Instructions::present() {
        for (m, n, k) in [(32, 128, 784), (784, 128, 32), (256, 1024, 1024), (2000, 32, 288), (1, 5000, 5000)]
        {
            let gemm = Case::of(m, n, k).gemm::<f32>(instructions);
            let Blocking { row_parts, column_parts, height, width, .. } = gemm.blocking;
            let panel = width * gemm.kernels.lanes;
            let rows = (0..row_parts).map(|part| share(m, row_parts, part).len()).max().expect("a part");
            let columns = n.div_ceil(panel).div_ceil(column_parts) * panel;
            let waste = (rows * row_parts * columns * column_parts) as f64 / (m * n) as f64;
            assert!(waste < 1.35, "{instructions:?} {m} {n} {k}: {gemm:?}");
            assert!(gemm.parts().is_power_of_two() || gemm.parts() > 8, "{gemm:?}");
            assert!(height <= m.max(1), "{gemm:?}");
        }
    }
}

/// The number of parts of large products, and of those of batches: no part exceeds its bounds, there are no more than
/// wanted beyond that, and a product has no more parts in a batch than alone.
#[test]
fn parts_of_large_products_and_of_batches() {
    for instructions in Instructions::present() {
        for size in [512, 900, 1024, 2048] {
            let row_major = Layout { stride: size, transposed: false };
            let product = Product { m: size, n: size, k: size, left: row_major, right: row_major };
            let parts = |batch: usize| {
                let gemm = Gemm::<f32>::with_instructions(product, size, batch, instructions);
                for part in 0..gemm.parts() {
                    let (rows, columns) = gemm.rectangle(part);
                    assert!(rows.len() <= 256 && columns.len() <= 256 + gemm.panel(), "{gemm:?}");
                }
                gemm.parts()
            };
            let least = size.div_ceil(256) * size.div_ceil(256);
            assert!(parts(1) >= 8 && parts(1) <= least.max(64), "{size}: {}", parts(1));
            for batch in [3, 8, 100] {
                let found = parts(batch);
                assert!(found <= parts(1) && found <= least.max(64usize.div_ceil(batch)), "{size}: {found}");
            }
        }
    }
}
