//! Primitives as instructions, to the bits of the functions that they stand for (`kernels/scalar.rs` of graph-ops); only which
//! NaN a NaN is, nobody promises.

use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{self, InstBuilder, types};
use cranelift_frontend::FunctionBuilder;

use super::value::{Typed, constant, known, type_of};
use crate::dtype::DType;
use crate::kernel::Primitive;

/// A primitive of operands, with a result of this dtype; `None` where it does not fit them, or is better called.
pub(super) fn emit(
    builder: &mut FunctionBuilder<'_>,
    primitive: Primitive,
    operands: &[Typed],
    to: DType,
) -> Option<ir::Value> {
    match *operands {
        [x] => unary(builder, primitive, x, to),
        [x, y] if x.dtype == y.dtype => binary(builder, primitive, x, y, to),
        [mask, x, y] if primitive == Primitive::Select => {
            let fits = mask.dtype == DType::Bool && x.dtype == to && y.dtype == to;
            fits.then(|| builder.ins().select(mask.value, x.value, y.value))
        }
        _ => None,
    }
}

fn unary(builder: &mut FunctionBuilder<'_>, primitive: Primitive, x: Typed, to: DType) -> Option<ir::Value> {
    let a = x.value;
    let is_float = x.dtype.is_float();
    if primitive == Primitive::Cast {
        return Some(cast(builder, x, to));
    }
    if x.dtype != to {
        return None;
    }
    Some(match primitive {
        Primitive::Neg if is_float => builder.ins().fneg(a),
        Primitive::Neg => builder.ins().ineg(a),
        Primitive::Abs if is_float => builder.ins().fabs(a),
        Primitive::Abs => {
            let negated = builder.ins().ineg(a);
            let is_negative = is_below_zero(builder, x);
            builder.ins().select(is_negative, negated, a)
        }
        Primitive::Sqrt if is_float => builder.ins().sqrt(a),
        Primitive::Relu => {
            let zero = constant(builder, 0, x.dtype).value;
            let is_negative = is_below_zero(builder, x);
            builder.ins().select(is_negative, zero, a)
        }
        Primitive::Not if x.dtype == DType::Bool => builder.ins().bxor_imm_u(a, 1),
        Primitive::Not if x.dtype.is_int() => builder.ins().bnot(a),
        _ => return None,
    })
}

fn binary(
    builder: &mut FunctionBuilder<'_>,
    primitive: Primitive,
    x: Typed,
    y: Typed,
    to: DType,
) -> Option<ir::Value> {
    let (a, b) = (x.value, y.value);
    if let Some(comparison) = comparison(primitive) {
        return (to == DType::Bool).then(|| compare(builder, comparison, x, y));
    }
    if x.dtype != to {
        return None;
    }
    Some(match (primitive, x.dtype) {
        (Primitive::Minimum, _) => extreme(builder, LESS, x, y),
        (Primitive::Maximum, _) => extreme(builder, GREATER, x, y),
        (Primitive::Add, DType::F32 | DType::F64) => builder.ins().fadd(a, b),
        (Primitive::Sub, DType::F32 | DType::F64) => builder.ins().fsub(a, b),
        (Primitive::Mul, DType::F32 | DType::F64) => builder.ins().fmul(a, b),
        (Primitive::Div, DType::F32 | DType::F64) => builder.ins().fdiv(a, b),
        (_, DType::F32 | DType::F64) => return None,
        (Primitive::And, _) => builder.ins().band(a, b),
        (Primitive::Or, _) => builder.ins().bor(a, b),
        (Primitive::Xor, _) => builder.ins().bxor(a, b),
        (_, DType::Bool) => return None,
        (Primitive::Add, _) => builder.ins().iadd(a, b),
        (Primitive::Sub, _) => builder.ins().isub(a, b),
        (Primitive::Mul, _) => builder.ins().imul(a, b),
        (Primitive::Div | Primitive::Rem, _) if !divides_all(builder, y) => return None,
        (Primitive::Div, DType::U8) => builder.ins().udiv(a, b),
        (Primitive::Div, _) => builder.ins().sdiv(a, b),
        (Primitive::Rem, DType::U8) => builder.ins().urem(a, b),
        (Primitive::Rem, _) => builder.ins().srem(a, b),
        _ => return None,
    })
}

/// Whether every integer can be divided by this one: the processor stops at a division by 0, and where the least is
/// divided by -1, whose quotient is none.
fn divides_all(builder: &FunctionBuilder<'_>, divisor: Typed) -> bool {
    let minus_one = u64::MAX >> (u64::BITS - 8 * divisor.dtype.size() as u32);
    known(builder, divisor).is_some_and(|bits| bits != 0 && bits != minus_one)
}

