//! A tensor where Rust needs a `bool`.

use grafito::prelude::*;

#[graph_fn]
fn branches(x: &Tensor) -> Tensor {
    if x.gt(0.0) { x.clone() } else { -x }
}

#[graph_fn]
fn loops(x: &Tensor, most: usize) -> Tensor {
    let mut x = x.clone();
    let mut i = 0;
    while i < most && x.lt(10.0) {
        x *= 2.0;
        i += 1;
    }
    match i {
        i if x.gt(i) => x,
        _ => -x,
    }
}

fn main() {}
