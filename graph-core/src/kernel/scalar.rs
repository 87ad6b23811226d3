//! Kernels on single elements, as functions on bits: what scalar programs are made of.

/// What a kernel does to single elements: on their bits, zero-extended. In C's convention, so that machine code made at run
/// time can call it.
#[derive(Debug, Clone, Copy)]
pub enum ScalarFn {
    /// Of one operand.
    Unary(extern "C" fn(u64) -> u64),
    /// Of two.
    Binary(extern "C" fn(u64, u64) -> u64),
    /// Of three.
    Ternary(extern "C" fn(u64, u64, u64) -> u64),
}

/// What must hold of the second operand of a function on bits.
#[derive(Debug, Clone, Copy)]
pub struct ScalarCheck {
    /// 1 where it holds, else 0.
    pub holds: extern "C" fn(u64) -> u64,
    /// What is said where it does not.
    pub reason: &'static str,
}

/// A kernel on scalars, as a function: how control flow on scalars is computed without views.
#[derive(Debug, Clone, Copy)]
pub struct ScalarKernel {
    /// Gives the bits that the kernel would write.
    pub function: ScalarFn,
    /// What must hold of the second operand of a binary function before it is called.
    pub check: Option<ScalarCheck>,
    /// The function by its name, if a compiler may know it. The feature `jit` makes instructions of it; others it calls.
    pub primitive: Option<Primitive>,
}

/// The functions that processors have instructions for, on operands of any dtype that the node's facts allow, one for all but
/// [`Select`](Primitive::Select)'s condition. Integers wrap around.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Primitive {
    /// `-x`
    Neg,
    /// `|x|`
    Abs,
    /// The square root of a float.
    Sqrt,
    /// `max(x, 0)`; NaN stays.
    Relu,
    /// `!x`, of a truth value or the bits of an integer.
    Not,
    /// `x` as an element of the output's dtype, as Rust's `as` converts; to bool, everything but 0 is true.
    Cast,
    /// `x + y`
    Add,
    /// `x - y`
    Sub,
    /// `x * y`
    Mul,
    /// `x / y`; of integers towards zero, with a divisor that is not zero.
    Div,
    /// The remainder of that, with the sign of `x`, of integers.
    Rem,
    /// The smaller; NaN if either is.
    Minimum,
    /// The larger; NaN if either is.
    Maximum,
    /// `x & y`
    And,
    /// `x | y`
    Or,
    /// `x ^ y`
    Xor,
    /// `x == y`
    Eq,
    /// `x != y`
    Ne,
    /// `x < y`
    Lt,
    /// `x <= y`
    Le,
    /// `x > y`
    Gt,
    /// `x >= y`
    Ge,
    /// The second operand if the first is true, else the third.
    Select,
}
