//! Values in Cranelift's IR, by their dtypes.

use cranelift_codegen::ir::immediates::{Ieee32, Ieee64};
use cranelift_codegen::ir::{self, InstBuilder, InstructionData, MemFlagsData, Opcode, Type, types};
use cranelift_frontend::FunctionBuilder;

use crate::dtype::DType;

/// A value with its dtype.
#[derive(Clone, Copy)]
pub(super) struct Typed {
    pub(super) value: ir::Value,
    pub(super) dtype: DType,
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

/// A number by its bits, zero-extended.
pub(super) fn constant(builder: &mut FunctionBuilder<'_>, bits: u64, dtype: DType) -> Typed {
    let value = match dtype {
        DType::F32 => builder.ins().f32const(Ieee32::with_bits(bits as u32)),
        DType::F64 => builder.ins().f64const(Ieee64::with_bits(bits)),
        DType::I32 | DType::I64 | DType::U8 | DType::Bool => {
            builder.ins().iconst(type_of(dtype), bits as i64)
        }
    };
    Typed { value, dtype }
}

/// The bits of an integer that is a constant, zero-extended.
pub(super) fn known(builder: &FunctionBuilder<'_>, x: Typed) -> Option<u64> {
    let dfg = &builder.func.dfg;
    match dfg.insts[dfg.value_def(x.value).inst()?] {
        InstructionData::UnaryImm { opcode: Opcode::Iconst, imm } => {
            let unused = u64::BITS - 8 * x.dtype.size() as u32;
            Some(((imm.bits() as u64) << unused) >> unused)
        }
        _ => None,
    }
}

/// From 64 bits.
pub(super) fn of_bits(builder: &mut FunctionBuilder<'_>, bits: ir::Value, dtype: DType) -> Typed {
    let value = match dtype {
        DType::F32 => {
            let bits = builder.ins().ireduce(types::I32, bits);
            builder.ins().bitcast(types::F32, MemFlagsData::new(), bits)
        }
        DType::F64 => builder.ins().bitcast(types::F64, MemFlagsData::new(), bits),
        DType::I64 => bits,
        DType::I32 | DType::U8 | DType::Bool => builder.ins().ireduce(type_of(dtype), bits),
    };
    Typed { value, dtype }
}

/// To 64 bits, zero-extended.
pub(super) fn bits_of(builder: &mut FunctionBuilder<'_>, x: Typed) -> ir::Value {
    match x.dtype {
        DType::F32 => {
            let bits = builder.ins().bitcast(types::I32, MemFlagsData::new(), x.value);
            builder.ins().uextend(types::I64, bits)
        }
        DType::F64 => builder.ins().bitcast(types::I64, MemFlagsData::new(), x.value),
        DType::I64 => x.value,
        DType::I32 | DType::U8 | DType::Bool => builder.ins().uextend(types::I64, x.value),
    }
}
