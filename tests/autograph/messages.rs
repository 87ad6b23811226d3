//! Effects, indexing, and what is said of what cannot be staged.

use std::panic::AssertUnwindSafe;

use grafito::prelude::*;

use crate::support::{both, ints};

fn i(value: i64) -> Tensor {
    Tensor::scalar(value)
}

/// 8
#[graph_fn]
fn shapes_differ(x: &Tensor) -> Tensor {
    let mut y = x.sum(..);
    if x.sum(..) > 0.0 {
        y = x.clone();
    }
    y
}

/// 8
#[graph_fn]
fn dtypes_differ(x: &Tensor) -> Tensor {
    if x.sum(..) > 0.0 { x.clone() } else { x.cast(DType::F64) }
}

/// 8
#[graph_fn]
fn dtypes_of_a_variable_differ(x: &Tensor) -> Tensor {
    let y;
    let mut z = x.clone();
    if x.sum(..) > 0.0 {
        y = x * 2;
        z = x.cast(DType::I32);
    } else {
        y = x * 3;
    }
    y + z
}

#[derive(Clone, TensorTree)]
struct Model {
    weights: [Tensor; 2],
}

#[graph_fn]
fn grows(model: &mut Model, n: &Tensor) {
    while n > 0 {
        model.weights[1] = Tensor::concat(&[model.weights[1].clone(), model.weights[1].clone()], 0);
    }
}

#[graph_fn]
fn counts_on_the_host(x: &Tensor) -> Tensor {
    let mut count = 0;
    let mut x = x.clone();
    while x > 1 {
        x /= 2;
        count += 1;
    }
    x + count
}

#[graph_fn]
fn draws(x: &Tensor) -> Tensor {
    let mut numbers = std::collections::BTreeMap::from([(1, 2)]);
    if x > 0 {
        numbers.insert(3, 4);
    }
    x + numbers.len()
}

#[graph_fn]
fn not_a_scalar(x: &Tensor) -> Tensor {
    if x.gt(0) { x.clone() } else { -x }
}

#[graph_fn]
fn error_under_a_tensor(x: &Tensor) -> Result<Tensor, String> {
    if x > 0 {
        return Err("positive".to_owned());
    }
    Ok(x.clone())
}

#[graph_fn]
fn numbers_differ(x: &Tensor) -> Tensor {
    let scale = if x > 0 { 2 } else { 3 };
    x * scale
}

/// 30
#[graph_fn]
fn endless_recursion(n: &Tensor) -> Tensor {
    if n > 0 { endless_recursion(&(n - 1)) } else { n.clone() }
}

/// What lazy mode says of a call.
#[track_caller]
fn said<R: std::fmt::Debug>(call: impl FnOnce() -> R) -> String {
    with_mode(Mode::Lazy, || grafito::catch(AssertUnwindSafe(call)))
        .expect_err("it cannot be staged")
        .to_string()
}

#[test]
fn what_cannot_be_staged_is_said_with_names_and_places() {
    let x = Tensor::from([1.0f32, 2.0]);
    let cases = [
        (said(|| shapes_differ(&x)), vec!["`y` is f32[2]", "f32[]", "messages.rs:"]),
        (said(|| dtypes_of_a_variable_differ(&x)), vec!["`z` is i32[2]", "f32[2]", "messages.rs:"]),
        (said(|| dtypes_differ(&x)), vec!["the value is f32[2]", "f64[2]", "messages.rs:"]),
        (
            said(|| grows(&mut Model { weights: [x.clone(), x.clone()] }, &i(3))),
            vec!["`model.weights[1]` is f32[2]", "before the `while` loop", "f32[4]", "after an iteration"],
        ),
        (said(|| counts_on_the_host(&i(9))), vec!["`count` is 0 before the loop", "1", "Tensor::scalar"]),
        (said(|| draws(&i(9))), vec!["`numbers` may change in this `if`", "no tree of tensors"]),
        (said(|| not_a_scalar(&x)), vec!["a bool scalar, not bool[2]", ".any(..)"]),
        (said(|| error_under_a_tensor(&i(1)).unwrap()), vec!["this `Err`", "messages.rs:"]),
        (said(|| numbers_differ(&i(1))), vec!["the value is 2", "3", "Tensor::scalar"]),
        (
            said(|| endless_recursion(&i(3))),
            vec!["tracing would not end: endless_recursion -> endless_recursion"],
        ),
    ];
    for (message, parts) in &cases {
        for part in parts {
            assert!(message.contains(part), "`{part}` is not in: {message}");
        }
    }
}

