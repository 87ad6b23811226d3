//! Every misuse and what is said about it: the op, the facts of its operands, and where in user code they are.

use std::cell::RefCell;
use std::panic::Location;

use grafito::prelude::*;
use grafito::{Error, Graph, apply, catch, value_and_grad_aux};

use crate::support::{Failing, panic_of};

/// An error's text with places in this file in words: `<here>` is the line `base`, `<+2>` two lines below, and `<name>`
/// a line that ends in `// @name`.
fn relative(text: &str, base: u32) -> String {
    let mut rest = text;
    let mut out = String::new();
    while let Some(at) = rest.find(file!()) {
        out.push_str(&rest[..at]);
        let tail = &rest[at + file!().len() + 1..];
        let digits = tail.chars().take_while(char::is_ascii_digit).count();
        let line: u32 = tail[..digits].parse().expect("a line");
        let tail = &tail[digits + 1..];
        out.push_str(&place(line, base));
        rest = tail.trim_start_matches(|c: char| c.is_ascii_digit());
    }
    out + rest
}

fn place(line: u32, base: u32) -> String {
    let source = include_str!("errors.rs").lines().nth(line as usize - 1).expect("a line of this file");
    match source.split_once("// @") {
        Some((_, name)) => format!("<{name}>"),
        None if line == base => "<here>".to_owned(),
        None => format!("<{:+}>", i64::from(line) - i64::from(base)),
    }
}

/// Checks the error with which `body` fails: as a panic, at a line of this file, and through [`catch`]. Lines in
/// `expected` are counted from that of the call.
#[track_caller]
fn fails<R>(body: impl Fn() -> R, expected: &str) {
    let base = Location::caller().line();
    let panicked = panic_of(&body);
    assert_eq!(relative(&panicked.message, base), expected);
    assert_eq!(panicked.file, file!(), "the panic's place, line {}", panicked.line);
    let error: Error = catch(&body).map(drop).expect_err("the same as an error");
    assert_eq!(error.to_string(), panicked.message);
}

/// [`fails`] in both modes.
#[track_caller]
fn fails_in_both<R>(body: impl Fn() -> R, expected: &str) {
    // Not in a closure of its own: the caller's line counts.
    let location = Location::caller();
    for mode in [Mode::Eager, Mode::Lazy] {
        with_mode(mode, || {
            let panicked = panic_of(&body);
            assert_eq!(relative(&panicked.message, location.line()), expected, "{mode:?}");
            assert_eq!(panicked.file, file!(), "{mode:?}: the panic's place, line {}", panicked.line);
            let error: Error = catch(&body).map(drop).expect_err("the same as an error");
            assert_eq!(error.to_string(), panicked.message, "{mode:?}");
        });
    }
}

fn floats() -> Tensor {
    Tensor::from([1.0f32, 2.0]) // @floats
}

fn long() -> Tensor {
    Tensor::from([1.0f32, 2.0, 3.0]) // @long
}

fn integers() -> Tensor {
    Tensor::from([1i64, 2]) // @integers
}

#[test]
fn wrong_operands() {
    let (f, i) = (floats(), integers());
    let long = long();
    fails_in_both(
        || &f + &long,
        "add: shapes [2] and [3] do not broadcast: f32[2] (<floats>) x f32[3] (<long>) at <+1>",
    );
    fails_in_both(
        || &f * &i,
        "mul: dtypes differ: f32 and i64; convert one with `.cast(DType::…)`: f32[2] (<floats>) x i64[2] (<integers>) at <+1>",
    );
    fails_in_both(
        || &i + 0.5,
        "add: the scalar 0.5 does not fit dtype i64; cast the tensor first: i64[2] (<integers>) at <+1>",
    );
    fails_in_both(
        || &i % true,
        "rem: the scalar true does not fit dtype i64; cast the tensor first: i64[2] (<integers>) at <+1>",
    );
    fails_in_both(
        || i.cast(DType::U8) + 256,
        "add: the scalar 256 does not fit dtype u8; cast the tensor first: u8[2] (<+1>) at <+1>",
    );
    fails_in_both(
        || i.sqrt(),
        "sqrt: not defined for i64; it takes f32 and f64: i64[2] (<integers>) at <+1>",
    );
    fails_in_both(
        || &f & &f,
        "and: not defined for f32; it takes bool and integers: f32[2] (<floats>) x f32[2] (<floats>) at <+1>",
    );
    fails_in_both(|| f.sum(1), "sum: axis 1 is out of range for rank 1: f32[2] (<floats>) at <here>");
    fails_in_both(|| f.sum([0, -1]), "sum: axis 0 is given twice: f32[2] (<floats>) at <here>");
    fails_in_both(
        || f.reshape([3]),
        "reshape: [2] and [3] differ in the number of elements: f32[2] (<floats>) at <+1>",
    );
    fails_in_both(
        || f.matmul(&long),
        "matmul: inner dimensions differ, 2 and 3: f32[2] (<floats>) x f32[3] (<long>) at <+1>",
    );
    fails_in_both(
        || f.unsqueeze(0).matmul(&long.unsqueeze(0)),
        "matmul: inner dimensions differ, 2 and 1: f32[1, 2] (<+1>) x f32[1, 3] (<+1>) at <+1>",
    );
    fails_in_both(
        || f.select(&f, &f),
        "select: not defined for f32; it takes a bool mask: f32[2] (<floats>) x f32[2] (<floats>) x f32[2] (<floats>) at <+1>",
    );
    fails_in_both(
        || Tensor::from_slice([3], &[1i64]),
        "from_slice: 1 elements do not fill shape [3] at <+1>",
    );
    fails_in_both(
        || f.broadcast_to([usize::MAX / 8, 2]),
        "broadcast_to: the result f32[2305843009213693951, 2] is too large: f32[2] (<floats>) at <+1>",
    );
}

