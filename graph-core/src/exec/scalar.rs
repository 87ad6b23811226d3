//! Running scalar programs.

use crate::error::Error;
use crate::plan::{Instruction, ScalarCode};

/// Runs the code on registers that hold operands.
pub(super) fn run(code: &ScalarCode, registers: &mut [u64]) -> Result<(), Error> {
    let ScalarCode { program, native } = code;
    if let Some(native) = native {
        return native.run(registers);
    }
    for &(register, value) in &program.constants {
        registers[register as usize] = value;
    }
    let code = &program.code[..];
    let mut at = 0;
    while let Some(instruction) = code.get(at) {
        at += 1;
        match *instruction {
            Instruction::Unary { f, a, to } => registers[to as usize] = f(registers[a as usize]),
            Instruction::Binary { f, a, b, to } => {
                registers[to as usize] = f(registers[a as usize], registers[b as usize]);
            }
            Instruction::BinaryThenLeft { f, g, a, b, c, to } => {
                let first = f(registers[a as usize], registers[b as usize]);
                registers[to as usize] = g(first, registers[c as usize]);
            }
            Instruction::BinaryThenRight { f, g, a, b, c, to } => {
                let second = f(registers[a as usize], registers[b as usize]);
                registers[to as usize] = g(registers[c as usize], second);
            }
            Instruction::Ternary { f, a, b, c, to } => {
                registers[to as usize] =
                    f(registers[a as usize], registers[b as usize], registers[c as usize]);
            }
            Instruction::Check { check, a } => {
                let check = &program.checks[check as usize];
                if !check.holds(registers[a as usize]) {
                    return Err(check.error());
                }
            }
            Instruction::Copy { from, to } => registers[to as usize] = registers[from as usize],
            Instruction::Jump { target } => at = target as usize,
            Instruction::JumpIf { condition, target } => {
                if registers[condition as usize] != 0 {
                    at = target as usize;
                }
            }
            Instruction::JumpUnless { condition, target } => {
                if registers[condition as usize] == 0 {
                    at = target as usize;
                }
            }
            Instruction::JumpIfBinary { f, a, b, is, target } => {
                if f(registers[a as usize], registers[b as usize]) == u64::from(is) {
                    at = target as usize;
                }
            }
            Instruction::BinaryThenJump { f, a, b, to, g, other, is_first, is, target } => {
                let result = f(registers[a as usize], registers[b as usize]);
                registers[to as usize] = result;
                let other = registers[other as usize];
                let (first, second) = if is_first { (result, other) } else { (other, result) };
                if g(first, second) == u64::from(is) {
                    at = target as usize;
                }
            }
            Instruction::Count { counter, end, target } => {
                let count = registers[counter as usize] + 1;
                registers[counter as usize] = count;
                if count < registers[end as usize] {
                    at = target as usize;
                }
            }
        }
    }
    Ok(())
}
