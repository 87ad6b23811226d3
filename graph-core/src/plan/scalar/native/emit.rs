//! From a node and its regions to blocks of Cranelift's IR.

use std::collections::HashMap;

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{self, AbiParam, Block, BlockArg, InstBuilder, MemFlagsData, Signature, types};
use cranelift_codegen::isa::TargetFrontendConfig;
use cranelift_frontend::FunctionBuilder;
use smallvec::SmallVec;

use super::super::instruction::Register;
use super::super::program::{Check, Program, bits, kernel};
use super::primitive;
use super::value::{Typed, bits_of, constant, known, of_bits, type_of};
use crate::dtype::DType;
use crate::fact::Fact;
use crate::graph::{Graph, NodeKind};
use crate::ids::{NodeId, Value};
use crate::kernel::{ScalarCheck, ScalarFn, ScalarKernel};
use crate::op::{Class, OpRef};

type Results = SmallVec<[Typed; 4]>;

pub(super) struct Emitter<'a> {
    builder: FunctionBuilder<'a>,
    target: TargetFrontendConfig,
    /// Where the registers are.
    registers: ir::Value,
    checks: Vec<Check>,
}

impl<'a> Emitter<'a> {
    pub(super) fn new(mut builder: FunctionBuilder<'a>, target: TargetFrontendConfig) -> Emitter<'a> {
        let entry = builder.create_block();
        builder.append_block_params_for_function_params(entry);
        builder.switch_to_block(entry);
        let registers = builder.block_params(entry)[0];
        Emitter { builder, target, registers, checks: Vec::new() }
    }

    /// The whole function. Gives its checks, in the order of their numbers; `None` where something has no code. Then the
    /// function is not complete.
    pub(super) fn program(mut self, graph: &Graph, id: NodeId, program: &Program) -> Option<Vec<Check>> {
        let node = graph.node(id);
        let operands = node.inputs().iter().zip(&program.operands);
        let operands: Results = operands
            .map(|(&value, &register)| {
                let at = offset(register);
                let bits = self.builder.ins().load(types::I64, MemFlagsData::trusted(), self.registers, at);
                of_bits(&mut self.builder, bits, graph.fact(value).dtype)
            })
            .collect();
        let results = self.node(graph, id, &operands)?;
        for (result, &register) in results.into_iter().zip(&program.results) {
            self.store(result, register);
        }
        let success = self.builder.ins().iconst(types::I64, 0);
        self.builder.ins().return_(&[success]);
        self.builder.seal_all_blocks();
        self.builder.finalize(self.target);
        Some(self.checks)
    }

    fn node(&mut self, graph: &Graph, id: NodeId, operands: &[Typed]) -> Option<Results> {
        let node = graph.node(id);
        Some(match node.kind() {
            NodeKind::Input { .. } => unreachable!("inputs have values"),
            NodeKind::Constant(array) => {
                let bits = bits(array.view().as_bytes());
                Results::from_iter([constant(&mut self.builder, bits, node.facts()[0].dtype)])
            }
            NodeKind::Apply(op) => Results::from_iter([self.apply(graph, id, op, operands)?]),
            NodeKind::Call { body, .. } => self.region(body, operands)?,
            NodeKind::If { then_branch, else_branch } => {
                let [then_block, else_block, end] = [(); 3].map(|()| self.builder.create_block());
                self.builder.ins().brif(operands[0].value, then_block, &[], else_block, &[]);
                for (block, branch) in [(then_block, then_branch), (else_block, else_branch)] {
                    self.builder.switch_to_block(block);
                    let outputs = self.region(branch, &operands[1..])?;
                    self.builder.ins().jump(end, &arguments(&outputs));
                }
                let results = self.parameters(end, node.facts());
                self.builder.switch_to_block(end);
                results
            }
            NodeKind::While { condition, body, carried } if node.facts().len() == *carried => {
                let (variables, kept) = operands.split_at(*carried);
                let [start, inside, end] = [(); 3].map(|()| self.builder.create_block());
                let results = self.parameters(start, node.facts());
                self.builder.ins().jump(start, &arguments(variables));
                self.builder.switch_to_block(start);
                let all: Results = results.iter().chain(kept).copied().collect();
                let decision = self.region(condition, &all)?[0].value;
                self.builder.ins().brif(decision, inside, &[], end, &[]);
                self.builder.switch_to_block(inside);
                let next = self.region(body, &all)?;
                self.builder.ins().jump(start, &arguments(&next));
                self.builder.switch_to_block(end);
                results
            }
            NodeKind::For { body, trips: Some(trips), reverse: false, carried, scanned: 0 }
                if node.facts().len() == *carried =>
            {
                let (variables, kept) = operands.split_at(*carried);
                if *trips == 0 {
                    return Some(Results::from_slice(variables));
                }
                let [start, end] = [(); 2].map(|()| self.builder.create_block());
                let counter =
                    Typed { value: self.builder.append_block_param(start, types::I64), dtype: DType::I64 };
                let old = self.parameters(start, node.facts());
                let zero = constant(&mut self.builder, 0, DType::I64);
                let first: Results = [zero].iter().chain(variables).copied().collect();
                self.builder.ins().jump(start, &arguments(&first));
                self.builder.switch_to_block(start);
                let all: Results = [counter].iter().chain(&old).chain(kept).copied().collect();
                let new = self.region(body, &all)?;
                let count = self.builder.ins().iadd_imm_s(counter.value, 1);
                let is_last = self.builder.ins().icmp_imm_s(IntCC::Equal, count, *trips as i64);
                let next: Results =
                    [Typed { value: count, dtype: DType::I64 }].iter().chain(&new).copied().collect();
                self.builder.ins().brif(is_last, end, &[], start, &arguments(&next));
                self.builder.switch_to_block(end);
                new
            }
            NodeKind::While { .. } | NodeKind::For { .. } => return None,
        })
    }

    fn region(&mut self, region: &Graph, arguments: &[Typed]) -> Option<Results> {
        let inputs = region.inputs().iter().map(|&id| Value::new(id, 0));
        let mut values: HashMap<Value, Typed> = inputs.zip(arguments.iter().copied()).collect();
        for id in region.topological_order() {
            let node = region.node(id);
            if matches!(node.kind(), NodeKind::Input { .. }) {
                continue;
            }
            let operands: Results = node.inputs().iter().map(|value| values[value]).collect();
            let results = self.node(region, id, &operands)?;
            let results = results.into_iter().enumerate();
            values.extend(results.map(|(output, result)| (Value::new(id, output), result)));
        }
        Some(region.outputs().iter().map(|output| values[output]).collect())
    }

    fn apply(&mut self, graph: &Graph, id: NodeId, op: &OpRef, operands: &[Typed]) -> Option<Typed> {
        if op.class() == Class::View {
            return operands.first().copied();
        }
        let ScalarKernel { function, check, primitive } = kernel(graph, id, op).ok().flatten()?;
        // What is called takes as many operands as it is given.
        let address = match (function, operands.len()) {
            (ScalarFn::Unary(f), 1) => f as usize,
            (ScalarFn::Binary(f), 2) => f as usize,
            (ScalarFn::Ternary(f), 3) => f as usize,
            _ => return None,
        };
        if let Some(check) = check {
            let operand = *operands.get(1)?;
            let is_known = known(&self.builder, operand).is_some_and(|bits| (check.holds)(bits) != 0);
            if !is_known {
                self.checks.push(Check::new(check, graph, id));
                self.check(check, operand);
            }
        }
        let dtype = graph.node(id).facts()[0].dtype;
        let emit = |primitive| primitive::emit(&mut self.builder, primitive, operands, dtype);
        if let Some(value) = primitive.and_then(emit) {
            return Some(Typed { value, dtype });
        }
        let result = self.call(address, operands);
        Some(of_bits(&mut self.builder, result, dtype))
    }

    /// Ends the function where the last check fails.
    fn check(&mut self, check: ScalarCheck, operand: Typed) {
        let holds = self.call(check.holds as usize, &[operand]);
        let [failed, passed] = [(); 2].map(|()| self.builder.create_block());
        self.builder.set_cold_block(failed);
        self.builder.ins().brif(holds, passed, &[], failed, &[]);
        self.builder.switch_to_block(failed);
        let number = self.builder.ins().iconst(types::I64, self.checks.len() as i64);
        self.builder.ins().return_(&[number]);
        self.builder.switch_to_block(passed);
    }

    /// Calls a function on bits.
    fn call(&mut self, address: usize, operands: &[Typed]) -> ir::Value {
        let arguments: SmallVec<[ir::Value; 4]> =
            operands.iter().map(|&x| bits_of(&mut self.builder, x)).collect();
        let signature = Signature {
            params: arguments.iter().map(|_| AbiParam::new(types::I64)).collect(),
            returns: vec![AbiParam::new(types::I64)],
            call_conv: self.target.default_call_conv,
        };
        let signature = self.builder.import_signature(signature);
        let pointer = self.target.pointer_type();
        let address = self.builder.ins().iconst(pointer, address as i64);
        let call = self.builder.ins().call_indirect(signature, address, &arguments);
        self.builder.inst_results(call)[0]
    }

    fn store(&mut self, x: Typed, register: Register) {
        let bits = bits_of(&mut self.builder, x);
        self.builder.ins().store(MemFlagsData::trusted(), bits, self.registers, offset(register));
    }

    /// Parameters of a block, for values of these facts.
    fn parameters(&mut self, block: Block, facts: &[Fact]) -> Results {
        let parameter = |fact: &Fact| Typed {
            value: self.builder.append_block_param(block, type_of(fact.dtype)),
            dtype: fact.dtype,
        };
        facts.iter().map(parameter).collect()
    }
}

fn arguments(values: &[Typed]) -> SmallVec<[BlockArg; 4]> {
    values.iter().map(|x| x.value.into()).collect()
}

/// Where a register is.
fn offset(register: Register) -> i32 {
    i32::try_from(register as usize * size_of::<u64>()).expect("a program is far smaller than its graph")
}
