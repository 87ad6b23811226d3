//! The reduction kernel: groups of neighbouring axes are reduced one after the other, from the innermost.
//!
//! The order of additions is fixed by the shape alone: blocks of a constant size, whose totals are added in order. So
//! results do not depend on the number of threads. Totals of f32 are kept in f64, which bounds the drift of long sums.

use graph_core::{
    DType, Fact, Kernel, OpError, RowFold, RowKernel, RowLoop, RowOperand, RowSpan, Source, View, ViewMut,
};

use super::lanes::row;
use super::parallel::{Disjoint, PARALLEL_ELEMENTS, PART_ELEMENTS, for_each_chunk};
use super::scalar::Number;

/// How elements are combined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reduction {
    /// Sum; 0 of nothing.
    Sum,
    /// Product; 1 of nothing.
    Prod,
    /// The largest; NaN if any is.
    Max,
    /// The smallest; NaN if any is.
    Min,
    /// Whether any is true; false of nothing.
    Any,
    /// Whether all are true; true of nothing.
    All,
}

impl Reduction {
    /// All of them, in declaration order.
    pub const ALL: [Reduction; 6] =
        [Reduction::Sum, Reduction::Prod, Reduction::Max, Reduction::Min, Reduction::Any, Reduction::All];

    /// The name in messages and text.
    pub fn name(self) -> &'static str {
        match self {
            Reduction::Sum => "sum",
            Reduction::Prod => "prod",
            Reduction::Max => "max",
            Reduction::Min => "min",
            Reduction::Any => "any",
            Reduction::All => "all",
        }
    }
}

/// One pass: `[outer, len, inner]` becomes `[outer, inner]`.
#[derive(Debug, Clone, Copy)]
struct Pass {
    outer: usize,
    len: usize,
    inner: usize,
}

/// A reduction of an array of a known shape.
#[derive(Debug)]
pub(crate) struct ReduceKernel {
    reduction: Reduction,
    passes: Vec<Pass>,
    row: Option<RowKernel>,
}

impl ReduceKernel {
    pub(crate) fn new(reduction: Reduction, x: &Fact, axes: &[usize]) -> ReduceKernel {
        let shape = &x.shape;
        let mut passes = Vec::new();
        let mut inner = 1;
        let mut axis = shape.rank();
        while axis > 0 {
            axis -= 1;
            if !axes.contains(&axis) {
                inner *= shape[axis];
                continue;
            }
            let mut len = shape[axis];
            while axis > 0 && axes.contains(&(axis - 1)) {
                axis -= 1;
                len *= shape[axis];
            }
            let outer = shape[..axis].iter().product();
            passes.push(Pass { outer, len, inner });
        }
        let are_last =
            axes.iter().rev().eq((0..shape.rank()).rev().take(axes.len()).collect::<Vec<_>>().iter());
        let row = (are_last && !axes.is_empty()).then(|| {
            let span = RowSpan::Total { axes: axes.len() };
            // SAFETY: the loop reads a row of the dtype and writes one element of it.
            // So does its fold, with totals of the dtype's.
            unsafe { RowKernel::new(row_loop(reduction, x.dtype), span).with_fold(fold(reduction, x.dtype)) }
        });
        ReduceKernel { reduction, passes, row }
    }
}

/// The reduction of one row.
fn row_loop(reduction: Reduction, dtype: DType) -> RowLoop {
    fn of<T: Accumulate>(reduction: Reduction) -> RowLoop {
        match reduction {
            Reduction::Sum => total_of_row::<T, Sum>,
            Reduction::Prod => total_of_row::<T, Prod>,
            Reduction::Max | Reduction::Any => total_of_row::<T, Max>,
            Reduction::Min | Reduction::All => total_of_row::<T, Min>,
        }
    }
    match dtype {
        DType::F32 => of::<f32>(reduction),
        DType::F64 => of::<f64>(reduction),
        DType::I32 => of::<i32>(reduction),
        DType::I64 => of::<i64>(reduction),
        // A bool is a byte 0 or 1: any is the largest, all the smallest.
        DType::U8 | DType::Bool => of::<u8>(reduction),
    }
}

