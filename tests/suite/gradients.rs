//! Gradients: eager, traced and pending ones agree, nest, and are refused in words.

use grafito::prelude::*;
use grafito::{checkpoint, value_and_grad_aux, with_vjp};

use crate::support::{Counted, panic_of};

/// Evaluates a gradient eagerly, in a pending graph, and inside a traced function.
#[track_caller]
fn everywhere(x: &Tensor, f: fn(&Tensor) -> Tensor) -> Vec<f64> {
    #[graph_fn]
    fn traced(x: &Tensor, f: &Pointer) -> Tensor {
        (f.0)(x)
    }
    let eager = with_mode(Mode::Eager, || f(x).to_vec::<f64>());
    let pending = with_mode(Mode::Lazy, || f(x).to_vec::<f64>());
    let traced = with_mode(Mode::Lazy, || traced(x, &Pointer(f)).to_vec::<f64>());
    assert_eq!(eager, pending, "eager (left) and pending (right)");
    assert_eq!(eager, traced, "eager (left) and traced (right)");
    eager
}

/// A function as a host value, by its address.
#[derive(Debug, Clone)]
struct Pointer(fn(&Tensor) -> Tensor);

impl PartialEq for Pointer {
    fn eq(&self, other: &Pointer) -> bool {
        std::ptr::fn_addr_eq(self.0, other.0)
    }
}
impl Eq for Pointer {}
impl std::hash::Hash for Pointer {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        (self.0 as usize).hash(state);
    }
}

fn x() -> Tensor {
    Tensor::from([1.0f64, 2.0, 3.0])
}

#[test]
fn of_gradients() {
    let cube = |x: &Tensor| grad(x, |x| (x * x * x).sum(..));
    assert_eq!(everywhere(&x(), cube), [3.0, 12.0, 27.0]);
    let second = |x: &Tensor| grad(x, |x| grad(x, |x| (x * x * x).sum(..)).sum(..));
    assert_eq!(everywhere(&x(), second), [6.0, 12.0, 18.0]);
    let third = |x: &Tensor| grad(x, |x| grad(x, |x| grad(x, |x| (x * x * x).sum(..)).sum(..)).sum(..));
    assert_eq!(everywhere(&x(), third), [6.0; 3]);
}

/// d/dx (x · d/dy (x + y)) is 1: the inner variable must not be mistaken for the outer one.
#[test]
fn inner_functions_capture_outer_variables() {
    let confusion = |x: &Tensor| {
        grad(x, |x| {
            let inner = grad(&Tensor::from([1.0f64; 3]), |y| (x + y).sum(..));
            (x * inner).sum(..)
        })
    };
    assert_eq!(everywhere(&x(), confusion), [1.0; 3]);
    // The same with the inner function at the outer variable itself: d/dx (x · [d/dy x·y at x]) = 2 x.
    let same_point = |x: &Tensor| grad(x, |x| (x * grad(x, |y| (x * y).sum(..))).sum(..));
    assert_eq!(everywhere(&x(), same_point), [2.0, 4.0, 6.0]);
    // And with the inner gradient stopped, only the outer factor counts.
    let stopped = |x: &Tensor| grad(x, |x| (x * grad(x, |y| (x * y).sum(..)).stop_gradient()).sum(..));
    assert_eq!(everywhere(&x(), stopped), [1.0, 2.0, 3.0]);
}

#[test]
fn stop_gradient_and_independent_variables() {
    assert_eq!(everywhere(&x(), |x| grad(x, |x| (x * x.stop_gradient()).sum(..))), [1.0, 2.0, 3.0]);
    assert_eq!(everywhere(&x(), |x| grad(x, |_| Tensor::scalar(4.0f64))), [0.0; 3]);
    assert_eq!(everywhere(&x(), |x| grad(x, |x| x.stop_gradient().sum(..))), [0.0; 3]);
    // Through integers nothing flows.
    assert_eq!(everywhere(&x(), |x| grad(x, |x| x.cast(DType::I64).cast(DType::F64).sum(..))), [0.0; 3]);
    // The value itself is a variable.
    assert_eq!(everywhere(&Tensor::scalar(5.0f64), |x| grad(x, Tensor::clone)), [1.0]);
}

#[graph_fn]
fn dot(a: &Tensor, b: &Tensor) -> Tensor {
    (a * b).sum(..)
}

