//! Passes one after the other.

use graph_core::{Changed, Graph, NameScope, NodeId, Pass, Pipeline, cse, dce, fold, inline};
use insta::assert_snapshot;

use super::pipeline;
use crate::ops::parse;

fn four_passes() -> Pipeline {
    Pipeline::new([
        Pass::new("inline", inline),
        Pass::new("fold", fold),
        Pass::new("cse", cse),
        Pass::new("dce", dce),
    ])
}

#[test]
fn a_pipeline_runs_until_nothing_changes() {
    let mut graph = parse(
        "
        graph f(%x: i64[]) {
          %two = constant 2 : i64[]
          %three = constant 3 : i64[]
          %less = less(%two, %three)
          %y = if(%less, %x, %two)
            then(%x: i64[], %k: i64[]) { %y = mul(%x, %k) %z = mul(%x, %k) %s = add(%y, %z) return %s }
            else(%x: i64[], %k: i64[]) { return %x }
          return %y
        }",
    );
    let report = four_passes().run(&mut graph).unwrap();
    assert_snapshot!(graph, @"
    graph f(%0: i64[]) {
      %1 = constant 2 : i64[]
      %2 = mul(%0, %1) : i64[]
      %3 = add(%2, %2) : i64[]
      return %3
    }
    ");
    let table = report.to_string();
    let without_times: Vec<&str> =
        table.lines().map(|line| line.rsplit_once(' ').unwrap().0.trim_end()).collect();
    assert!(table.lines().last().unwrap().starts_with("nodes 12 -> 4, "), "{table}");
    assert_snapshot!(without_times[..5].join("\n"), @"
    pass          runs  changed    nodes
    inline           3        1       -5
    fold             3        1       +0
    cse              3        1       -1
    dce              2        2       -2
    ");
    assert_eq!((report.nodes_before(), report.nodes_after()), (12, 4));
    assert_eq!(report.changed(), Changed::Yes);
    let again = four_passes().run(&mut graph).unwrap();
    assert_eq!((again.runs.len(), again.changed()), (4, Changed::No), "one round, and nothing to do");
}

#[test]
fn passes_keep_names_and_donations() {
    let text = "
        graph f(%w donated net.w: i64[], %x x: i64[]) {
          %a = constant 1 : i64[]
          %b = add(%a, %a)
          %c = call(%w, %b) body(%w: i64[], %b: i64[]) { %c = add(%w, %b) return %c }
          return %c
        }";
    let mut graph = parse(text);
    pipeline().run(&mut graph).unwrap();
    assert!(graph.to_string().starts_with("graph f(%0 donated net.w: i64[], %1 x: i64[]) {"), "{graph}");
}

#[test]
fn passes_keep_origins() {
    let mut graph = parse(
        "
        graph f(%x: i64[]) {
          %a = constant 1 : i64[]
          %b = add(%a, %a)
          %c = call(%x, %b) body(%x: i64[], %b: i64[]) { %c = add(%x, %b) return %c }
          return %c
        }",
    );
    let origin = graph.node(graph.outputs()[0].node()).origin();
    pipeline().run(&mut graph).unwrap();
    for id in graph.node_ids() {
        let place = graph.node(id).origin().in_scope(NameScope::ROOT);
        assert_eq!(place, origin, "{}", graph.with_origins());
    }
    // What was called is in the scope of its function; what was folded is where it was.
    let scope_of = |id: NodeId| graph.node(id).origin().name_scope().to_string();
    let scopes: Vec<String> = graph.node_ids().map(scope_of).collect();
    assert_eq!(scopes, ["", "", "body"], "{}", graph.with_origins());
}

#[test]
#[cfg(debug_assertions)]
fn the_pass_that_breaks_a_graph_is_named() {
    let breaks = |graph: &mut Graph| {
        let other = parse("graph g(%x: i64[]) { %y = neg(%x) %z = neg(%y) return %z }");
        graph.set_outputs(other.outputs().to_vec());
        Ok(Changed::Yes)
    };
    let pipeline = Pipeline::new([Pass::new("dce", dce), Pass::new("careless", breaks)]);
    let error = pipeline.run(&mut parse("graph f(%x: i64[]) { return %x }")).unwrap_err();
    assert_eq!(error.to_string(), "pass `careless`: output 0 of the graph has no definition");
}
