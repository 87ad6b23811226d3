//! The reduction kernel: groups of neighbouring axes are reduced one after the other, from the innermost.
//!
//! The order of additions is fixed by the shape alone: blocks of a constant size, whose totals are added in order. So
//! results do not depend on the number of threads. Totals of f32 are kept in f64, which bounds the drift of long sums.

mod block;
mod monoid;
mod row;

use graph_core::{DType, Fact, Kernel, OpError, RowKernel, Source, View, ViewMut};
use smallvec::SmallVec;

use self::block::adder;
pub(crate) use self::monoid::Accumulate;
pub use self::monoid::Reduction;
use self::monoid::{Monoid, RUN, with_monoid};
pub(crate) use self::row::{largest, sum_with};
use self::row::{reduce_row, row_kernel};
use super::loops::multiversion;
use super::parallel::{Disjoint, PARALLEL_ELEMENTS, PART_ELEMENTS, for_each_chunk};

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
    passes: SmallVec<[Pass; 2]>,
    row: Option<RowKernel>,
}

impl ReduceKernel {
    pub(crate) fn new(reduction: Reduction, x: &Fact, axes: &[usize]) -> ReduceKernel {
        let shape = &x.shape;
        let mut passes = SmallVec::new();
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
        let are_last = axes.iter().rev().copied().eq((0..shape.rank()).rev().take(axes.len()));
        let row = (are_last && !axes.is_empty())
            .then(|| with_monoid!(reduction, x.dtype, T, M => row_kernel::<T, M>(axes.len())));
        ReduceKernel { reduction, passes, row }
    }
}

impl Kernel for ReduceKernel {
    fn run(&self, outs: &mut [ViewMut<'_>], ins: &[Source<'_>]) -> Result<(), OpError> {
        let (out, x) = (&mut outs[0], ins[0].view());
        with_monoid!(self.reduction, out.dtype(), T, M => match out.dtype() {
            DType::Bool => {
                let result = self.reduce_bytes::<M>(x.as_bytes());
                for (to, from) in out.as_mut_slice::<bool>().iter_mut().zip(result) {
                    *to = from != 0;
                }
            }
            _ => self.run_typed::<T, M>(out, x),
        });
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
    fn run_typed<T: Accumulate, M: Monoid>(&self, out: &mut ViewMut<'_>, x: View<'_>) {
        let Some((last, before)) = self.passes.split_last() else {
            out.copy_from(x);
            return;
        };
        let mut owned: Option<Vec<T>> = None;
        for pass in before {
            let mut next = vec![T::default(); pass.outer * pass.inner];
            run_pass::<T, M>(*pass, &mut next, owned.as_deref().unwrap_or_else(|| x.as_slice()));
            owned = Some(next);
        }
        run_pass::<T, M>(*last, out.as_mut_slice(), owned.as_deref().unwrap_or_else(|| x.as_slice()));
    }

    fn reduce_bytes<M: Monoid>(&self, x: &[u8]) -> Vec<u8> {
        let mut current = x.to_vec();
        for pass in &self.passes {
            let mut next = vec![0; pass.outer * pass.inner];
            run_pass::<u8, M>(*pass, &mut next, &current);
            current = next;
        }
        current
    }
}

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
        let add = adder::<T, M>();
        for_each_chunk(out, rows, |part, out| {
            for (out, row) in out.iter_mut().zip(x[part * rows * len..].chunks(len)) {
                *out = T::narrow(reduce_row::<T, M>(row, add));
            }
        });
        return;
    }
    // Tiles of columns within each outer index.
    let tiles_per_outer = inner.div_ceil(COLUMNS);
    let num_tiles = pass.outer * tiles_per_outer;
    let out = Disjoint::new(out);
    let reduce_columns = column_reducer::<T, M>();
    let reduce_tile = |tile: usize| {
        let (outer, first) = (tile / tiles_per_outer, tile % tiles_per_outer * COLUMNS);
        // SAFETY: tiles do not overlap, and each is reduced once.
        let out = unsafe { out.slice(outer * inner + first, COLUMNS.min(inner - first)) };
        // SAFETY: it was made for this processor.
        unsafe { reduce_columns(&x[outer * len * inner..][..len * inner], inner, first, out) };
    };
    match parallel {
        true => graph_core::parallel(num_tiles, reduce_tile),
        false => (0..num_tiles).for_each(reduce_tile),
    }
}

/// Computes totals of columns: see [`reduce_columns`].
type ColumnReducer<T> = unsafe fn(&[T], usize, usize, &mut [T]);

/// The one for this processor, which may be called with any array.
fn column_reducer<T: Accumulate, M: Monoid>() -> ColumnReducer<T> {
    multiversion!(
        ColumnReducer<T>, if T::IS_FLOAT,
        <T: Accumulate, M: Monoid> |x: &[T], inner: usize, first: usize, out: &mut [T]| {
            reduce_columns::<T, M>(x, inner, first, out);
        }
    )
}

/// The totals of up to [`COLUMNS`] columns of a `[len, inner]` array, from column `first`.
#[inline(always)]
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
