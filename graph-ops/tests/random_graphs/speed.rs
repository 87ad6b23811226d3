//! Large graphs through the whole pipeline.

use std::time::{Duration, Instant};

use graph_core::{Array, DType, Fact, Graph, Origin, Value};
use graph_ops::ops::pointwise::{Pointwise, ScalarOp};
use graph_ops::optimize;

const NODES: usize = 10_000;

fn check(what: &str, build: impl Fn(&mut Graph, Value, usize) -> Value) {
    let mut graph = Graph::new("large");
    let mut value = graph.add_input("x", Fact::new(DType::F32, [4]), Origin::caller());
    for i in 0..NODES {
        value = build(&mut graph, value, i);
    }
    graph.set_outputs(vec![value]);
    let start = Instant::now();
    let report = optimize(&mut graph).unwrap();
    let time = start.elapsed();
    println!("{what}: {time:?}\n{report}\n");
    assert!(time < Duration::from_secs(2), "{what}: {time:?}\n{report}");
}

fn op(graph: &mut Graph, op: ScalarOp, operands: &[Value]) -> Value {
    graph.apply(Pointwise(op), operands, Origin::caller()).unwrap()[0]
}

#[test]
fn chains() {
    check("chain that stays", |graph, x, _| op(graph, ScalarOp::Sin, &[x]));
    check("chain that cancels", |graph, x, _| op(graph, ScalarOp::Neg, &[x]));
    check("chain of ones", |graph, x, _| {
        let one = graph.add_constant(Array::scalar(1.0f32), Origin::caller());
        op(graph, ScalarOp::Mul, &[x, one])
    });
    check("chain of different constants", |graph, x, i| {
        let k = graph.add_constant(Array::scalar(i as f32 + 2.0), Origin::caller());
        op(graph, ScalarOp::Mul, &[x, k])
    });
    check("chain of diamonds", |graph, x, _| {
        let (a, b) = (op(graph, ScalarOp::Exp, &[x]), op(graph, ScalarOp::Exp, &[x]));
        op(graph, ScalarOp::Add, &[a, b])
    });
}
