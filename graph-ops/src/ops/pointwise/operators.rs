//! Operators: `+ - * / % & | ^ ! -x` and their assigning forms, for tensors and scalars on either side.
//!
//! What an operator is given by value, or assigns to, is donated to it.

use std::ops::{
    Add, AddAssign, BitAnd, BitAndAssign, BitOr, BitOrAssign, BitXor, BitXorAssign, Div, DivAssign, Mul,
    MulAssign, Neg, Not, Rem, RemAssign, Sub, SubAssign,
};

use graph_core::Given;

use super::{Pointwise, ScalarOp, binary};
use crate::tensor::{Operand, Tensor, apply, apply_over};

macro_rules! binary_operators {
    ($($Trait:ident $method:ident $Assign:ident $assign:ident $op:ident;)*) => {$(
        impl<R: Operand> $Trait<R> for &Tensor {
            type Output = Tensor;
            #[track_caller]
            fn $method(mut self, right: R) -> Tensor {
                binary(ScalarOp::$op, &mut self, right)
            }
        }

        impl<R: Operand> $Trait<R> for Tensor {
            type Output = Tensor;
            #[track_caller]
            fn $method(mut self, right: R) -> Tensor {
                binary(ScalarOp::$op, &mut self, right)
            }
        }

        impl<R: Operand> $Assign<R> for Tensor {
            #[track_caller]
            fn $assign(&mut self, right: R) {
                *self = binary(ScalarOp::$op, self, right);
            }
        }

        binary_operators!(@scalars $Trait $method $op; f32 f64 i32 i64 u8 bool);
    )*};
    (@scalars $Trait:ident $method:ident $op:ident; $($ty:ty)*) => {$(
        impl $Trait<Tensor> for $ty {
            type Output = Tensor;
            #[track_caller]
            fn $method(mut self, right: Tensor) -> Tensor {
                binary(ScalarOp::$op, &mut self, right)
            }
        }

        impl $Trait<&Tensor> for $ty {
            type Output = Tensor;
            #[track_caller]
            fn $method(mut self, right: &Tensor) -> Tensor {
                binary(ScalarOp::$op, &mut self, right)
            }
        }
    )*};
}

binary_operators! {
    Add add AddAssign add_assign Add;
    Sub sub SubAssign sub_assign Sub;
    Mul mul MulAssign mul_assign Mul;
    Div div DivAssign div_assign Div;
    Rem rem RemAssign rem_assign Rem;
    BitAnd bitand BitAndAssign bitand_assign And;
    BitOr bitor BitOrAssign bitor_assign Or;
    BitXor bitxor BitXorAssign bitxor_assign Xor;
}

macro_rules! unary_operators {
    ($($Trait:ident $method:ident $op:ident;)*) => {$(
        impl $Trait for &Tensor {
            type Output = Tensor;
            #[track_caller]
            fn $method(self) -> Tensor {
                apply(Pointwise(ScalarOp::$op), &[self])
            }
        }

        impl $Trait for Tensor {
            type Output = Tensor;
            #[track_caller]
            fn $method(mut self) -> Tensor {
                apply_over(Pointwise(ScalarOp::$op), &mut [Given::Donated(&mut self)])
            }
        }
    )*};
}

unary_operators! {
    Neg neg Neg;
    Not not Not;
}
