//! What converted control flow must give, case by case. The numbers are those of the list of facts to satisfy: 8 is in
//! `messages.rs`, 31 to 36 are in `gradients.rs`, all others here. Three ways where numbers will do, else in both modes.

use grafito::prelude::*;
use grafito::{NodeKind, range};

use crate::support::{both, expect_all, ints, on_integers, on_lists};

on_integers! {
    // 1
    fn counted_once(n) { let mut i = num(0); if i < n { i += 1; } i }
    // 2
    fn two_variables(n) {
        let mut a = num(0);
        let mut b = num(1);
        if n > 0 { a += 1; b = b * 10; } else { a += 2; b = b * 20; }
        a * 100 + b
    }
    // 3
    fn defined_in_both(n) { let y; if n > 0 { y = num(1); } else { y = num(2); } y }
    fn as_expression(n) { let y = if n > 0 { num(1) } else { num(2) }; y }
    // 4
    fn one_uses_the_other(n) {
        let mut i = num(0);
        let j;
        if n > 0 { j = num(1); } else { j = num(2); i = j.clone() + 1; }
        i * 10 + j
    }
    // 5
    fn signs(n) {
        let mut a = num(0);
        let mut b = num(0);
        if n > 0 { a = -n; } else { b = n * 2; }
        a * 100 + b
    }
    // 6
    fn two_in_a_row(n) {
        let mut x = num(1);
        if n > 0 { x = x + n.clone(); }
        if x > 3 { x = x * 2; } else { x = x - 1; }
        x
    }
    // 7
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
    // 9
    fn both_move(n, m) {
        let taken = n * 2;
        if m > 0 { let kept = taken; kept + 1 } else { let kept = taken; kept - 1 }
    }
    fn chain(n) { if n < 0 { num(-1) } else if n == 0 { num(0) } else if n == 1 { num(10) } else { n * 2 } }

    // 10
    fn digits_in_a_range(n) { let mut s = num(0); for i in range(n) { s = s * 10 + i; } s }
    // 10
    fn digits_in_a_host_range() { let mut s = num(0); for i in 0..5i64 { s = s * 10 + i; } s }
    // 11
    fn digits_in_a_while(n) { let mut i = num(0); while i < n { i = i * 10 + 1; } i }
    // 13
    fn two_whiles(first, second) {
        let (mut first, mut second) = (first, second);
        let mut s = num(0);
        let mut counter = num(0);
        while first > 0 { first -= 1; s = s * 10 + counter.clone(); counter += 1; }
        let mut counter = num(0);
        while second > 0 { second -= 1; s = s * 10 + counter.clone(); counter += 1; }
        s
    }
    // 15
    fn inner_bound_is_outer_counter(n) {
        let mut s = num(0);
        for i in range(n) { for j in range(i.clone()) { s = s * 3 + j + i.clone(); } }
        s
    }
    // 17
    fn never_runs(n) { let mut s = n.clone(); while n > 100 { s = s * 2; } for _ in range(num(0)) { s += 1; } s }
    // 18
    fn locals_stay_inside(n) {
        let mut s = num(0);
        let mut i = num(0);
        while i < n { let double = i.clone() * 2; let half = double / 2; s += half; i += 1; }
        s
    }

    // 19
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
    // 19
    fn skip_odd_in_a_host_loop() { let mut s = num(0); for i in 1..7 { if i % 2 == 1 { continue; } s += i; } s }
    // 21
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
    // 22
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
    // 24
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
    // 25
    fn break_under_a_condition_in_a_host_loop(n) {
        let mut s = num(0);
        for i in 1..7 {
            if i > n { break; }
            s += i;
        }
        s
    }
    // 28
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
    expect_all!(digits_in_a_host_range: () => 1234);
    expect_all!(digits_in_a_while: (0) => 0, (1) => 1, (2) => 11);
    expect_all!(two_whiles: (3, 3) => 12_012, (0, 2) => 1, (0, 0) => 0);
    expect_all!(inner_bound_is_outer_counter: (0) => 0, (2) => 1, (3) => host::inner_bound_is_outer_counter(3));
    expect_all!(never_runs: (7) => 7);
    expect_all!(locals_stay_inside: (0) => 0, (4) => 6);
}

