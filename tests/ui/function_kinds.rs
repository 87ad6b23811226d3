//! Functions that cannot be traced.

use grafito::prelude::*;

#[graph_fn]
async fn waits(x: &Tensor) -> Tensor {
    x.clone()
}

#[graph_fn]
const fn known(x: &Tensor) -> Tensor {
    x.clone()
}

#[graph_fn]
unsafe fn trusting(x: &Tensor) -> Tensor {
    x.clone()
}

#[graph_fn]
extern "C" fn foreign(x: &Tensor) -> Tensor {
    x.clone()
}

#[graph_fn]
unsafe extern "C" fn variadic(x: &Tensor, ...) -> Tensor {
    x.clone()
}

#[graph_fn]
struct NoFunction;

fn main() {}
