//! `push` in loops, limits on iterations, `dbg!`, and what is computed again for a gradient.

use std::panic::AssertUnwindSafe;

use grafito::prelude::*;
use grafito::{Plan, checkpoint};

use crate::support::{both, ints};

fn i(value: i64) -> Tensor {
    Tensor::scalar(value)
}

// -- push ------------------------------------------------------------------------------------------------------------

#[graph_fn]
fn running_sums(xs: &Tensor) -> Vec<Tensor> {
    let mut sums = vec![Tensor::scalar(-1i64)];
    let mut total = Tensor::scalar(0i64);
    for x in xs {
        total += x;
        sums.push(total.clone());
        sums.push(&total * 10);
    }
    sums
}

#[graph_fn]
fn table(n: i64, m: i64) -> Tensor {
    let mut cells = Vec::new();
    for row in range(n) {
        for column in range(m) {
            cells.push(&row * 10 + column);
        }
    }
    if cells.is_empty() { Tensor::zeros([0], DType::I64) } else { Tensor::stack(&cells, 0) }
}

#[graph_fn]
fn powers(x: &Tensor) -> Tensor {
    let mut powers = Vec::new();
    let mut power = x.ones_like();
    for _ in range(4) {
        power = &power * x;
        powers.push(power.clone());
    }
    Tensor::stack(&powers, 0).sum(..)
}

#[test]
fn what_a_loop_pushes_is_collected() {
    let all =
        |xs: &[i64]| both(|| running_sums(&ints(xs)).iter().map(|x| x.item::<i64>()).collect::<Vec<_>>());
    assert_eq!(all(&[1, 2, 3]), [-1, 1, 10, 3, 30, 6, 60]);
    assert_eq!(all(&[]), [-1]);
    assert_eq!(both(|| table(2, 3).to_vec::<i64>()), [0, 1, 2, 10, 11, 12]);
    assert_eq!(both(|| table(2, 0).to_vec::<i64>()), [0i64; 0]);
    let x = Tensor::scalar(2.0f64);
    assert_eq!(both(|| powers(&x).item::<f64>()), 30.0);
    assert_eq!(both(|| grad(&x, powers).item::<f64>()), 1.0 + 4.0 + 12.0 + 32.0);
    let graph = running_sums::graph(&ints(&[1, 2, 3])).to_string();
    assert_eq!(graph.matches("for(").count(), 1, "one loop: {graph}");
}

#[graph_fn]
fn pushes_in_a_while(n: &Tensor) -> Vec<Tensor> {
    let mut all = Vec::new();
    let mut i = Tensor::scalar(0i64);
    while i < n {
        all.push(i.clone());
        i += 1;
    }
    all
}

#[graph_fn]
fn pushes_in_a_range(n: &Tensor) -> Vec<Tensor> {
    let mut all = Vec::new();
    for i in range(n) {
        all.push(i);
    }
    all
}

#[graph_fn]
fn pushes_some(xs: &Tensor) -> Vec<Tensor> {
    let mut all = Vec::new();
    for x in xs {
        if x > 1 {
            all.push(x);
        }
    }
    all
}

#[graph_fn]
fn looks_while_it_pushes(xs: &Tensor) -> Vec<Tensor> {
    let mut all = vec![Tensor::scalar(0i64)];
    for x in xs {
        all.push(x + all.len());
    }
    all
}

/// What lazy mode says of a call.
#[track_caller]
fn said<R: std::fmt::Debug>(call: impl FnOnce() -> R) -> String {
    with_mode(Mode::Lazy, || grafito::catch(AssertUnwindSafe(call)))
        .expect_err("it cannot be staged")
        .to_string()
}

#[test]
fn what_cannot_be_collected_is_said() {
    for (message, parts) in [
        (said(|| pushes_in_a_while(&i(3))), ["`all` is pushed to in a `while` loop", "not known"]),
        (said(|| pushes_in_a_range(&i(3))), ["`all` is pushed to in a `for` loop", "rows of a tensor"]),
        (said(|| pushes_some(&ints(&[1, 2]))), ["`all` is length 1 in one arm", "in the other length 0"]),
        (said(|| looks_while_it_pushes(&ints(&[1, 2]))), ["`all` is length 1 before the loop", "length 2"]),
    ] {
        for part in parts {
            assert!(message.contains(part), "`{part}` is not in: {message}");
        }
        assert!(message.contains("collecting.rs:"), "{message}");
    }
}

// -- limits ----------------------------------------------------------------------------------------------------------

#[graph_fn]
fn halved(x: &Tensor) -> Tensor {
    let mut x = x.clone();
    #[max_iterations(5)]
    while x > 1.0 {
        x /= 2.0;
    }
    x
}

#[graph_fn]
fn first_multiple(n: &Tensor, of: &Tensor) -> Tensor {
    let mut n = n.clone();
    #[max_iterations(3)]
    'search: loop {
        if &n % of == 0 {
            break 'search n;
        }
        n += 1;
    }
}

/// Never done: the step is a variable of the host, and so is the condition.
#[graph_fn]
fn unrolled(x: &Tensor, step: i64) -> Tensor {
    let mut sum = x.clone();
    let mut i = 0;
    #[max_iterations(50)]
    while i < 100 {
        sum += i;
        i += step;
    }
    sum
}

