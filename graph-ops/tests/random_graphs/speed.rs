//! Large graphs through the whole pipeline. No time is asserted: what grows with the square of such a size takes minutes.

use std::time::Instant;

use graph_core::{Array, DType, Fact, Graph, Origin, Value};
use graph_ops::ops::pointwise::{Pointwise, ScalarOp};
use graph_ops::optimize;

const NODES: usize = 100_000;

/// Optimizes what is built op by op, which leaves so many nodes.
fn check(what: &str, left: usize, build: impl Fn(&mut Graph, Value, usize) -> Value) {
    let mut graph = Graph::new("large");
    let mut value = graph.add_input("x", Fact::new(DType::F32, [4]), Origin::caller());
    for i in 0..NODES {
        value = build(&mut graph, value, i);
    }
    graph.set_outputs(vec![value]);
    let start = Instant::now();
    let report = optimize(&mut graph).unwrap();
    println!("{what}: {:?}\n{report}\n", start.elapsed());
    assert_eq!(graph.num_nodes(), left, "{what}\n{report}");
}

fn op(graph: &mut Graph, op: ScalarOp, operands: &[Value]) -> Value {
    graph.apply(Pointwise(op), operands, Origin::caller()).unwrap()[0]
}

#[test]
fn chains() {
    check("chain that stays", NODES + 1, |graph, x, _| op(graph, ScalarOp::Sin, &[x]));
    check("chain that cancels", 1, |graph, x, _| op(graph, ScalarOp::Neg, &[x]));
    check("chain of ones", 1, |graph, x, _| {
        let one = graph.add_constant(Array::scalar(1.0f32), Origin::caller());
        op(graph, ScalarOp::Mul, &[x, one])
    });
    check("chain of different constants", 2 * NODES + 1, |graph, x, i| {
        let k = graph.add_constant(Array::scalar(i as f32 + 2.0), Origin::caller());
        op(graph, ScalarOp::Mul, &[x, k])
    });
    check("chain of diamonds", 2 * NODES + 1, |graph, x, _| {
        let (a, b) = (op(graph, ScalarOp::Exp, &[x]), op(graph, ScalarOp::Exp, &[x]));
        op(graph, ScalarOp::Add, &[a, b])
    });
}
