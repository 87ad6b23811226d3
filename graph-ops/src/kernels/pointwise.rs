//! The pointwise kernel: one scalar function over broadcast operands.
//!
//! The output is walked in rows that are contiguous in it; in a row each operand either advances with the output or
//! stays at one element. A row is handed to a [`RowLoop`].

use std::sync::Arc;

use graph_core::{
    Address, Fact, Kernel, Link, OpError, RowKernel, RowLoop, RowOperand, RowSpan, RowWalk, RowWalks,
    ScalarKernel, Source, Strides, View, ViewMut,
};
use smallvec::SmallVec;

use super::loops::BLOCK;
use super::made_for::MadeFor;
use super::parallel::{PARALLEL_ELEMENTS, PART_ELEMENTS};

/// A function of elements.
#[derive(Clone, Copy)]
pub(crate) struct ElementFunction {
    row_loop: RowLoop,
    check: Option<fn(View<'_>) -> Result<(), OpError>>,
    cost: usize,
    scalar: Option<ScalarKernel>,
    link: Option<Link>,
}

impl ElementFunction {
    /// The function that a row loop applies.
    pub(crate) fn new(row_loop: RowLoop) -> ElementFunction {
        ElementFunction { row_loop, check: None, cost: 1, scalar: None, link: None }
    }

    /// With a look at the second operand's data before anything is written.
    pub(crate) fn with_check(self, check: Option<fn(View<'_>) -> Result<(), OpError>>) -> ElementFunction {
        ElementFunction { check, ..self }
    }

    /// With elements that cost more than plain arithmetic: so many additions.
    pub(crate) fn with_cost(self, cost: usize) -> ElementFunction {
        ElementFunction { cost, ..self }
    }

    /// With a way to be computed in one loop with others.
    ///
    /// # Safety
    /// The link's function is the row loop's, of as many operands, and of its dtype.
    pub(crate) unsafe fn with_link(self, link: Option<Link>) -> ElementFunction {
        ElementFunction { link, ..self }
    }

    /// With the function for operands of rank 0.
    pub(crate) fn with_scalar(self, scalar: Option<ScalarKernel>) -> ElementFunction {
        ElementFunction { scalar, ..self }
    }
}

/// A function of elements with the walk over its operands worked out.
pub(crate) struct PointwiseKernel {
    function: ElementFunction,
    walks: RowWalks,
    made_for: MadeFor,
}

/// How operands are walked along for such a result.
fn walks(inputs: &[Fact], output: &Fact) -> RowWalks {
    let is_one = |fact: &Fact| fact.shape.iter().all(|&len| len == 1);
    if inputs.iter().all(|fact| fact.shape == output.shape || is_one(fact)) {
        // As most are: one row.
        let operand = |fact: &Fact| RowWalk { is_splat: is_one(fact), strides: Strides::new() };
        let width = output.shape.num_elements();
        return RowWalks { outer: SmallVec::new(), width, operands: inputs.iter().map(operand).collect() };
    }
    let rank = output.shape.rank();
    let strides = |fact: &Fact| -> Strides {
        let missing = rank - fact.shape.rank();
        let own = fact.shape.strides();
        let advance = |axis: usize| {
            if axis < missing || fact.shape[axis - missing] == 1 { 0 } else { own[axis - missing] }
        };
        (0..rank).map(advance).collect()
    };
    let strides: SmallVec<[Strides; 3]> = inputs.iter().map(strides).collect();
    RowWalks::new(&output.shape, 0, &strides)
}

impl PointwiseKernel {
    pub(crate) fn new(function: ElementFunction, made_for: MadeFor) -> PointwiseKernel {
        PointwiseKernel { function, walks: walks(made_for.inputs(), made_for.output()), made_for }
    }

