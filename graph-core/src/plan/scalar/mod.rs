//! Scalar programs: control flow on scalars, compiled to flat code over registers.
//!
//! A loop counter or a condition is a handful of operations on single numbers. Through tensor kernels each would cost
//! tens of nanoseconds; here a structural node all of whose values are scalars, regions and all, becomes a list of
//! instructions with jumps. A register holds the bits of a value, zero-extended.

mod fuse;

use std::collections::HashMap;

use crate::error::Error;
use crate::graph::{Graph, NodeKind};
use crate::ids::{NodeId, Value};
use crate::kernel::{ScalarCheck, ScalarFn, ScalarKernel};
use crate::op::Class;
use crate::plan::Provenance;

/// Number of a register.
pub(crate) type Register = u32;

/// One step of a program.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Instruction {
    Unary {
        f: fn(u64) -> u64,
        a: Register,
        to: Register,
    },
    Binary {
        f: fn(u64, u64) -> u64,
        a: Register,
        b: Register,
        to: Register,
    },
    /// `g(f(a, b), c)`
    BinaryThenLeft {
        f: fn(u64, u64) -> u64,
        g: fn(u64, u64) -> u64,
        a: Register,
        b: Register,
        c: Register,
        to: Register,
    },
    /// `g(c, f(a, b))`
    BinaryThenRight {
        f: fn(u64, u64) -> u64,
        g: fn(u64, u64) -> u64,
        a: Register,
        b: Register,
        c: Register,
        to: Register,
    },
    Ternary {
        f: fn(u64, u64, u64) -> u64,
        a: Register,
        b: Register,
        c: Register,
        to: Register,
    },
    /// Fails where the check of this number does.
    Check {
        check: u32,
        a: Register,
        b: Register,
    },
    Copy {
        from: Register,
        to: Register,
    },
    Jump {
        target: u32,
    },
    JumpIf {
        condition: Register,
        target: u32,
    },
    JumpUnless {
        condition: Register,
        target: u32,
    },
    /// Jumps if `f(a, b)` is the bits of `is`.
    JumpIfBinary {
        f: fn(u64, u64) -> u64,
        a: Register,
        b: Register,
        is: bool,
        target: u32,
    },
    /// The same of a result that is computed first, `f(a, b)`, and another value.
    BinaryThenJump {
        f: fn(u64, u64) -> u64,
        a: Register,
        b: Register,
        to: Register,
        g: fn(u64, u64) -> u64,
        other: Register,
        /// Whether the result is the first operand of `g`.
        is_first: bool,
        is: bool,
        target: u32,
    },
    /// Adds one to the counter, and jumps if it is less than the end.
    Count {
        counter: Register,
        end: Register,
        target: u32,
    },
}

/// A check of two operands, and what is said when it fails.
pub(crate) struct Check {
    pub(crate) check: ScalarCheck,
    pub(crate) provenance: Provenance,
}

/// Code over registers.
pub(crate) struct Program {
    pub(crate) code: Vec<Instruction>,
    pub(crate) num_registers: usize,
    /// What registers hold before the code runs.
    pub(crate) constants: Vec<(Register, u64)>,
    pub(crate) checks: Vec<Check>,
    /// Where the node's operands go.
    pub(crate) operands: Vec<Register>,
    /// Where its results are.
    pub(crate) results: Vec<Register>,
}

/// Programs beyond this size are planned as other regions are.
const MOST_INSTRUCTIONS: usize = 4096;

/// The program of a structural node; `None` where not everything in it is a scalar with a scalar function.
pub(super) fn compile(graph: &Graph, id: NodeId) -> Result<Option<Program>, Error> {
    let node = graph.node(id);
    let facts = node.inputs().iter().map(|&value| graph.fact(value)).chain(node.facts());
    if facts.into_iter().any(|fact| fact.shape.rank() != 0) || node.facts().is_empty() {
        return Ok(None);
    }
    let mut compiler = Compiler::default();
    let operands: Vec<Register> = node.inputs().iter().map(|_| compiler.register()).collect();
    let Some(results) = compiler.node(graph, id, &operands)? else { return Ok(None) };
    fuse::fuse(&mut compiler.code, &results);
    let Compiler { code, num_registers, constants, checks } = compiler;
    Ok(Some(Program { code, num_registers, constants, checks, operands, results }))
}

