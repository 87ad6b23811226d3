//! Traced functions, as users write them.

use grafito::prelude::*;

#[derive(Clone, TensorTree)]
struct Mlp {
    w: Tensor,
    b: Tensor,
}

#[graph_fn]
fn loss(net: &Mlp, x: &Tensor) -> Tensor {
    ((x * &net.w).sum(-1) + &net.b).tanh().sum(..)
}

#[graph_fn]
fn train_step(net: &mut Mlp, x: &Tensor, lr: f32) -> Tensor {
    let (loss, grads) = value_and_grad(&*net, |net| loss(net, x));
    net.w -= lr * grads.w;
    net.b -= lr * grads.b;
    loss
}

#[test]
fn trains() {
    let run = || {
        let mut net = Mlp { w: Tensor::from([1.0f32, 2.0, 3.0]), b: Tensor::from([0.5f32]) };
        let x = Tensor::from([[0.1f32, 0.2, -0.3], [0.4, 0.5, 0.6]]);
        (0..5).map(|_| train_step(&mut net, &x, 0.1).item::<f32>()).collect::<Vec<_>>()
    };
    let eager = with_mode(Mode::Eager, run);
    let lazy = with_mode(Mode::Lazy, run);
    println!("{}", train_step::cache());
    assert_eq!(eager, lazy);
    assert!(eager[4] < eager[0]);
}
