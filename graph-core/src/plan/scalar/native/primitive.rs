//! Primitives as instructions, to the bits of the functions that they stand for.

use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{self, InstBuilder, types};

use super::emit::{Emitter, Typed, type_of};
use crate::dtype::DType;
use crate::kernel::Primitive;

impl Emitter<'_> {
    /// A primitive of operands, with a result of this dtype; `None` if it is better called.
    pub(super) fn primitive(
        &mut self,
        primitive: Primitive,
        operands: &[Typed],
        to: DType,
    ) -> Option<ir::Value> {
        let x = operands[0];
        let y = *operands.get(1).unwrap_or(&x);
        let (a, b) = (x.value, y.value);
        let is_float = x.dtype.is_float();
        Some(match primitive {
            Primitive::Neg if is_float => self.builder.ins().fneg(a),
            Primitive::Neg => self.builder.ins().ineg(a),
            Primitive::Abs if is_float => self.builder.ins().fabs(a),
            Primitive::Abs if x.dtype == DType::U8 => a,
            Primitive::Abs => {
                let negated = self.builder.ins().ineg(a);
                let is_negative = self.below_zero(x);
                self.builder.ins().select(is_negative, negated, a)
            }
            Primitive::Sqrt => self.builder.ins().sqrt(a),
            Primitive::Relu => {
                let zero = self.constant(0, x.dtype).value;
                let is_negative = self.below_zero(x);
                self.builder.ins().select(is_negative, zero, a)
            }
            Primitive::Not if x.dtype == DType::Bool => self.builder.ins().bxor_imm_u(a, 1),
            Primitive::Not => self.builder.ins().bnot(a),
            Primitive::Cast => self.cast(x, to),
            Primitive::Add if is_float => self.builder.ins().fadd(a, b),
            Primitive::Add => self.builder.ins().iadd(a, b),
            Primitive::Sub if is_float => self.builder.ins().fsub(a, b),
            Primitive::Sub => self.builder.ins().isub(a, b),
            Primitive::Mul if is_float => self.builder.ins().fmul(a, b),
            Primitive::Mul => self.builder.ins().imul(a, b),
            Primitive::Div if is_float => self.builder.ins().fdiv(a, b),
            Primitive::Div | Primitive::Rem if !self.divides_all(y) => return None,
            Primitive::Div if x.dtype == DType::U8 => self.builder.ins().udiv(a, b),
            Primitive::Div => self.builder.ins().sdiv(a, b),
            Primitive::Rem if x.dtype == DType::U8 => self.builder.ins().urem(a, b),
            Primitive::Rem => self.builder.ins().srem(a, b),
            Primitive::Minimum => self.extreme(Primitive::Lt, x, y),
            Primitive::Maximum => self.extreme(Primitive::Gt, x, y),
            Primitive::And => self.builder.ins().band(a, b),
            Primitive::Or => self.builder.ins().bor(a, b),
            Primitive::Xor => self.builder.ins().bxor(a, b),
            Primitive::Eq | Primitive::Ne | Primitive::Lt | Primitive::Le | Primitive::Gt | Primitive::Ge => {
                self.compare(primitive, x, y)
            }
            Primitive::Select => {
                let c = operands[2].value;
                self.builder.ins().select(a, b, c)
            }
        })
    }

    /// Whether every integer can be divided by this one: the processor stops at a division by 0, and where the least is
    /// divided by -1, whose quotient is none.
    fn divides_all(&self, divisor: Typed) -> bool {
        let minus_one = u64::MAX >> (u64::BITS - 8 * divisor.dtype.size() as u32);
        self.known(divisor).is_some_and(|bits| bits != 0 && bits != minus_one)
    }

    /// The first where it compares so with the second, or is NaN.
    fn extreme(&mut self, comparison: Primitive, x: Typed, y: Typed) -> ir::Value {
        let mut takes_first = self.compare(comparison, x, y);
        if x.dtype.is_float() {
            let is_nan = self.builder.ins().fcmp(FloatCC::Unordered, x.value, x.value);
            takes_first = self.builder.ins().bor(takes_first, is_nan);
        }
        self.builder.ins().select(takes_first, x.value, y.value)
    }

    fn below_zero(&mut self, x: Typed) -> ir::Value {
        let zero = self.constant(0, x.dtype);
        self.compare(Primitive::Lt, x, zero)
    }

    /// A byte, 0 or 1.
    fn compare(&mut self, comparison: Primitive, x: Typed, y: Typed) -> ir::Value {
        let (a, b) = (x.value, y.value);
        if x.dtype.is_float() {
            let condition = match comparison {
                Primitive::Eq => FloatCC::Equal,
                Primitive::Ne => FloatCC::NotEqual,
                Primitive::Lt => FloatCC::LessThan,
                Primitive::Le => FloatCC::LessThanOrEqual,
                Primitive::Gt => FloatCC::GreaterThan,
                Primitive::Ge => FloatCC::GreaterThanOrEqual,
                _ => unreachable!("{comparison:?} is no comparison"),
            };
            return self.builder.ins().fcmp(condition, a, b);
        }
        let signed = match comparison {
            Primitive::Eq => IntCC::Equal,
            Primitive::Ne => IntCC::NotEqual,
            Primitive::Lt => IntCC::SignedLessThan,
            Primitive::Le => IntCC::SignedLessThanOrEqual,
            Primitive::Gt => IntCC::SignedGreaterThan,
            Primitive::Ge => IntCC::SignedGreaterThanOrEqual,
            _ => unreachable!("{comparison:?} is no comparison"),
        };
        let is_signed = matches!(x.dtype, DType::I32 | DType::I64);
        self.builder.ins().icmp(if is_signed { signed } else { signed.unsigned() }, a, b)
    }

    /// As Rust's `as`: towards zero, within bounds, NaN as 0.
    fn cast(&mut self, x: Typed, to: DType) -> ir::Value {
        let a = x.value;
        match (x.dtype, to) {
            (from, to) if from == to => a,
            (_, DType::Bool) => {
                let zero = self.constant(0, x.dtype);
                self.compare(Primitive::Ne, x, zero)
            }
            (DType::F32, DType::F64) => self.builder.ins().fpromote(types::F64, a),
            (DType::F64, DType::F32) => self.builder.ins().fdemote(types::F32, a),
            (DType::F32 | DType::F64, DType::U8) => {
                let number = self.builder.ins().fcvt_to_sint_sat(types::I32, a);
                let [least, most] = [0, 255].map(|bound| self.constant(bound, DType::I32));
                let number = Typed { value: number, dtype: DType::I32 };
                let number = Typed { value: self.extreme(Primitive::Gt, number, least), ..number };
                let number = self.extreme(Primitive::Lt, number, most);
                self.builder.ins().ireduce(types::I8, number)
            }
            (DType::F32 | DType::F64, to) => self.builder.ins().fcvt_to_sint_sat(type_of(to), a),
            (DType::U8 | DType::Bool, DType::F32 | DType::F64) => {
                let number = self.builder.ins().uextend(types::I32, a);
                self.builder.ins().fcvt_from_sint(type_of(to), number)
            }
            (_, DType::F32 | DType::F64) => self.builder.ins().fcvt_from_sint(type_of(to), a),
            // A truth value is 0 or 1.
            (DType::Bool, DType::U8) => a,
            (DType::U8 | DType::Bool, to) => self.builder.ins().uextend(type_of(to), a),
            (DType::I32, DType::I64) => self.builder.ins().sextend(types::I64, a),
            (_, to) => self.builder.ins().ireduce(type_of(to), a),
        }
    }
}
