//! Errors: what an op says is wrong (`OpError`), and the same with operands and origins around it (`Error`).

use std::fmt;

use crate::dtype::DType;
use crate::fact::Fact;
use crate::origin::Origin;
use crate::shape::Shape;

/// What is wrong with an op's operands. Carries no positions; [`Error::Op`] adds them.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum OpError {
    /// Wrong number of operands.
    #[error("takes {expected} operands, {found} given")]
    Arity {
        /// What the op takes.
        expected: usize,
        /// What it was given.
        found: usize,
    },
    /// Two tensors of different dtypes meet; nothing is promoted silently.
    #[error("dtypes differ: {left} and {right}; convert one with `.cast(DType::…)`")]
    MixedDTypes {
        /// DType of the first operand.
        left: DType,
        /// DType of the operand that differs.
        right: DType,
    },
    /// The op has no meaning for this dtype.
    #[error("not defined for {dtype}; it takes {accepts}")]
    UnsupportedDType {
        /// The dtype given.
        dtype: DType,
        /// The dtypes that are accepted, in words.
        accepts: &'static str,
    },
    /// Shapes that no broadcasting reconciles.
    #[error("shapes {left} and {right} do not broadcast")]
    Broadcast {
        /// Shape of the first operand.
        left: Shape,
        /// Shape of the second operand.
        right: Shape,
    },
    /// An axis that the operand does not have.
    #[error("axis {axis} is out of range for rank {rank}")]
    AxisOutOfRange {
        /// The axis as given (negative counts from the end).
        axis: isize,
        /// Rank of the operand.
        rank: usize,
    },
    /// The same axis named twice.
    #[error("axis {axis} is given twice")]
    RepeatedAxis {
        /// The axis, counted from the front.
        axis: usize,
    },
    /// A result larger than any address space.
    #[error("the result {fact} is too large")]
    TooLarge {
        /// The fact of the result.
        fact: Fact,
    },
    /// Found while computing: a division by zero, an index out of range.
    #[error("{0}")]
    Value(String),
    /// Anything else, as a sentence of fact.
    #[error("{0}")]
    Invalid(String),
}

impl OpError {
    /// An error from a sentence, for what no other variant says.
    pub fn invalid(message: impl Into<String>) -> OpError {
        OpError::Invalid(message.into())
    }

    /// An error found in the data rather than in the facts.
    pub fn value(message: impl Into<String>) -> OpError {
        OpError::Value(message.into())
    }
}

/// One operand of a failed op: what it was and where it was made.
#[derive(Debug, Clone, PartialEq)]
pub struct Operand {
    /// DType and shape.
    pub fact: Fact,
    /// Where the user made it.
    pub origin: Origin,
}

/// A failed op with everything a person needs to find it.
#[derive(Debug, Clone, PartialEq)]
pub struct FailedOp {
    /// Name of the op.
    pub op: String,
    /// What is wrong.
    pub reason: OpError,
    /// All operands, in order.
    pub operands: Vec<Operand>,
    /// The user's expression that applied the op.
    pub origin: Origin,
}

impl fmt::Display for FailedOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.op, self.reason)?;
        for (i, operand) in self.operands.iter().enumerate() {
            let separator = if i == 0 { ": " } else { " x " };
            write!(f, "{separator}{} ({})", operand.fact, operand.origin)?;
        }
        write!(f, " at {}", self.origin)
    }
}

/// Everything that can go wrong between a user's expression and its value.
#[derive(Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// An op that does not take these operands, or failed on their values.
    #[error("{0}")]
    Op(Box<FailedOp>),
    /// A tensor used in a trace it does not belong to, or after its trace has ended.
    #[error("{message} at {origin}")]
    Trace {
        /// What is wrong.
        message: String,
        /// Where the tensor was used.
        origin: Origin,
    },
    /// A gradient that does not exist.
    #[error("{message} at {origin}")]
    Gradient {
        /// What is wrong.
        message: String,
        /// Where the gradient was asked for, or the op that has none.
        origin: Origin,
    },
    /// A pass, or the verifier after it, found a graph that breaks the rules of the IR: a defect of the pass.
    #[error("pass `{pass}`: {message}")]
    Pass {
        /// Name of the pass (or "trace" for a fresh trace).
        pass: String,
        /// What is broken.
        message: String,
    },
    /// Text that is no graph.
    #[error("line {line}: {message}")]
    Parse {
        /// Line of the text, counted from 1.
        line: usize,
        /// What is wrong with it.
        message: String,
    },
    /// A misuse that belongs to no op: an unknown placeholder, a missing feed, a wrong dtype on reading.
    #[error("{message} at {origin}")]
    Usage {
        /// What is wrong.
        message: String,
        /// Where.
        origin: Origin,
    },
}

/// As displayed: what `unwrap` and a `main` that returns the error print is for people.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error {
    /// An op error with its operands and origins around it.
    pub fn op(op: impl Into<String>, reason: OpError, operands: Vec<Operand>, origin: Origin) -> Error {
        Error::Op(Box::new(FailedOp { op: op.into(), reason, operands, origin }))
    }

    /// A misuse at the caller's line.
    #[track_caller]
    pub fn usage(message: impl Into<String>) -> Error {
        Error::Usage { message: message.into(), origin: Origin::caller() }
    }
}
