//! Gradients through converted control flow: against stated values, and against central differences.

use grafito::prelude::*;

use crate::support::both;

fn f(value: f64) -> Tensor {
    Tensor::scalar(value)
}

/// 31
#[graph_fn]
fn squared_up(x: &Tensor) -> Tensor {
    let mut x = x.clone();
    while x < 8.0 {
        x = &x * &x;
    }
    x
}

/// 32
#[graph_fn]
fn kinked(x: &Tensor) -> Tensor {
    if x > 0.0 { x * x } else { x * -3.0 }
}

/// 33
#[graph_fn]
fn product_and_sum(x: &Tensor, y: &Tensor) -> Tensor {
    let (mut x, mut y) = (x.clone(), y.clone());
    while x < 45.0 {
        (x, y) = (&x * &y, &x + &y);
    }
    x
}

/// 34
#[graph_fn]
fn broken_off(s: &Tensor) -> Tensor {
    let x = s.clone();
    let mut s = s.clone();
    let mut i = f(0.0);
    while i < 10.0 {
        if s > 5.0 {
            break;
        }
        s += &x;
        i += 1.0;
    }
    s
}

/// 35
#[graph_fn]
fn weighed_rows(p: &Tensor) -> Tensor {
    let mut s = f(0.0);
    for x in Tensor::from([1.0f64, 2.0, 3.0, 4.0, 5.0, 6.0]).rows() {
        s += x * p;
    }
    s
}

/// Iterates Newton's method for the cube root of `a` until it stands still.
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

/// A loop of each kind in each other, with branches between.
#[graph_fn]
fn nested(x: &Tensor, w: &Tensor) -> Tensor {
    let mut total = f(0.0);
    let mut a = x.clone();
    while a < 3.0 {
        for row in w.rows() {
            let mut b = &row * 0.5;
            while b < 1.0 {
                if &a * &b > 0.4 {
                    b = &b * &a + 0.3;
                } else {
                    b = b.sin() + 0.4;
                }
            }
            total += b * row;
        }
        a = &a * 1.3 + 0.2;
    }
    for i in range(Tensor::scalar(3i64)) {
        total = &total + (&a * (i + 1).cast(DType::F64)).cos();
    }
    total
}

#[graph_fn]
fn returned_within(x: &Tensor, w: &Tensor) -> Tensor {
    let mut s = x.clone();
    for row in w {
        if s > 2.0 {
            return s * x;
        }
        s = &s * &row + x;
    }
    s
}

#[graph_fn]
fn first(x: &Tensor, of: u8) -> Tensor {
    grad(x, |x| function(x, of))
}

#[graph_fn]
fn second(x: &Tensor, of: u8) -> Tensor {
    grad(x, |x| grad(x, |x| function(x, of)))
}

fn weights() -> Tensor {
    Tensor::from([0.7f64, -0.4, 1.2, 0.3])
}

fn function(x: &Tensor, of: u8) -> Tensor {
    match of {
        0 => squared_up(x),
        1 => kinked(x),
        2 => product_and_sum(x, &f(3.0)),
        3 => broken_off(x),
        4 => weighed_rows(x),
        5 => cube_root(x),
        6 => nested(x, &weights()),
        7 => returned_within(x, &weights()),
        _ => unreachable!(),
    }
}

#[track_caller]
fn close(found: f64, expected: f64, tolerance: f64) {
    let scale = 1.0 + expected.abs();
    assert!((found - expected).abs() <= tolerance * scale, "{found} is not {expected}");
}

#[test]
fn stated_values() {
    let value = |of: u8, x: f64| both(|| function(&f(x), of).item::<f64>());
    let first = |of: u8, x: f64| both(|| first(&f(x), of).item::<f64>());
    let second = |of: u8, x: f64| both(|| second(&f(x), of).item::<f64>());
    assert_eq!((value(0, 2.0), first(0, 2.0), second(0, 2.0)), (16.0, 32.0, 48.0));
    assert_eq!((first(0, 9.0), second(0, 9.0)), (1.0, 0.0), "no iteration");
    assert_eq!((first(1, 2.0), first(1, -2.0)), (4.0, -3.0));
    assert_eq!((value(2, 5.0), first(2, 5.0)), (120.0, 39.0));
    assert_eq!((value(3, 2.0), first(3, 2.0)), (6.0, 3.0));
    assert_eq!(first(3, 6.0), 1.0, "no iteration");
    assert_eq!((value(4, 2.0), first(4, 2.0)), (42.0, 21.0));
    close(value(5, 27.0), 3.0, 1e-12);
}

