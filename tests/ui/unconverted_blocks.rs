//! Blocks that run at another time, or that catch what leaves them.

use grafito::prelude::*;

#[graph_fn]
fn awaits(x: &Tensor) -> Tensor {
    let later = std::future::ready(x.clone());
    if x.gt(0) { later.await } else { x.clone() }
}

#[graph_fn]
fn sleeps(x: &Tensor) -> Tensor {
    let later = async move {
        let y = std::future::ready(1).await;
        y + 1
    };
    drop(later);
    x.clone()
}

#[graph_fn]
fn tries(x: &Tensor, text: String) -> Tensor {
    let by: Result<i64, std::num::ParseIntError> = try { text.parse::<i64>()? };
    x * by.unwrap_or(0)
}

#[graph_fn]
fn assigns_unsafely(x: &Tensor, numbers: Vec<i64>) -> Tensor {
    let mut by = 0;
    let mut y = x.clone();
    for _ in x {
        unsafe {
            by += *numbers.get_unchecked(0);
        }
        y += by;
    }
    y
}

/// Reading is fine.
#[graph_fn]
fn reads_unsafely(x: &Tensor, numbers: Vec<i64>) -> Tensor {
    // SAFETY: an example, which is not run.
    let by = unsafe { *numbers.get_unchecked(0) };
    x * by
}

fn main() {}
