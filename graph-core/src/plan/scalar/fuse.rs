//! Several instructions as one: half the cost of a short instruction is getting to it, and another half the way through a
//! register.

use super::instruction::{Instruction, Register};

/// Fuses instructions whose results nothing else reads, or which may as well be computed later.
pub(super) fn fuse(code: &mut Vec<Instruction>, results: &[Register]) {
    let mut at = 0;
    while at + 1 < code.len() {
        if let Some(fused) = with_next(code, at, results) {
            code[at + 1] = fused;
            remove(code, at);
        }
        at += 1;
    }
    let mut at = 0;
    while at < code.len() {
        if let Some((before, fused)) = with_result(code, at) {
            code[at] = fused;
            remove(code, before);
        } else {
            at += 1;
        }
    }
}

/// Takes an instruction out. What jumped to it jumps to the next one.
fn remove(code: &mut Vec<Instruction>, at: usize) {
    code.remove(at);
    let targets = code.iter_mut().filter_map(Instruction::target_mut);
    targets.filter(|target| **target > at as u32).for_each(|target| *target -= 1);
}

/// Whether something jumps to an instruction.
fn is_target(code: &[Instruction], at: usize) -> bool {
    code.iter().any(|instruction| instruction.jumps_to() == Some(at as u32))
}

/// An instruction and the next one, which alone reads its result, in the place of the latter.
fn with_next(code: &[Instruction], at: usize, results: &[Register]) -> Option<Instruction> {
    let Instruction::Binary { f, a, b, to: between } = code[at] else { return None };
    let next = code[at + 1];
    let num_readers = || code.iter().filter(|instruction| instruction.reads(between)).count();
    if !next.reads(between) || results.contains(&between) || num_readers() != 1 || is_target(code, at + 1) {
        return None;
    }
    match next {
        Instruction::Binary { f: g, a: left, b: c, to } if left == between && c != between => {
            Some(Instruction::BinaryThenLeft { f, g, a, b, c, to })
        }
        Instruction::Binary { f: g, a: c, b: right, to } if right == between && c != between => {
            Some(Instruction::BinaryThenRight { f, g, a, b, c, to })
        }
        Instruction::JumpIf { condition, target } if condition == between => {
            Some(Instruction::JumpIfBinary { f, a, b, is: true, target })
        }
        Instruction::JumpUnless { condition, target } if condition == between => {
            Some(Instruction::JumpIfBinary { f, a, b, is: false, target })
        }
        _ => None,
    }
}

/// A jump that depends on a result, and what computes that, however far before, if that may move here: the end of most loops
/// is a counter that goes on and is compared. With the place that it is taken from.
fn with_result(code: &[Instruction], at: usize) -> Option<(usize, Instruction)> {
    let Instruction::JumpIfBinary { f: g, a: first, b: second, is, target } = code[at] else { return None };
    for before in (0..at).rev() {
        if is_target(code, before + 1) {
            return None; // Who comes from there has not passed what is before.
        }
        match code[before] {
            Instruction::Binary { f, a, b, to } if (to == first) != (to == second) => {
                let between = &code[before + 1..at];
                let reads = |register: Register| between.iter().any(|other| other.reads(register));
                let writes =
                    |register: Register| between.iter().any(|other| other.destination() == Some(register));
                let (is_first, other) = if to == first { (true, second) } else { (false, first) };
                let may_move = !reads(to) && ![a, b, to].into_iter().any(writes);
                return may_move.then_some((
                    before,
                    Instruction::BinaryThenJump { f, a, b, to, g, other, is_first, is, target },
                ));
            }
            other => {
                let destination = other.destination();
                if other.is_jump() || destination == Some(first) || destination == Some(second) {
                    return None;
                }
            }
        }
    }
    None
}
