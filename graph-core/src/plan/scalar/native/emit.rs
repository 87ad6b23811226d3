//! From a node and its regions to blocks of Cranelift's IR.

use std::collections::HashMap;

use cranelift_codegen::ir::immediates::{Ieee32, Ieee64};
use cranelift_codegen::ir::{
    self, AbiParam, Block, BlockArg, InstBuilder, InstructionData, MemFlagsData, Opcode, Signature, Type,
    types,
};
use cranelift_codegen::isa::TargetFrontendConfig;
use cranelift_frontend::FunctionBuilder;
use smallvec::SmallVec;

use super::super::{Check, Program, Register, bits, kernel};
use crate::dtype::DType;
use crate::fact::Fact;
use crate::graph::{Graph, NodeKind};
use crate::ids::{NodeId, Value};
use crate::kernel::{ScalarCheck, ScalarFn, ScalarKernel};
use crate::op::{Class, OpRef};
use crate::plan::Provenance;

/// A value with its dtype.
#[derive(Clone, Copy)]
pub(super) struct Typed {
    pub(super) value: ir::Value,
    pub(super) dtype: DType,
}

type Results = SmallVec<[Typed; 4]>;

pub(super) struct Emitter<'a> {
    pub(super) builder: FunctionBuilder<'a>,
    target: TargetFrontendConfig,
    /// Where the registers are.
    registers: ir::Value,
    checks: Vec<Check>,
}

/// Only called for nodes of which there is a program, so all that has no place in one is ruled out.
const IN_A_PROGRAM: &str = "the node was compiled to a program";

