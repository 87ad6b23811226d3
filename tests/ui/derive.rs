//! What is no tree of tensors.

use grafito::prelude::*;

#[derive(TensorTree)]
union Either {
    a: u32,
    b: f32,
}

#[derive(TensorTree)]
struct Arguments {
    weight: Tensor,
    #[fixed(always)]
    size: usize,
    #[fixed = 1]
    other: usize,
}

#[derive(TensorTree)]
struct Field {
    weight: Tensor,
    thread: std::thread::ThreadId,
}

#[derive(TensorTree)]
struct Fixed {
    #[fixed]
    factor: f32,
}

fn main() {}
