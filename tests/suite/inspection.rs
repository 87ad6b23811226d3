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
    let plan = fit_step::plan(&mut line(), &x, &y, 0.1).to_string();
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

#[graph_fn]
fn halved_until_small(x: &Tensor) -> Tensor {
    let mut x = x.clone();
    while x.max(..) > 1.0 {
        x /= 2.0;
    }
    x.exp() + 1.0
}

#[test]
fn a_profile_says_where_the_time_goes() {
    let x = Tensor::from([64.0f32, 3.0]);
    let profile = halved_until_small::profile(&x);
    assert_eq!(x.to_vec::<f32>(), [64.0, 3.0]);
    let runs: Vec<(&str, usize, f64)> =
        profile.steps.iter().map(|step| (&*step.name, step.depth(), step.runs)).collect();
    // Six halvings; the condition is looked at once more.
    assert_eq!(runs, [("while", 0, 1.0), ("max+gt", 1, 7.0), ("mul", 1, 6.0), ("exp+add", 0, 1.0)]);
    let of_loop = profile.steps[0].time;
    assert!(of_loop >= profile.steps[1].time + profile.steps[2].time, "a loop's time includes its regions'");
    assert!(profile.total >= of_loop + profile.steps[3].time);
    assert_eq!(profile.steps[3].bytes, 20, "eight in, eight out, and the one");
    let table = profile.to_string();
    assert!(table.contains("exp+add at tests/suite/inspection.rs:"), "{table}");
    let trace = profile.chrome_trace();
    assert_eq!(trace.matches("\"ph\":\"X\"").count(), 10 * (1 + 7 + 6 + 1), "{trace}");
}
