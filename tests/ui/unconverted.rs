//! What is not converted, all reported at once.

use grafito::prelude::*;

#[graph_fn]
fn labelled(x: &Tensor) -> Tensor {
    'block: {
        if x.gt(0) {
            break 'block x.clone();
        }
        -x
    }
}

#[graph_fn]
fn several(x: &Tensor) -> Tensor {
    let mut y = x.clone();
    unsafe {
        y = x * 2;
    }
    let later = async { x.clone() };
    y
}

#[graph_fn]
fn moved_twice(x: &Tensor) -> Tensor {
    let file = open();
    if x.gt(0) { keep(file); } else { keep(file); }
    x.clone()
}

fn open() -> std::fs::File {
    unimplemented!()
}

fn keep(_: std::fs::File) {}

fn main() {}