    /// Computes the elements `from..to` of the output.
    ///
    /// # Safety
    /// Addresses are those of arrays of the kernel's facts; an operand is the output itself or does not overlap it;
    /// nobody else writes these elements.
    unsafe fn run_range(&self, out: Address, operands: &[Address], from: usize, to: usize) {
        let RowWalks { outer, width, operands: walks } = &self.walks;
        let size_of = |fact: &Fact| fact.dtype.size();
        let size = size_of(self.made_for.output());
        let (mut row, mut column) = (from / width, from % width);
        let mut rows: SmallVec<[RowOperand; 3]> = SmallVec::new();
        let mut at = from;
        while at < to {
            let len = (width - column).min(to - at);
            // Of one axis around rows, it is as far from each row to the next.
            if rows.is_empty() || column > 0 || outer.len() > 1 {
                rows.clear();
                rows.extend(walks.iter().zip(operands).zip(self.made_for.inputs()).map(
                    |((walk, base), fact)| {
                        let offset = walk.offset(outer, row, column);
                        RowOperand { address: base.at(offset * size_of(fact)), is_splat: walk.is_splat }
                    },
                ));
            }
            // SAFETY: offsets lie within the operands by construction of the walks.
            unsafe { (self.function.row_loop)(out.at(at * size), &rows, len) };
            at += len;
            row += 1;
            if column == 0 {
                for ((operand, walk), fact) in rows.iter_mut().zip(walks).zip(self.made_for.inputs()) {
                    let step = walk.strides.last().map_or(0, |stride| stride * size_of(fact));
                    operand.address = operand.address.wrapping_add(step);
                }
            } else {
                (column, rows) = (0, SmallVec::new());
            }
        }
    }
}

impl Kernel for PointwiseKernel {
    fn run(&self, outs: &mut [ViewMut<'_>], ins: &[Source<'_>]) -> Result<(), OpError> {
        self.made_for.assert(outs, ins);
        let len = outs[0].shape().num_elements();
        if len == 0 {
            return Ok(()); // Whatever the operands hold, no element of it is used.
        }
        if let (Some(check), Some(second)) = (self.function.check, ins.get(1)) {
            match second {
                Source::View(view) => check(*view)?,
                Source::InPlace => check(outs[0].as_view())?,
            }
        }
        let out = Address::new(outs[0].as_mut_ptr());
        let operands: SmallVec<[Address; 3]> = ins
            .iter()
            .map(|source| match source {
                Source::View(view) => Address::new(view.as_bytes().as_ptr().cast_mut()),
                Source::InPlace => out,
            })
            .collect();
        if len.saturating_mul(self.function.cost) < PARALLEL_ELEMENTS {
            // SAFETY: these are arrays of the facts that the kernel was made for, as asserted above.
            unsafe { self.run_range(out, &operands, 0, len) };
            return Ok(());
        }
        let chunk = (PART_ELEMENTS / self.function.cost).next_multiple_of(BLOCK);
        graph_core::parallel(len.div_ceil(chunk), |i| {
            // SAFETY: as above; ranges are disjoint.
            unsafe { self.run_range(out, &operands, i * chunk, ((i + 1) * chunk).min(len)) };
        });
        Ok(())
    }

    fn scalar(&self) -> Option<ScalarKernel> {
        self.function.scalar
    }

    fn row(&self) -> Option<RowKernel> {
        // SAFETY: it keeps the contract; elements come from those at their positions.
        let row = unsafe { RowKernel::new(self.function.row_loop, RowSpan::Elements) }
            .with_cost(self.function.cost);
        let row = match self.function.link {
            // SAFETY: it is the row loop's function, as `ElementFunction::with_link` was promised; and what a chain does is
            // what its links do one after the other (`chain/tests.rs`).
            Some(link) => unsafe { row.with_link(link) },
            None => row,
        };
        Some(match self.function.check {
            Some(check) => row.with_check(1, Arc::new(check)),
            None => row,
        })
    }

    fn may_fail(&self) -> bool {
        self.function.check.is_some()
    }
}
