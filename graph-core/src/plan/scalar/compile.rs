//! From a node and its regions to instructions.

use std::collections::HashMap;

use super::fuse;
use super::instruction::{Instruction, Register};
use super::program::{Check, Program, bits, kernel};
use crate::error::Error;
use crate::graph::{Graph, NodeKind};
use crate::ids::{NodeId, Value};
use crate::kernel::{ScalarCheck, ScalarFn, ScalarKernel};
use crate::op::Class;

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

    /// Whether a check of a register is known to hold: of a constant.
    fn is_known(&self, check: &ScalarCheck, register: Register) -> bool {
        self.constants.iter().any(|&(constant, bits)| constant == register && (check.holds)(bits) != 0)
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
                    let Some(kernel) = kernel(graph, id, op)? else { return Ok(None) };
                    let ScalarKernel { function, check, .. } = kernel;
                    let to = self.register();
                    if let Some(check) = check.filter(|check| !self.is_known(check, operands[1])) {
                        self.checks.push(Check::new(check, graph, id));
                        let check = (self.checks.len() - 1) as u32;
                        self.emit(Instruction::Check { check, a: operands[1] });
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
        let is_straight = self.code[start as usize..].iter().all(|instruction| !instruction.is_jump());
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
