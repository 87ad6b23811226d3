//! Running row programs: block by block, each instruction on a block before the next.

use std::cell::RefCell;
use std::ops::Range;

use crate::buffer::Buffer;
use crate::kernel::{ChainRow, MOST_OPERANDS, Rectangle, RowFold, RowOperand, Rows, View};
use crate::plan::{
    Chain, Fold, Home, Level, Reading, Register, RowAction, RowInstruction, RowProgram, Target, TileProgram,
};
use crate::team::{Address, parallel};

thread_local! {
    /// Registers of the program that this thread runs; grown once to what the largest needs.
    static REGISTERS: RefCell<Buffer> = RefCell::new(Buffer::zeroed(0));
    /// Totals of the chunks of long rows, of the program that this thread has begun.
    static TOTALS: RefCell<Buffer> = RefCell::new(Buffer::zeroed(0));
}

/// Runs a program on the addresses of its arguments and results.
///
/// # Safety
/// Each address is valid for the fact of its argument or result; results overlap neither each other nor arguments, but
/// where the program [may overwrite](RowProgram::may_overwrite) one. Nobody else uses what is written meanwhile.
pub(super) unsafe fn run(program: &RowProgram, arguments: &[*mut u8], results: &[*mut u8]) {
    let work = Work::new(program, arguments, results);
    if let Some(chunk) = program.chunk() {
        // SAFETY: the caller's promise.
        return unsafe { work.run_chunks(chunk) };
    }
    let num_blocks = program.num_blocks();
    let across = program.width.div_ceil(program.block_columns);
    let parts = num_blocks.div_ceil(program.blocks_per_part);
    parallel(parts, |part| {
        with_registers(program.register_bytes, |registers| {
            let first = part * program.blocks_per_part;
            for block in first..num_blocks.min(first + program.blocks_per_part) {
                let row = block / across * program.block_rows;
                let column = block % across * program.block_columns;
                let rows = row..program.rows.min(row + program.block_rows);
                let columns = column..program.width.min(column + program.block_columns);
                // SAFETY: the caller's promise; a block of the program's size, which this part alone computes, with
                // registers that are as large as the program says and this thread's.
                unsafe { work.block(registers, None, rows, columns).run_all() };
            }
        });
    });
}

/// Computes a producer's output in tiles, and runs the program that is its epilogue on each of them.
///
/// # Safety
/// As for [`run`], but that the program's argument for the producer's output is written. `operands` are the producer's: they
/// overlap neither that argument nor results.
pub(super) unsafe fn run_tiles(
    tiles: &TileProgram,
    operands: &[View<'_>],
    arguments: &[*mut u8],
    results: &[*mut u8],
) {
    let TileProgram { program, computed, tiles_per_part, .. } = tiles;
    let work = Work::new(program, arguments, results);
    let tiled = tiles.tiled();
    let num_tiles = tiled.num_tiles();
    // SAFETY: the caller's promise. Tiles are disjoint, so the rows of one are nobody else's.
    let work_on = |rectangle: &Rectangle| unsafe { work.run_rectangle(rectangle) };
    parallel(num_tiles.div_ceil(*tiles_per_part), |part| {
        let mut done: Option<Rectangle> = None;
        for tile in part * tiles_per_part..num_tiles.min((part + 1) * tiles_per_part) {
            // SAFETY: the caller's promise; each tile is computed once.
            unsafe { tiled.run_tile(tile, work.arguments[*computed].at(0), operands) };
            let next = tiled.rectangle(tile);
            // Small matrices of a batch are rows of one rectangle.
            match &mut done {
                Some(done) if done.rows.end == next.rows.start && done.columns == next.columns => {
                    done.rows.end = next.rows.end;
                }
                _ => {
                    if let Some(done) = done.replace(next) {
                        work_on(&done);
                    }
                }
            }
        }
        if let Some(done) = done {
            work_on(&done);
        }
    });
}

/// A program with what it reads and writes.
#[derive(Clone, Copy)]
struct Work<'a> {
    program: &'a RowProgram,
    arguments: &'a [Address],
    results: &'a [Address],
}

