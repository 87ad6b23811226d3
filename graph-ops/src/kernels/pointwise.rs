//! The pointwise kernel: one scalar function over broadcast operands.
//!
//! The output is walked in rows that are contiguous in it; in a row each operand either advances with the output or
//! stays at one element. A row is handed to a [`RowLoop`].

use std::sync::Arc;

use graph_core::{
    Address, Fact, Kernel, Link, OpError, RowKernel, RowSpan, ScalarKernel, Source, View, ViewMut, row_offset,
};
use smallvec::SmallVec;

use super::loops::{BLOCK, RowLoop, RowOperand};
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
    walk: Walk,
    /// What the destination must be: the loop writes through its address.
    out: Fact,
}

/// How operands are walked along.
struct Walk {
    /// Lengths of the axes around a row, outermost first.
    outer: SmallVec<[usize; 4]>,
    row_len: usize,
    operands: SmallVec<[OperandWalk; 3]>,
}

#[derive(Debug, Clone)]
struct OperandWalk {
    /// What the operand must be: the loop reads through its address.
    fact: Fact,
    /// Bytes of an element.
    size: usize,
    is_splat: bool,
    /// Elements to advance along each outer axis; 0 where the operand is broadcast.
    strides: SmallVec<[usize; 4]>,
}

impl OperandWalk {
    fn new(fact: &Fact, is_splat: bool, strides: SmallVec<[usize; 4]>) -> OperandWalk {
        OperandWalk { fact: fact.clone(), size: fact.dtype.size(), is_splat, strides }
    }
}

impl Walk {
    fn new(inputs: &[&Fact], output: &Fact) -> Walk {
        let is_one = |fact: &Fact| fact.shape.iter().all(|&len| len == 1);
        if inputs.iter().all(|fact| fact.shape == output.shape || is_one(fact)) {
            // As most are: one row.
            let row_len = output.shape.num_elements();
            let operand = |fact: &&Fact| OperandWalk::new(fact, is_one(fact), SmallVec::new());
            return Walk { outer: SmallVec::new(), row_len, operands: inputs.iter().map(operand).collect() };
        }
        let rank = output.shape.rank();
        let strides: SmallVec<[SmallVec<[usize; 4]>; 3]> = inputs
            .iter()
            .map(|fact| {
                let missing = rank - fact.shape.rank();
                let own = fact.shape.strides();
                let advance = |axis: usize| {
                    if axis < missing || fact.shape[axis - missing] == 1 { 0 } else { own[axis - missing] }
                };
                (0..rank).map(advance).collect()
            })
            .collect();
        // Neighbouring axes over which every operand advances evenly are one axis.
        let mut lengths: SmallVec<[usize; 4]> = SmallVec::new();
        let mut merged: SmallVec<[SmallVec<[usize; 4]>; 3]> =
            inputs.iter().map(|_| SmallVec::new()).collect();
        for axis in (0..rank).filter(|&axis| output.shape[axis] != 1) {
            let len = output.shape[axis];
            let even = !lengths.is_empty()
                && merged.iter().zip(&strides).all(|(m, s)| m[m.len() - 1] == s[axis] * len);
            if even {
                let last = lengths.len() - 1;
                lengths[last] *= len;
                for (merged, strides) in merged.iter_mut().zip(&strides) {
                    merged[last] = strides[axis];
                }
            } else {
                lengths.push(len);
                for (merged, strides) in merged.iter_mut().zip(&strides) {
                    merged.push(strides[axis]);
                }
            }
        }
        let row_len = lengths.pop().unwrap_or(1);
        let operands = inputs
            .iter()
            .zip(merged)
            .map(|(fact, mut strides)| {
                let step = strides.pop().unwrap_or(0);
                debug_assert!(step <= 1, "along a row a dense operand advances by one or not at all");
                OperandWalk::new(fact, step == 0, strides)
            })
            .collect();
        Walk { outer: lengths, row_len, operands }
    }
}

impl PointwiseKernel {
    pub(crate) fn new(function: ElementFunction, inputs: &[&Fact], output: &Fact) -> PointwiseKernel {
        PointwiseKernel { function, walk: Walk::new(inputs, output), out: output.clone() }
    }

    /// Computes the elements `from..to` of the output.
    ///
    /// # Safety
    /// Addresses are those of arrays of the kernel's facts; an operand is the output itself or does not overlap it;
    /// nobody else writes these elements.
    unsafe fn run_range(&self, out: Address, operands: &[Address], from: usize, to: usize) {
        let size = self.out.dtype.size();
        let (mut row, mut column) = (from / self.walk.row_len, from % self.walk.row_len);
        let mut rows: SmallVec<[RowOperand; 3]> = SmallVec::new();
        let mut at = from;
        while at < to {
            let len = (self.walk.row_len - column).min(to - at);
            // Of one axis around rows, it is as far from each row to the next.
            if rows.is_empty() || column > 0 || self.walk.outer.len() > 1 {
                rows.clear();
                rows.extend(self.walk.operands.iter().zip(operands).map(|(walk, base)| {
                    let along_row = if walk.is_splat { 0 } else { column };
                    let offset = row_offset(&self.walk.outer, &walk.strides, row) + along_row;
                    RowOperand { address: base.at(offset * walk.size), is_splat: walk.is_splat }
                }));
            }
            // SAFETY: offsets lie within the operands by construction of the walks.
            unsafe { (self.function.row_loop)(out.at(at * size), &rows, len) };
            at += len;
            row += 1;
            if column == 0 {
                for (operand, walk) in rows.iter_mut().zip(&self.walk.operands) {
                    let step = walk.strides.last().map_or(0, |stride| stride * walk.size);
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
        assert_eq!(ins.len(), self.walk.operands.len(), "a kernel runs on the operands it was made for");
        assert_eq!(*outs[0].fact(), self.out, "a kernel runs on the facts it was made for");
        for (source, walk) in ins.iter().zip(&self.walk.operands) {
            let fact = match source {
                Source::View(view) => view.fact(),
                Source::InPlace => &self.out,
            };
            assert_eq!(*fact, walk.fact, "a kernel runs on the facts it was made for");
        }
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
