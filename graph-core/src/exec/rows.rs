//! Running row programs: block by block, each instruction on a block before the next.

use std::cell::RefCell;

use crate::buffer::Buffer;
use crate::kernel::RowOperand;
use crate::plan::{Home, Level, MOST_OPERANDS, Register, RowInstruction, RowProgram, RowWalk};
use crate::team::parallel;

thread_local! {
    /// Registers of the program that this thread runs; grown once to what the largest needs.
    static REGISTERS: RefCell<Buffer> = RefCell::new(Buffer::zeroed(0));
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

fn with_registers(bytes: usize, run: impl FnOnce(*mut u8)) {
    REGISTERS.with_borrow_mut(|registers| {
        if registers.len() < bytes {
            *registers = Buffer::zeroed(bytes);
        }
        run(registers.as_ptr());
    });
}

/// Some rows, or a part of one.
struct Block<'a> {
    program: &'a RowProgram,
    arguments: &'a [Address],
    results: &'a [Address],
    registers: *mut u8,
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
            row,
            rows: program.block_rows.min(program.rows - row),
            column,
            columns: program.block_columns.min(program.width - column),
        }
    }

    /// # Safety
    /// As for [`run`].
    unsafe fn run(&self, instruction: &RowInstruction) {
        let RowInstruction { function, from, to, is_flat, is_per_row, .. } = instruction;
        let columns = if *is_per_row { 1 } else { self.columns };
        let mut operands = [RowOperand { address: std::ptr::null(), is_splat: true }; MOST_OPERANDS];
        let operands = &mut operands[..from.len()];
        // As one, the rows of the block stand one after the other in everything that is no constant.
        let (rows, len) = if *is_flat { (1, self.rows * columns) } else { (self.rows, columns) };
        for row in 0..rows {
            for (operand, &home) in operands.iter_mut().zip(from) {
                *operand = self.operand(home, row, *is_flat);
            }
            // SAFETY: the row lies within the operands by construction of the walks.
            unsafe { function(self.address(*to, row), operands, len) };
        }
    }

    /// A home as the operand of a row of the block, or of all its rows as one.
    fn operand(&self, home: Home, row: usize, is_flat: bool) -> RowOperand {
        let is_splat = match home {
            Home::Operand(index) => {
                let RowWalk { is_splat, strides, .. } = &self.program.operands[index];
                // One after the other, elements per row are no constant.
                *is_splat && !(is_flat && strides.iter().any(|&stride| stride != 0))
            }
            Home::Result(index) => !is_flat && self.program.results[index].level == Level::PerRow,
            Home::Register(index) => !is_flat && self.program.registers[index].level == Level::PerRow,
        };
        RowOperand { address: self.address(home, row), is_splat }
    }

    /// The address of a home's first element in a row of the block.
    fn address(&self, home: Home, row: usize) -> *mut u8 {
        let program = self.program;
        match home {
            Home::Operand(index) => {
                let RowWalk { argument, is_splat, strides, size } = &program.operands[index];
                let column = if *is_splat { 0 } else { self.column };
                let offset = row_offset(&program.outer, strides, self.row + row) + column;
                self.arguments[*argument].0.wrapping_add(offset * size)
            }
            Home::Result(index) => {
                let target = program.results[index];
                let element = match target.level {
                    Level::Full => (self.row + row) * program.width + self.column,
                    Level::PerRow => self.row + row,
                };
                self.results[index].0.wrapping_add(element * target.size)
            }
            Home::Register(index) => {
                let Register { offset, level, size } = program.registers[index];
                let element = if level == Level::Full { row * self.columns } else { row };
                self.registers.wrapping_add(offset + element * size)
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
