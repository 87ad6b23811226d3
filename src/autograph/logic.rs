//! Conditions: comparisons, `&&` and `||`, which give a `bool` for host values and a tensor for tensors.

use graph_core::{DType, Error, Fact, Origin};
use graph_ops::{Operand, Tensor, cond, raise};

/// A condition, known now or when the graph runs.
#[derive(Debug)]
pub enum Truth {
    /// Known now.
    Host(bool),
    /// A tensor's value.
    Tensor(Tensor),
}

impl Truth {
    /// The value, which exists, of a condition of `what`.
    #[track_caller]
    pub(super) fn is_true(&self, what: &str, origin: Origin) -> bool {
        match self {
            Truth::Host(truth) => *truth,
            Truth::Tensor(tensor) => {
                check_condition(what, tensor, origin);
                origin.scope(|| tensor.item::<bool>())
            }
        }
    }
}

/// A condition is a bool scalar.
#[track_caller]
pub(super) fn check_condition(what: &str, condition: &Tensor, origin: Origin) {
    if *condition.fact() != Fact::scalar(DType::Bool) {
        let hint = match condition.dtype() {
            DType::Bool => "; reduce it with `.all(..)` or `.any(..)`",
            _ => "; compare it",
        };
        let message = format!("the condition of `{what}` is a bool scalar, not {}{hint}", condition.fact());
        raise(Error::Usage { message, origin });
    }
}

/// What the condition of `if` and `while` may be.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a condition",
    label = "neither a `bool` nor a tensor",
    note = "a condition is a `bool`, or a tensor of dtype bool and rank 0, such as `x.sum(..) > 0.0`"
)]
pub trait Condition: Sized {
    /// Whether it is a tensor, by its type.
    const IS_TENSOR: bool;
    /// The condition.
    fn truth(self) -> Truth;
}

impl Condition for bool {
    const IS_TENSOR: bool = false;
    fn truth(self) -> Truth {
        Truth::Host(self)
    }
}

impl Condition for Tensor {
    const IS_TENSOR: bool = true;
    fn truth(self) -> Truth {
        Truth::Tensor(self)
    }
}

impl Condition for &Tensor {
    const IS_TENSOR: bool = true;
    fn truth(self) -> Truth {
        Truth::Tensor(self.clone())
    }
}

/// What a condition may be where only Rust decides: guards of `match`, and beside `let`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a condition here, where Rust decides while the function is traced",
    label = "not a Rust `bool`",
    note = "beside `let`, and as the guard of a `match` arm, a condition is a `bool`; nest an `if` on the tensor inside"
)]
pub trait HostBool {
    /// The condition.
    fn host_bool(self) -> bool;
}

impl HostBool for bool {
    fn host_bool(self) -> bool {
        self
    }
}

/// Passes a host condition on.
#[inline(always)]
pub fn host_bool(condition: impl HostBool) -> bool {
    condition.host_bool()
}

/// The value of a condition of `what` that exists: what eager code branches on.
#[inline]
#[track_caller]
pub fn truth(what: &str, condition: impl Condition) -> bool {
    condition.truth().is_true(what, Origin::caller())
}

/// The condition of an `if` that was written as a `match`: itself.
#[inline(always)]
pub fn matched<C>(condition: C) -> C {
    condition
}

/// Something moved in an arm that is used elsewhere, too.
#[diagnostic::on_unimplemented(
    message = "a `{Self}` is moved here and used elsewhere: borrow it, or write `#[host]` before the construct",
    label = "cannot be cloned",
    note = "under a condition that may be a tensor every arm runs while the function is traced, so what one of them \
            moves is cloned; borrow it, or write `#[host]` before the `if`, `match` or loop to leave it to Rust"
)]
pub trait Duplicate {
    /// A copy.
    fn duplicate(&self) -> Self;
}

impl<T: Clone> Duplicate for T {
    fn duplicate(&self) -> T {
        self.clone()
    }
}

/// A copy of what an arm moves.
#[inline(always)]
pub fn dup<T: Duplicate>(value: &T) -> T {
    value.duplicate()
}

/// A tensor, or a reference to one.
pub trait TensorLike {
    /// The tensor.
    fn tensor(&self) -> &Tensor;
}

impl TensorLike for Tensor {
    fn tensor(&self) -> &Tensor {
        self
    }
}

impl<T: TensorLike> TensorLike for &T {
    fn tensor(&self) -> &Tensor {
        (**self).tensor()
    }
}

