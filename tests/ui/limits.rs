//! Limits of loops that say no number, and what cannot wait.

use grafito::prelude::*;

#[graph_fn]
fn unlimited(x: &Tensor) -> Tensor {
    let mut x = x.clone();
    #[max_iterations]
    while x.gt(1) {
        x /= 2;
    }
    #[max_iterations()]
    loop {
        break x;
    }
}

fn main() {}
