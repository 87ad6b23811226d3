//! Graphs built by hand, and sessions that compute what is fetched.

use grafito::prelude::*;
use grafito::session::GraphBuilder;

use crate::support::{Counted, both, panic_of, text};

#[test]
fn only_what_the_fetches_need_is_computed() {
    both(|| {
        let (left, right) = (Counted::new(), Counted::new());
        let mut graph = GraphBuilder::new("two sides");
        let x = graph.placeholder("x", DType::F32, [2]);
        let z = graph.placeholder("z", DType::F32, [2]);
        let shared = &x + 1.0;
        let a = left.of(&shared);
        let b = right.of(&shared) + &z;
        let mut session = graph.session();
        let data = Tensor::from([1.0f32, 2.0]);
        assert_eq!(session.run(&[(&x, &data)], &[&a])[0].to_vec::<f32>(), [2.0, 3.0]);
        assert_eq!((left.runs(), right.runs()), (1, 0));
        let both = session.run(&[(&x, &data), (&z, &data)], &[&b, &a, &b]);
        let both: Vec<_> = both.iter().map(Tensor::to_vec::<f32>).collect();
        assert_eq!(both, [[3.0, 5.0], [2.0, 3.0], [3.0, 5.0]]);
        assert_eq!((left.runs(), right.runs()), (2, 1), "a value fetched twice is computed once");
        // An intermediate value, and an input itself.
        assert_eq!(session.run(&[(&x, &data)], &[&shared, &x])[1].to_vec::<f32>(), [1.0, 2.0]);
        assert!(session.run(&[], &[]).is_empty());
    });
}

#[test]
fn variables_are_assigned_fed_and_read() {
    both(|| {
        let mut graph = GraphBuilder::new("counter");
        let count = graph.variable("count", &Tensor::scalar(10i64));
        let step = graph.placeholder("step", DType::I64, []);
        let next = graph.assign(&count, &(&count + &step));
        let double = &count * 2;
        let mut session = graph.session();
        let one = Tensor::scalar(1i64);
        assert_eq!(session.run(&[], &[&double])[0].item::<i64>(), 20);
        // The other fetches of a run see the value before it.
        let seen = session.run(&[(&step, &one)], &[&next, &double, &count]);
        assert_eq!(seen.iter().map(|t| t.item::<i64>()).collect::<Vec<_>>(), [11, 20, 10]);
        assert_eq!(session.variable(&count).item::<i64>(), 11);
        assert_eq!(session.run(&[], &[&double])[0].item::<i64>(), 22);
        // Feeding a variable stands in for it in one run.
        let hundred = Tensor::scalar(100i64);
        assert_eq!(session.run(&[(&count, &hundred)], &[&double])[0].item::<i64>(), 200);
        assert_eq!(session.variable(&count).item::<i64>(), 11);
        assert_eq!(session.run(&[(&count, &hundred), (&step, &one)], &[&next])[0].item::<i64>(), 101);
        assert_eq!(session.variable(&count).item::<i64>(), 101);
    });
}

/// What a session has given out does not change when it goes on.
#[test]
fn results_are_not_overwritten() {
    let mut graph = GraphBuilder::new("results");
    let value = graph.variable("value", &Tensor::from([1.0f32; 8]));
    let next = graph.assign(&value, &(&value * 2.0));
    let mut session = graph.session();
    let results: Vec<Tensor> = (0..4).map(|_| session.run(&[], &[&next]).remove(0)).collect();
    let kept = session.variable(&value);
    session.run(&[], &[&next]);
    let first: Vec<f32> = results.iter().map(|t| t.to_vec::<f32>()[0]).collect();
    assert_eq!((first, kept.to_vec::<f32>()[0]), (vec![2.0, 4.0, 8.0, 16.0], 16.0));
}

fn loss(w: &Tensor, x: &Tensor, y: &Tensor) -> Tensor {
    let error = (x * w).sum(-1).tanh() - y;
    (&error * &error).mean(..)
}

#[graph_fn]
fn sgd_step(w: &mut Tensor, x: &Tensor, y: &Tensor) -> Tensor {
    let (value, gradient) = value_and_grad(&*w, |w| loss(w, x, y));
    *w -= 0.1 * gradient;
    value
}

/// A function called on values of a graph built by hand: part of that graph.
#[graph_fn]
fn traced_loss(w: &Tensor, x: &Tensor, y: &Tensor) -> Tensor {
    loss(w, x, y)
}