#[test]
fn jumps() {
    expect_all!(skip_odd_in_a_while: (6) => 12, (0) => 0);
    expect_all!(skip_odd_in_a_host_loop: () => 12);
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

#[derive(Clone, Debug, TensorTree)]
struct Pair<T> {
    a: T,
    b: T,
}

on_lists! {
    // 12
    fn digits(xs: List) -> Int { let mut s = num(0); for x in xs { s = s * 10 + x; } s }
    // 14
    fn digits_of_rows(rows: Table) -> Vec<Int> {
        let mut all = Vec::new();
        for row in rows {
            let mut s = num(0);
            for x in row { s = s * 10 + x; }
            all.push(s);
        }
        all
    }
    // 16
    fn steps(start: Int, stop: Int, step: Int) -> Int {
        let mut s = num(0);
        for i in range_step(start, stop, step) { s = s * 100 + i; }
        s
    }
    // 19
    fn even_sum(xs: List) -> Int {
        let mut s = num(0);
        for x in xs { if x.clone() % 2 == 1 { continue; } s += x; }
        s
    }
    // 20
    fn sum_until_odd(xs: List) -> Int {
        let mut s = num(0);
        for x in xs { if x.clone() % 2 == 1 { break; } s += x; }
        s
    }
    // 23
    fn first_above_one(xs: List) -> Int { for x in xs { if x > 1 { return x; } } num(-1) }
    // 26
    fn pair(pair: Pair<Int>) -> Pair<Int> { let mut pair = pair; while pair.b <= 10 { pair.a += 1; pair.b *= 2; } pair }
}

#[test]
fn rows() {
    let of = |xs: &[i64]| {
        let on_host = [on_host::digits, on_host::even_sum, on_host::sum_until_odd, on_host::first_above_one];
        let in_graph =
            [in_graph::digits, in_graph::even_sum, in_graph::sum_until_odd, in_graph::first_above_one];
        let found = on_host.map(|f| f(xs.to_vec()));
        assert_eq!(both(|| in_graph.map(|f| f(ints(xs)).item::<i64>())), found, "{xs:?}");
        found
    };
    assert_eq!([&[][..], &[1], &[1, 2]].map(|xs| of(xs)[0]), [0, 1, 12]);
    assert_eq!([&[1, 2, 3, 4, 5, 6][..], &[]].map(|xs| of(xs)[1]), [12, 0]);
    assert_eq!([&[1, 2, 3, 4, 5, 6][..], &[2, 4, 5, 6], &[2, 4]].map(|xs| of(xs)[2]), [0, 6, 6]);
    assert_eq!([&[1, 5, 7][..], &[1, 1], &[]].map(|xs| of(xs)[3]), [5, -1, -1]);
}

#[test]
fn rows_of_rows() {
    let of = |table: Vec<Vec<i64>>| {
        let shape = [table.len(), table.first().map_or(0, Vec::len)];
        let rows = ints(&table.concat()).reshape(shape);
        let found = on_host::digits_of_rows(table.clone());
        let pushed =
            || in_graph::digits_of_rows(rows.clone()).iter().map(|x| x.item::<i64>()).collect::<Vec<_>>();
        assert_eq!(both(pushed), found, "pushed");
        assert_eq!(both(|| assigned_rows(&rows).to_vec::<i64>()), found, "assigned");
        found
    };
    assert_eq!(of(vec![vec![1, 2], vec![3, 4]]), [12, 34]);
    assert_eq!(of(vec![vec![], vec![]]), [0, 0]);
}

/// 14, with the results assigned to the rows of a tensor.
#[graph_fn]
fn assigned_rows(rows: &Tensor) -> Tensor {
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
fn ranges_with_a_step() {
    let of = |a: i64, b: i64, c: i64| {
        let found = on_host::steps(a, b, c);
        let [a, b, c] = [a, b, c].map(Tensor::scalar);
        assert_eq!(both(|| in_graph::steps(a.clone(), b.clone(), c.clone()).item::<i64>()), found);
        found
    };
    assert_eq!(of(17, 3, -5), 171_207);
    assert_eq!(of(0, 3, 1), 102);
    assert_eq!(of(3, 3, 1), 0);
    assert_eq!(of(1, 8, 3), 10_407);
}

#[derive(Clone, Debug, TensorTree)]
struct Around {
    pair: Pair<Tensor>,
    b: Tensor,
}

/// 27
#[graph_fn]
fn nested_state(n: &Tensor) -> Tensor {
    let mut tuple = (n.clone(), [n.clone() + 1, n.clone() + 2]);
    let mut list = vec![n.clone(), n * 2];
    let mut perhaps = Some(Around { pair: Pair { a: n.clone(), b: n * 3 }, b: n.clone() });
    let mut i = Tensor::scalar(0i64);
    while i < 3 {
        i += 1;
        tuple = (tuple.0 + 1, tuple.1.map(|x| x * 2));
        list[1] += &i;
        if let Some(around) = &mut perhaps {
            around.b += &list[1];
            around.pair.b = &around.pair.b - &around.pair.a;
        }
    }
    let Around { pair, b } = perhaps.unwrap();
    tuple.0 + &tuple.1[0] + &tuple.1[1] + &list[0] + &list[1] + pair.a + pair.b + b
}

#[test]
fn trees_as_state() {
    let of = |a: i64, b: i64| {
        both(|| {
            let result = in_graph::pair(Pair { a: Tensor::scalar(a), b: Tensor::scalar(b) });
            let on_host = on_host::pair(Pair { a, b });
            assert_eq!((result.a.item::<i64>(), result.b.item::<i64>()), (on_host.a, on_host.b));
            (on_host.a, on_host.b)
        })
    };
    assert_eq!(of(3, 1), (7, 16));
    assert_eq!(of(7, 10), (8, 20));
    assert_eq!(both(|| nested_state(&Tensor::scalar(1i64)).item::<i64>()), {
        let (list, b) = (2 + 1 + 2 + 3, 1 + 3 + 5 + 8);
        4 + 16 + 24 + 1 + list + 1 + b
    });
}

/// 29
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

/// 30; what is said of a recursion that a tensor would have to end is in `messages.rs`.
#[graph_fn]
fn power(x: &Tensor, n: u32) -> Tensor {
    if n == 0 { x.ones_like() } else { x * power(x, n - 1) }
}

#[test]
fn calls() {
    assert_eq!(both(|| with_a_closure(&Tensor::scalar(5i64)).item::<i64>()), (10) + (11 + 2) + (12 + 4));
    assert_eq!(both(|| power(&Tensor::scalar(3i64), 4).item::<i64>()), 81);
}

/// 18: the loop carries the two variables from outside, and nothing of its own.
#[test]
fn locals_are_not_carried() {
    let graph = graph::locals_stay_inside::graph(Tensor::scalar(4i64));
    let nodes = graph.node_ids().map(|id| graph.node(id));
    let carried: Vec<usize> = nodes
        .filter(|node| matches!(node.kind(), NodeKind::While { .. }))
        .map(|node| node.facts().len())
        .collect();
    assert_eq!(carried, [2], "{graph}");
}

/// 28: the division would fail.
#[test]
fn what_does_not_decide_is_not_computed() {
    let quotient = || Tensor::scalar(10i64) / Tensor::scalar(0i64);
    assert!(grafito::catch(|| both(|| quotient().item::<i64>())).is_err());
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
