//! What may stand in the brackets, and which receivers there are.

use std::rc::Rc;

use grafito::prelude::*;

#[graph_fn(fast)]
fn unknown(x: &Tensor) -> Tensor {
    x.clone()
}

#[graph_fn(associated, associated)]
fn twice(x: &Tensor) -> Tensor {
    x.clone()
}

#[derive(Clone, TensorTree)]
struct Net(Tensor);

impl Net {
    #[graph_fn]
    fn boxed(self: Box<Self>) -> Tensor {
        self.0
    }

    #[graph_fn]
    fn counted(self: &Rc<Self>) -> Tensor {
        self.0.clone()
    }

    #[graph_fn]
    fn made(x: &Tensor) -> Self {
        Net(x.clone())
    }
}

fn main() {}
