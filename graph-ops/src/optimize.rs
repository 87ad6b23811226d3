//! Optimization: which passes run, in which order.

use std::sync::LazyLock;

use graph_core::{
    Error, Graph, OpRef, Pass, Pipeline, Report, Shape, cse, dce, fold, forward, hoist, inline, share,
    simplify, unroll,
};

use crate::accumulate::accumulate;
use crate::ops::view::Reshape;
use crate::rules::rules;

static PIPELINE: LazyLock<Pipeline> = LazyLock::new(|| {
    Pipeline::new([
        // Everything in one graph: the passes after it see through calls and decided branches.
        Pass::new("inline", inline),
        Pass::new("unroll", |graph| unroll(graph, &reshape)),
        // Constants first, so that the rules find them.
        Pass::new("fold", fold),
        Pass::new("simplify", |graph| simplify(graph, rules())),
        // Rules bring different expressions to one form, which is then merged.
        Pass::new("cse", cse),
        // Products into what they are added to, once it is known that nothing else needs them.
        Pass::new("accumulate", accumulate),
        // What is the same on both sides of control flow; a loop is left with fewer variables, and more that is invariant.
        Pass::new("forward", forward),
        // What an inner loop gives up may leave the outer one, too, and then meet others like it.
        Pass::new("hoist", hoist),
        // The passes before it leave behind what they replaced.
        Pass::new("dce", dce),
        // Last: it must not find what nothing needs.
        Pass::new("share", share),
    ])
});

fn reshape(shape: Shape) -> OpRef {
    Reshape { shape }.into()
}

/// In a pending graph everything is known but the results: to fold it would be to compute it, one op at a time.
static PENDING: LazyLock<Pipeline> = LazyLock::new(|| {
    Pipeline::new([
        Pass::new("inline", inline),
        Pass::new("simplify", |graph| simplify(graph, rules())),
        Pass::new("cse", cse),
        Pass::new("dce", dce),
    ])
});

/// The passes that [`optimize`] runs, in their order.
pub fn pipeline() -> &'static Pipeline {
    &PIPELINE
}

/// Makes a graph cheaper without changing what it computes, and says what each pass did.
///
/// Gradients must have been taken before: custom ones are lost when calls are inlined.
///
/// # Errors
/// [`Error::Pass`], in debug builds, when a pass breaks the graph: a defect of the pass.
pub fn optimize(graph: &mut Graph) -> Result<Report, Error> {
    PIPELINE.run(graph)
}

/// Optimizes the pending graph before it is run.
pub(crate) fn optimize_pending(graph: &mut Graph) -> Result<(), Error> {
    PENDING.run(graph).map(drop)
}
