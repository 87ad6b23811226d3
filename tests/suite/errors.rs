//! Every misuse and what is said about it: the op, the facts of its operands, and where in user code they are.

use std::cell::RefCell;
use std::panic::Location;

use grafito::prelude::*;
use grafito::{Error, Graph, apply, catch, value_and_grad_aux};

use crate::support::{Failing, panic_of};

/// An error's text with places in this file as lines after `base`: `<+2>`.
fn relative(text: &str, base: u32) -> String {
    let mut rest = text;
    let mut out = String::new();
    while let Some(at) = rest.find(file!()) {
        out.push_str(&rest[..at]);
        let tail = &rest[at + file!().len() + 1..];
        let line: String = tail.chars().take_while(char::is_ascii_digit).collect();
        let tail = &tail[line.len() + 1..];
        let column = tail.chars().take_while(char::is_ascii_digit).count();
        let line: i64 = line.parse().expect("a line");
        out.push_str(&format!("<{:+}>", line - i64::from(base)));
        rest = &tail[column..];
    }
    out + rest
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
    Tensor::from([1.0f32, 2.0])
}

fn integers() -> Tensor {
    Tensor::from([1i64, 2])
}

#[test]
fn wrong_operands() {
    let (f, i) = (floats(), integers());
    let long = Tensor::from([1.0f32, 2.0, 3.0]);
    fails_in_both(|| &f + &long, "?");
    fails_in_both(|| &f * &i, "?");
    fails_in_both(|| &i + 0.5, "?");
    fails_in_both(|| &i % true, "?");
    fails_in_both(|| i.cast(DType::U8) + 256, "?");
    fails_in_both(|| i.sqrt(), "?");
    fails_in_both(|| &f & &f, "?");
    fails_in_both(|| f.sum(1), "?");
    fails_in_both(|| f.sum([0, -1]), "?");
    fails_in_both(|| f.reshape([3]), "?");
    fails_in_both(|| f.matmul(&long), "?");
    fails_in_both(|| f.unsqueeze(0).matmul(&long.unsqueeze(0)), "?");
    fails_in_both(|| f.select(&f, &f), "?");
    fails_in_both(|| Tensor::from_slice([3], &[1i64]), "?");
    fails_in_both(|| f.broadcast_to([usize::MAX / 8, 2]), "?");
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
        "?",
    );
}

#[test]
fn wrong_reading() {
    let (f, i) = (floats(), integers());
    fails_in_both(|| f.to_vec::<f64>(), "?");
    fails_in_both(|| i.to_vec::<f32>(), "?");
    fails_in_both(|| f.item::<f32>(), "?");
    fails_in_both(|| f.sum(..).item::<i64>(), "?");
    fails_in_both(|| f.to_ndarray::<bool>(), "?");
    fails_in_both(|| f.with_view::<u8, _>(|view| view.len()), "?");
}

#[test]
fn failures_on_the_data() {
    let zero = Tensor::from([1i64, 0]);
    let call = || {
        let quotient = integers() / &zero;
        quotient.to_vec::<i64>()
    };
    fails_in_both(call, "?");
    let indices = Tensor::from([5i64]);
    fails_in_both(|| floats().gather(0, &indices).to_vec::<f32>(), "?");
}

#[graph_fn]
fn reads(x: &Tensor) -> Tensor {
    if x.item::<f32>() > 0.0 { x + 1.0 } else { x.clone() }
}

#[graph_fn]
fn divides(x: &Tensor, y: &Tensor) -> Tensor {
    let double = x * 2;
    double / y
}

#[graph_fn]
fn adds(x: &Tensor, y: &Tensor) -> Tensor {
    helper(x, y)
}

fn helper(x: &Tensor, y: &Tensor) -> Tensor {
    let add = |a: &Tensor, b: &Tensor| {
        let a = a.identity();
        a + b
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
    let long = Tensor::from([1.0f32, 2.0, 3.0]);
    with_mode(Mode::Lazy, || {
        let scalar = Tensor::scalar(1.0f32);
        fails(|| reads(&scalar), "?");
        fails(|| divides(&i, &Tensor::from([1i64, 0])), "?");
        let error = reads::try_call(&scalar).unwrap_err();
        assert_eq!(error, catch(|| reads(&scalar)).unwrap_err());
    });
    fails_in_both(|| adds(&f, &long), "?");
    fails_in_both(|| adds_deeply(&f, &long), "?");
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
    x + kept
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
        fails(|| kept.to_vec::<f32>(), "?");
        fails(|| &kept + 1.0, "?");
        fails(|| &f + &kept, "?");
        fails(|| adds(&kept, &f), "?");
        KEPT.set(Some(kept));
        fails(|| uses_kept(&f), "?");
        fails(|| keeps_and_calls(&f), "?");
        // Also one that was left by a panic, or by a closure that was differentiated.
        panic_of(|| leaks_and_panics(&f));
        let kept = KEPT.take().expect("kept");
        fails(|| kept.to_vec::<f32>(), "?");
        fails(|| &kept + 1.0, "?");
        panic_of(|| {
            grad(&f, |x| {
                KEPT.set(Some(x * 2.0));
                panic!("the user's panic")
            })
        });
        let kept = KEPT.take().expect("kept");
        fails(|| &kept + 1.0, "?");
        catch(|| {
            grad(&f, |x| {
                KEPT.set(Some(x * 2.0));
                x * 2.0
            })
        })
        .unwrap_err();
        let kept = KEPT.take().expect("kept");
        fails(|| &kept + 1.0, "?");
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
    fails_in_both(|| grad(&f, |x| x * 2.0), "?");
    fails_in_both(|| grad(&f, |x| x.argmax(0)), "?");
    fails_in_both(|| grad(&i, |x| x.cast(DType::F32).sum(..)), "?");
    fails_in_both(|| grad(&tree, |tree| tree.weight.sum(..)), "?");
    with_mode(Mode::Lazy, || {
        fails(
            || {
                grad(&f, |x| {
                    let y = x * 2.0;
                    apply(op.clone(), &[&y]).sum(..)
                })
            },
            "?",
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
