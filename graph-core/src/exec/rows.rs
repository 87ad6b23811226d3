//! Running row programs: block by block, each instruction on a block before the next.

use std::cell::RefCell;

use crate::buffer::Buffer;
use crate::kernel::{Rectangle, RowFold, RowOperand, View};
use crate::plan::{
    Fold, Home, Level, MOST_OPERANDS, PieceProgram, Register, RowInstruction, RowProgram, RowWalk, Target,
};
use crate::team::parallel;

thread_local! {
    /// Registers of the program that this thread runs; grown once to what the largest needs.
    static REGISTERS: RefCell<Buffer> = RefCell::new(Buffer::zeroed(0));
    /// Totals of the chunks of long rows, of the program that this thread has begun.
    static TOTALS: RefCell<Buffer> = RefCell::new(Buffer::zeroed(0));
}

/// An address that several threads compute with.
#[derive(Clone, Copy)]
#[repr(transparent)]
struct Address(*mut u8);

impl Address {
    fn all(addresses: &[*mut u8]) -> &[Address] {
        // SAFETY: an Address is a pointer, in the same representation.
        unsafe { std::slice::from_raw_parts(addresses.as_ptr().cast(), addresses.len()) }
    }
}

// SAFETY: threads write blocks that do not overlap, and read what nobody else writes (the contract of `run`).
unsafe impl Send for Address {}
// SAFETY: as above.
unsafe impl Sync for Address {}

/// Runs a program on the addresses of its arguments and results.
///
/// # Safety
/// Each address is valid for the fact of its argument or result; results overlap neither each other nor arguments, but
/// where the program [may overwrite](RowProgram::may_overwrite) one. Nobody else uses what is written meanwhile.
pub(super) unsafe fn run(program: &RowProgram, arguments: &[*mut u8], results: &[*mut u8]) {
    let (arguments, results) = (Address::all(arguments), Address::all(results));
    if let Some(chunk) = program.chunk() {
        // SAFETY: the caller's promise.
        return unsafe { run_chunks(program, chunk, arguments, results) };
    }
    let num_blocks = program.num_blocks();
    let parts = num_blocks.div_ceil(program.blocks_per_part);
    parallel(parts, |part| {
        with_registers(program.register_bytes, |registers| {
            let first = part * program.blocks_per_part;
            for block in first..num_blocks.min(first + program.blocks_per_part) {
                let block = Block::new(program, block, arguments, results, registers);
                for instruction in &program.instructions {
                    // SAFETY: the caller's promise; registers are as large as the program says, and this thread's.
                    unsafe { block.run(instruction) };
                }
            }
        });
    });
}

/// Runs a program whose rows are gone along in chunks: each has totals of its own, which are put together in the end.
///
/// # Safety
/// As for [`run`].
unsafe fn run_chunks(program: &RowProgram, chunk: usize, arguments: &[Address], results: &[Address]) {
    let per_row = program.width.div_ceil(chunk);
    let chunks = program.rows * per_row;
    let at_once = (program.blocks_per_part * program.block_columns).div_ceil(program.width.min(chunk));
    with_buffer(&TOTALS, program.folds.len() * chunks * RowFold::MOST_BYTES, |totals| {
        let totals = Totals { start: Address(totals), chunks };
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
                        let columns = program.block_columns.min(until - column);
                        let totals = Some((&totals, index));
                        let block = Block {
                            program,
                            arguments,
                            results,
                            registers,
                            totals,
                            row,
                            rows: 1,
                            column,
                            columns,
                        };
                        for instruction in &program.instructions {
                            // SAFETY: the caller's promise; registers are as large as the program says, and this thread's.
                            unsafe { block.run(instruction) };
                        }
                    }
                }
            });
        });
        for (number, fold) in program.folds.iter().enumerate() {
            let target = program.results[fold.result];
            for row in 0..program.rows {
                let address = totals.of(number, fold, row * per_row);
                let operand = RowOperand { address, is_splat: false };
                let to = results[fold.result].0.wrapping_add(row * target.size);
                // SAFETY: all parts are done, and the totals of a row stand one after the other.
                unsafe { (fold.function.finish)(to, &[operand], per_row) };
            }
        }
    });
}

