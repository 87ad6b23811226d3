//! Row programs: several ops computed together, row by row.
//!
//! A chain of pointwise ops reads and writes memory once for each op; computed in *blocks* that fit the cache, it reads
//! its operands once and writes its results once. A block is some whole rows, or a part of a long one. A program
//! does each of its instructions on a block before it goes to the next; what only it uses stays in registers, which are
//! short stretches of scratch memory.
//!
//! All members of a group share a [`Space`]: a shape, whose last axes are the row where a member looks at whole rows (a
//! softmax, a sum). A value is *full*, of the space's shape, or has one element *per row*.
//!
//! Which ops are computed together, [`schedule`](super::schedule) decides; [`compile`](compile::compile) makes the program.
//! Some programs are the [`epilogue`](super::epilogue) of a kernel that computes its output in tiles: they run on each tile as
//! it is computed.

mod chain;
mod compile;
mod space;

use smallvec::SmallVec;

pub(crate) use chain::Chain;
pub(super) use compile::{Compiled, PART_COST, compile};
pub(crate) use space::Level;
pub(super) use space::Space;

use super::provenance::Provenance;
use crate::kernel::{DataCheck, RowFold, RowLoop, RowWalk, RowsLoop};

/// Ops on the rows of one space, with the walks over their operands worked out.
pub(crate) struct RowProgram {
    /// Lengths of the axes around a row, outermost first.
    pub(crate) outer: SmallVec<[usize; 4]>,
    /// Number of rows.
    pub(crate) rows: usize,
    /// Elements of a row.
    pub(crate) width: usize,
    /// Rows of a block.
    pub(crate) block_rows: usize,
    /// Columns of a block: less than the width only where it has one row.
    pub(crate) block_columns: usize,
    /// What an element costs, in additions.
    pub(crate) element_cost: usize,
    /// Blocks that are worth a part of their own.
    pub(crate) blocks_per_part: usize,
    /// Number of the step's arguments that it reads.
    pub(crate) num_arguments: usize,
    /// What is read: one for each argument, more where an argument is read in several ways.
    pub(crate) operands: Vec<Reading>,
    /// What is written: one for each result of the step.
    pub(crate) results: Vec<Target>,
    pub(crate) instructions: Vec<RowInstruction>,
    pub(crate) registers: Vec<Register>,
    /// Scratch memory for the registers, in bytes.
    pub(crate) register_bytes: usize,
    /// Totals of rows that are gone along chunk by chunk; empty where rows are kept whole.
    pub(crate) folds: Vec<Fold>,
    pub(crate) checks: Vec<Check>,
    /// Arithmetic operations, a function that costs many counted as one.
    pub(crate) flop: u64,
}

/// How an argument is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reading {
    /// Number of the argument.
    pub(crate) argument: usize,
    /// Bytes of an element.
    pub(crate) size: usize,
    pub(crate) walk: RowWalk,
}

/// How a result is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) level: Level,
    /// Bytes of an element.
    pub(crate) size: usize,
}

/// Where an instruction finds or leaves a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Home {
    Operand(usize),
    Result(usize),
    Register(usize),
    /// The total of a chunk.
    Fold(usize),
}

/// Scratch memory for a value on one block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Register {
    pub(crate) level: Level,
    /// Bytes of an element.
    pub(crate) size: usize,
    /// Of the first element, in the scratch memory.
    pub(crate) offset: usize,
}

/// What is done to a row.
#[derive(Debug, Clone)]
pub(crate) enum RowAction {
    /// One kernel.
    Loop(RowLoop),
    /// One kernel, which takes several rows.
    Rows(RowsLoop),
    /// Several, in one loop.
    Chain(Chain),
}

/// A row kernel, or a chain of them, applied to homes.
#[derive(Debug, Clone)]
pub(crate) struct RowInstruction {
    pub(crate) action: RowAction,
    pub(crate) from: SmallVec<[Home; 3]>,
    pub(crate) to: Home,
    /// Whether each element comes from the elements at its position.
    pub(crate) is_elementwise: bool,
    /// Whether it takes the rows of a block as one.
    pub(crate) is_flat: bool,
    /// Whether it reads and writes nothing but registers and constants.
    pub(crate) is_inside: bool,
    /// Whether it computes an element per row from elements per row.
    pub(crate) is_per_row: bool,
}

/// A total for each row, from one for each of its chunks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fold {
    pub(crate) function: RowFold,
    /// The result that it becomes.
    pub(crate) result: usize,
}

/// A look at an argument's data before the program runs.
pub(crate) struct Check {
    pub(crate) argument: usize,
    pub(crate) check: DataCheck,
    pub(crate) provenance: Provenance,
}

impl RowProgram {
    /// What all rows cost, in additions.
    pub(crate) fn cost(&self) -> usize {
        self.rows.saturating_mul(self.width).saturating_mul(self.element_cost)
    }

    /// Blocks of the whole space.
    pub(crate) fn num_blocks(&self) -> usize {
        self.rows.div_ceil(self.block_rows) * self.width.div_ceil(self.block_columns)
    }

    /// Elements of a chunk of a row, where it is gone along in chunks.
    pub(crate) fn chunk(&self) -> Option<usize> {
        self.folds.first().map(|fold| fold.function.chunk)
    }

    /// Whether result `result` may be written into the memory of `argument`, which has its fact: every element is read,
    /// if at all, in the block that overwrites it, and before.
    pub(crate) fn may_overwrite(&self, result: usize, argument: usize) -> bool {
        let is_aligned = |operand: &RowWalk| match self.results[result].level {
            Level::Full => !operand.is_splat && is_dense(&self.outer, &operand.strides, self.width),
            Level::PerRow => operand.is_splat && is_dense(&self.outer, &operand.strides, 1),
        };
        let is_writer = |to: Home| match to {
            Home::Fold(index) => self.folds[index].result == result,
            to => to == Home::Result(result),
        };
        let writer = self.instructions.iter().position(|i| is_writer(i.to)).expect("a result is written");
        self.operands.iter().enumerate().filter(|(_, operand)| operand.argument == argument).all(
            |(index, operand)| {
                let reads = |instruction: &RowInstruction| instruction.from.contains(&Home::Operand(index));
                let last = self.instructions.iter().rposition(reads);
                // What looks at whole rows may read an element after it has written another.
                let is_in_order =
                    last < Some(writer) || (last == Some(writer) && self.instructions[writer].is_elementwise);
                is_aligned(&operand.walk) && is_in_order
            },
        )
    }
}

/// Whether strides along the outer axes are those of rows of `row` elements, one after the other.
fn is_dense(outer: &[usize], strides: &[usize], row: usize) -> bool {
    let mut expected = row;
    outer.iter().zip(strides).rev().all(|(&len, &stride)| {
        let is_as_expected = len == 1 || stride == expected;
        expected *= len;
        is_as_expected
    })
}

impl std::fmt::Display for RowProgram {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let RowProgram { rows, width, block_rows, block_columns, instructions, .. } = self;
        let loops = instructions.len();
        let plural = if loops == 1 { "" } else { "s" };
        write!(
            f,
            "{rows} rows of {width} in blocks of {block_rows} by {block_columns}, {loops} loop{plural} each"
        )
    }
}
