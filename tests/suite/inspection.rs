//! What can be seen of a traced function: graph, optimized graph, plan, report, cache, expansion.

use grafito::prelude::*;

#[derive(Clone, TensorTree)]
struct Line {
    slope: Tensor,
    offset: Tensor,
}

#[graph_fn]
fn predict(line: &Line, x: &Tensor) -> Tensor {
    x * &line.slope + &line.offset
}

/// Moves a line towards some points.
#[graph_fn]
pub(crate) fn fit_step(line: &mut Line, x: &Tensor, y: &Tensor, rate: f32) -> Tensor {
    let (loss, grads) = value_and_grad(&*line, |line| {
        let error = predict(line, x) - y;
        (&error * &error).mean(..)
    });
    if rate > 0.0 {
        line.slope -= rate * grads.slope;
        line.offset -= rate * grads.offset;
    }
    loss
}

fn line() -> Line {
    Line { slope: Tensor::scalar(0.5f32), offset: Tensor::scalar(0.0f32) }
}

fn points() -> (Tensor, Tensor) {
    (Tensor::from([0.0f32, 1.0, 2.0, 3.0]), Tensor::from([1.0f32, 3.0, 5.0, 7.0]))
}

#[test]
fn the_traced_graph() {
    let (x, _) = points();
    insta::assert_snapshot!(predict::graph(&line(), &x));
}

#[test]
fn the_optimized_graph() {
    let (x, y) = points();
    insta::assert_snapshot!(fit_step::optimized(&mut line(), &x, &y, 0.1));
}

#[test]
fn the_expansion() {
    insta::assert_snapshot!(fit_step::expanded());
}

#[test]
fn the_cache_in_words() {
    #[graph_fn]
    fn scaled(x: &Tensor, factor: f32) -> Tensor {
        x * factor
    }
    let (x, y) = (Tensor::from([1.0f32, 2.0]), Tensor::from([[1.0f32]]));
    for (tensor, factor) in [(&x, 1.0), (&x, 1.0), (&x, 0.5), (&y, 0.5)] {
        with_mode(Mode::Lazy, || scaled(tensor, factor));
    }
    insta::assert_snapshot!(scaled::cache());
}

#[test]
fn plans_and_reports() {
    let (x, y) = points();
    let plan = fit_step::plan(&mut line(), &x, &y, 0.1);
    assert!(plan.starts_with("plan:"), "{plan}");
    let report = fit_step::report(&mut line(), &x, &y, 0.1).to_string();
    for pass in ["inline", "cse", "dce"] {
        assert!(report.contains(pass), "{report}");
    }
    let line = line();
    let before = (line.slope.item::<f32>(), line.offset.item::<f32>());
    let mut inspected = line.clone();
    fit_step::optimized(&mut inspected, &x, &y, 0.1);
    assert_eq!((inspected.slope.item::<f32>(), inspected.offset.item::<f32>()), before);
}

/// An inspection traces, in either mode, and a call then finds the trace.
#[test]
fn an_inspection_and_a_call_share_the_trace() {
    #[graph_fn]
    fn shared(x: &Tensor) -> Tensor {
        x + 1
    }
    let x = Tensor::scalar(1i64);
    with_mode(Mode::Eager, || shared::graph(&x));
    with_mode(Mode::Lazy, || shared(&x));
    let cache = shared::cache();
    assert_eq!((cache.hits, cache.misses), (1, 1));
}