impl<T: TensorLike> TensorLike for &mut T {
    fn tensor(&self) -> &Tensor {
        (**self).tensor()
    }
}

/// Two operands of a comparison.
#[derive(Debug)]
pub struct Compare<'a, L, R>(&'a L, &'a R);

impl<'a, L, R> Compare<'a, L, R> {
    /// Compares `left` with `right`.
    pub fn new(left: &'a L, right: &'a R) -> Compare<'a, L, R> {
        Compare(left, right)
    }
}

macro_rules! comparisons {
    ($($name:ident $method:ident $mirrored:ident $operator:tt $bound:ident;)*) => {
        /// A tensor compared with a tensor or a scalar.
        pub trait CompareTensor {
            $(/// The comparison.
            fn $name(&self) -> Tensor;)*
        }
        impl<L: TensorLike, R: Operand> CompareTensor for &&Compare<'_, L, R> {
            $(#[track_caller]
            fn $name(&self) -> Tensor {
                self.0.tensor().$method(self.1)
            })*
        }
        /// A scalar compared with a tensor.
        pub trait CompareScalar {
            $(/// The comparison.
            fn $name(&self) -> Tensor;)*
        }
        impl<L: Operand, R: TensorLike> CompareScalar for &Compare<'_, L, R> {
            $(#[track_caller]
            fn $name(&self) -> Tensor {
                self.1.tensor().$mirrored(self.0)
            })*
        }
        /// Host values compared.
        pub trait CompareHost<L: ?Sized, R: ?Sized> {
            $(/// The comparison.
            fn $name(&self) -> bool where L: $bound<R>;)*
        }
        impl<L, R> CompareHost<L, R> for Compare<'_, L, R> {
            $(#[inline]
            fn $name(&self) -> bool where L: $bound<R> {
                *self.0 $operator *self.1
            })*
        }
    };
}

comparisons! {
    less lt gt < PartialOrd;
    less_equal le ge <= PartialOrd;
    greater gt lt > PartialOrd;
    greater_equal ge le >= PartialOrd;
    equal eq eq == PartialEq;
    not_equal ne ne != PartialEq;
}

/// `&&` and `||`: the right side is computed only when it decides.
#[diagnostic::on_unimplemented(
    message = "`{Self}` and `{R}` cannot be combined by `&&` or `||`",
    note = "each side is a `bool`, or a tensor of dtype bool and rank 0"
)]
pub trait Logic<R> {
    /// `bool`, or a tensor if one side is.
    type Output;
    /// `self && right`.
    fn and(self, right: impl FnOnce() -> R) -> Self::Output;
    /// `self || right`.
    fn or(self, right: impl FnOnce() -> R) -> Self::Output;
}

impl Logic<bool> for bool {
    type Output = bool;
    fn and(self, right: impl FnOnce() -> bool) -> bool {
        self && right()
    }
    fn or(self, right: impl FnOnce() -> bool) -> bool {
        self || right()
    }
}

impl Logic<Tensor> for bool {
    type Output = Tensor;
    #[track_caller]
    fn and(self, right: impl FnOnce() -> Tensor) -> Tensor {
        if self { right() } else { Tensor::scalar(false) }
    }
    #[track_caller]
    fn or(self, right: impl FnOnce() -> Tensor) -> Tensor {
        if self { Tensor::scalar(true) } else { right() }
    }
}

impl Logic<bool> for Tensor {
    type Output = Tensor;
    #[track_caller]
    fn and(self, right: impl FnOnce() -> bool) -> Tensor {
        let origin = Origin::caller();
        self.and(|| Tensor::scalar(right()).with_origin(origin))
    }
    #[track_caller]
    fn or(self, right: impl FnOnce() -> bool) -> Tensor {
        let origin = Origin::caller();
        self.or(|| Tensor::scalar(right()).with_origin(origin))
    }
}

impl Logic<Tensor> for Tensor {
    type Output = Tensor;
    #[track_caller]
    fn and(self, right: impl FnOnce() -> Tensor) -> Tensor {
        let origin = Origin::caller();
        cond(&self, right, || Tensor::scalar(false).with_origin(origin))
    }
    #[track_caller]
    fn or(self, right: impl FnOnce() -> Tensor) -> Tensor {
        let origin = Origin::caller();
        cond(&self, || Tensor::scalar(true).with_origin(origin), right)
    }
}
