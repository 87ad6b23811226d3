//! Kernels on single elements, as functions on bits: what scalar programs are made of.

/// What a kernel does to single elements: on their bits, zero-extended, as its result must be. In C's convention, so that
/// machine code made at run time can call it.
///
/// # Panics
/// They must not: a panic in such a function ends the process.
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
    /// 1 where it holds, else 0; of the operand alone, so that it can be asked of a constant before anything runs. It must not
    /// panic.
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
    /// The function by its name, if it is one that a compiler may know: then machine code need not call it.
    pub primitive: Option<Primitive>,
}

/// Functions that are an instruction of the processor, or few. All operands are of one dtype, but for
/// [`Select`](Primitive::Select)'s; the result is of the same, but for a cast's and comparisons'. Where the dtypes are others,
/// or there are no such instructions, the function is called. Integers wrap around.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Primitive {
    /// `-x`
    Neg,
    /// `|x|`; of the least integer, itself.
    Abs,
    /// The square root of a float.
    Sqrt,
    /// 0 where `x < 0`, else `x`: NaN and -0 stay.
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
    /// `x / y`; of integers towards zero, with a divisor that is not zero. (By a divisor that is not known, it is called.)
    Div,
    /// The remainder of that, with the sign of `x`, of integers.
    Rem,
    /// `x` where `x < y` or `x` is NaN, else `y`.
    Minimum,
    /// `x` where `x > y` or `x` is NaN, else `y`.
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
    /// The second operand if the first, a truth value, is true, else the third.
    Select,
}
