//! What converted control flow must give, case by case.

use grafito::prelude::*;
use grafito::{range, range_step};

use crate::support::{both, expect_all, ints, on_integers};

on_integers! {
    fn counted_once(n) { let mut i = num(0); if i < n { i += 1; } i }
    fn two_variables(n) {
        let mut a = num(0);
        let mut b = num(1);
        if n > 0 { a += 1; b = b * 10; } else { a += 2; b = b * 20; }
        a * 100 + b
    }
    fn defined_in_both(n) { let y; if n > 0 { y = num(1); } else { y = num(2); } y }
    fn as_expression(n) { let y = if n > 0 { num(1) } else { num(2) }; y }
    fn one_uses_the_other(n) {
        let mut i = num(0);
        let j;
        if n > 0 { j = num(1); } else { j = num(2); i = j.clone() + 1; }
        i * 10 + j
    }
    fn signs(n) {
        let mut a = num(0);
        let mut b = num(0);
        if n > 0 { a = -n; } else { b = n * 2; }
        a * 100 + b
    }
    fn two_in_a_row(n) {
        let mut x = num(1);
        if n > 0 { x = x + n.clone(); }
        if x > 3 { x = x * 2; } else { x = x - 1; }
        x
    }
    fn nested_in_one_arm(n) {
        let mut x = num(0);
        if n > 0 {
            x += 1;
            if n > 1 {
                x += 10;
                if n > 2 { x += 100; }
            }
        }
        x
    }
    fn both_move(n, m) {
        let taken = n * 2;
        if m > 0 { let kept = taken; kept + 1 } else { let kept = taken; kept - 1 }
    }
    fn chain(n) { if n < 0 { num(-1) } else if n == 0 { num(0) } else if n == 1 { num(10) } else { n * 2 } }

    fn digits_in_a_range(n) { let mut s = num(0); for i in range(n) { s = s * 10 + i; } s }
    fn digits_in_a_while(n) { let mut i = num(0); while i < n { i = i * 10 + 1; } i }
    fn two_whiles() {
        let (mut a, mut b) = (num(3), num(3));
        let mut s = num(0);
        while a > 0 { a -= 1; s = s * 10 + a.clone(); }
        while b > 0 { b -= 1; s = s * 10 + b.clone(); }
        s
    }
    fn inner_bound_is_outer_counter(n) {
        let mut s = num(0);
        for i in range(n) { for j in range(i.clone()) { s = s * 3 + j + i.clone(); } }
        s
    }
    fn never_runs(n) { let mut s = n.clone(); while n > 100 { s = s * 2; } for _ in range(num(0)) { s += 1; } s }
    fn locals_stay_inside(n) {
        let mut s = num(0);
        let mut i = num(0);
        while i < n { let double = i.clone() * 2; let half = double / 2; s += half; i += 1; }
        s
    }

    fn skip_odd_in_a_while(n) {
        let mut s = num(0);
        let mut i = num(0);
        while i < n {
            i += 1;
            if i.clone() % 2 == 1 { continue; }
            s += i.clone();
        }
        s
    }
    fn break_in_inner(n) {
        let mut s = num(0);
        for i in range(n) {
            for j in range(num(5)) {
                if j > i { break; }
                s = s + 1;
            }
            s = s * 10;
        }
        s
    }
    fn several_breaks(n) {
        let mut x = num(0);
        while x < 100 {
            x += 1;
            if x > n { break; }
            x += 1;
            if x > n.clone() * 2 - 3 { break; }
            x += 1;
        }
        if x > 3 { x = x + 1000; }
        x
    }
    fn returned_from_a_while(n) {
        let mut s = num(0);
        while s < n.clone() * 2 {
            s += 2;
            if s > 4 { return s; }
        }
        num(-1)
    }
    fn early_return(n) {
        if n < 0 { return num(0); }
        let half = n.clone() / 2;
        if half > 10 { return half; }
        n + 1
    }
    fn returns_in_nested_loops(n) {
        for i in range(n.clone()) {
            for j in range(n.clone()) {
                if i.clone() * j.clone() == 6 { return i * 10 + j; }
            }
        }
        num(-1)
    }
    fn labels(n) {
        let mut s = num(0);
        'outer: for i in range(n) {
            for j in range(num(4)) {
                if j == 2 { continue 'outer; }
                if i == 3 { break 'outer; }
                s = s * 2 + i.clone() + j;
            }
            s = s + 1000;
        }
        s
    }
    fn value_of_a_loop(n) {
        let mut i = num(0);
        let found = loop {
            i += 1;
            if i.clone() * i.clone() > n { break i * 100; }
        };
        found + 1
    }
    fn loop_that_returns(n) {
        let mut i = num(0);
        loop {
            i += 3;
            if i > n { return i; }
        }
    }
    fn break_under_a_condition_in_a_host_loop(n) {
        let mut s = num(0);
        for i in 1..7 {
            if i > n { break; }
            s += i;
        }
        s
    }
    fn guarded_division(x) {
        if x != 0 && num(10) / x > 1 { num(1) } else { num(0) }
    }
    fn either(x) { if x == 0 || num(10) / x > 3 { num(1) } else { num(0) } }
    fn chosen(n) { match n { 0 => num(10), 1 | 2 => num(20), -1 => num(30), _ => num(40) } }
}

#[test]
fn branches() {
    expect_all!(counted_once: (0) => 0, (1) => 1);
    expect_all!(two_variables: (0) => 220, (1) => 110);
    expect_all!(defined_in_both: (1) => 1, (0) => 2);
    expect_all!(as_expression: (1) => 1, (0) => 2);
    expect_all!(one_uses_the_other: (1) => 1, (0) => 32);
    expect_all!(signs: (1) => -100, (-1) => -2);
    expect_all!(two_in_a_row: (0) => 0, (1) => 1, (3) => 8);
    expect_all!(nested_in_one_arm: (0) => 0, (1) => 1, (2) => 11, (3) => 111);
    expect_all!(both_move: (3, 1) => 7, (3, 0) => 5);
    expect_all!(chain: (-5) => -1, (0) => 0, (1) => 10, (4) => 8);
    expect_all!(chosen: (0) => 10, (1) => 20, (2) => 20, (-1) => 30, (7) => 40);
}

#[test]
fn loops() {
    expect_all!(digits_in_a_range: (0) => 0, (1) => 0, (2) => 1, (5) => 1234);
    expect_all!(digits_in_a_while: (0) => 0, (1) => 1, (2) => 11);
    expect_all!(two_whiles: () => 210_210);
    expect_all!(inner_bound_is_outer_counter: (0) => 0, (2) => 1, (3) => host::inner_bound_is_outer_counter(3));
    expect_all!(never_runs: (7) => 7);
    expect_all!(locals_stay_inside: (0) => 0, (4) => 6);
}

#[test]
fn jumps() {
    expect_all!(skip_odd_in_a_while: (6) => 12, (0) => 0);
    expect_all!(break_in_inner: (3) => host::break_in_inner(3), (0) => 0);
    expect_all!(several_breaks: (1) => host::several_breaks(1), (4) => host::several_breaks(4), (50) => host::several_breaks(50));
    expect_all!(returned_from_a_while: (0) => -1, (2) => -1, (4) => 6);
    expect_all!(early_return: (-3) => 0, (5) => 6, (30) => 15);
    expect_all!(returns_in_nested_loops: (0) => -1, (2) => -1, (4) => 23, (7) => 16);
    expect_all!(labels: (0) => 0, (2) => host::labels(2), (9) => host::labels(9));
    expect_all!(value_of_a_loop: (0) => 101, (10) => 401);
    expect_all!(loop_that_returns: (0) => 3, (10) => 12);
    expect_all!(break_under_a_condition_in_a_host_loop: (0) => 0, (3) => 6, (100) => 21);
    expect_all!(guarded_division: (0) => 0, (4) => 1, (6) => 0);
    expect_all!(either: (0) => 1, (2) => 1, (5) => 0);
}

#[graph_fn]
fn while_twice(first: Tensor, second: Tensor) -> Tensor {
    let (mut first, mut second) = (first, second);
    let mut s = Tensor::scalar(0i64);
    let mut counter = Tensor::scalar(0i64);
    while first > 0 {
        first -= 1;
        s = s * 10 + &counter;
        counter += 1;
    }
    let mut counter = Tensor::scalar(0i64);
    while second > 0 {
        second -= 1;
        s = s * 10 + &counter;
        counter += 1;
    }
    s
}

#[graph_fn]
fn digits(xs: &Tensor) -> Tensor {
    let mut s = Tensor::scalar(0i64);
    for x in xs {
        s = s * 10 + x;
    }
    s
}

#[test]
fn rows() {
    for (xs, expected) in [(vec![], 0), (vec![1], 1), (vec![1, 2], 12)] {
        assert_eq!(both(|| digits(&ints(&xs)).item::<i64>()), expected, "{xs:?}");
    }
    assert_eq!(both(|| while_twice(Tensor::scalar(3i64), Tensor::scalar(3i64)).item::<i64>()), 12_012);
}

#[graph_fn]
fn digits_of_rows(rows: &Tensor) -> Tensor {
    let mut all = Tensor::zeros([rows.shape()[0]], DType::I64);
    for (i, row) in rows.rows().enumerate() {
        let mut s = Tensor::scalar(0i64);
        for x in &row {
            s = s * 10 + x;
        }
        all[i] = s;
    }
    all
}

#[test]
fn rows_of_rows() {
    let of = |rows: Tensor| both(|| digits_of_rows(&rows).to_vec::<i64>());
    assert_eq!(of(Tensor::from([[1i64, 2], [3, 4]])), [12, 34]);
    assert_eq!(of(Tensor::zeros([2, 0], DType::I64)), [0, 0]);
}

#[graph_fn]
fn steps(start: Tensor, stop: Tensor, step: Tensor) -> Tensor {
    let mut s = Tensor::scalar(0i64);
    for i in range_step(start, stop, step) {
        s = s * 100 + i;
    }
    s
}

#[test]
fn ranges_with_a_step() {
    let of = |a: i64, b: i64, c: i64| {
        both(|| steps(Tensor::scalar(a), Tensor::scalar(b), Tensor::scalar(c)).item::<i64>())
    };
    assert_eq!(of(17, 3, -5), 171_207);
    assert_eq!(of(0, 3, 1), 102);
    assert_eq!(of(3, 3, 1), 0);
    assert_eq!(of(1, 8, 3), 10_407);
}

#[graph_fn]
fn even_sum(xs: &Tensor) -> Tensor {
    let mut s = Tensor::scalar(0i64);
    for x in xs {
        if &x % 2 == 1 {
            continue;
        }
        s += x;
    }
    s
}

#[graph_fn]
fn sum_until_odd(xs: &Tensor) -> Tensor {
    let mut s = Tensor::scalar(0i64);
    for x in xs {
        if &x % 2 == 1 {
            break;
        }
        s += x;
    }
    s
}

#[graph_fn]
fn first_above_one(xs: &Tensor) -> Tensor {
    for x in xs {
        if x > 1 {
            return x;
        }
    }
    Tensor::scalar(-1i64)
}

#[test]
fn jumps_out_of_rows() {
    assert_eq!(both(|| even_sum(&ints(&[1, 2, 3, 4, 5, 6])).item::<i64>()), 12);
    for (xs, expected) in [(vec![1, 2, 3, 4, 5, 6], 0), (vec![2, 4, 5, 6], 6), (vec![2, 4], 6)] {
        assert_eq!(both(|| sum_until_odd(&ints(&xs)).item::<i64>()), expected, "{xs:?}");
    }
    for (xs, expected) in [(vec![1, 5, 7], 5), (vec![1, 1], -1), (vec![], -1)] {
        assert_eq!(both(|| first_above_one(&ints(&xs)).item::<i64>()), expected, "{xs:?}");
    }
}

#[derive(Clone, Debug, TensorTree)]
struct Pair {
    a: Tensor,
    b: Tensor,
}

#[graph_fn]
fn pair(mut pair: Pair) -> Pair {
    while pair.b <= 10 {
        pair.a += 1;
        pair.b *= 2;
    }
    pair
}

#[graph_fn]
fn nested_state(n: &Tensor) -> Tensor {
    let mut tuple = (n.clone(), [n.clone() + 1, n.clone() + 2]);
    let mut list = vec![n.clone(), n * 2];
    let mut perhaps = Some(Pair { a: n.clone(), b: n.clone() });
    let mut i = Tensor::scalar(0i64);
    while i < 3 {
        i += 1;
        tuple = (tuple.0 + 1, tuple.1.map(|x| x * 2));
        list[1] += &i;
        if let Some(pair) = &mut perhaps {
            pair.b += &list[1];
        }
    }
    let pair = perhaps.unwrap();
    tuple.0 + &tuple.1[0] + &tuple.1[1] + &list[0] + &list[1] + pair.a + pair.b
}

#[test]
fn trees_as_state() {
    let of = |a: i64, b: i64| {
        both(|| {
            let result = pair(Pair { a: Tensor::scalar(a), b: Tensor::scalar(b) });
            (result.a.item::<i64>(), result.b.item::<i64>())
        })
    };
    assert_eq!(of(3, 1), (7, 16));
    assert_eq!(of(7, 10), (8, 20));
    assert_eq!(both(|| nested_state(&Tensor::scalar(1i64)).item::<i64>()), {
        let (list, b) = (2 + 1 + 2 + 3, 1 + 3 + 5 + 8);
        4 + 16 + 24 + 1 + list + 1 + b
    });
}

#[graph_fn]
fn with_a_closure(n: &Tensor) -> Tensor {
    let mut i = Tensor::scalar(0i64);
    let mut s = Tensor::scalar(0i64);
    while doubled(&i) < n {
        let shifted = |by: i64| &i + by;
        s += shifted(10) + doubled(&i);
        i += 1;
    }
    s
}

#[graph_fn]
fn doubled(x: &Tensor) -> Tensor {
    x * 2
}

#[graph_fn]
fn power(x: &Tensor, n: u32) -> Tensor {
    if n == 0 { x.ones_like() } else { x * power(x, n - 1) }
}

#[test]
fn calls() {
    assert_eq!(both(|| with_a_closure(&Tensor::scalar(5i64)).item::<i64>()), (10) + (11 + 2) + (12 + 4));
    assert_eq!(both(|| power(&Tensor::scalar(3i64), 4).item::<i64>()), 81);
}

#[graph_fn]
fn host_counts(xs: &[Tensor]) -> Tensor {
    let mut s = Tensor::scalar(0i64);
    for (i, x) in xs.iter().enumerate() {
        if i == 1 {
            continue;
        }
        if i > 2 {
            break;
        }
        s += x;
    }
    s
}

#[test]
fn host_loops_are_unrolled() {
    let xs: Vec<Tensor> = [1i64, 20, 300, 4000].map(Tensor::scalar).to_vec();
    assert_eq!(both(|| host_counts(&xs).item::<i64>()), 301);
    let graph = host_counts::graph(&xs);
    assert!(!graph.to_string().contains("while") && !graph.to_string().contains("if("), "{graph}");
    assert!(range(Tensor::scalar(2i64)).count() == 2);
}