#[test]
fn a_session_trains_as_the_traced_function_does() {
    let start = Tensor::from([0.5f32, -0.25, 0.125]);
    let x = Tensor::from([[1.0f32, 2.0, 3.0], [0.5, -1.0, 0.25]]);
    let y = Tensor::from([0.25f32, -0.5]);
    let by_function = both(|| {
        let mut w = start.clone();
        let losses: Vec<f32> = (0..5).map(|_| sgd_step(&mut w, &x, &y).item()).collect();
        (losses, w.to_vec::<f32>())
    });
    let by_session = |loss: fn(&Tensor, &Tensor, &Tensor) -> Tensor| {
        let mut graph = GraphBuilder::new("sgd");
        let w = graph.variable("w", &start);
        let (px, py) = (graph.placeholder("x", DType::F32, [2, 3]), graph.placeholder("y", DType::F32, [2]));
        let (value, gradient) = value_and_grad(&w, |w| loss(w, &px, &py));
        let update = graph.assign(&w, &(&w - 0.1 * gradient));
        let mut session = graph.session();
        let feeds = [(&px, &x), (&py, &y)];
        let losses: Vec<f32> = (0..5).map(|_| session.run(&feeds, &[&value, &update])[0].item()).collect();
        (losses, session.variable(&w).to_vec::<f32>())
    };
    assert_eq!(both(|| by_session(loss)), by_function);
    assert_eq!(both(|| by_session(|w, x, y| traced_loss(w, x, y))), by_function);
}

#[test]
fn constants_and_scopes() {
    both(|| {
        let mut graph = GraphBuilder::new("constants");
        let x = graph.placeholder("x", DType::I64, []);
        let pending = Tensor::scalar(2i64) + 3;
        let constant = graph.constant(&pending);
        let inside = graph.scope(|| Tensor::scalar(1i64) + 1);
        let y = &x * &constant + &inside + Tensor::scalar(100i64);
        assert!(graph.graph().num_nodes() > 4);
        let mut session = graph.session();
        let run = session.run(&[(&x, &Tensor::scalar(7i64))], &[&y, &inside]);
        assert_eq!((run[0].item::<i64>(), run[1].item::<i64>()), (137, 2));
    });
}

#[test]
fn misuse_is_refused_at_the_users_line() {
    let mut graph = GraphBuilder::new("misused");
    let x = graph.placeholder("x", DType::F32, [2]);
    let v = graph.variable("v", &Tensor::scalar(1.0f32));
    let y = &x * &v;
    let zero = graph.placeholder("zero", DType::I64, []);
    let quotient_line = line!() + 1;
    let quotient = Tensor::scalar(1i64) / &zero;
    let set = graph.assign(&v, &(&v + 1.0));

    let place = |line: u32| format!("session.rs:{line}:");
    let panicked = panic_of(|| graph.assign(&x, &y));
    assert!(panicked.message.contains("assign: the first argument is no variable"), "{}", panicked.message);
    assert!(panicked.message.contains(&place(line!() - 2)), "{}", panicked.message);
    let panicked = panic_of(|| graph.assign(&v, &y));
    assert!(panicked.message.contains("the variable is f32[], the value f32[2]"), "{}", panicked.message);
    let message = text(y.try_to_vec::<f32>());
    assert!(message.contains("a tensor has no value while `misused`"), "{message}");

    let mut other = GraphBuilder::new("other");
    let foreign = other.placeholder("x", DType::F32, [2]);
    let panicked = panic_of(|| &x + &foreign);
    assert!(panicked.message.contains("a tensor of the trace of `other` is used in that of `misused`"));

    let data = Tensor::from([1.0f32, 2.0]);
    let mut session = graph.session();
    type Case<'a> = (&'a str, &'a [(&'a Tensor, &'a Tensor)], &'a [&'a Tensor]);
    let cases: [Case<'_>; 6] = [
        ("run: placeholder `x` is needed and not fed", &[], &[&y]),
        ("run: the placeholder takes f32[2], fed with f32[]", &[(&x, &Tensor::scalar(1.0f32))], &[&y]),
        ("run: a feed or fetch is no value of this graph", &[(&x, &data)], &[&foreign]),
        ("run: a feed or fetch is no value of this graph", &[(&foreign, &data)], &[&y]),
        ("run: a feed or fetch is no value of this graph", &[(&x, &data)], &[&data]),
        ("run: only placeholders and variables can be fed", &[(&y, &data)], &[&y]),
    ];
    for (says, feeds, fetches) in cases {
        let line = line!() + 1;
        let message = text(session.try_run(feeds, fetches));
        assert!(message.starts_with(says) && message.contains(&place(line)), "{message}");
    }
    let message = text(session.try_run(&[(&zero, &Tensor::scalar(0i64))], &[&set, &quotient]));
    assert!(message.starts_with("div: ") && message.contains(&place(quotient_line)), "{message}");
    assert_eq!(session.variable(&v).item::<f32>(), 1.0, "a failed run sets nothing");
    let panicked = panic_of(|| session.run(&[], &[&y]));
    assert_eq!((panicked.file, panicked.line), (file!().to_owned(), line!() - 1));
    let panicked = panic_of(|| session.variable(&x));
    assert!(panicked.message.contains("no variable of this graph"), "{}", panicked.message);
    assert!(panicked.message.contains(&place(line!() - 2)), "{}", panicked.message);
    // Results know the line that fetched them.
    let result = &session.run(&[(&x, &data)], &[&y])[0];
    assert_eq!((result.origin().file(), result.origin().line()), (file!(), line!() - 1));
}