#[graph_fn]
fn checked_root(x: &Tensor) -> Tensor {
    let mut x = x.clone();
    while x > 1.0 {
        x -= 1.5;
        assert!(x > -0.25, "x is {x} after a step");
    }
    x
}

#[graph_fn]
fn all_equal(x: &Tensor, y: &Tensor) -> Tensor {
    assert_eq!(x, y, "compared {}", "elements");
    x + y
}

#[test]
fn assertions_are_checked_when_the_graph_runs() {
    for mode in [Mode::Eager, Mode::Lazy] {
        with_mode(mode, || {
            assert_eq!(checked_root(&Tensor::scalar(2.5f64)).item::<f64>(), 1.0, "{mode:?}");
            let error =
                checked_root::try_call(&Tensor::scalar(1.25f64)).map(|x| x.item::<f64>()).unwrap_err();
            let message = error.to_string();
            assert!(message.contains("x is -0.25 after a step"), "{mode:?}: {message}");
            assert!(message.contains("messages.rs"), "{mode:?}: {message}");
            assert_eq!(all_equal(&ints(&[1, 2]), &ints(&[1, 2])).to_vec::<i64>(), [2, 4]);
            let error =
                all_equal::try_call(&ints(&[1, 2]), &ints(&[1, 3])).map(|x| x.to_vec::<i64>()).unwrap_err();
            let message = error.to_string();
            assert!(
                message.contains("compared elements") && message.contains("[1, 3]"),
                "{mode:?}: {message}"
            );
        });
    }
}

/// The place in this file of a piece of code, as errors name it.
fn place_of(code: &str) -> String {
    let line = include_str!("messages.rs").lines().position(|line| line.trim_start().starts_with(code));
    format!("messages.rs:{}:", line.expect("it is in this file") + 1)
}

#[graph_fn]
fn compared(x: &Tensor, y: &Tensor) -> Tensor {
    let mut y = y.clone();
    y[9] = Tensor::scalar(1.5f64);
    x.lt(0) & (y > x)
}

#[test]
fn errors_name_the_line_and_not_the_function() {
    let x = Tensor::from([1.0f32, 2.0]);
    assert!(said(|| not_a_scalar(&x)).contains(&place_of("if x.gt(0) {")), "{}", said(|| not_a_scalar(&x)));
    let message = said(|| counts_on_the_host(&i(9)));
    assert!(message.contains(&place_of("while x > 1 {")), "{message}");
    let message = said(|| error_under_a_tensor(&i(1)).unwrap());
    assert!(message.contains(&place_of("return Err(\"positive\"")), "{message}");
    for mode in [Mode::Eager, Mode::Lazy] {
        with_mode(mode, || {
            let message =
                checked_root::try_call(&Tensor::scalar(1.25f64)).map(|x| x.item::<f64>()).unwrap_err();
            assert!(message.to_string().contains(&place_of("assert!(x > -0.25")), "{mode:?}: {message}");
            let message = compared::try_call(&x, &x).map(|x| x.to_vec::<bool>()).unwrap_err();
            assert!(message.to_string().contains(&place_of("y[9] = ")), "{mode:?}: {message}");
        });
    }
}

#[graph_fn]
fn talks(n: &Tensor) -> Tensor {
    let mut i = Tensor::scalar(0i64);
    while i < n {
        println!("step {i} of {:?}", n);
        if i == 1 {
            println!("one");
        }
        i += 1;
    }
    println!("done");
    i
}

