//! Question 5: TensorFlow 1 against 2, in Grafito's words: sessions and placeholders against functions, `cond` and
//! `while_loop` against `if` and `while`; same numbers.
//!
//! ```text
//! cargo run --example tensorflow_1_and_2
//! ```

use grafito::prelude::*;
use grafito::session::GraphBuilder;
use grafito::{Graph, cond, while_loop};

/// As in TensorFlow 1: a graph is described, then a session runs parts of it.
fn line_by_session(xs: &Tensor, ys: &Tensor, steps: usize) -> Vec<f32> {
    let mut graph = GraphBuilder::new("line");
    let x = graph.placeholder("x", DType::F32, [4]);
    let y = graph.placeholder("y", DType::F32, [4]);
    let slope = graph.variable("slope", &Tensor::scalar(0.0f32));
    let error = &x * &slope - &y;
    let loss = (&error * &error).mean(..);
    let gradient = (&error * &x * 2.0).mean(..);
    let update = graph.assign(&slope, &(&slope - gradient * 0.05));

    let mut session = graph.session();
    let mut losses = Vec::new();
    for _ in 0..steps {
        // What is not fetched is not computed: without `update` nothing would be learnt.
        let results = session.run(&[(&x, xs), (&y, ys)], &[&loss, &update]);
        losses.push(results[0].item());
    }
    losses
}

/// As in TensorFlow 2: a function, its arguments, its result.
#[graph_fn]
fn line_step(slope: &mut Tensor, x: &Tensor, y: &Tensor) -> Tensor {
    let (loss, gradient) = value_and_grad(&*slope, |slope| {
        let error = x * slope - y;
        (&error * &error).mean(..)
    });
    *slope -= gradient * 0.05;
    loss
}

fn line_by_function(xs: &Tensor, ys: &Tensor, steps: usize) -> Vec<f32> {
    let mut slope = Tensor::scalar(0.0f32);
    (0..steps).map(|_| line_step(&mut slope, xs, ys).item()).collect()
}

/// As in TensorFlow 1: control flow as functions of closures, variables as a tuple that is handed on.
fn collatz_by_hand(n: &Tensor) -> Tensor {
    let (_, steps) = while_loop(
        (n.clone(), Tensor::scalar(0i64)),
        |(n, _)| n.gt(1),
        |(n, steps)| {
            let next = cond(&(&n % 2).eq(0), || &n / 2, || &n * 3 + 1);
            (next, steps + 1)
        },
    );
    steps
}

/// As in TensorFlow 2: AutoGraph makes the same of ordinary lines.
#[graph_fn]
fn collatz(n: &Tensor) -> Tensor {
    let mut n = n.clone();
    let mut steps = Tensor::scalar(0i64);
    while n > 1 {
        if &n % 2 == 0 {
            n /= 2
        } else {
            n = n * 3 + 1
        }
        steps += 1;
    }
    steps
}

/// The lines of a graph's text between its name and what it returns.
fn nodes(graph: &Graph) -> Vec<String> {
    let (text, mut lines) = (graph.to_string(), Vec::new());
    lines.extend(text.lines().map(str::to_owned));
    lines.retain(|line| !line.starts_with("graph") && !line.starts_with("  return"));
    lines
}

fn main() {
    let xs = Tensor::from([0.0f32, 1.0, 2.0, 3.0]);
    let ys = &xs * 2.0;
    println!("loss of a line, step by step:");
    println!("  session   {:.5?}", line_by_session(&xs, &ys, 5));
    println!("  function  {:.5?}", line_by_function(&xs, &ys, 5));

    let mut graph = GraphBuilder::new("collatz_by_hand");
    let n = graph.placeholder("n", DType::I64, []);
    let steps = collatz_by_hand(&n);
    let (by_hand, by_autograph) = (graph.graph(), collatz::graph(&Tensor::scalar(27i64)));
    println!("Collatz by AutoGraph:\n{by_autograph}");
    println!("by hand it has the same nodes: {}", nodes(&by_hand) == nodes(&by_autograph));
    let mut session = graph.session();
    for start in [6i64, 27, 97] {
        let start = Tensor::scalar(start);
        let by_hand = session.run(&[(&n, &start)], &[&steps])[0].item::<i64>();
        let by_function = collatz(&start).item::<i64>();
        println!("from {start}: by hand {by_hand} steps, by AutoGraph {by_function}");
    }

    println!("a placeholder is forgotten:");
    if let Err(error) = session.try_run(&[], &[&steps]) {
        println!("  {error}");
    }
    println!("an argument is forgotten: the program does not compile");
}
