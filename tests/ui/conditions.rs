//! What cannot be a condition.

use grafito::prelude::*;

#[graph_fn]
fn number(x: &Tensor, n: i32) -> Tensor {
    if n { x.clone() } else { -x }
}

#[graph_fn]
fn beside_let(x: &Tensor, scale: Option<f32>) -> Tensor {
    if let Some(scale) = scale && x.gt(0.0) { x * scale } else { x.clone() }
}

#[graph_fn]
fn guard(x: &Tensor, n: usize) -> Tensor {
    match n {
        n if x.gt(n) => x.clone(),
        _ => -x,
    }
}

fn main() {}