#[graph_fn]
fn dot_grad(a: &Tensor, b: &Tensor) -> Tensor {
    grad(a, |a| dot(a, b) * dot(a, a))
}

#[test]
fn traced_functions_within_gradients_within_traced_functions() {
    // d (a·b)(a·a) / da = b (a·a) + 2 a (a·b), at b = 1.
    let expected: Vec<f64> = [1.0, 2.0, 3.0].iter().map(|a| 14.0 + 2.0 * a * 6.0).collect();
    assert_eq!(everywhere(&x(), |x| dot_grad(x, &x.ones_like())), expected);
    // And once more around it: the gradient of the sum of that gradient.
    let twice = |x: &Tensor| grad(x, |x| dot_grad(x, &x.ones_like()).sum(..));
    let by_hand: Vec<f64> = [1.0, 2.0, 3.0].iter().map(|a| 6.0 * a + 2.0 * 6.0 + 2.0 * 6.0).collect();
    assert_eq!(everywhere(&x(), twice), by_hand);
    let nested = |x: &Tensor| grad(x, |x| dot(&dot_grad(x, x), x));
    let inline = |x: &Tensor| {
        let dot = |a: &Tensor, b: &Tensor| (a * b).sum(..);
        let dot_grad = |a: &Tensor, b: &Tensor| grad(a, |a| dot(a, b) * dot(a, a));
        grad(x, |x| dot(&dot_grad(x, x), x))
    };
    assert_eq!(everywhere(&x(), nested), everywhere(&x(), inline));
}

#[test]
fn an_operand_used_twice_in_a_call() {
    assert_eq!(everywhere(&x(), |x| grad(x, |x| dot(x, x))), [2.0, 4.0, 6.0]);
    let hessian = |x: &Tensor| grad(x, |x| (grad(x, |x| dot(x, x) * dot(x, x)) * x).sum(..));
    assert_eq!(everywhere(&x(), hessian), [4.0 * 4.0 * 14.0, 8.0 * 4.0 * 14.0, 12.0 * 4.0 * 14.0]);
}

#[derive(Clone, TensorTree)]
struct Net {
    layers: Vec<(Tensor, Option<Tensor>)>,
    #[fixed]
    depth: usize,
    unused: Tensor,
}

#[test]
fn trees_give_trees() {
    let net = || Net {
        layers: vec![
            (Tensor::from([2.0f64, 3.0]), Some(Tensor::scalar(1.0f64))),
            (Tensor::from([5.0f64, 7.0]), None),
        ],
        depth: 2,
        unused: Tensor::from([[9.0f32]]),
    };
    fn loss(net: &Net) -> Tensor {
        let start = Tensor::from([1.0f64, 1.0]);
        let out = net.layers[..net.depth].iter().fold(start, |x, (weight, bias)| match bias {
            Some(bias) => x * weight + bias,
            None => x * weight,
        });
        out.sum(..)
    }
    #[graph_fn]
    fn traced(net: &Net) -> (Tensor, Net) {
        value_and_grad(net, loss)
    }
    let seen = |(value, grads): (Tensor, Net)| {
        let [(w0, b0), (w1, b1)] = &grads.layers[..] else { panic!("two layers") };
        assert!(b1.is_none());
        assert_eq!(grads.depth, 2);
        let bias = b0.as_ref().expect("a bias has a gradient").item::<f64>();
        let unused = (grads.unused.to_vec::<f32>(), grads.unused.shape().to_vec());
        (value.item::<f64>(), w0.to_vec::<f64>(), bias, w1.to_vec::<f64>(), unused)
    };
    let expected = (43.0, vec![5.0, 7.0], 12.0, vec![3.0, 4.0], (vec![0.0], vec![1, 1]));
    assert_eq!(with_mode(Mode::Eager, || seen(value_and_grad(&net(), loss))), expected);
    assert_eq!(with_mode(Mode::Lazy, || seen(value_and_grad(&net(), loss))), expected);
    assert_eq!(with_mode(Mode::Lazy, || seen(traced(&net()))), expected);
    let empty: Vec<Tensor> = Vec::new();
    let (value, none) = with_mode(Mode::Lazy, || value_and_grad(&empty, |_| Tensor::scalar(1.0f32)));
    assert_eq!((value.item::<f32>(), none.len()), (1.0, 0));
}