/// The totals of all chunks, fold by fold.
struct Totals {
    start: Address,
    chunks: usize,
}

impl Totals {
    /// Where the total of a chunk is.
    fn of(&self, number: usize, fold: &Fold, chunk: usize) -> *mut u8 {
        let first = number * self.chunks * RowFold::MOST_BYTES;
        self.start.0.wrapping_add(first + chunk * fold.function.size)
    }
}

/// Computes a kernel's output in pieces, and runs a program on each piece after it.
///
/// # Safety
/// As for [`run`]; `operands` are the kernel's, and overlap neither its output, the program's argument for it, nor results.
/// That argument is written.
pub(super) unsafe fn run_pieces(
    joined: &PieceProgram,
    operands: &[View<'_>],
    arguments: &[*mut u8],
    results: &[*mut u8],
) {
    let (arguments, results) = (Address::all(arguments), Address::all(results));
    let PieceProgram { program, computed, at_once, .. } = joined;
    let pieces = joined.pieces();
    let count = pieces.pieces();
    // SAFETY: the caller's promise. Pieces are disjoint, so the rows of one are nobody else's.
    let work_on = |rectangle: &Rectangle| unsafe { run_rectangle(program, rectangle, arguments, results) };
    parallel(count.div_ceil(*at_once), |part| {
        let mut done: Option<Rectangle> = None;
        for piece in part * at_once..count.min((part + 1) * at_once) {
            // SAFETY: the caller's promise; each piece is computed once.
            unsafe { pieces.run(piece, arguments[*computed].0, operands) };
            let next = pieces.rectangle(piece);
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

/// Runs a program on a part of its rows and columns.
///
/// # Safety
/// As for [`run`], for this part.
unsafe fn run_rectangle(
    program: &RowProgram,
    rectangle: &Rectangle,
    arguments: &[Address],
    results: &[Address],
) {
    let Rectangle { rows, columns } = rectangle;
    assert!(rows.end <= program.rows && columns.end <= program.width, "pieces of the program's rows");
    // Registers have room for so many elements: of narrow rectangles, more rows than of whole ones.
    let elements = program.block_rows * program.block_columns;
    let block_columns = columns.len().clamp(1, elements);
    let block_rows = elements / block_columns;
    // A register of one element per row has room for so many rows and no more.
    let has_per_row = || program.registers.iter().any(|register| register.level == Level::PerRow);
    assert!(block_rows <= program.block_rows || !has_per_row(), "blocks that the registers have room for");
    with_registers(program.register_bytes, |registers| {
        for row in rows.clone().step_by(block_rows) {
            for column in columns.clone().step_by(block_columns) {
                let block = Block {
                    program,
                    arguments,
                    results,
                    registers,
                    totals: None,
                    row,
                    rows: block_rows.min(rows.end - row),
                    column,
                    columns: block_columns.min(columns.end - column),
                };
                for instruction in &program.instructions {
                    // SAFETY: the caller's promise; registers are as large as the program says, and this thread's.
                    unsafe { block.run(instruction) };
                }
            }
        }
    });
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
    program: &'a RowProgram,
    arguments: &'a [Address],
    results: &'a [Address],
    registers: *mut u8,
    /// With the number of the chunk that it belongs to.
    totals: Option<(&'a Totals, usize)>,
    row: usize,
    rows: usize,
    column: usize,
    columns: usize,
}

impl<'a> Block<'a> {
    fn new(
        program: &'a RowProgram,
        index: usize,
        arguments: &'a [Address],
        results: &'a [Address],
        registers: *mut u8,
    ) -> Block<'a> {
        let across = program.width.div_ceil(program.block_columns);
        let row = index / across * program.block_rows;
        let column = index % across * program.block_columns;
        Block {
            program,
            arguments,
            results,
            registers,
            totals: None,
            row,
            rows: program.block_rows.min(program.rows - row),
            column,
            columns: program.block_columns.min(program.width - column),
        }
    }

    /// # Safety
    /// As for [`run`].
    unsafe fn run(&self, instruction: &RowInstruction) {
        let RowInstruction { function, from, to, is_flat, is_inside, is_per_row, .. } = instruction;
        // Of a part of the columns, only in registers the rows stand one after the other.
        let is_flat = *is_flat && (self.columns == self.program.width || self.rows == 1 || *is_inside);
        let columns = if *is_per_row { 1 } else { self.columns };
        let mut operands = [RowOperand { address: std::ptr::null(), is_splat: true }; MOST_OPERANDS];
        let mut steps = [0; MOST_OPERANDS];
        let operands = &mut operands[..from.len()];
        // As one, the rows of the block stand one after the other in everything that is no constant.
        let (rows, len) = if is_flat { (1, self.rows * columns) } else { (self.rows, columns) };
        let (mut to, step) = self.place(*to, 0);
        for row in 0..rows {
            // As far as from one row to the next it is to the one after, unless there are several axes around them.
            if row == 0 || self.program.outer.len() > 1 {
                for ((operand, step), &home) in operands.iter_mut().zip(&mut steps).zip(from) {
                    let is_splat = self.is_splat(home, is_flat);
                    let (address, to_next) = self.place(home, row);
                    *operand = RowOperand { address, is_splat };
                    *step = to_next;
                }
            }
            // SAFETY: the row lies within the operands by construction of the walks.
            unsafe { function(to, operands, len) };
            to = to.wrapping_add(step);
            for (operand, &step) in operands.iter_mut().zip(&steps) {
                operand.address = operand.address.wrapping_add(step);
            }
        }
    }

    /// Whether a row of the block, or all of its rows as one, use one element of a home.
    #[inline(always)]
    fn is_splat(&self, home: Home, is_flat: bool) -> bool {
        match home {
            // One after the other, elements per row are no constant.
            Home::Operand(index) => {
                let operand = &self.program.operands[index];
                operand.is_splat && (!is_flat || operand.is_constant())
            }
            Home::Result(index) => !is_flat && self.program.results[index].level == Level::PerRow,
            Home::Register(index) => !is_flat && self.program.registers[index].level == Level::PerRow,
            Home::Fold(_) => unreachable!("no instruction reads a folded total"),
        }
    }

    /// The address of a home's first element in a row of the block, and how far it is to the next row in bytes, where
    /// there is at most one axis around rows.
    #[inline(always)]
    fn place(&self, home: Home, row: usize) -> (*mut u8, usize) {
        let program = self.program;
        match home {
            Home::Operand(index) => {
                let RowWalk { argument, is_splat, strides, size } = &program.operands[index];
                let column = if *is_splat { 0 } else { self.column };
                let offset = row_offset(&program.outer, strides, self.row + row) + column;
                let step = strides.last().map_or(0, |stride| stride * size);
                (self.arguments[*argument].0.wrapping_add(offset * size), step)
            }
            Home::Result(index) => {
                let Target { level, size } = program.results[index];
                let (element, step) = match level {
                    Level::Full => ((self.row + row) * program.width + self.column, program.width),
                    Level::PerRow => (self.row + row, 1),
                };
                (self.results[index].0.wrapping_add(element * size), step * size)
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

/// Elements from the first of an operand to the first of a row.
fn row_offset(outer: &[usize], strides: &[usize], row: usize) -> usize {
    match (outer, strides) {
        ([], _) => 0,
        ([_], [stride]) => row * stride,
        _ => {
            let mut rest = row;
            let mut offset = 0;
            for (&len, &stride) in outer.iter().zip(strides).rev() {
                offset += rest % len * stride;
                rest /= len;
            }
            offset
        }
    }
}
