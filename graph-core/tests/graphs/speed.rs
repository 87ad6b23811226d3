//! Large graphs: time in proportion to their size, and no recursion on their depth. No time is asserted, since machines are
//! busy: what grows with the square of such a size takes minutes here instead of a second, and with depth, for ever.

use std::time::Instant;

use graph_core::{
    Array, Changed, DType, Error, Fact, Graph, Origin, Pass, Pipeline, Rule, Rules, Value, cse, dce, fold,
    inline, simplify,
};

use crate::ops::{Binary, Fill, Neg, op_from_text};

const NODES: usize = 100_000;

fn pipeline() -> Pipeline {
    let rules = Rules::new(
        vec![
            Rule::new("neg-neg", "neg(neg(?x))", "?x"),
            Rule::new("add-zero", "add(?x, 0)", "?x").ints(),
            Rule::new("mul-one", "mul(?x, 1)", "?x"),
        ],
        &["add", "mul"],
        op_from_text,
        |fact| Fill { shape: fact.shape.clone() }.into(),
    );
    Pipeline::new([
        Pass::new("inline", inline),
        Pass::new("fold", fold),
        Pass::new("simplify", move |graph| simplify(graph, &rules)),
        Pass::new("cse", cse),
        Pass::new("dce", dce),
    ])
}

/// Runs the pipeline and says how long it took; in debug builds that includes the verifier after each pass.
#[track_caller]
fn check(what: &str, mut graph: Graph, nodes: usize) {
    assert!(graph.num_nodes() >= NODES, "{}", graph.num_nodes());
    let start = Instant::now();
    let report = pipeline().run(&mut graph).unwrap();
    println!("{what}: {:?}\n{report}", start.elapsed());
    assert_eq!(graph.num_nodes(), nodes, "{what}");
    let start = Instant::now();
    let text = graph.to_string();
    Graph::parse(&text, &op_from_text).unwrap();
    println!("{what}: printed and parsed in {:?}", start.elapsed());
}

fn start() -> (Graph, Value, Origin) {
    let mut graph = Graph::new("large");
    let origin = Origin::caller();
    let x = graph.add_input("x", Fact::scalar(DType::I64), origin);
    (graph, x, origin)
}

#[test]
fn a_chain() {
    let (mut graph, mut x, origin) = start();
    for _ in 0..NODES {
        x = graph.apply(Binary::Add, &[x, x], origin).unwrap()[0];
    }
    graph.set_outputs(vec![x]);
    check("chain", graph, NODES + 1);
}

#[test]
fn a_chain_that_cancels() {
    let (mut graph, mut x, origin) = start();
    for _ in 0..NODES {
        x = graph.apply(Neg, &[x], origin).unwrap()[0];
    }
    graph.set_outputs(vec![x]);
    check("chain that cancels", graph, 1);
}

#[test]
fn a_chain_of_constants() {
    let (mut graph, x, origin) = start();
    let mut sum = graph.add_constant(Array::scalar(1i64), origin);
    for i in 0..NODES {
        let k = graph.add_constant(Array::scalar(i as i64), origin);
        sum = graph.apply(Binary::Add, &[sum, k], origin).unwrap()[0];
    }
    let y = graph.apply(Binary::Mul, &[x, sum], origin).unwrap()[0];
    graph.set_outputs(vec![y]);
    check("chain of constants", graph, 3);
}

#[test]
fn a_wide_graph() {
    let (mut graph, x, origin) = start();
    let outputs = (0..NODES)
        .map(|i| {
            let k = graph.add_constant(Array::scalar(i as i64 + 2), origin);
            graph.apply(Binary::Mul, &[x, k], origin).unwrap()[0]
        })
        .collect();
    graph.set_outputs(outputs);
    check("wide", graph, 2 * NODES + 1);
}

#[test]
fn a_wide_graph_of_one_expression() {
    let (mut graph, x, origin) = start();
    let outputs = (0..NODES).map(|_| graph.apply(Binary::Mul, &[x, x], origin).unwrap()[0]).collect();
    graph.set_outputs(outputs);
    check("wide, all the same", graph, 2);
}

#[test]
fn a_dead_graph() {
    let (mut graph, x, origin) = start();
    let mut y = x;
    for _ in 0..NODES {
        y = graph.apply(Binary::Mul, &[y, x], origin).unwrap()[0];
    }
    graph.set_outputs(vec![x]);
    check("dead", graph, 1);
}

#[test]
fn planning_and_running_a_chain() -> Result<(), Error> {
    let (mut graph, x, origin) = start();
    let mut y = x;
    for _ in 0..NODES {
        y = graph.apply(Binary::Add, &[y, x], origin).unwrap()[0];
    }
    graph.set_outputs(vec![y]);
    let start = Instant::now();
    let outputs = graph_core::run_with(&graph, &mut [Array::scalar(3i64)])?;
    println!("planned and run in {:?}", start.elapsed());
    assert_eq!(outputs[0].as_slice::<i64>().unwrap(), [3 * (NODES as i64 + 1)]);
    Ok(())
}

/// Loops within loops, each of them asking more than once what its body needs.
#[test]
fn nested_loops() {
    const DEPTH: usize = 40;
    let carried = "%i: i64[], %x: i64[]";
    let mut text = "graph nested(%i: i64[], %x: i64[]) {\n".to_owned();
    for _ in 0..DEPTH {
        text += &format!(
            "%j, %y = while(%i, %x) carried=2
               condition({carried}) {{ %more = less(%i, %x) return %more }}
               body({carried}) {{\n"
        );
    }
    text += "%j = neg(%i) %y = neg(%x)";
    text += &" return %j, %y }".repeat(DEPTH);
    text += " return %y }";
    let mut graph = Graph::parse(&text, &op_from_text).unwrap();
    assert_eq!(dce(&mut graph).unwrap(), Changed::No);
}