#[test]
fn both_arguments() {
    let gradient = |mode| {
        with_mode(mode, || {
            let (dx, dy) = grad(&(f(5.0), f(3.0)), |(x, y)| product_and_sum(x, y));
            (dx.item::<f64>(), dy.item::<f64>())
        })
    };
    assert_eq!(gradient(Mode::Eager), (39.0, 55.0));
    assert_eq!(gradient(Mode::Lazy), (39.0, 55.0));
}

/// Outside any function the value of a loop is read while its gradient still waits for what the loop keeps.
#[test]
fn a_value_is_read_before_its_gradient() {
    for mode in [Mode::Eager, Mode::Lazy] {
        with_mode(mode, || {
            let (value, gradient) = value_and_grad(&f(2.0), squared_up);
            let second = grad(&f(2.0), |x| grad(x, squared_up));
            assert_eq!(value.item::<f64>(), 16.0);
            assert_eq!(gradient.item::<f64>(), 32.0);
            assert_eq!((value.item::<f64>(), second.item::<f64>()), (16.0, 48.0));
        });
    }
}

#[test]
fn central_differences() {
    let h = 1e-5;
    for (of, x) in
        [(0, 1.7), (1, 0.6), (1, -0.6), (2, 4.0), (3, 1.5), (5, 5.0), (6, 0.8), (6, 1.4), (7, 1.1), (7, 2.4)]
    {
        for mode in [Mode::Eager, Mode::Lazy] {
            with_mode(mode, || {
                let at = |x: f64| function(&f(x), of).item::<f64>();
                close(first(&f(x), of).item(), (at(x + h) - at(x - h)) / (2.0 * h), 1e-7);
                let at = |x: f64| first(&f(x), of).item::<f64>();
                close(second(&f(x), of).item(), (at(x + h) - at(x - h)) / (2.0 * h), 1e-6);
            });
        }
    }
}

#[graph_fn]
fn sum_of_products(p: &Tensor, n: &Tensor) -> Tensor {
    let mut s = f(0.0);
    let mut i = f(0.0);
    while i < n {
        s += p * 2.0;
        i += 1.0;
    }
    s
}

#[graph_fn]
fn gradient_of_sum(p: &Tensor, n: &Tensor) -> Tensor {
    grad(p, |p| sum_of_products(p, n))
}

/// 36: what the gradient does not read is not kept: here nothing but the number of iterations.
#[test]
fn invariants_are_not_saved() {
    let (p, n) = (Tensor::full([100], 1.0f64).sum(..), f(7.0));
    assert_eq!(both(|| gradient_of_sum(&p, &n).item::<f64>()), 14.0);
    let plan = grafito::Plan::new(&gradient_of_sum::optimized(&p, &n)).unwrap();
    // One stack tells how many iterations there were: the smallest of them will do.
    assert!(plan.saved_bytes_per_iteration() <= 8, "{plan}");
}

#[graph_fn]
fn step_of_rnn(w: &Tensor, xs: &Tensor) -> (Tensor, Tensor) {
    value_and_grad(w, |w| {
        let mut h = Tensor::zeros([2], DType::F64);
        for x in xs {
            h = (h.matmul(w) + x).tanh();
        }
        (&h * &h).sum(..)
    })
}

#[test]
fn along_rows() {
    let w = Tensor::from([[0.3f64, -0.2], [0.5, 0.1]]);
    let xs = Tensor::from([[0.1f64, 0.2], [-0.4, 0.3], [0.7, 0.9]]);
    let (_, gradient) = both(|| {
        let (value, gradient) = step_of_rnn(&w, &xs);
        (value.item::<f64>(), gradient.to_vec::<f64>())
    });
    let elements = w.to_vec::<f64>();
    for i in 0..4 {
        let at = |by: f64| {
            let mut elements = elements.clone();
            elements[i] += by;
            step_of_rnn(&Tensor::from(elements).reshape([2, 2]), &xs).0.item::<f64>()
        };
        close(gradient[i], (at(1e-6) - at(-1e-6)) / 2e-6, 1e-8);
    }
}
