//! Ordinary control flow on tensors: Collatz, Newton's method with its gradient, a small recurrent network.
//!
//! ```text
//! cargo run --example control_flow
//! ```

use grafito::prelude::*;

/// How many steps of "halve it if even, else triple it and add one" lead to 1.
#[graph_fn]
fn collatz_steps(n: &Tensor) -> Tensor {
    let mut n = n.clone();
    let mut steps = Tensor::scalar(0i64);
    while n > 1 {
        if &n % 2 == 0 {
            n /= 2
        } else {
            n = n * 3 + 1
        }
        steps += 1;
    }
    steps
}

/// The cube root of `a` by Newton's method, until it stands still.
#[graph_fn]
fn cube_root(a: &Tensor) -> Tensor {
    let mut x = a.clone();
    loop {
        let next = &x - (&x * &x * &x - a) / (&x * &x * 3.0);
        if (&next - &x).abs() < 1e-12 {
            return next;
        }
        x = next;
    }
}

/// The gradient of all those iterations.
#[graph_fn]
fn cube_root_and_slope(a: &Tensor) -> (Tensor, Tensor) {
    value_and_grad(a, cube_root)
}

#[derive(Clone, TensorTree)]
struct Cell {
    from_input: Tensor,
    from_state: Tensor,
}

/// The last state of a recurrent network over the rows of `xs`, squared and added up.
#[graph_fn]
fn energy(cell: &Cell, xs: &Tensor) -> Tensor {
    let mut state = Tensor::zeros([cell.from_state.shape()[0]], DType::F64);
    for x in xs {
        state = (x.matmul(&cell.from_input) + state.matmul(&cell.from_state)).tanh();
    }
    (&state * &state).sum(..)
}

#[graph_fn]
fn slopes(cell: &Cell, xs: &Tensor) -> Cell {
    grad(cell, |cell| energy(cell, xs))
}

fn main() {
    println!("Collatz: a `while` with an `if` in it");
    for n in [6i64, 27, 97] {
        println!("  {n:3} takes {} steps to 1", collatz_steps(&Tensor::scalar(n)));
    }
    println!("\nIts graph:\n{}", collatz_steps::graph(&Tensor::scalar(27i64)));

    println!("Newton: a `loop` that ends when it stands still, and its gradient");
    for a in [8.0f64, 27.0, 100.0] {
        let (root, slope) = cube_root_and_slope(&Tensor::scalar(a));
        let exact = a.powf(-2.0 / 3.0) / 3.0;
        println!("  cube root of {a}: {root}, slope {slope} (exactly {exact})");
    }

    println!("\nA recurrent network: a `for` over the rows of a tensor");
    let cell = Cell {
        from_input: Tensor::random_uniform([3, 4], DType::F64, 1) - 0.5,
        from_state: Tensor::random_uniform([4, 4], DType::F64, 2) - 0.5,
    };
    let xs = Tensor::random_uniform([20, 3], DType::F64, 3).eval();
    println!("  energy {}", energy(&cell, &xs));
    let slope = slopes(&cell, &xs).from_state.to_vec::<f64>()[0];
    let nudged = |by: f64| {
        let mut cell = cell.clone();
        let mut elements = cell.from_state.to_vec::<f64>();
        elements[0] += by;
        cell.from_state = Tensor::from(elements).reshape([4, 4]);
        energy(&cell, &xs).item::<f64>()
    };
    let difference = (nudged(1e-6) - nudged(-1e-6)) / 2e-6;
    println!("  slope along the first recurrent weight: {slope:.9}; as a difference: {difference:.9}");
    assert!((slope - difference).abs() < 1e-8, "the gradient is the slope");
}