impl<'a> Work<'a> {
    fn new(program: &'a RowProgram, arguments: &'a [*mut u8], results: &'a [*mut u8]) -> Work<'a> {
        Work { program, arguments: Address::all(arguments), results: Address::all(results) }
    }

    fn block(
        self,
        registers: *mut u8,
        totals: Option<(&'a Totals, usize)>,
        rows: Range<usize>,
        columns: Range<usize>,
    ) -> Block<'a> {
        let (row, column) = (rows.start, columns.start);
        Block { work: self, registers, totals, row, rows: rows.len(), column, columns: columns.len() }
    }

    /// Goes along the rows in chunks: each has totals of its own, which are put together in the end.
    ///
    /// # Safety
    /// As for [`run`].
    unsafe fn run_chunks(self, chunk: usize) {
        let program = self.program;
        let per_row = program.width.div_ceil(chunk);
        let chunks = program.rows * per_row;
        let at_once = (program.blocks_per_part * program.block_columns).div_ceil(program.width.min(chunk));
        with_buffer(&TOTALS, program.folds.len() * chunks * RowFold::MOST_BYTES, |totals| {
            let totals = Totals { start: Address::new(totals), chunks };
            parallel(chunks.div_ceil(at_once), |part| {
                with_registers(program.register_bytes, |registers| {
                    for index in part * at_once..chunks.min((part + 1) * at_once) {
                        let (row, first) = (index / per_row, index % per_row * chunk);
                        for (number, fold) in program.folds.iter().enumerate() {
                            // SAFETY: there is room for a total of each chunk, which is this part's alone.
                            unsafe { (fold.function.begin)(totals.of(number, fold, index)) };
                        }
                        let until = program.width.min(first + chunk);
                        for column in (first..until).step_by(program.block_columns) {
                            let columns = column..until.min(column + program.block_columns);
                            let totals = Some((&totals, index));
                            // SAFETY: as in `run`; the total is this part's alone.
                            unsafe { self.block(registers, totals, row..row + 1, columns).run_all() };
                        }
                    }
                });
            });
            for (number, fold) in program.folds.iter().enumerate() {
                let target = program.results[fold.result];
                for row in 0..program.rows {
                    let address = totals.of(number, fold, row * per_row);
                    let operand = RowOperand { address, is_splat: false };
                    let to = self.results[fold.result].at(row * target.size);
                    // SAFETY: all parts are done, and the totals of a row stand one after the other.
                    unsafe { (fold.function.finish)(to, &[operand], per_row) };
                }
            }
        });
    }

    /// Runs the program on a part of its rows and columns, in blocks that need not be those it was compiled for.
    ///
    /// # Safety
    /// As for [`run`], for this part. Where the program looks at whole rows, the part consists of such.
    unsafe fn run_rectangle(self, rectangle: &Rectangle) {
        let (Rectangle { rows, columns }, program) = (rectangle, self.program);
        assert!(rows.end <= program.rows && columns.end <= program.width, "a part of the program's rows");
        // Registers have room for so many elements: of narrow rectangles, more rows than of whole ones.
        let elements = program.block_rows * program.block_columns;
        let block_columns = columns.len().clamp(1, elements);
        let block_rows = elements / block_columns;
        let has_per_row = || program.registers.iter().any(|register| register.level == Level::PerRow);
        assert!(
            block_rows <= program.block_rows || !has_per_row(),
            "blocks that the registers have room for"
        );
        with_registers(program.register_bytes, |registers| {
            for row in rows.clone().step_by(block_rows) {
                for column in columns.clone().step_by(block_columns) {
                    let rows = row..rows.end.min(row + block_rows);
                    let columns = column..columns.end.min(column + block_columns);
                    // SAFETY: the caller's promise; registers are this thread's. One of a full value has room for the
                    // elements of a block of the program's, and these have no more; one of a value per row has room for
                    // the rows of such a block, and these have no more of them, as asserted. (They would in a narrow
                    // rectangle; but where there is a value per row, a member looks at whole rows, and it is an
                    // epilogue only of tiles of whole rows: see `plan/epilogue.rs`.)
                    unsafe { self.block(registers, None, rows, columns).run_all() };
                }
            }
        });
    }
}

/// The totals of all chunks, fold by fold.
struct Totals {
    start: Address,
    chunks: usize,
}

impl Totals {
    /// Where the total of a chunk is.
    fn of(&self, number: usize, fold: &Fold, chunk: usize) -> *mut u8 {
        // None is larger than this, so there is room; and what it is aligned to divides this and its own size.
        let first = number * self.chunks * RowFold::MOST_BYTES;
        self.start.at(first + chunk * fold.function.size)
    }
}

fn with_registers(bytes: usize, run: impl FnOnce(*mut u8)) {
    with_buffer(&REGISTERS, bytes, run);
}

fn with_buffer(
    buffer: &'static std::thread::LocalKey<RefCell<Buffer>>,
    bytes: usize,
    run: impl FnOnce(*mut u8),
) {
    buffer.with_borrow_mut(|buffer| {
        if buffer.len() < bytes {
            *buffer = Buffer::zeroed(bytes);
        }
        run(buffer.as_ptr());
    });
}

/// Some rows, or a part of one.
struct Block<'a> {
    work: Work<'a>,
    registers: *mut u8,
    /// With the number of the chunk that it belongs to.
    totals: Option<(&'a Totals, usize)>,
    row: usize,
    rows: usize,
    column: usize,
    columns: usize,
}

impl Block<'_> {
    /// Does all instructions on the block.
    ///
    /// # Safety
    /// As for [`run`], for this block; nobody else uses the registers, which have room for it, nor the chunk's totals.
    unsafe fn run_all(&self) {
        for instruction in &self.work.program.instructions {
            // SAFETY: the caller's promise, and all instructions before are done.
            unsafe { self.run(instruction) };
        }
    }

