//! What a kernel was made for, for kernels that go through memory by address.

use graph_core::{Fact, Op, OpError, Source, ViewMut};
use smallvec::SmallVec;

/// The facts of a kernel's operands and of its result.
#[derive(Debug)]
pub(crate) struct MadeFor {
    inputs: SmallVec<[Fact; 3]>,
    output: Fact,
}

impl MadeFor {
    /// Of an op on these operands. The result is inferred rather than given: anybody may ask an op for its kernel, and
    /// what loops write follows from the operands.
    pub(crate) fn new(op: &dyn Op, inputs: &[&Fact]) -> Result<MadeFor, OpError> {
        let output = op.infer(inputs)?.swap_remove(0);
        Ok(MadeFor { inputs: inputs.iter().map(|&fact| fact.clone()).collect(), output })
    }

    pub(crate) fn inputs(&self) -> &[Fact] {
        &self.inputs
    }

    pub(crate) fn output(&self) -> &Fact {
        &self.output
    }

    /// Asserts that a run's arrays are those that the kernel was made for: anybody may run a kernel.
    pub(crate) fn assert(&self, outs: &[ViewMut<'_>], ins: &[Source<'_>]) {
        assert_eq!(ins.len(), self.inputs.len(), "a kernel runs on the operands it was made for");
        assert_eq!(*outs[0].fact(), self.output, "a kernel runs on the facts it was made for");
        for (source, expected) in ins.iter().zip(&self.inputs) {
            let fact = match source {
                Source::View(view) => view.fact(),
                Source::InPlace => &self.output,
            };
            assert_eq!(fact, expected, "a kernel runs on the facts it was made for");
        }
    }
}