#[derive(Default)]
struct Compiler {
    code: Vec<Instruction>,
    num_registers: usize,
    constants: Vec<(Register, u64)>,
    checks: Vec<Check>,
}

/// The registers of some values; `None` where something is not scalar.
type Compiled = Result<Option<Vec<Register>>, Error>;

/// The registers, or an end of the whole attempt.
macro_rules! scalar {
    ($compiled:expr) => {
        match $compiled? {
            Some(registers) => registers,
            None => return Ok(None),
        }
    };
}

impl Compiler {
    fn register(&mut self) -> Register {
        self.num_registers += 1;
        (self.num_registers - 1) as Register
    }

    fn here(&self) -> u32 {
        self.code.len() as u32
    }

    fn emit(&mut self, instruction: Instruction) {
        self.code.push(instruction);
    }

    fn constant(&mut self, bits: u64) -> Register {
        let register = self.register();
        self.constants.push((register, bits));
        register
    }

    fn region(&mut self, region: &Graph, arguments: &[Register]) -> Compiled {
        let mut registers: HashMap<Value, Register> = HashMap::new();
        registers.extend(region.inputs().iter().map(|&id| Value::new(id, 0)).zip(arguments.iter().copied()));
        for id in region.topological_order() {
            let node = region.node(id);
            if matches!(node.kind(), NodeKind::Input { .. }) {
                continue;
            }
            if node.facts().iter().any(|fact| fact.shape.rank() != 0) || self.code.len() > MOST_INSTRUCTIONS {
                return Ok(None);
            }
            let operands: Vec<Register> = node.inputs().iter().map(|value| registers[value]).collect();
            let results = scalar!(self.node(region, id, &operands));
            registers
                .extend(results.into_iter().enumerate().map(|(output, to)| (Value::new(id, output), to)));
        }
        Ok(Some(region.outputs().iter().map(|output| registers[output]).collect()))
    }

