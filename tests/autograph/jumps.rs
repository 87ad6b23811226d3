//! Jumps out of everything, what is declared late, and what is perhaps computed.

use grafito::prelude::*;

use crate::support::{expect_all, on_integers, said};

fn i(value: i64) -> Tensor {
    Tensor::scalar(value)
}

on_integers! {
    // -- jumps out of everything
    fn out_of_match_in_for_in_while(n) {
        let mut a = num(0);
        while a < n {
            for j in range(a.clone()) {
                match j.clone() % 4 {
                    0 => a += 1,
                    1 | 2 => { if a.clone() * j.clone() > 20 { return a * 100 + j; } }
                    _ => { if a > 8 { return a * 1000 + j; } }
                }
            }
            a += 2;
        }
        -a
    }
    fn continue_of_the_outermost(n) {
        let mut s = num(0);
        'a: for x in range(n.clone()) {
            'b: for y in range(n.clone()) {
                let mut z = num(0);
                while z < n {
                    z += 1;
                    if z.clone() + y.clone() == x { continue 'a; }
                    if z > y { continue 'b; }
                    s = s * 3 % 1009 + z.clone();
                }
                s += 1;
            }
            s += 100;
        }
        s
    }
    fn loop_within_a_loop_gives(n) {
        let mut x = n.clone();
        let found = 'outer: loop {
            let inner = loop {
                x += 1;
                if x.clone() % 7 == 0 { break 'outer x.clone() * 10; }
                if x.clone() % 3 == 0 { break x.clone(); }
            };
            x = inner + 1;
        };
        found + x
    }
    fn both_arms_leave(n) {
        let mut s = num(0);
        for x in range(n) {
            if x > 3 { break; } else if x.clone() % 2 == 0 { s += 10; continue; } else { s += x.clone(); }
            s = s * 2;
        }
        s
    }
    fn all_arms_return(n) {
        let mut k = n.clone();
        loop {
            k += 1;
            if k > 10 {
                if k.clone() % 2 == 0 { return k; } else { return -k; }
            }
        }
    }

    // -- what is declared late
    fn declared_and_left(n) {
        let x;
        if n > 5 { x = num(1); } else if n > 2 { return num(-7); } else { x = num(2); }
        x + n
    }
    fn first_assigned_in_what_is_guarded(n) {
        let mut s = num(0);
        for k in range(n) {
            let v;
            if k == 3 { continue; }
            v = k.clone() * 2;
            s += v;
        }
        s
    }
    fn first_assigned_in_a_later_arm(n) {
        let v;
        if n < 0 { return num(0); }
        if n == 0 { v = num(5); } else {
            let w;
            if n > 4 { w = num(8); } else { w = n.clone(); }
            v = w * 3;
        }
        v + 1
    }
    fn assigned_in_arms_of_a_match(n) {
        let v;
        match n.clone() % 3 { 0 => v = num(4), 1 => { v = n.clone(); } _ => return num(-1) }
        v * 2
    }
    fn declared_in_a_loop_that_is_left(n) {
        let mut s = num(0);
        let mut k = num(0);
        while k < n {
            k += 1;
            let v;
            if k == 2 { continue; } else if k > 6 { break; } else { v = k.clone(); }
            s += v;
        }
        s
    }
    // After an `if` whose arms both leave stands code that nothing gets to, and that assigns nothing.
    fn beyond_a_loop_that_is_left(n) {
        let v;
        let mut k = num(0);
        if n > 0 {
            while k < n { k += 1; if k > 3 { break; } else { continue; } k += 5; }
            v = k;
        } else { v = num(9); }
        v
    }
    fn assigned_where_nothing_gets(n) {
        let v;
        let mut k = num(0);
        if n > 0 {
            while k < n { k += 1; if k > 3 { return k; } else { continue; } v = k.clone(); }
            v = k;
        } else { v = num(9); }
        v
    }
    fn declared_where_nothing_gets(n) {
        let v;
        let mut k = num(0);
        if n > 0 {
            while k < n {
                k += 1;
                if k > 3 {
                    if k > 4 { break; } else { continue; }
                    let w;
                    if k > 8 { w = num(1); } else { w = num(2); }
                    k += w;
                }
            }
            v = k;
        } else { v = num(9); }
        v
    }
    fn arms_where_nothing_gets(n) {
        let v;
        if n > 0 {
            for k in range(n.clone()) {
                if k > 3 { return k; } else { break; }
                if k > 1 { v = k; } else { v = num(3); }
            }
            v = num(4);
        } else { v = num(9); }
        v
    }

    // -- shadows
    fn shadowed(n) {
        let x = n.clone();
        let mut y = num(1);
        if n > 2 { let x = num(10); y += x; let mut y = num(1000); y += 1; let _ = y; } else { y = y * 7; }
        let mut x = x + 1;
        for x in range(n.clone()) { y += x; }
        while x < 20 { let x_was = x.clone(); let n = x_was + 5; x = n; let x = num(3); y += x; }
        y * 100 + x
    }

    // -- operands borrowed and moved as people do
    fn moved_in_one_arm(n) {
        let a = n.clone() + 1;
        let b = if n > 2 { a } else { num(3) };
        let c = if b > 3 { b } else { -b };
        c
    }
    fn conditions_with_effects(n) {
        let mut k = n;
        let mut s = num(0);
        while k > 0 { k -= 1; if { s += 1; s > 8 } || k == 2 { s += 100; } }
        s
    }
}