impl<'a> Emitter<'a> {
    pub(super) fn new(mut builder: FunctionBuilder<'a>, target: TargetFrontendConfig) -> Emitter<'a> {
        let entry = builder.create_block();
        builder.append_block_params_for_function_params(entry);
        builder.switch_to_block(entry);
        let registers = builder.block_params(entry)[0];
        Emitter { builder, target, registers, checks: Vec::new() }
    }

    /// The whole function. Gives its checks, in the order of their numbers.
    pub(super) fn program(mut self, graph: &Graph, id: NodeId, program: &Program) -> Vec<Check> {
        let node = graph.node(id);
        let operands = node.inputs().iter().zip(&program.operands);
        let operands: Results = operands
            .map(|(&value, &register)| {
                let at = offset(register);
                let bits = self.builder.ins().load(types::I64, MemFlagsData::trusted(), self.registers, at);
                self.from_bits(bits, graph.fact(value).dtype)
            })
            .collect();
        let results = self.node(graph, id, &operands);
        for (result, &register) in results.into_iter().zip(&program.results) {
            self.store(result, register);
        }
        let success = self.builder.ins().iconst(types::I64, 0);
        self.builder.ins().return_(&[success]);
        self.builder.seal_all_blocks();
        self.builder.finalize(self.target);
        self.checks
    }

    fn node(&mut self, graph: &Graph, id: NodeId, operands: &[Typed]) -> Results {
        let node = graph.node(id);
        match node.kind() {
            NodeKind::Input { .. } => unreachable!("inputs have values"),
            NodeKind::Constant(array) => {
                Results::from_iter([self.constant(bits(array.view().as_bytes()), node.facts()[0].dtype)])
            }
            NodeKind::Apply(op) => Results::from_iter([self.apply(graph, id, op, operands)]),
            NodeKind::Call { body, .. } => self.region(body, operands),
            NodeKind::If { then_branch, else_branch } => {
                let [then_block, else_block, end] = [(); 3].map(|()| self.builder.create_block());
                self.builder.ins().brif(operands[0].value, then_block, &[], else_block, &[]);
                for (block, branch) in [(then_block, then_branch), (else_block, else_branch)] {
                    self.builder.switch_to_block(block);
                    let outputs = self.region(branch, &operands[1..]);
                    self.builder.ins().jump(end, &arguments(&outputs));
                }
                let results = self.parameters(end, node.facts());
                self.builder.switch_to_block(end);
                results
            }
            NodeKind::While { condition, body, carried } => {
                let (variables, kept) = operands.split_at(*carried);
                let [start, inside, end] = [(); 3].map(|()| self.builder.create_block());
                let results = self.parameters(start, node.facts());
                self.builder.ins().jump(start, &arguments(variables));
                self.builder.switch_to_block(start);
                let all: Results = results.iter().chain(kept).copied().collect();
                let decision = self.region(condition, &all)[0].value;
                self.builder.ins().brif(decision, inside, &[], end, &[]);
                self.builder.switch_to_block(inside);
                let next = self.region(body, &all);
                self.builder.ins().jump(start, &arguments(&next));
                self.builder.switch_to_block(end);
                results
            }
            NodeKind::For { body, trips, carried, .. } => {
                let (variables, kept) = operands.split_at(*carried);
                let trips = trips.expect(IN_A_PROGRAM);
                if trips == 0 {
                    return Results::from_slice(variables);
                }
                let [start, end] = [(); 2].map(|()| self.builder.create_block());
                let counter =
                    Typed { value: self.builder.append_block_param(start, types::I64), dtype: DType::I64 };
                let old = self.parameters(start, node.facts());
                let zero = self.constant(0, DType::I64);
                let first: Results = [zero].iter().chain(variables).copied().collect();
                self.builder.ins().jump(start, &arguments(&first));
                self.builder.switch_to_block(start);
                let all: Results = [counter].iter().chain(&old).chain(kept).copied().collect();
                let new = self.region(body, &all);
                let count = self.builder.ins().iadd_imm_s(counter.value, 1);
                let is_last = self.builder.ins().icmp_imm_s(ir::condcodes::IntCC::Equal, count, trips as i64);
                let next: Results =
                    [Typed { value: count, dtype: DType::I64 }].iter().chain(&new).copied().collect();
                self.builder.ins().brif(is_last, end, &[], start, &arguments(&next));
                self.builder.switch_to_block(end);
                new
            }
        }
    }

    fn region(&mut self, region: &Graph, arguments: &[Typed]) -> Results {
        let inputs = region.inputs().iter().map(|&id| Value::new(id, 0));
        let mut values: HashMap<Value, Typed> = inputs.zip(arguments.iter().copied()).collect();
        for id in region.topological_order() {
            let node = region.node(id);
            if matches!(node.kind(), NodeKind::Input { .. }) {
                continue;
            }
            let operands: Results = node.inputs().iter().map(|value| values[value]).collect();
            let results = self.node(region, id, &operands);
            let results = results.into_iter().enumerate();
            values.extend(results.map(|(output, result)| (Value::new(id, output), result)));
        }
        region.outputs().iter().map(|output| values[output]).collect()
    }

    fn apply(&mut self, graph: &Graph, id: NodeId, op: &OpRef, operands: &[Typed]) -> Typed {
        if op.class() == Class::View {
            return operands[0];
        }
        let kernel = kernel(graph, id, op).ok().flatten().expect(IN_A_PROGRAM);
        let ScalarKernel { function, check, primitive } = kernel;
        if let Some(check) = check {
            let is_known = self.known(operands[1]).is_some_and(|bits| (check.holds)(bits) != 0);
            if !is_known {
                self.checks.push(Check { check, provenance: Provenance::of(graph, id) });
                self.check(check, operands[1]);
            }
        }
        let dtype = graph.node(id).facts()[0].dtype;
        if let Some(value) = primitive.and_then(|primitive| self.primitive(primitive, operands, dtype)) {
            return Typed { value, dtype };
        }
        let address = match function {
            ScalarFn::Unary(f) => f as usize,
            ScalarFn::Binary(f) => f as usize,
            ScalarFn::Ternary(f) => f as usize,
        };
        let result = self.call(address, operands);
        self.from_bits(result, dtype)
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
        let arguments: SmallVec<[ir::Value; 4]> = operands.iter().map(|&x| self.to_bits(x)).collect();
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
        let bits = self.to_bits(x);
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

    /// The bits of an integer that is known, zero-extended.
    pub(super) fn known(&self, x: Typed) -> Option<u64> {
        let dfg = &self.builder.func.dfg;
        match dfg.insts[dfg.value_def(x.value).inst()?] {
            InstructionData::UnaryImm { opcode: Opcode::Iconst, imm } => {
                let unused = u64::BITS - 8 * x.dtype.size() as u32;
                Some(((imm.bits() as u64) << unused) >> unused)
            }
            _ => None,
        }
    }

    /// A number by its bits, zero-extended.
    pub(super) fn constant(&mut self, bits: u64, dtype: DType) -> Typed {
        let value = match dtype {
            DType::F32 => self.builder.ins().f32const(Ieee32::with_bits(bits as u32)),
            DType::F64 => self.builder.ins().f64const(Ieee64::with_bits(bits)),
            DType::I32 | DType::I64 | DType::U8 | DType::Bool => {
                self.builder.ins().iconst(type_of(dtype), bits as i64)
            }
        };
        Typed { value, dtype }
    }

    /// From 64 bits.
    #[allow(clippy::wrong_self_convention, reason = "it emits a conversion")]
    fn from_bits(&mut self, bits: ir::Value, dtype: DType) -> Typed {
        let ins = self.builder.ins();
        let value = match dtype {
            DType::F32 => {
                let bits = ins.ireduce(types::I32, bits);
                self.builder.ins().bitcast(types::F32, MemFlagsData::new(), bits)
            }
            DType::F64 => ins.bitcast(types::F64, MemFlagsData::new(), bits),
            DType::I64 => bits,
            DType::I32 | DType::U8 | DType::Bool => ins.ireduce(type_of(dtype), bits),
        };
        Typed { value, dtype }
    }

    /// To 64 bits, zero-extended.
    #[allow(clippy::wrong_self_convention, reason = "it emits a conversion")]
    fn to_bits(&mut self, x: Typed) -> ir::Value {
        let ins = self.builder.ins();
        match x.dtype {
            DType::F32 => {
                let bits = ins.bitcast(types::I32, MemFlagsData::new(), x.value);
                self.builder.ins().uextend(types::I64, bits)
            }
            DType::F64 => ins.bitcast(types::I64, MemFlagsData::new(), x.value),
            DType::I64 => x.value,
            DType::I32 | DType::U8 | DType::Bool => ins.uextend(types::I64, x.value),
        }
    }
}

/// The type of values of a dtype.
pub(super) fn type_of(dtype: DType) -> Type {
    match dtype {
        DType::F32 => types::F32,
        DType::F64 => types::F64,
        DType::I32 => types::I32,
        DType::I64 => types::I64,
        DType::U8 | DType::Bool => types::I8,
    }
}

fn arguments(values: &[Typed]) -> SmallVec<[BlockArg; 4]> {
    values.iter().map(|x| x.value.into()).collect()
}

/// Where a register is.
fn offset(register: Register) -> i32 {
    register as i32 * size_of::<u64>() as i32
}