/// The program prints in order, and so do both modes: run as a process of its own, whose output is read.
#[test]
fn prints_in_program_order() {
    let run = |mode: &str| {
        let exe = std::env::current_exe().expect("this test");
        let arguments = ["messages::talk_now", "--exact", "--ignored", "--nocapture", "--test-threads=1"];
        let output = std::process::Command::new(exe).args(arguments).env("GRAFITO_MODE", mode).output();
        let text = String::from_utf8(output.expect("it runs").stdout).expect("text");
        let lines: Vec<String> = text
            .lines()
            .filter(|line| line.contains("step") || line.contains("one") || line.contains("done"))
            .map(|line| line[line.find(['s', 'o', 'd']).unwrap_or(0)..].to_owned())
            .collect();
        lines
    };
    let expected = ["step 0 of Tensor(2, i64[])", "step 1 of Tensor(2, i64[])", "one", "done"];
    let lazy: Vec<String> = run("lazy");
    for line in expected {
        assert!(lazy.iter().any(|found| found.contains(line)), "{lazy:?}");
    }
    let position = |line: &str| lazy.iter().position(|found| found.contains(line)).unwrap();
    assert!(expected.windows(2).all(|pair| position(pair[0]) < position(pair[1])), "{lazy:?}");
    assert_eq!(lazy.iter().filter(|line| line.contains("done")).count(), 2, "once for each call: {lazy:?}");
    assert_eq!(run("eager"), lazy);
}

#[test]
#[ignore = "run by `prints_in_program_order`"]
fn talk_now() {
    println!();
    talks(&i(2)).item::<i64>();
    talks(&i(2)).item::<i64>();
}

#[graph_fn]
fn reversed(xs: &Tensor) -> Tensor {
    let n = xs.shape()[0] as i64;
    let mut out = xs.zeros_like();
    for i in range(Tensor::scalar(n)) {
        out[&i] = xs[n - 1 - &i];
        if i == 1 {
            out[i] += 100;
        }
    }
    out[0] += xs[-1];
    out
}

#[graph_fn]
fn parts(xs: &Tensor, table: &[Vec<f32>]) -> Tensor {
    let mut xs = xs.clone();
    xs[1..3] = xs[0..2] * table[1][0];
    xs
}

#[test]
fn indexing_reads_and_writes() {
    assert_eq!(both(|| reversed(&ints(&[1, 2, 3])).to_vec::<i64>()), [6, 102, 1]);
    let table = vec![vec![1.0], vec![3.0, 4.0]];
    assert_eq!(both(|| parts(&Tensor::from([1.0f32, 2.0, 5.0]), &table).to_vec::<f32>()), [1.0, 3.0, 6.0]);
    let error = grafito::catch(|| both(|| ints(&[1]).index(i(1)).to_vec::<i64>())).unwrap_err();
    assert!(error.to_string().contains("index 1 is out of range for an axis of length 1"), "{error}");
}

#[graph_fn]
fn left_to_rust(x: &Tensor, names: Vec<String>) -> Tensor {
    let mut x = x.clone();
    #[host]
    if names.is_empty() {
        return x;
    }
    #[unroll]
    for row in [1i64, 2].map(Tensor::scalar) {
        x += row;
    }
    let Some(first) = names.first() else { return x };
    x + first.len()
}

#[test]
fn host_constructs_stay_rust() {
    assert_eq!(both(|| left_to_rust(&i(1), vec![]).item::<i64>()), 1);
    assert_eq!(both(|| left_to_rust(&i(1), vec!["four".to_owned()]).item::<i64>()), 8);
}

#[test]
fn what_is_emitted_can_be_read() {
    let source: String = reversed::expanded().split_whitespace().collect();
    assert!(source.contains("Iterate::new(range(Tensor::scalar(n))).steps()"), "{source}");
    assert!(source.contains("Var::new(\"out\",&mutout)"), "{source}");
    let graph = reversed::graph(&ints(&[1, 2])).to_string();
    assert!(graph.contains("    body("), "regions are indented: {graph}");
}