/// # Safety
/// As for [`RowLoop`]: a row of `T`, and room for one.
unsafe fn total_of_row<T: Accumulate, M: Monoid>(destination: *mut u8, operands: &[RowOperand], len: usize) {
    // SAFETY: the caller's promise.
    let total = reduce_row::<T, M>(unsafe { row(&operands[0], len) });
    // SAFETY: as above.
    unsafe { destination.cast::<T>().write(T::narrow(total)) };
}

/// The reduction of a row in pieces: those of [`reduce_row`].
fn fold(reduction: Reduction, dtype: DType) -> RowFold {
    fn of<T: Accumulate, M: Monoid>() -> RowFold {
        RowFold {
            chunk: CHUNK,
            piece: BLOCK,
            size: size_of::<T::Total>(),
            begin: begin_total::<T, M>,
            add: add_to_total::<T, M>,
            finish: finish_total::<T, M>,
        }
    }
    fn by_reduction<T: Accumulate>(reduction: Reduction) -> RowFold {
        match reduction {
            Reduction::Sum => of::<T, Sum>(),
            Reduction::Prod => of::<T, Prod>(),
            Reduction::Max | Reduction::Any => of::<T, Max>(),
            Reduction::Min | Reduction::All => of::<T, Min>(),
        }
    }
    match dtype {
        DType::F32 => by_reduction::<f32>(reduction),
        DType::F64 => by_reduction::<f64>(reduction),
        DType::I32 => by_reduction::<i32>(reduction),
        DType::I64 => by_reduction::<i64>(reduction),
        // A bool is a byte 0 or 1: any is the largest, all the smallest.
        DType::U8 | DType::Bool => by_reduction::<u8>(reduction),
    }
}

/// # Safety
/// There is room for a total of `T`.
unsafe fn begin_total<T: Accumulate, M: Monoid>(total: *mut u8) {
    // SAFETY: the caller's promise.
    unsafe { total.cast::<T::Total>().write(M::identity::<T>().widen()) };
}

/// # Safety
/// As for [`RowLoop`]: a row of `T`, and a total of it.
unsafe fn add_to_total<T: Accumulate, M: Monoid>(total: *mut u8, operands: &[RowOperand], len: usize) {
    let total = total.cast::<T::Total>();
    // SAFETY: the caller's promise.
    unsafe { total.write(reduce_piece::<T, M>(*total, row(&operands[0], len))) };
}

/// # Safety
/// As for [`RowLoop`]: a row of totals of `T`, and room for one element.
unsafe fn finish_total<T: Accumulate, M: Monoid>(to: *mut u8, operands: &[RowOperand], len: usize) {
    // SAFETY: the caller's promise.
    let totals: &[T::Total] = unsafe { row(&operands[0], len) };
    // SAFETY: as above.
    unsafe { to.cast::<T>().write(T::narrow(joined::<T, M>(None, totals).expect("a row has chunks"))) };
}