    /// # Safety
    /// As for [`Block::run_all`].
    unsafe fn run(&self, instruction: &RowInstruction) {
        let RowInstruction { action, from, to, is_flat, is_inside, is_per_row, .. } = instruction;
        // Of a part of the columns, only in registers the rows stand one after the other.
        let is_flat = *is_flat && (self.columns == self.work.program.width || self.rows == 1 || *is_inside);
        let columns = if *is_per_row { 1 } else { self.columns };
        let mut operands = [RowOperand { address: std::ptr::null(), is_splat: true }; MOST_OPERANDS];
        let mut steps = [0; MOST_OPERANDS];
        let operands = &mut operands[..from.len()];
        // As one, the rows of the block stand one after the other in everything that is no constant.
        let (rows, len) = if is_flat { (1, self.rows * columns) } else { (self.rows, columns) };
        let (mut to, step) = self.place(*to, 0);
        // As far as from one row to the next it is to the one after, along the last of the axes around them.
        let outer = &self.work.program.outer;
        let is_even = outer.len() <= 1;
        let mut row = 0;
        while row < rows {
            if row == 0 || !is_even {
                for ((operand, step), &home) in operands.iter_mut().zip(&mut steps).zip(from) {
                    let is_splat = self.is_splat(home, is_flat);
                    let (address, to_next) = self.place(home, row);
                    *operand = RowOperand { address, is_splat };
                    *step = to_next;
                }
            }
            // SAFETY: the row lies within destination and operands by construction of the walks. An operand that overlaps
            // the destination starts where it does, and has elements of its size, in an instruction that goes by elements:
            // - A register is written while it holds an operand only if that dies here, has the same level and size, and
            //   the instruction goes by elements (`Compiler::instruction`); another register is other memory.
            // - Of what is outside, results overlap nothing but an argument each that the program may overwrite, which
            //   has the result's fact: each of its elements is read in the block that writes it, in the element's place,
            //   before the writing instruction, or by it if that goes by elements (`RowProgram::may_overwrite`).
            // - Of a chunk's total, `add` is the only reader.
            // A chain's numbers are those of its operands, and its links of one family and as many as there may be:
            // `plan/rows/chain.rs` made it of kernels that said so (`RowKernel::with_link`). A kernel that takes several
            // rows does not go by elements.
            let done = unsafe {
                match action {
                    RowAction::Loop(function) => {
                        function(to, operands, len);
                        1
                    }
                    RowAction::Chain(Chain { run, head, links }) => {
                        run(to, ChainRow { operands, head: *head, links, len });
                        1
                    }
                    RowAction::Rows(function) => {
                        let count = match outer.last() {
                            Some(len) if !is_even => (len - (self.row + row) % len).min(rows - row),
                            _ => rows,
                        };
                        let steps = &steps[..operands.len()];
                        function(Rows { destination: to, step, operands, steps, count, len });
                        count
                    }
                }
            };
            row += done;
            to = to.wrapping_add(done * step);
            for (operand, &step) in operands.iter_mut().zip(&steps) {
                operand.address = operand.address.wrapping_add(done * step);
            }
        }
    }

