//! A method called `len` that changes its receiver, in an arm that only a graph knows whether it is taken.

use grafito::prelude::*;

#[derive(Clone, TensorTree)]
struct Counted {
    count: Tensor,
}

impl Counted {
    fn len(&mut self) -> Tensor {
        self.count = &self.count + 1;
        self.count.clone()
    }
}

#[graph_fn]
fn counted(x: &Tensor) -> Tensor {
    let mut counted = Counted { count: x.clone() };
    let mut last = x.clone();
    if x > 0 {
        last = counted.len();
    }
    last + &counted.count
}

fn main() {
    counted(&Tensor::scalar(1i64));
}