#[test]
fn the_auxiliary_result() {
    let run = || {
        let (value, (double, note), gradient) =
            value_and_grad_aux(&x(), |x| ((x * x).sum(..), (x * 2.0, "host".to_owned())));
        (value.item::<f64>(), double.to_vec::<f64>(), note, gradient.to_vec::<f64>())
    };
    let expected = (14.0, vec![2.0, 4.0, 6.0], "host".to_owned(), vec![2.0, 4.0, 6.0]);
    assert_eq!(with_mode(Mode::Eager, run), expected);
    assert_eq!(with_mode(Mode::Lazy, run), expected);
}

/// A tensor that the closure captures is a constant of it, pending or not, and is computed once.
#[test]
fn captured_pending_tensors() {
    with_mode(Mode::Lazy, || {
        let counted = Counted::new();
        let base = counted.of(&(x() + 1.0));
        let (value, gradient) = value_and_grad(&x(), |x| (x * &base).sum(..));
        assert_eq!(counted.runs(), 0, "nothing is computed before it is read");
        assert_eq!(gradient.to_vec::<f64>(), [2.0, 3.0, 4.0]);
        assert_eq!((value.item::<f64>(), base.to_vec::<f64>()), (20.0, vec![2.0, 3.0, 4.0]));
        assert_eq!(counted.runs(), 1);
        // A pending variable.
        let pending = x() * 2.0;
        assert_eq!(grad(&pending, |p| (p * p).sum(..)).to_vec::<f64>(), [4.0, 8.0, 12.0]);
    });
}

/// exp, with its gradient written through its output.
fn exp(x: &Tensor) -> Tensor {
    with_vjp(x, Tensor::exp, |_, y, g| y * g)
}

#[test]
fn gradients_of_the_users_own() {
    let one = Tensor::from([0.0f64, 1.0]);
    let e = 1.0f64.exp();
    assert_eq!(everywhere(&one, |x| grad(x, |x| exp(x).sum(..))), [1.0, e]);
    // The second order differentiates the user's rule.
    assert_eq!(everywhere(&one, |x| grad(x, |x| grad(x, |x| exp(x).sum(..)).sum(..))), [1.0, e]);
    // A rule that is wrong on purpose is what counts, also beneath a traced function.
    #[graph_fn]
    fn reversed(x: &Tensor) -> Tensor {
        with_vjp(x, |x| x * 2.0, |_, _, g| -g)
    }
    assert_eq!(everywhere(&one, |x| grad(x, |x| reversed(x).sum(..))), [-1.0, -1.0]);
    // Trees in, trees out.
    let pair = |x: &Tensor| {
        grad(x, |x| {
            let (sum, product) = with_vjp(
                &(x.clone(), x * 3.0),
                |(a, b)| (a + b, a * b),
                |(a, b), _, (gs, gp)| (gs + gp * b, gs + gp * a),
            );
            (sum + product).sum(..)
        })
    };
    // d (4 x + 3 x²) = 4 + 6 x
    assert_eq!(everywhere(&one, pair), [4.0, 10.0]);
}

#[test]
fn a_rule_of_the_users_own_captures_no_variable() {
    let capturing = |x: &Tensor| {
        grad(x, |x| {
            let y = x * 2.0;
            with_vjp(x, |x| x * &y, |_, _, g| g.clone()).sum(..)
        })
    };
    let recomputing = |x: &Tensor| {
        grad(x, |x| {
            let y = x * 2.0;
            checkpoint(x, |x| x * &y).sum(..)
        })
    };
    for mode in [Mode::Eager, Mode::Lazy] {
        let of_rule = with_mode(mode, || panic_of(|| capturing(&x()))).message;
        let of_checkpoint = with_mode(mode, || panic_of(|| recomputing(&x()))).message;
        for (message, name) in [(of_rule, "with_vjp"), (of_checkpoint, "checkpoint")] {
            let expected = format!("is used in that of `{name}`; pass it as an argument");
            assert!(message.contains(&expected), "{mode:?}: {message}");
            assert!(message.contains("gradients.rs"), "{mode:?}: {message}");
        }
    }
}

#[test]
fn a_wrong_rule_is_refused() {
    for mode in [Mode::Eager, Mode::Lazy] {
        let message =
            with_mode(mode, || panic_of(|| with_vjp(&x(), |x| x.sum(..), |_, _, g| g.clone()))).message;
        assert!(message.contains("the vjp gives [f64[]] for inputs [f64[3]]"), "{mode:?}: {message}");
    }
}