#[test]
fn a_chain_names_each_operands_line() {
    fails_in_both(
        || {
            let weights = Tensor::zeros([100, 10], DType::F32);
            let pixels = Tensor::zeros([32, 784], DType::F32);
            let bright = &pixels * 2.0;
            bright.matmul(&weights)
        },
        "matmul: inner dimensions differ, 784 and 100: f32[32, 784] (<+4>) x f32[100, 10] (<+2>) at <+5>",
    );
}

#[test]
fn wrong_reading() {
    let (f, i) = (floats(), integers());
    fails_in_both(|| f.to_vec::<f64>(), "the elements of f32[2] are not f64; cast it first at <here>");
    fails_in_both(|| i.to_vec::<f32>(), "the elements of i64[2] are not f32; cast it first at <here>");
    fails_in_both(|| f.item::<f32>(), "item: a tensor of one element is needed, not f32[2] at <here>");
    fails_in_both(|| f.sum(..).item::<i64>(), "the elements of f32[] are not i64; cast it first at <here>");
    fails_in_both(|| f.to_ndarray::<bool>(), "the elements of f32[2] are not bool; cast it first at <here>");
    fails_in_both(
        || f.with_view::<u8, _>(|view| view.len()),
        "the elements of f32[2] are not u8; cast it first at <+1>",
    );
}

#[test]
fn failures_on_the_data() {
    let zero = Tensor::from([1i64, 0]); // @zero
    let call = || {
        let quotient = integers() / &zero; // @quotient
        quotient.to_vec::<i64>()
    };
    fails_in_both(call, "div: division by zero: i64[2] (<integers>) x i64[2] (<zero>) at <quotient>");
    let indices = Tensor::from([5i64]); // @indices
    fails_in_both(
        || floats().gather(0, &indices).to_vec::<f32>(),
        "gather: index 5 is out of range for an axis of length 2: f32[2] (<floats>) x i64[1] (<indices>) at <+1>",
    );
}

#[graph_fn]
fn reads(x: &Tensor) -> Tensor {
    let positive = x.item::<f32>() > 0.0; // @reads
    if positive { x + 1.0 } else { x.clone() }
}

#[graph_fn]
fn divides(x: &Tensor, y: &Tensor) -> Tensor {
    let double = x * 2; // @double
    double / y // @divides
}

#[graph_fn]
fn adds(x: &Tensor, y: &Tensor) -> Tensor {
    helper(x, y)
}

fn helper(x: &Tensor, y: &Tensor) -> Tensor {
    let add = |a: &Tensor, b: &Tensor| {
        let a = a.identity(); // @identity
        a + b // @adds
    };
    add(x, y)
}

#[graph_fn]
fn adds_deeply(x: &Tensor, y: &Tensor) -> Tensor {
    let (value, _) = value_and_grad(x, |x| {
        let (value, (), _) = value_and_grad_aux(x, |x| (adds(x, y).sum(..), ()));
        value
    });
    value
}

#[test]
fn in_traced_functions() {
    let (f, i) = (floats(), integers());
    let long = long();
    with_mode(Mode::Lazy, || {
        let scalar = Tensor::scalar(1.0f32);
        fails(
            || reads(&scalar),
            "a tensor has no value while `reads` is traced; return it and read it outside at <reads>",
        );
        let divisor = Tensor::from([1i64, 0]); // @divisor
        fails(
            || divides(&i, &divisor),
            "div: division by zero: i64[2] (<double>) x i64[2] (<divisor>) at <divides>",
        );
        let error = reads::try_call(&scalar).unwrap_err();
        assert_eq!(error, catch(|| reads(&scalar)).unwrap_err());
    });
    fails_in_both(
        || adds(&f, &long),
        "add: shapes [2] and [3] do not broadcast: f32[2] (<identity>) x f32[3] (<long>) at <adds>",
    );
    fails_in_both(
        || adds_deeply(&f, &long),
        "add: shapes [2] and [3] do not broadcast: f32[2] (<identity>) x f32[3] (<long>) at <adds>",
    );
}

