//! Arguments and results that are neither trees of tensors nor host values.

use grafito::prelude::*;

#[derive(Clone)]
struct NoTree(Tensor);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Kind {
    A,
}

#[graph_fn]
fn by_ref(x: &NoTree) -> Tensor {
    x.0.clone()
}

#[graph_fn]
fn by_value(x: NoTree) -> Tensor {
    x.0
}

#[graph_fn]
fn by_mut(kind: &mut Kind, x: &Tensor) -> Tensor {
    *kind = Kind::A;
    x.clone()
}

#[graph_fn]
fn gives(x: &Tensor) -> NoTree {
    NoTree(x.clone())
}

fn main() {}