    /// Whether a row of the block, or all of its rows as one, use one element of a home.
    #[inline(always)]
    fn is_splat(&self, home: Home, is_flat: bool) -> bool {
        match home {
            // One after the other, elements per row are no constant.
            Home::Operand(index) => {
                let walk = &self.work.program.operands[index].walk;
                walk.is_splat && (!is_flat || walk.is_constant())
            }
            Home::Result(index) => !is_flat && self.work.program.results[index].level == Level::PerRow,
            Home::Register(index) => !is_flat && self.work.program.registers[index].level == Level::PerRow,
            Home::Fold(_) => unreachable!("no instruction reads a folded total"),
        }
    }

    /// The address of a home's first element in a row of the block, and how far it is to the next row in bytes, where
    /// there is at most one axis around rows.
    #[inline(always)]
    fn place(&self, home: Home, row: usize) -> (*mut u8, usize) {
        let program = self.work.program;
        match home {
            Home::Operand(index) => {
                let Reading { argument, size, walk } = &program.operands[index];
                let offset = walk.offset(&program.outer, self.row + row, self.column);
                let step = walk.strides.last().map_or(0, |stride| stride * size);
                (self.work.arguments[*argument].at(offset * size), step)
            }
            Home::Result(index) => {
                let Target { level, size } = program.results[index];
                let (element, step) = match level {
                    Level::Full => ((self.row + row) * program.width + self.column, program.width),
                    Level::PerRow => (self.row + row, 1),
                };
                (self.work.results[index].at(element * size), step * size)
            }
            Home::Register(index) => {
                let Register { offset, level, size } = program.registers[index];
                let step = if level == Level::Full { self.columns } else { 1 };
                (self.registers.wrapping_add(offset + row * step * size), step * size)
            }
            Home::Fold(index) => {
                let (totals, chunk) = self.totals.expect("only programs that go along chunks fold");
                (totals.of(index, &program.folds[index], chunk), 0)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use smallvec::SmallVec;

    use super::*;

    /// Three rows of eight columns, in blocks of a row, with a register of this level.
    fn program(level: Level) -> RowProgram {
        RowProgram {
            outer: SmallVec::from_slice(&[3]),
            rows: 3,
            width: 8,
            block_rows: 1,
            block_columns: 8,
            element_cost: 1,
            blocks_per_part: 1,
            num_arguments: 0,
            operands: Vec::new(),
            results: Vec::new(),
            instructions: Vec::new(),
            registers: vec![Register { level, size: 4, offset: 0 }],
            register_bytes: 64,
            folds: Vec::new(),
            checks: Vec::new(),
            flop: 0,
        }
    }

    fn run_rectangle(level: Level, columns: Range<usize>) {
        let rectangle = Rectangle { rows: 0..3, columns };
        // SAFETY: the program has no instructions.
        unsafe { Work::new(&program(level), &[], &[]).run_rectangle(&rectangle) };
    }

    #[test]
    fn narrow_blocks_have_more_rows() {
        run_rectangle(Level::Full, 0..2);
        run_rectangle(Level::PerRow, 0..8);
    }

    #[test]
    #[should_panic(expected = "blocks that the registers have room for")]
    fn values_per_row_are_of_whole_rows() {
        run_rectangle(Level::PerRow, 0..2);
    }

    #[test]
    #[should_panic(expected = "a part of the program's rows")]
    fn rectangles_lie_within_the_rows() {
        run_rectangle(Level::Full, 6..9);
    }
}