#[test]
fn jumps_out_of_everything() {
    for n in [0, 1, 4, 7, 12] {
        expect_all!(out_of_match_in_for_in_while: (n) => host::out_of_match_in_for_in_while(n));
        expect_all!(continue_of_the_outermost: (n) => host::continue_of_the_outermost(n));
        expect_all!(loop_within_a_loop_gives: (n) => host::loop_within_a_loop_gives(n));
        expect_all!(both_arms_leave: (n) => host::both_arms_leave(n));
        expect_all!(all_arms_return: (n) => host::all_arms_return(n));
        expect_all!(shadowed: (n) => host::shadowed(n));
        expect_all!(moved_in_one_arm: (n) => host::moved_in_one_arm(n));
        expect_all!(conditions_with_effects: (n) => host::conditions_with_effects(n));
    }
    // Both ways out and the way through are taken.
    assert!(host::out_of_match_in_for_in_while(0) == 0 && host::out_of_match_in_for_in_while(12) > 1000);
}

#[test]
fn what_is_declared_late() {
    for n in [-1, 0, 1, 2, 3, 5, 6, 9] {
        expect_all!(declared_and_left: (n) => host::declared_and_left(n));
        expect_all!(first_assigned_in_what_is_guarded: (n) => host::first_assigned_in_what_is_guarded(n));
        expect_all!(first_assigned_in_a_later_arm: (n) => host::first_assigned_in_a_later_arm(n));
        expect_all!(assigned_in_arms_of_a_match: (n) => host::assigned_in_arms_of_a_match(n));
        expect_all!(declared_in_a_loop_that_is_left: (n) => host::declared_in_a_loop_that_is_left(n));
        expect_all!(beyond_a_loop_that_is_left: (n) => host::beyond_a_loop_that_is_left(n));
        expect_all!(assigned_where_nothing_gets: (n) => host::assigned_where_nothing_gets(n));
        expect_all!(declared_where_nothing_gets: (n) => host::declared_where_nothing_gets(n));
        expect_all!(arms_where_nothing_gets: (n) => host::arms_where_nothing_gets(n));
    }
}

#[graph_fn]
fn assigns_in_its_condition(n: &Tensor) -> Tensor {
    let mut k = n.clone();
    while {
        k -= 1;
        k > 3
    } {
        k = &k * 1;
    }
    k
}

#[graph_fn]
fn assigns_on_the_right(n: &Tensor) -> Tensor {
    let mut k = n.clone();
    if n > 3 && {
        k += 1;
        k > 5
    } {
        k = -k;
    }
    k
}

#[test]
fn what_is_perhaps_computed_assigns_nothing() {
    let message = said(|| assigns_in_its_condition(&i(9)).item::<i64>());
    assert!(
        message.contains("the condition of `while` assigns a variable; do that in the body"),
        "{message}"
    );
    let message = said(|| assigns_on_the_right(&i(9)).item::<i64>());
    assert!(message.contains("was kept after the trace") && message.contains("jumps.rs:"), "{message}");
}

/// A bound that nobody could count up to.
const FAR: i64 = 1 << 40;

#[graph_fn]
fn until_above(x: &Tensor, limit: &Tensor) -> Tensor {
    let mut sum = x.clone();
    for i in range(FAR) {
        if sum > limit {
            break;
        }
        sum = &sum + x * i.cast(DType::F64);
    }
    sum
}

#[test]
fn a_loop_of_known_length_ends_where_it_breaks() {
    for mode in [Mode::Eager, Mode::Lazy] {
        with_mode(mode, || {
            let (x, limit) = (Tensor::scalar(2.0f64), Tensor::scalar(100.0f64));
            // x (1 + 0 + 1 + … + 9) = 2 · 46 is no more than 100, and with 10 · 2 it is.
            assert_eq!(until_above(&x, &limit).item::<f64>(), 112.0, "{mode:?}");
            assert_eq!(grad(&x, |x| until_above(x, &limit)).item::<f64>(), 56.0, "{mode:?}");
        });
    }
}
