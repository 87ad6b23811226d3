//! Conditions in traced functions: `bool`s, for which control flow is plain Rust.

/// What a condition of `if` and `while` may be.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a condition here: its value is not known while the function is traced",
    label = "not a Rust `bool`",
    note = "choose between values with `mask.select(a, b)`, or decide outside the function on `.item::<bool>()`; \
            `if` and `while` on tensors are not converted yet: use `grafito::cond` and `grafito::while_loop`"
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

/// Passes a condition on; emitted around the conditions of a traced function.
#[inline(always)]
pub fn host_bool(condition: impl HostBool) -> bool {
    condition.host_bool()
}
