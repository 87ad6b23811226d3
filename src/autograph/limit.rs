//! `#[max_iterations(n)]`: loops that fail instead of running on.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use graph_core::{Error, OpError, Origin};
use graph_ops::{Tensor, TensorTree, TreeVisitor, check, raise};

/// A body that is traced, for all iterations at once, is gone through a few times until the facts of its variables are
/// known; one that is gone through more often than this beyond the limit is the body of a loop over host values.
const TRACES: i64 = 8;

/// How many iterations there have been.
#[derive(Debug, Clone)]
pub struct Iterations {
    count: Tensor,
    /// How often the body was gone through, as a variable of the host: a traced count never stops a loop that is unrolled
    /// while it is traced. No part of the tree.
    passes: Arc<AtomicI64>,
}

impl TensorTree for Iterations {
    fn visit(&self, visitor: &mut dyn TreeVisitor) {
        self.count.visit(visitor);
    }

    fn map_leaves(&self, f: &mut dyn FnMut(&Tensor) -> Tensor) -> Iterations {
        Iterations { count: self.count.map_leaves(f), passes: self.passes.clone() }
    }

    fn for_each_leaf_mut(&mut self, f: &mut dyn FnMut(&mut Tensor)) {
        self.count.for_each_leaf_mut(f);
    }
}

impl Iterations {
    /// None.
    #[expect(clippy::new_without_default, reason = "it is what a loop starts from")]
    #[track_caller]
    pub fn new() -> Iterations {
        Iterations { count: Tensor::scalar(0i64), passes: Arc::default() }
    }

    /// Another one begins.
    ///
    /// # Panics
    /// When there are more than `limit`: in a traced function, when the graph runs, or while a loop of the host's is
    /// traced.
    #[track_caller]
    pub fn next(&mut self, what: &str, limit: i64) {
        let message = || format!("this `{what}` has more than {limit} iterations");
        self.count = &self.count + 1;
        check(&self.count.le(limit), message);
        let passes = self.passes.fetch_add(1, Ordering::Relaxed) + 1;
        if passes > limit.saturating_add(TRACES) {
            raise(Error::op("assert", OpError::value(message()), Vec::new(), Origin::caller()));
        }
    }
}
