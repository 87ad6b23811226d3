//! Failure of an operation: a panic at the user's line, which [`catch`] makes an error again.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use graph_core::{Error, OpError, Operand, Origin};

use super::Tensor;

thread_local! {
    static CATCHING: Cell<usize> = const { Cell::new(0) };
}

/// Panics with an error, at the caller's line; inside [`catch`] quietly, with the error itself as payload.
#[track_caller]
pub fn raise(error: Error) -> ! {
    if CATCHING.get() > 0 {
        resume_unwind(Box::new(error))
    }
    panic!("{error}")
}

/// The value, or a panic with the error, as [`raise`] does.
#[track_caller]
pub fn or_raise<T>(result: Result<T, Error>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => raise(error),
    }
}

/// The value, or a failure of the op `op` on these operands, raised at the caller's line: for what a method checks
/// before there is an op to apply.
#[track_caller]
pub(crate) fn unwrap_or_raise<T>(op: &str, result: Result<T, OpError>, operands: &[&Tensor]) -> T {
    let origin = Origin::caller(); // In the closure it would be this line.
    or_raise(result.map_err(|reason| failed_op(op, reason, operands, origin)))
}

/// The error of an op on these operands.
pub(crate) fn failed_op(
    op: impl Into<String>,
    reason: OpError,
    operands: &[&Tensor],
    origin: Origin,
) -> Error {
    let operands = operands.iter().map(|x| Operand { fact: x.fact().clone(), origin: x.origin }).collect();
    Error::op(op, reason, operands, origin)
}

/// Runs `body` and returns the error with which an operation in it failed: the `try_` twin of every operator.
///
/// ```
/// use graph_ops::{Tensor, catch};
/// let (a, b) = (Tensor::from([1.0f32, 2.0]), Tensor::from([1.0f32, 2.0, 3.0]));
/// let error = catch(|| &a + &b).unwrap_err();
/// assert!(error.to_string().contains("do not broadcast"));
/// ```
///
/// # Errors
/// That of the first operation that failed.
///
/// # Panics
/// With any panic of `body` that is not a failed operation.
pub fn catch<R>(body: impl FnOnce() -> R) -> Result<R, Error> {
    struct Leave;
    impl Drop for Leave {
        fn drop(&mut self) {
            CATCHING.set(CATCHING.get() - 1);
        }
    }
    CATCHING.set(CATCHING.get() + 1);
    let _leave = Leave;
    let result: Result<R, Box<dyn std::any::Any + Send>> = catch_unwind(AssertUnwindSafe(body));
    result.map_err(|payload| match payload.downcast::<Error>() {
        Ok(error) => *error,
        Err(other) => resume_unwind(other),
    })
}
