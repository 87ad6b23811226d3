//! The reduction kernel: groups of neighbouring axes are reduced one after the other, from the innermost.
//!
//! The order of additions is fixed by the shape alone: along rows, blocks of a constant size ([`block`]) and chunks of those
//! ([`row`]); down columns, runs of them ([`columns`]). So results do not depend on the number of threads, nor on the
//! processor. Totals of f32 are kept in f64, which bounds the drift of long sums.

mod block;
mod columns;
mod monoid;
mod row;

use graph_core::{DType, Fact, Kernel, OpError, RowKernel, Source, View, ViewMut};
use smallvec::SmallVec;

use self::block::Reducer;
use self::columns::{COLUMNS, ColumnReducer};
pub(crate) use self::monoid::Accumulate;
pub use self::monoid::Reduction;
use self::monoid::{Monoid, with_monoid};
pub(crate) use self::row::{largest, sum_with};
use self::row::{reduce_row, row_kernel};
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
        let reducer = Reducer::<T, M>::new();
        for_each_chunk(out, rows, |part, out| {
            for (out, row) in out.iter_mut().zip(x[part * rows * len..].chunks(len)) {
                *out = T::narrow(reduce_row(row, &reducer));
            }
        });
        return;
    }
    // Tiles of columns within each outer index.
    let tiles_per_outer = inner.div_ceil(COLUMNS);
    let num_tiles = pass.outer * tiles_per_outer;
    let out = Disjoint::new(out);
    let reducer = ColumnReducer::<T, M>::new();
    let reduce_tile = |tile: usize| {
        let (outer, first) = (tile / tiles_per_outer, tile % tiles_per_outer * COLUMNS);
        // SAFETY: tiles do not overlap, and each is reduced once.
        let out = unsafe { out.slice(outer * inner + first, COLUMNS.min(inner - first)) };
        reducer.reduce(&x[outer * len * inner..][..len * inner], inner, first, out);
    };
    match parallel {
        true => graph_core::parallel(num_tiles, reduce_tile),
        false => (0..num_tiles).for_each(reduce_tile),
    }
}