    fn node(&mut self, graph: &Graph, id: NodeId, operands: &[Register]) -> Compiled {
        let node = graph.node(id);
        match node.kind() {
            NodeKind::Input { .. } => unreachable!("inputs have registers"),
            NodeKind::Constant(array) => Ok(Some(vec![self.constant(bits(array.view().as_bytes()))])),
            NodeKind::Apply(op) => match op.class() {
                Class::Effect => Ok(None),
                Class::View => Ok(Some(vec![operands[0]])),
                _ => {
                    let facts: Vec<_> = node.inputs().iter().map(|&value| graph.fact(value)).collect();
                    let kernel = op.kernel(&facts, node.facts());
                    let kernel = kernel.map_err(|reason| Provenance::of(graph, id).error(reason))?;
                    let Some(ScalarKernel { function, check }) = kernel.scalar() else { return Ok(None) };
                    let to = self.register();
                    if let Some(check) = check {
                        self.checks.push(Check { check, provenance: Provenance::of(graph, id) });
                        let check = (self.checks.len() - 1) as u32;
                        self.emit(Instruction::Check { check, a: operands[0], b: operands[1] });
                    }
                    self.emit(match (function, operands) {
                        (ScalarFn::Unary(f), &[a]) => Instruction::Unary { f, a, to },
                        (ScalarFn::Binary(f), &[a, b]) => Instruction::Binary { f, a, b, to },
                        (ScalarFn::Ternary(f), &[a, b, c]) => Instruction::Ternary { f, a, b, c, to },
                        _ => return Ok(None),
                    });
                    Ok(Some(vec![to]))
                }
            },
            NodeKind::Call { body, .. } => self.region(body, operands),
            NodeKind::If { then_branch, else_branch } => {
                let results: Vec<Register> = node.facts().iter().map(|_| self.register()).collect();
                let branch = self.here();
                self.emit(Instruction::JumpUnless { condition: operands[0], target: 0 });
                let outputs = scalar!(self.region(then_branch, &operands[1..]));
                self.copy(&outputs, &results, branch + 1);
                let jump = self.here();
                self.emit(Instruction::Jump { target: 0 });
                self.target(branch);
                let start = self.here();
                let outputs = scalar!(self.region(else_branch, &operands[1..]));
                self.copy(&outputs, &results, start);
                self.target(jump);
                Ok(Some(results))
            }
            NodeKind::While { condition, body, carried } => {
                if node.facts().len() > *carried {
                    return Ok(None);
                }
                let variables = self.variables(&operands[..*carried]);
                let all: Vec<Register> = variables.iter().chain(&operands[*carried..]).copied().collect();
                // The condition stands behind the body, too, so that an iteration jumps once; and nothing else jumps there,
                // so that the end of an iteration can be fused with it.
                let decision = scalar!(self.region(condition, &all));
                let entry = self.here();
                self.emit(Instruction::JumpUnless { condition: decision[0], target: 0 });
                let start = self.here();
                let outputs = scalar!(self.region(body, &all));
                self.copy(&outputs, &variables, start);
                let decision = scalar!(self.region(condition, &all));
                self.emit(Instruction::JumpIf { condition: decision[0], target: start });
                self.target(entry);
                Ok(Some(variables))
            }
            NodeKind::For { body, trips: Some(trips), reverse: false, carried, scanned: 0 } => {
                if node.facts().len() > *carried {
                    return Ok(None);
                }
                let variables = self.variables(&operands[..*carried]);
                if *trips == 0 {
                    return Ok(Some(variables));
                }
                let (zero, end) = (self.constant(0), self.constant(*trips as u64));
                let counter = self.register();
                self.emit(Instruction::Copy { from: zero, to: counter });
                let mut all = vec![counter];
                all.extend(variables.iter().chain(&operands[*carried..]));
                let start = self.here();
                let outputs = scalar!(self.region(body, &all));
                self.copy(&outputs, &variables, start);
                self.emit(Instruction::Count { counter, end, target: start });
                Ok(Some(variables))
            }
            NodeKind::For { .. } => Ok(None),
        }
    }

    /// Registers of their own for loop variables.
    fn variables(&mut self, initial: &[Register]) -> Vec<Register> {
        initial
            .iter()
            .map(|&from| {
                let to = self.register();
                self.emit(Instruction::Copy { from, to });
                to
            })
            .collect()
    }

    /// Lets a jump that was emitted without a target lead here.
    fn target(&mut self, jump: u32) {
        let here = self.here();
        *self.code[jump as usize].target_mut().expect("a jump was emitted there") = here;
    }

    /// Copies all at once. What the code since `start` computes last is computed where it goes, if nothing that
    /// follows reads what is overwritten.
    fn copy(&mut self, from: &[Register], to: &[Register], start: u32) {
        let mut moves: Vec<(Register, Register)> =
            from.iter().copied().zip(to.iter().copied()).filter(|(from, to)| from != to).collect();
        let is_straight =
            self.code[start as usize..].iter().all(|instruction| instruction.destination().is_some());
        if is_straight {
            let all = moves.clone();
            moves.retain(|&(from, to)| !self.redirect(from, to, &all, start as usize));
        }
        let overlap = moves.iter().any(|(from, _)| moves.iter().any(|(_, to)| from == to));
        if overlap {
            let spare: Vec<Register> = moves.iter().map(|_| self.register()).collect();
            for (&(from, _), &to) in moves.iter().zip(&spare) {
                self.emit(Instruction::Copy { from, to });
            }
            for (&(_, to), &from) in moves.iter().zip(&spare) {
                self.emit(Instruction::Copy { from, to });
            }
        } else {
            for (from, to) in moves {
                self.emit(Instruction::Copy { from, to });
            }
        }
    }