impl Kernel for ReduceKernel {
    fn run(&self, outs: &mut [ViewMut<'_>], ins: &[Source<'_>]) -> Result<(), OpError> {
        let (out, x) = (&mut outs[0], ins[0].view());
        match out.dtype() {
            DType::F32 => self.run_typed::<f32>(out, x),
            DType::F64 => self.run_typed::<f64>(out, x),
            DType::I32 => self.run_typed::<i32>(out, x),
            DType::I64 => self.run_typed::<i64>(out, x),
            DType::U8 => self.run_typed::<u8>(out, x),
            DType::Bool => {
                // A bool is a byte 0 or 1: any is the largest, all the smallest.
                let result = self.reduce_all(x.as_bytes());
                for (to, from) in out.as_mut_slice::<bool>().iter_mut().zip(result) {
                    *to = from != 0;
                }
            }
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

impl ReduceKernel {
    fn run_typed<T: Accumulate>(&self, out: &mut ViewMut<'_>, x: View<'_>) {
        let Some((last, before)) = self.passes.split_last() else {
            out.copy_from(x);
            return;
        };
        let mut owned: Option<Vec<T>> = None;
        for pass in before {
            let mut next = vec![T::default(); pass.outer * pass.inner];
            self.run_pass(*pass, &mut next, owned.as_deref().unwrap_or_else(|| x.as_slice()));
            owned = Some(next);
        }
        self.run_pass(*last, out.as_mut_slice(), owned.as_deref().unwrap_or_else(|| x.as_slice()));
    }

    fn reduce_all<T: Accumulate>(&self, x: &[T]) -> Vec<T> {
        let mut current = x.to_vec();
        for pass in &self.passes {
            let mut next = vec![T::default(); pass.outer * pass.inner];
            self.run_pass(*pass, &mut next, &current);
            current = next;
        }
        current
    }

    fn run_pass<T: Accumulate>(&self, pass: Pass, out: &mut [T], x: &[T]) {
        match self.reduction {
            Reduction::Sum => run_pass::<T, Sum>(pass, out, x),
            Reduction::Prod => run_pass::<T, Prod>(pass, out, x),
            Reduction::Max | Reduction::Any => run_pass::<T, Max>(pass, out, x),
            Reduction::Min | Reduction::All => run_pass::<T, Min>(pass, out, x),
        }
    }
}

/// An element with the type its totals are kept in.
pub(crate) trait Accumulate: Number + Send + Sync + graph_core::Element {
    /// The type of totals.
    type Total: Number + Send + Sync;
    fn widen(self) -> Self::Total;
    fn narrow(total: Self::Total) -> Self;
    /// The smallest and largest values, for the identities of max and min.
    const LEAST: Self;
    const GREATEST: Self;
}

macro_rules! accumulate {
    ($($ty:ty as $total:ty: $least:expr, $greatest:expr;)*) => {$(
        impl Accumulate for $ty {
            type Total = $total;
            #[inline(always)]
            fn widen(self) -> $total { self.into() }
            #[inline(always)]
            fn narrow(total: $total) -> $ty { total as $ty }
            const LEAST: $ty = $least;
            const GREATEST: $ty = $greatest;
        }
    )*};
}

accumulate! {
    f32 as f64: f32::NEG_INFINITY, f32::INFINITY;
    f64 as f64: f64::NEG_INFINITY, f64::INFINITY;
    i32 as i32: i32::MIN, i32::MAX;
    i64 as i64: i64::MIN, i64::MAX;
    u8 as u8: u8::MIN, u8::MAX;
}

/// An associative combination with an identity.
trait Monoid {
    fn identity<T: Accumulate>() -> T;
    fn combine<N: Number>(a: N, b: N) -> N;
}

struct Sum;
struct Prod;
struct Max;
struct Min;

impl Monoid for Sum {
    fn identity<T: Accumulate>() -> T {
        T::default()
    }
    #[inline(always)]
    fn combine<N: Number>(a: N, b: N) -> N {
        a.plus(b)
    }
}

impl Monoid for Prod {
    fn identity<T: Accumulate>() -> T {
        T::ONE
    }
    #[inline(always)]
    fn combine<N: Number>(a: N, b: N) -> N {
        a.times(b)
    }
}

impl Monoid for Max {
    fn identity<T: Accumulate>() -> T {
        T::LEAST
    }
    #[inline(always)]
    fn combine<N: Number>(a: N, b: N) -> N {
        a.greatest(b)
    }
}

impl Monoid for Min {
    fn identity<T: Accumulate>() -> T {
        T::GREATEST
    }
    #[inline(always)]
    fn combine<N: Number>(a: N, b: N) -> N {
        a.least(b)
    }
}

/// Parallel accumulators along a contiguous row.
const LANES: usize = 16;
/// Elements that a lane combines in the element's own type before its total is widened: 32 roundings of an f32 are at
/// most a millionth.
const RUN: usize = 32;
/// Elements of a row that are combined before their totals are widened.
const BLOCK: usize = RUN * LANES;
/// Elements of a long contiguous row that one task reduces.
const CHUNK: usize = 1 << 16;
/// Chunks whose totals are kept at a time.
const BAND: usize = 256;
/// Columns that are reduced together.
const COLUMNS: usize = 64;

fn run_pass<T: Accumulate, M: Monoid>(pass: Pass, out: &mut [T], x: &[T]) {
    let Pass { len, inner, .. } = pass;
    if out.is_empty() {
        return;
    }
    if len == 0 {
        out.fill(M::identity());
        return;
    }
    let parallel = x.len() >= PARALLEL_ELEMENTS;
    if inner == 1 {
        let rows = if parallel { (PART_ELEMENTS / len).max(1) } else { out.len() };
        for_each_chunk(out, rows, |part, out| {
            for (out, row) in out.iter_mut().zip(x[part * rows * len..].chunks(len)) {
                *out = T::narrow(reduce_row::<T, M>(row));
            }
        });
        return;
    }
    // Tiles of columns within each outer index.
    let tiles_per_outer = inner.div_ceil(COLUMNS);
    let num_tiles = pass.outer * tiles_per_outer;
    let out = Disjoint::new(out);
    let reduce_tile = |tile: usize| {
        let (outer, first) = (tile / tiles_per_outer, tile % tiles_per_outer * COLUMNS);
        // SAFETY: tiles do not overlap, and each is reduced once.
        let out = unsafe { out.slice(outer * inner + first, COLUMNS.min(inner - first)) };
        reduce_columns::<T, M>(&x[outer * len * inner..][..len * inner], inner, first, out);
    };
    match parallel {
        true => graph_core::parallel(num_tiles, reduce_tile),
        false => (0..num_tiles).for_each(reduce_tile),
    }
}

/// The total of a contiguous row.
fn reduce_row<T: Accumulate, M: Monoid>(row: &[T]) -> T::Total {
    if row.len() <= CHUNK {
        return reduce_chunk::<T, M>(row);
    }
    // Totals of a band of chunks at a time: they fit on the stack.
    let mut result: Option<T::Total> = None;
    for band in row.chunks(CHUNK * BAND) {
        let mut totals = [M::identity::<T>().widen(); BAND];
        let num_chunks = band.len().div_ceil(CHUNK);
        for_each_chunk(&mut totals[..num_chunks], 1, |i, total| {
            let from = i * CHUNK;
            total[0] = reduce_chunk::<T, M>(&band[from..band.len().min(from + CHUNK)]);
        });
        result = joined::<T, M>(result, &totals[..num_chunks]);
    }
    result.expect("a long row has chunks")
}

/// Totals of the chunks of a row, in order, as one, with those before.
fn joined<T: Accumulate, M: Monoid>(before: Option<T::Total>, totals: &[T::Total]) -> Option<T::Total> {
    let totals = totals.iter().copied();
    totals.fold(before, |before, total| Some(before.map_or(total, |before| M::combine(before, total))))
}

fn reduce_chunk<T: Accumulate, M: Monoid>(row: &[T]) -> T::Total {
    reduce_piece::<T, M>(M::identity::<T>().widen(), row)
}

/// A total with the elements of a piece, which begins with a whole block.
fn reduce_piece<T: Accumulate, M: Monoid>(mut total: T::Total, row: &[T]) -> T::Total {
    for block in row.chunks(BLOCK) {
        let mut lanes = [M::identity::<T>(); LANES];
        let mut groups = block.chunks_exact(LANES);
        for group in &mut groups {
            for (lane, &x) in lanes.iter_mut().zip(group) {
                *lane = M::combine(*lane, x);
            }
        }
        for (lane, &x) in lanes.iter_mut().zip(groups.remainder()) {
            *lane = M::combine(*lane, x);
        }
        for lane in lanes {
            total = M::combine(total, lane.widen());
        }
    }
    total
}

/// The totals of up to [`COLUMNS`] columns of a `[len, inner]` array, from column `first`.
fn reduce_columns<T: Accumulate, M: Monoid>(x: &[T], inner: usize, first: usize, out: &mut [T]) {
    let width = out.len();
    let mut totals = [M::identity::<T>().widen(); COLUMNS];
    for rows in x.chunks(RUN * inner) {
        let mut sums = [M::identity::<T>(); COLUMNS];
        for row in rows.chunks(inner) {
            for (sum, &x) in sums.iter_mut().zip(&row[first..first + width]) {
                *sum = M::combine(*sum, x);
            }
        }
        for (total, sum) in totals.iter_mut().zip(sums) {
            *total = M::combine(*total, sum.widen());
        }
    }
    for (out, total) in out.iter_mut().zip(totals) {
        *out = T::narrow(total);
    }
}