/// A comparison of floats, of signed integers, and of others.
type Comparison = (FloatCC, IntCC, IntCC);

const LESS: Comparison = (FloatCC::LessThan, IntCC::SignedLessThan, IntCC::UnsignedLessThan);
const GREATER: Comparison = (FloatCC::GreaterThan, IntCC::SignedGreaterThan, IntCC::UnsignedGreaterThan);

fn comparison(primitive: Primitive) -> Option<Comparison> {
    Some(match primitive {
        Primitive::Eq => (FloatCC::Equal, IntCC::Equal, IntCC::Equal),
        Primitive::Ne => (FloatCC::NotEqual, IntCC::NotEqual, IntCC::NotEqual),
        Primitive::Lt => LESS,
        Primitive::Le => {
            (FloatCC::LessThanOrEqual, IntCC::SignedLessThanOrEqual, IntCC::UnsignedLessThanOrEqual)
        }
        Primitive::Gt => GREATER,
        Primitive::Ge => {
            (FloatCC::GreaterThanOrEqual, IntCC::SignedGreaterThanOrEqual, IntCC::UnsignedGreaterThanOrEqual)
        }
        _ => return None,
    })
}

/// A byte, 0 or 1.
fn compare(builder: &mut FunctionBuilder<'_>, comparison: Comparison, x: Typed, y: Typed) -> ir::Value {
    let (of_floats, of_signed, of_unsigned) = comparison;
    match x.dtype {
        DType::F32 | DType::F64 => builder.ins().fcmp(of_floats, x.value, y.value),
        DType::I32 | DType::I64 => builder.ins().icmp(of_signed, x.value, y.value),
        DType::U8 | DType::Bool => builder.ins().icmp(of_unsigned, x.value, y.value),
    }
}

/// The first where it compares so with the second, or is NaN.
fn extreme(builder: &mut FunctionBuilder<'_>, comparison: Comparison, x: Typed, y: Typed) -> ir::Value {
    let mut takes_first = compare(builder, comparison, x, y);
    if x.dtype.is_float() {
        let is_nan = builder.ins().fcmp(FloatCC::Unordered, x.value, x.value);
        takes_first = builder.ins().bor(takes_first, is_nan);
    }
    builder.ins().select(takes_first, x.value, y.value)
}

fn is_below_zero(builder: &mut FunctionBuilder<'_>, x: Typed) -> ir::Value {
    let zero = constant(builder, 0, x.dtype);
    compare(builder, LESS, x, zero)
}

/// As Rust's `as`: towards zero, within bounds, NaN as 0.
fn cast(builder: &mut FunctionBuilder<'_>, x: Typed, to: DType) -> ir::Value {
    let a = x.value;
    match (x.dtype, to) {
        (from, to) if from == to => a,
        (_, DType::Bool) => {
            let zero = constant(builder, 0, x.dtype);
            compare(builder, (FloatCC::NotEqual, IntCC::NotEqual, IntCC::NotEqual), x, zero)
        }
        (DType::F32, DType::F64) => builder.ins().fpromote(types::F64, a),
        (DType::F64, DType::F32) => builder.ins().fdemote(types::F32, a),
        (DType::F32 | DType::F64, DType::U8) => {
            let number = Typed { value: builder.ins().fcvt_to_sint_sat(types::I32, a), dtype: DType::I32 };
            let [least, most] = [0, 255].map(|bound| constant(builder, bound, DType::I32));
            let number = Typed { value: extreme(builder, GREATER, number, least), ..number };
            let number = extreme(builder, LESS, number, most);
            builder.ins().ireduce(types::I8, number)
        }
        (DType::F32 | DType::F64, to) => builder.ins().fcvt_to_sint_sat(type_of(to), a),
        (DType::U8 | DType::Bool, DType::F32 | DType::F64) => {
            let number = builder.ins().uextend(types::I32, a);
            builder.ins().fcvt_from_sint(type_of(to), number)
        }
        (_, DType::F32 | DType::F64) => builder.ins().fcvt_from_sint(type_of(to), a),
        // A truth value is 0 or 1.
        (DType::Bool, DType::U8) => a,
        (DType::U8 | DType::Bool, to) => builder.ins().uextend(type_of(to), a),
        (DType::I32, DType::I64) => builder.ins().sextend(types::I64, a),
        (_, to) => builder.ins().ireduce(type_of(to), a),
    }
}
