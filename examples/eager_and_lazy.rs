//! Question 3: eager against lazy; the same lines in both modes, what is shown, when it is computed, where errors point.
//!
//! ```text
//! cargo run --example eager_and_lazy
//! ```

use std::time::{Duration, Instant};

use grafito::prelude::*;
use grafito::{Error, catch};

/// Ordinary lines; the mode decides when they are computed.
fn lines(x: &Tensor) -> Tensor {
    let y = x * 2.0 + 1.0;
    y.tanh() / y
}

/// A mistake in the shapes.
fn wrong_shapes() -> Tensor {
    let x = Tensor::zeros([2, 3], DType::F32);
    let w = Tensor::zeros([4, 2], DType::F32);
    x.matmul(&w)
}

/// A mistake in the data: who reads the shapes does not see it.
fn wrong_data() -> Tensor {
    let shares = Tensor::from([12i64, 30]) / Tensor::from([4i64, 0]);
    shares + 1
}

/// Many small operations, as a function for the comparison of speed.
#[graph_fn]
fn small(x: &Tensor) -> Tensor {
    let mut y = x.clone();
    for _ in 0..20 {
        y = (&y * 0.5 + x).tanh();
    }
    y.sum(..)
}

fn main() {
    for (name, mode) in [("eager", Mode::Eager), ("lazy", Mode::Lazy)] {
        println!("{name}");
        with_mode(mode, || {
            shown();
            when(name);
            errors();
        });
    }
    speed();
}

/// What `{:?}` shows before and after a value is read.
fn shown() {
    let y = lines(&Tensor::from([0.0f32, 1.0]));
    println!("  {{:?}} after the lines:  {y:?}");
    let elements = y.to_vec::<f32>();
    println!("  {{:?}} once it was read: {y:?}");
    println!("  elements: {elements:.4?}");
}

/// When the work happens: while the lines run, or when the result is read.
fn when(name: &str) {
    let x = Tensor::random_uniform([1 << 21], DType::F32, 1).eval();
    let start = Instant::now();
    let total = lines(&x).sum(..);
    let written = start.elapsed();
    total.item::<f32>();
    let read = start.elapsed();
    let millis = |time: Duration| time.as_secs_f64() * 1e3;
    println!(
        "time: {name}: the lines end after {:.3} ms, the value is there after {:.3} ms",
        millis(written),
        millis(read)
    );
}

/// Each error is of the line with the mistake; a mistake in the data is known when there is data.
fn errors() {
    report("shapes, the lines", catch(wrong_shapes));
    let lines = catch(wrong_data);
    report("data, the lines  ", lines.clone());
    if let Ok(result) = lines {
        report("data, reading it ", result.try_to_vec::<i64>());
    }
}

fn report<T>(what: &str, result: Result<T, Error>) {
    match result {
        Ok(_) => println!("  {what}: no error"),
        Err(error) => println!("  {what}: {error}"),
    }
}

fn speed() {
    let x = Tensor::random_uniform([100], DType::F32, 1).eval();
    let call = |mode| with_mode(mode, || small(&x).item::<f32>());
    println!("both modes of a function give {:.3} and {:.3}", call(Mode::Eager), call(Mode::Lazy));
    let mut shortest = [Duration::MAX; 2];
    for _ in 0..200 {
        for (mode, shortest) in [Mode::Eager, Mode::Lazy].into_iter().zip(&mut shortest) {
            let start = Instant::now();
            call(mode);
            *shortest = start.elapsed().min(*shortest);
        }
    }
    let [eager, lazy] = shortest.map(|time| time.as_secs_f64() * 1e6);
    println!("time: a call takes {eager:.1} µs eagerly, {lazy:.1} µs lazily once it is traced");
}