#[test]
fn loops_of_the_host_fail_that_run_on() {
    for mode in [Mode::Eager, Mode::Lazy] {
        with_mode(mode, || {
            assert_eq!(unrolled(&i(0), 2).item::<i64>(), 2450);
            let error = unrolled::try_call(&i(0), 0).map(|x| x.item::<i64>()).unwrap_err();
            let message = error.to_string();
            assert!(message.contains("this `while` has more than 50 iterations"), "{mode:?}: {message}");
            assert!(message.contains("collecting.rs:"), "{mode:?}: {message}");
        });
    }
}

#[test]
fn loops_fail_that_run_on() {
    for mode in [Mode::Eager, Mode::Lazy] {
        with_mode(mode, || {
            assert_eq!(halved(&Tensor::scalar(32.0f64)).item::<f64>(), 1.0);
            let error = halved::try_call(&Tensor::scalar(64.0f64)).map(|x| x.item::<f64>()).unwrap_err();
            let message = error.to_string();
            assert!(message.contains("this `while` has more than 5 iterations"), "{mode:?}: {message}");
            assert!(message.contains("collecting.rs:"), "{mode:?}: {message}");
            assert_eq!(first_multiple(&i(8), &i(5)).item::<i64>(), 10);
            let error = first_multiple::try_call(&i(6), &i(5)).map(|x| x.item::<i64>()).unwrap_err();
            assert!(error.to_string().contains("this `loop` has more than 3 iterations"), "{error}");
            assert_eq!(grad(&Tensor::scalar(6.0f64), halved).item::<f64>(), 0.125);
        });
    }
}

// -- dbg! ------------------------------------------------------------------------------------------------------------

#[graph_fn]
fn debugged(x: &Tensor) -> Tensor {
    let mut x = x.clone();
    while dbg!(&x > 2) {
        x = dbg!(x / 2, 7).0;
    }
    x
}

#[test]
fn dbg_prints_when_the_graph_runs_and_gives_its_value() {
    let exe = std::env::current_exe().expect("this test");
    let arguments = ["collecting::debug_now", "--exact", "--ignored", "--nocapture", "--test-threads=1"];
    let output = std::process::Command::new(exe).args(arguments).env("GRAFITO_MODE", "lazy").output();
    let text = String::from_utf8(output.expect("it runs").stderr).expect("text");
    let lines: Vec<&str> = text.lines().filter_map(|line| Some(line.split_once("] ")?.1)).collect();
    assert_eq!(
        lines,
        [
            "& x > 2 = Tensor(true, bool[])",
            "x / 2 = Tensor(3, i64[])",
            "7 = 7",
            "& x > 2 = Tensor(true, bool[])",
            "x / 2 = Tensor(1, i64[])",
            "7 = 7",
            "& x > 2 = Tensor(false, bool[])",
        ],
        "{text}"
    );
    assert!(text.contains("collecting.rs:"), "{text}");
}

#[test]
#[ignore = "run by `dbg_prints_when_the_graph_runs_and_gives_its_value`"]
fn debug_now() {
    assert_eq!(debugged(&i(6)).item::<i64>(), 1);
}

// -- checkpoint ------------------------------------------------------------------------------------------------------

/// Twenty products, all of which a gradient would keep.
fn deep(x: &Tensor) -> Tensor {
    let mut x = x.clone();
    for _ in 0..10 {
        x = (&x * 1.01).sin() * &x;
    }
    x
}

fn loss(x: &Tensor, is_checkpointed: bool) -> Tensor {
    let half = |x: &Tensor| if is_checkpointed { checkpoint(x, deep) } else { deep(x) };
    half(&half(x)).sum(..)
}

#[graph_fn]
fn first(x: &Tensor, is_checkpointed: bool) -> Tensor {
    grad(x, |x| loss(x, is_checkpointed))
}

#[graph_fn]
fn second(x: &Tensor, is_checkpointed: bool) -> Tensor {
    grad(x, |x| grad(x, |x| loss(x, is_checkpointed)).sum(..))
}

#[test]
fn a_checkpoint_keeps_less_and_gives_the_same() {
    let x = Tensor::from((0..1000).map(|i| 0.5 + f64::from(i) / 1000.0).collect::<Vec<_>>());
    for mode in [Mode::Eager, Mode::Lazy] {
        with_mode(mode, || {
            assert_eq!(first(&x, true).to_vec::<f64>(), first(&x, false).to_vec::<f64>(), "{mode:?}");
            for (a, b) in second(&x, true).to_vec::<f64>().into_iter().zip(second(&x, false).to_vec::<f64>())
            {
                assert!((a - b).abs() <= 1e-12 * b.abs().max(1.0), "{mode:?}: {a} is not {b}");
            }
        });
    }
    let bytes = |is_checkpointed| Plan::new(&first::optimized(&x, is_checkpointed)).unwrap().arena_bytes();
    let (less, more) = (bytes(true), bytes(false));
    assert!(less * 10 < more * 7, "{less} of {more} bytes");
}
