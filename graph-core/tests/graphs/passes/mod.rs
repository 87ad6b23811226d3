//! Each pass: text in, text out; what it must not do; twice is once.

mod cse;
mod dce;
mod fold;
mod forward;
mod hoist;
mod inline;
mod pipeline;
mod share;
mod unroll;

use graph_core::{
    Changed, Error, Graph, Pass, Pipeline, cse, dce, fold, forward, hoist, inline, share, unroll, verify,
};

use crate::ops::{Reshape, parse};

pub(crate) fn pipeline() -> Pipeline {
    Pipeline::new([
        Pass::new("inline", inline),
        Pass::new("fold", fold),
        Pass::new("cse", cse),
        Pass::new("dce", dce),
        Pass::new("forward", forward),
        Pass::new("unroll", |graph| unroll(graph, &|shape| Reshape { shape }.into())),
        Pass::new("hoist", hoist),
        Pass::new("share", share),
    ])
}

/// Runs a pass, checks that it is idempotent and tells the truth, and prints the result.
#[track_caller]
pub(crate) fn check(pass: impl Fn(&mut Graph) -> Result<Changed, Error>, text: &str) -> String {
    let mut graph = parse(text);
    let before = graph.to_string();
    let changed = pass(&mut graph).unwrap();
    verify(&graph).unwrap();
    let after = graph.to_string();
    assert_eq!(changed == Changed::Yes, before != after, "{before}{after}");
    assert_eq!(pass(&mut graph).unwrap(), Changed::No, "twice is once");
    assert_eq!(graph.to_string(), after);
    after
}

/// Checks that a pass leaves a graph as it is.
#[track_caller]
pub(crate) fn check_unchanged(pass: impl Fn(&mut Graph) -> Result<Changed, Error>, text: &str) {
    assert_eq!(check(pass, text), parse(text).to_string());
}