    /// Lets the instruction that computes `from` compute `to` instead, where that changes nothing else.
    fn redirect(
        &mut self,
        from: Register,
        to: Register,
        moves: &[(Register, Register)],
        start: usize,
    ) -> bool {
        let Some(writer) = (start..self.code.len()).rev().find(|&i| self.code[i].destination() == Some(from))
        else {
            return false;
        };
        let is_read_later = self.code[writer + 1..].iter().any(|instruction| {
            instruction.reads(to) || instruction.reads(from) || instruction.destination() == Some(to)
        });
        let is_moved_elsewhere =
            moves.iter().any(|&(other, target)| other == to || (other == from && target != to));
        if is_read_later || is_moved_elsewhere {
            return false;
        }
        self.code[writer].set_destination(to);
        true
    }
}

impl Instruction {
    fn jumps_to(&self) -> Option<u32> {
        let mut copy = *self;
        copy.target_mut().copied()
    }

    fn target_mut(&mut self) -> Option<&mut u32> {
        match self {
            Instruction::Jump { target }
            | Instruction::JumpIf { target, .. }
            | Instruction::JumpUnless { target, .. }
            | Instruction::JumpIfBinary { target, .. }
            | Instruction::BinaryThenJump { target, .. }
            | Instruction::Count { target, .. } => Some(target),
            _ => None,
        }
    }

    /// Where a computing instruction puts its result; `None` for jumps.
    fn destination(&self) -> Option<Register> {
        match *self {
            Instruction::Unary { to, .. }
            | Instruction::Binary { to, .. }
            | Instruction::BinaryThenLeft { to, .. }
            | Instruction::BinaryThenRight { to, .. }
            | Instruction::Ternary { to, .. }
            | Instruction::Copy { to, .. } => Some(to),
            // It computes nothing, but is no jump either: a register that there is not.
            Instruction::Check { .. } => Some(Register::MAX),
            Instruction::Jump { .. }
            | Instruction::JumpIf { .. }
            | Instruction::JumpUnless { .. }
            | Instruction::JumpIfBinary { .. }
            | Instruction::BinaryThenJump { .. }
            | Instruction::Count { .. } => None,
        }
    }

    fn set_destination(&mut self, register: Register) {
        match self {
            Instruction::Unary { to, .. }
            | Instruction::Binary { to, .. }
            | Instruction::Ternary { to, .. }
            | Instruction::Copy { to, .. } => *to = register,
            _ => unreachable!("called for what computes"),
        }
    }

    fn reads(&self, register: Register) -> bool {
        match *self {
            Instruction::Unary { a, .. } => a == register,
            Instruction::Binary { a, b, .. } | Instruction::Check { a, b, .. } => {
                a == register || b == register
            }
            Instruction::BinaryThenLeft { a, b, c, .. }
            | Instruction::BinaryThenRight { a, b, c, .. }
            | Instruction::Ternary { a, b, c, .. } => [a, b, c].contains(&register),
            Instruction::Copy { from, .. } => from == register,
            Instruction::Jump { .. } => false,
            Instruction::JumpIf { condition, .. } | Instruction::JumpUnless { condition, .. } => {
                condition == register
            }
            Instruction::JumpIfBinary { a, b, .. } => a == register || b == register,
            // What it computes first, it reads; but that is its own affair.
            Instruction::BinaryThenJump { a, b, other, .. } => [a, b, other].contains(&register),
            Instruction::Count { counter, end, .. } => counter == register || end == register,
        }
    }
}

/// The bits of a scalar, zero-extended.
pub(crate) fn bits(bytes: &[u8]) -> u64 {
    let mut bits = [0; 8];
    bits[..bytes.len()].copy_from_slice(bytes);
    u64::from_le_bytes(bits)
}