thread_local! {
    static KEPT: RefCell<Option<Tensor>> = const { RefCell::new(None) };
}

#[graph_fn]
fn leaks(x: &Tensor) -> Tensor {
    KEPT.set(Some(x * 2.0));
    x.clone()
}

#[graph_fn]
fn leaks_and_panics(x: &Tensor) -> Tensor {
    KEPT.set(Some(x * 2.0));
    assert!(x.rank() > 9, "the user's panic");
    x.clone()
}

#[graph_fn]
fn uses_kept(x: &Tensor) -> Tensor {
    let kept = KEPT.with_borrow(|kept| kept.clone().expect("kept"));
    x + kept // @uses_kept
}

#[graph_fn]
fn keeps_and_calls(x: &Tensor) -> Tensor {
    KEPT.set(Some(x * 2.0));
    uses_kept(x)
}

#[test]
fn tensors_of_other_traces() {
    let f = floats();
    with_mode(Mode::Lazy, || {
        leaks(&f);
        let kept = KEPT.take().expect("kept");
        assert_eq!(format!("{kept:?}"), "Tensor(of the ended trace of `leaks`, f32[2], not computed)");
        fails(
            || kept.to_vec::<f32>(),
            "a tensor was kept after the trace of `leaks` ended; return it from the function instead at <+1>",
        );
        fails(
            || &kept + 1.0,
            "a tensor was kept after the trace of `leaks` ended; return it from the function instead at <+1>",
        );
        fails(
            || &f + &kept,
            "a tensor was kept after the trace of `leaks` ended; return it from the function instead at <+1>",
        );
        fails(
            || adds(&kept, &f),
            "a tensor was kept after the trace of `leaks` ended; return it from the function instead at <+1>",
        );
        KEPT.set(Some(kept));
        fails(
            || uses_kept(&f),
            "a tensor was kept after the trace of `leaks` ended; return it from the function instead at <uses_kept>",
        );
        fails(
            || keeps_and_calls(&f),
            "a tensor of the trace of `keeps_and_calls` is used in that of `uses_kept`; pass it as an argument at <uses_kept>",
        );
        // Also one that was left by a panic, or by a closure that was differentiated.
        panic_of(|| leaks_and_panics(&f));
        let kept = KEPT.take().expect("kept");
        fails(
            || kept.to_vec::<f32>(),
            "a tensor was kept after the trace of `leaks_and_panics` ended; return it from the function instead at <+1>",
        );
        fails(
            || &kept + 1.0,
            "a tensor was kept after the trace of `leaks_and_panics` ended; return it from the function instead at <+1>",
        );
        panic_of(|| {
            grad(&f, |x| {
                KEPT.set(Some(x * 2.0));
                panic!("the user's panic")
            })
        });
        let kept = KEPT.take().expect("kept");
        fails(
            || &kept + 1.0,
            "a tensor was kept after the trace of `value_and_grad` ended; return it from the function instead at <+1>",
        );
        catch(|| {
            grad(&f, |x| {
                KEPT.set(Some(x * 2.0));
                x * 2.0
            })
        })
        .unwrap_err();
        let kept = KEPT.take().expect("kept");
        fails(
            || &kept + 1.0,
            "a tensor was kept after the trace of `value_and_grad` ended; return it from the function instead at <+1>",
        );
    });
}

/// On a tape values exist, so what was kept is only cut off from its gradient.
#[test]
fn tensors_of_an_ended_tape_keep_their_values() {
    with_mode(Mode::Eager, || {
        grad(&floats(), |x| {
            KEPT.set(Some(x * 2.0));
            x.sum(..)
        });
        let kept = KEPT.take().expect("kept");
        assert_eq!((&kept + 1.0).to_vec::<f32>(), [3.0, 5.0]);
        assert_eq!(grad(&kept, |x| (x * &kept).sum(..)).to_vec::<f32>(), [2.0, 4.0]);
    });
}

#[derive(Clone, TensorTree)]
struct Counted {
    weight: Tensor,
    steps: Vec<Tensor>,
}

