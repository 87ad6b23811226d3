//! Arms of different types: the compiler says so at the arms, and where it can once.

use grafito::prelude::*;

#[graph_fn]
fn a_number_for_a_tensor(x: &Tensor) -> Tensor {
    let y = if x > 0.0 {
        let z = x.clone();
        z + 1.0
    } else {
        1.0
    };
    y + 1.0
}

#[graph_fn]
fn a_reference_in_a_chain(x: &Tensor) -> Tensor {
    let y = if x > 0.0 { x.clone() } else if x > -1.0 { x } else { -x };
    y + 1.0
}

#[graph_fn]
fn of_a_match(x: &Tensor, n: i32) -> Tensor {
    let y = match n {
        0 => x * 2.0,
        _ => (x.clone(), 1),
    };
    y
}

#[graph_fn]
fn without_else(x: &Tensor) -> Tensor {
    let y = if x > 0.0 { x.clone() };
    y
}

/// What the function gives is known to the one body before its arms are looked at, and to the other after.
#[graph_fn]
fn at_the_end(x: &Tensor) -> Tensor {
    if x > 0.0 { x.clone() } else { x.sum(..); }
}

fn main() {}
