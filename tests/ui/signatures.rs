//! Signatures that cannot be traced; all errors of a function are reported together.

use grafito::prelude::*;

#[graph_fn]
fn lends(x: &Tensor) -> &Tensor {
    x
}

#[graph_fn]
fn hides(x: &Tensor) -> impl TensorTree {
    x.clone()
}

#[graph_fn]
fn hides_inside(x: &Tensor) -> Option<impl TensorTree> {
    Some(x.clone())
}

#[graph_fn]
fn takes_any(x: impl TensorTree, ys: &[impl TensorTree]) {}

#[graph_fn]
fn thirteen(a: i8, b: i8, c: i8, d: i8, e: i8, f: i8, g: i8, h: i8, i: i8, j: i8, k: i8, l: i8, m: i8) {}

#[graph_fn(fast)]
async fn all_at_once(x: impl TensorTree) -> &'static Tensor {
    unimplemented!()
}

fn main() {}
