//! The instructions of scalar programs.

/// Number of a register.
pub(crate) type Register = u32;

/// One step of a program.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Instruction {
    Unary {
        f: extern "C" fn(u64) -> u64,
        a: Register,
        to: Register,
    },
    Binary {
        f: extern "C" fn(u64, u64) -> u64,
        a: Register,
        b: Register,
        to: Register,
    },
    /// `g(f(a, b), c)`
    BinaryThenLeft {
        f: extern "C" fn(u64, u64) -> u64,
        g: extern "C" fn(u64, u64) -> u64,
        a: Register,
        b: Register,
        c: Register,
        to: Register,
    },
    /// `g(c, f(a, b))`
    BinaryThenRight {
        f: extern "C" fn(u64, u64) -> u64,
        g: extern "C" fn(u64, u64) -> u64,
        a: Register,
        b: Register,
        c: Register,
        to: Register,
    },
    Ternary {
        f: extern "C" fn(u64, u64, u64) -> u64,
        a: Register,
        b: Register,
        c: Register,
        to: Register,
    },
    /// Fails where the check of this number does.
    Check {
        check: u32,
        a: Register,
    },
    Copy {
        from: Register,
        to: Register,
    },
    Jump {
        target: u32,
    },
    JumpIf {
        condition: Register,
        target: u32,
    },
    JumpUnless {
        condition: Register,
        target: u32,
    },
    /// Jumps if `f(a, b)` is the bits of `is`.
    JumpIfBinary {
        f: extern "C" fn(u64, u64) -> u64,
        a: Register,
        b: Register,
        is: bool,
        target: u32,
    },
    /// The same of a result that is computed first, `f(a, b)`, and another value.
    BinaryThenJump {
        f: extern "C" fn(u64, u64) -> u64,
        a: Register,
        b: Register,
        to: Register,
        g: extern "C" fn(u64, u64) -> u64,
        other: Register,
        /// Whether the result is the first operand of `g`.
        is_first: bool,
        is: bool,
        target: u32,
    },
    /// Adds one to the counter, and jumps if it is less than the end.
    Count {
        counter: Register,
        end: Register,
        target: u32,
    },
}

impl Instruction {
    pub(super) fn is_jump(&self) -> bool {
        self.jumps_to().is_some()
    }

    pub(super) fn jumps_to(&self) -> Option<u32> {
        let mut copy = *self;
        copy.target_mut().copied()
    }

    pub(super) fn target_mut(&mut self) -> Option<&mut u32> {
        match self {
            Instruction::Jump { target }
            | Instruction::JumpIf { target, .. }
            | Instruction::JumpUnless { target, .. }
            | Instruction::JumpIfBinary { target, .. }
            | Instruction::BinaryThenJump { target, .. }
            | Instruction::Count { target, .. } => Some(target),
            _ => None,
        }
    }

    /// The register that it writes, if any.
    pub(super) fn destination(&self) -> Option<Register> {
        match *self {
            Instruction::Unary { to, .. }
            | Instruction::Binary { to, .. }
            | Instruction::BinaryThenLeft { to, .. }
            | Instruction::BinaryThenRight { to, .. }
            | Instruction::BinaryThenJump { to, .. }
            | Instruction::Ternary { to, .. }
            | Instruction::Copy { to, .. } => Some(to),
            Instruction::Count { counter, .. } => Some(counter),
            Instruction::Check { .. }
            | Instruction::Jump { .. }
            | Instruction::JumpIf { .. }
            | Instruction::JumpUnless { .. }
            | Instruction::JumpIfBinary { .. } => None,
        }
    }

    pub(super) fn set_destination(&mut self, register: Register) {
        match self {
            Instruction::Unary { to, .. }
            | Instruction::Binary { to, .. }
            | Instruction::Ternary { to, .. }
            | Instruction::Copy { to, .. } => *to = register,
            _ => unreachable!("called for what computes"),
        }
    }

    pub(super) fn reads(&self, register: Register) -> bool {
        match *self {
            Instruction::Unary { a, .. } | Instruction::Check { a, .. } => a == register,
            Instruction::Binary { a, b, .. } => a == register || b == register,
            Instruction::BinaryThenLeft { a, b, c, .. }
            | Instruction::BinaryThenRight { a, b, c, .. }
            | Instruction::Ternary { a, b, c, .. } => [a, b, c].contains(&register),
            Instruction::Copy { from, .. } => from == register,
            Instruction::Jump { .. } => false,
            Instruction::JumpIf { condition, .. } | Instruction::JumpUnless { condition, .. } => {
                condition == register
            }
            Instruction::JumpIfBinary { a, b, .. } => a == register || b == register,
            // What it computes first, it reads; but that is its own affair.
            Instruction::BinaryThenJump { a, b, other, .. } => [a, b, other].contains(&register),
            Instruction::Count { counter, end, .. } => counter == register || end == register,
        }
    }
}