#[test]
fn gradients_that_do_not_exist() {
    let (f, i) = (floats(), integers());
    let op = Failing { panics: false };
    let tree = Counted { weight: f.clone(), steps: vec![f.clone(), i.clone()] };
    fails_in_both(
        || grad(&f, |x| x * 2.0),
        "value_and_grad: the function must give a float scalar, not f32[2] at <+1>",
    );
    fails_in_both(
        || grad(&f, |x| x.argmax(0)),
        "value_and_grad: the function must give a float scalar, not i64[] at <+1>",
    );
    fails_in_both(
        || grad(&i, |x| x.cast(DType::F32).sum(..)),
        "value_and_grad: the variable is i64[2]; only floats have gradients at <+1>",
    );
    fails_in_both(
        || grad(&tree, |tree| tree.weight.sum(..)),
        "value_and_grad: the variable `steps[1]` is i64[2]; only floats have gradients at <+1>",
    );
    with_mode(Mode::Lazy, || {
        fails(
            || {
                grad(&f, |x| {
                    let y = x * 2.0;
                    apply(op.clone(), &[&y]).sum(..)
                })
            },
            "`failing` has no gradient at <+4>",
        );
    });
}

/// Nothing that a trace records may be said to come from the library itself.
fn assert_origins(graph: &Graph) {
    for id in graph.node_ids() {
        let node = graph.node(id);
        assert_eq!(node.origin().file(), file!(), "{} in\n{graph}", node.kind().name());
        node.kind().regions().iter().for_each(|region| assert_origins(region));
    }
}

#[test]
fn every_node_has_a_line_of_the_users() {
    #[graph_fn]
    fn many_ops(x: &Tensor, labels: &Tensor) -> (Tensor, Vec<Tensor>) {
        let (value, grads) = value_and_grad(x, |x| {
            let y = x.softmax(-1).log_softmax(-1) + x.exp() * 2.0 - 1.0 / (x.abs() + 1.0);
            let y = y.clamp(-1.0, 1.0).matmul(&x.t()).tanh();
            let z = x.mean(0) + x.var(0) + x.logsumexp(0) + x.max(0) + x.cumsum(0).sum(0);
            let gathered = x.gather(0, &Tensor::from([0i64, 1])).slice_axis(1, 0..1).sum(..);
            let stacked = Tensor::stack(&[x.clone(), x.flip(0)], 0).reshape([12]);
            let helper = adds(x, x).pow(2.0).sqrt();
            y.sum(..)
                + z.sum(..)
                + gathered
                + stacked.mean(..)
                + helper.sum(..)
                + x.sparse_cross_entropy(labels)
                + x.cross_entropy(&x.softmax(-1).stop_gradient())
                + x.gt(0.0).select(x, 0.0).prod(..)
        });
        let second = grad(x, |x| grad(x, |x| (x * x * x).mean(..)).sum(..));
        (value, vec![grads, second, x.zeros_like(), labels.one_hot(3, DType::F32), x.minimum(0.5)])
    }
    let (x, labels) = (Tensor::from([[1.0f32, 2.0, 3.0], [0.5, 0.1, -1.0]]), Tensor::from([0i64, 2]));
    assert_origins(&many_ops::graph(&x, &labels));
    assert_origins(&many_ops::optimized(&x, &labels));
    let x = Tensor::from([[1.0f32, 2.0, 3.0], [0.5, 0.1, -1.0]]);
    for mode in [Mode::Eager, Mode::Lazy] {
        let (value, rest) = with_mode(mode, || many_ops(&x, &labels));
        for tensor in rest.iter().chain([&value]) {
            assert_eq!(tensor.origin().file(), file!(), "{mode:?}");
        }
    }
}

/// Results and written-back arguments of a call from outside are of the line that called.
#[test]
fn results_are_of_the_calls_line() {
    #[graph_fn]
    fn updates(total: &mut Tensor, x: &Tensor) -> Tensor {
        *total += x;
        total.sum(..)
    }
    with_mode(Mode::Lazy, || {
        let mut total = integers();
        let sum = updates(&mut total, &integers());
        let line = line!() - 1;
        assert_eq!((sum.origin().file(), sum.origin().line()), (file!(), line));
        assert_eq!((total.origin().file(), total.origin().line()), (file!(), line));
    });
}

#[graph_fn]
fn checked_quotient(x: &Tensor, y: &Tensor) -> Tensor {
    let above = x + 1;
    assert!(y.ne(0).all(..), "no zeros, please");
    above / y
}

#[test]
fn what_is_computed_together_does_not_fail_before_an_assertion() {
    let (x, y) = (Tensor::from([1i64, 2, 3, 4]), Tensor::from([1i64, 0, 3, 4]));
    for mode in [Mode::Eager, Mode::Lazy] {
        let message = with_mode(mode, || checked_quotient::try_call(&x, &y).expect_err("a zero").to_string());
        assert!(message.contains("no zeros, please"), "{mode:?}: {message}");
    }
}
