//! Demands: what the second operand's elements must be, where a row of the table is not defined for all.

use graph_core::{DType, OpError, ScalarCheck, View};

use super::table::ScalarOp;

/// A demand on the second operand, as it is asked of arrays and of scalars.
pub(super) struct Demand {
    /// Of an array, before the loop runs.
    pub(super) of_array: fn(View<'_>) -> Result<(), OpError>,
    /// Of the bits of one element, in loops on scalars.
    pub(super) of_scalar: ScalarCheck,
}

/// A demand on elements of a dtype, and the error where it is not met.
macro_rules! demand {
    ($ty:ty, |$x:ident| $holds:expr, $reason:expr) => {{
        fn of_array(elements: View<'_>) -> Result<(), OpError> {
            // All of them, with no way out in between: so the loop is vectorized.
            let holds = elements.as_slice::<$ty>().iter().fold(true, |all, &$x| all & $holds);
            if holds { Ok(()) } else { Err(OpError::value($reason)) }
        }
        extern "C" fn holds(bits: u64) -> u64 {
            let $x = <$ty as $crate::kernels::loops::Bits>::of(bits);
            u64::from($holds)
        }
        Some(Demand { of_array, of_scalar: ScalarCheck { holds, reason: $reason } })
    }};
}

impl ScalarOp {
    /// What the row demands of its second operand.
    pub(super) fn demand(self, dtype: DType) -> Option<Demand> {
        match (self, dtype) {
            (ScalarOp::Div | ScalarOp::Rem, DType::I32) => demand!(i32, |x| x != 0, "division by zero"),
            (ScalarOp::Div | ScalarOp::Rem, DType::I64) => demand!(i64, |x| x != 0, "division by zero"),
            (ScalarOp::Div | ScalarOp::Rem, DType::U8) => demand!(u8, |x| x != 0, "division by zero"),
            (ScalarOp::Pow, DType::I32) => demand!(i32, |x| x >= 0, "integer exponents must not be negative"),
            (ScalarOp::Pow, DType::I64) => {
                demand!(
                    i64,
                    |x| (0..=u32::MAX as i64).contains(&x),
                    "integer exponents must be from 0 to 4294967295"
                )
            }
            _ => None,
        }
    }
}
