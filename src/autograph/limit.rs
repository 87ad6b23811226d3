//! `#[max_iterations(n)]`: loops that fail instead of running on.

use graph_macros::TensorTree;
use graph_ops::{Tensor, check};

/// How many iterations there have been.
#[derive(Debug, Clone, TensorTree)]
pub struct Iterations {
    count: Tensor,
}

impl Iterations {
    /// None.
    #[expect(clippy::new_without_default, reason = "it is what a loop starts from")]
    #[track_caller]
    pub fn new() -> Iterations {
        Iterations { count: Tensor::scalar(0i64) }
    }

    /// Another one begins.
    ///
    /// # Panics
    /// When there are more than `limit`: in a traced function, when the graph runs.
    #[track_caller]
    pub fn next(&mut self, what: &str, limit: i64) {
        self.count = &self.count + 1;
        check(&self.count.le(limit), || format!("this `{what}` has more than {limit} iterations"));
    }
}
