//! Bodies that end with a construct some of whose paths return.

#![allow(clippy::needless_return, clippy::assign_op_pattern, reason = "these forms are what is tested")]

use grafito::prelude::*;

use crate::support::both;

#[graph_fn]
fn one_arm(t: &Tensor, n: &Tensor) -> Tensor {
    if n % 2 == 0 { t.clone() } else { return -t }
}

#[graph_fn]
fn updates(t: &mut Tensor, n: &Tensor) {
    if n > 1 {
        *t += 1;
        return;
    }
}

#[test]
fn some_paths_return() {
    let of = |n: i64| both(|| one_arm(&Tensor::scalar(5i64), &Tensor::scalar(n)).item::<i64>());
    assert_eq!((of(2), of(3)), (5, -5));
    let of = |n: i64| {
        both(|| {
            let mut t = Tensor::scalar(1i64);
            updates(&mut t, &Tensor::scalar(n));
            t.item::<i64>()
        })
    };
    assert_eq!((of(2), of(1)), (2, 1));
}

#[graph_fn]
fn divided(n: &Tensor) -> Tensor {
    let mut s = Tensor::scalar(100i64);
    if n < 1 {
        s = s / n; // @here
    }
    s
}

#[test]
fn an_operation_on_what_is_moved_fails_where_it_stands() {
    let line =
        include_str!("ends.rs").lines().position(|line| line.ends_with("// @here")).expect("above") + 1;
    for mode in [Mode::Eager, Mode::Lazy] {
        let error =
            with_mode(mode, || divided::try_call(&Tensor::scalar(0i64)).expect_err("divides by zero"));
        assert!(error.to_string().ends_with(&format!("ends.rs:{line}:13")), "{mode:?}: {error}");
    }
}
