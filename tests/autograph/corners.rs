//! Programs that corner the conversion: jumps out of everything, what leaves early, what is declared late, shadows,
//! errors, methods, generics, threads, axes of length zero.

use std::panic::AssertUnwindSafe;
use std::sync::Barrier;

use grafito::prelude::*;
use grafito::{checkpoint, range};

use crate::support::{both, expect_all, ints, on_integers};

fn i(value: i64) -> Tensor {
    Tensor::scalar(value)
}

/// What lazy mode says of a call.
#[track_caller]
fn said<R: std::fmt::Debug>(call: impl FnOnce() -> R) -> String {
    with_mode(Mode::Lazy, || grafito::catch(AssertUnwindSafe(call)))
        .expect_err("it cannot be staged")
        .to_string()
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
    assert!(message.contains("was kept after the trace") && message.contains("corners.rs:"), "{message}");
}

// -- what is returned early ------------------------------------------------------------------------------------------

#[derive(Clone, Debug, TensorTree)]
struct Found {
    at: (Tensor, Tensor),
    is_found: Tensor,
}

#[graph_fn]
fn find(rows: &Tensor, value: &Tensor) -> Found {
    for (r, row) in rows.rows().enumerate() {
        for (c, x) in row.rows().enumerate() {
            if &x == value {
                return Found { at: (r, c), is_found: Tensor::scalar(true) };
            }
        }
    }
    Found { at: (i(-1), i(-1)), is_found: Tensor::scalar(false) }
}

#[graph_fn]
fn smaller_first(a: &Tensor, b: &Tensor) -> (Tensor, [Tensor; 2]) {
    if a < b {
        return (a.clone(), [a.clone(), b.clone()]);
    }
    (b.clone(), [b.clone(), a.clone()])
}

#[test]
fn trees_are_returned_early() {
    let rows = Tensor::from([[1i64, 2], [3, 4]]);
    let at = |value: i64| {
        both(|| {
            let found = find(&rows, &i(value));
            (found.at.0.item::<i64>(), found.at.1.item::<i64>(), found.is_found.item::<bool>())
        })
    };
    assert_eq!((at(3), at(2), at(9)), ((1, 0, true), (0, 1, true), (-1, -1, false)));
    let of = |a: i64, b: i64| {
        both(|| {
            let (least, [first, second]) = smaller_first(&i(a), &i(b));
            (least.item::<i64>(), first.item::<i64>(), second.item::<i64>())
        })
    };
    assert_eq!((of(1, 2), of(4, 3)), ((1, 1, 2), (3, 3, 4)));
}

// -- errors ----------------------------------------------------------------------------------------------------------

#[graph_fn]
fn parsed(x: &Tensor, step: String, is_doubled: bool) -> Result<Tensor, std::num::ParseIntError> {
    let mut x = x.clone();
    let first: i64 = step.parse()?;
    while x < 10 {
        let by: i64 = step.parse()?;
        x += by;
    }
    if x > 12 {
        return Ok(-x);
    }
    if is_doubled {
        let factor: i64 = "2".parse()?;
        return Ok(x * factor);
    }
    Ok(x + first)
}

/// `?` on what the host knows is Rust's, also where a tensor decides whether the code around it runs.
#[test]
fn question_marks_on_host_results() {
    let of = |x: i64, step: &str, is_doubled| {
        both(|| {
            parsed(&i(x), step.to_owned(), is_doubled).map(|x| x.item::<i64>()).map_err(|e| e.to_string())
        })
    };
    assert_eq!(of(1, "3", false), Ok(13));
    assert_eq!(of(1, "3", true), Ok(20));
    assert_eq!(of(1, "6", true), Ok(-13));
    assert_eq!(of(1, "three", true), Err("invalid digit found in string".to_owned()));
}

#[graph_fn]
fn fails_in_a_loop(x: &Tensor, text: String) -> Result<Tensor, std::num::ParseIntError> {
    let mut x = x.clone();
    while x < 10 {
        let by: i64 = text.parse()?;
        x += by;
    }
    Ok(x)
}

/// Whether an error is returned from a loop's body depends on whether the loop has an iteration.
#[test]
fn a_question_mark_that_a_tensor_decides() {
    let eager = |x: i64| with_mode(Mode::Eager, || fails_in_a_loop(&i(x), "three".to_owned()).is_err());
    assert!(eager(1) && !eager(20));
    let message = said(|| fails_in_a_loop(&i(20), "three".to_owned()).map(|x| x.item::<i64>()));
    assert!(message.contains("this `Err`") && message.contains("corners.rs:"), "{message}");
    // Nothing is left open behind it.
    assert_eq!(with_mode(Mode::Lazy, || fails_in_a_loop(&i(1), "4".to_owned()).unwrap().item::<i64>()), 13);
}

// -- generics and methods --------------------------------------------------------------------------------------------

trait Advance: TensorTree + Send + Sync + 'static {
    const LIMIT: i64;
    fn advance(&self, x: &Tensor) -> Tensor;
}

#[derive(Clone, Debug, TensorTree)]
struct Adds(Tensor);

#[derive(Clone, Debug, TensorTree)]
struct Multiplies {
    by: Tensor,
}

impl Advance for Adds {
    const LIMIT: i64 = 10;
    fn advance(&self, x: &Tensor) -> Tensor {
        x + &self.0
    }
}

impl Advance for Multiplies {
    const LIMIT: i64 = 100;
    fn advance(&self, x: &Tensor) -> Tensor {
        x * &self.by
    }
}

#[graph_fn]
fn advanced<A: Advance, const N: usize>(by: &A, xs: &[Tensor; N]) -> Tensor {
    let mut total = i(0);
    for x in xs {
        let mut x = x.clone();
        while x < A::LIMIT {
            x = by.advance(&x);
        }
        total += x;
    }
    total
}

#[derive(Clone, Debug, TensorTree)]
struct Position {
    x: Tensor,
    y: Tensor,
}

#[derive(Clone, Debug, TensorTree)]
struct Walker {
    position: Position,
    steps: Tensor,
    trail: Vec<Tensor>,
    #[fixed]
    stride: i64,
}

impl Walker {
    /// Walks to the right and, whenever it has come to the edge, up; until it is out of steps or high enough.
    #[graph_fn]
    fn walk(&mut self, width: &Tensor, height: &Tensor) -> Tensor {
        while self.steps > 0 {
            self.steps -= 1;
            self.position.x += self.stride;
            if &self.position.x >= width {
                self.position.x = i(0);
                self.climb();
                if &self.position.y >= height {
                    return i(-1);
                }
                continue;
            }
            let last = self.trail.len() - 1;
            self.trail[last] = &self.position.x + 0;
        }
        self.position.x.clone()
    }

    fn climb(&mut self) {
        self.position.y += 1;
        self.trail[0] += 10;
    }
}

#[test]
fn generics_and_methods() {
    let of = |a: i64, b: i64| {
        both(|| {
            let xs = [i(1), i(3)];
            (advanced(&Adds(i(a)), &xs).item::<i64>(), advanced(&Multiplies { by: i(b) }, &xs).item::<i64>())
        })
    };
    assert_eq!(of(4, 3), (13 + 11, 243 + 243));
    let walk = |steps: i64| {
        both(|| {
            let position = Position { x: i(0), y: i(0) };
            let mut walker = Walker { position, steps: i(steps), trail: vec![i(0), i(0)], stride: 2 };
            let result = walker.walk(&i(5), &i(3)).item::<i64>();
            let Walker { position, steps, trail, .. } = walker;
            [result, position.x.item(), position.y.item(), steps.item(), trail[0].item(), trail[1].item()]
        })
    };
    assert_eq!(walk(0), [0, 0, 0, 0, 0, 0]);
    assert_eq!(walk(5), [4, 4, 1, 0, 10, 4]);
    assert_eq!(walk(20), [-1, 0, 3, 11, 30, 4]);
}

// -- threads ---------------------------------------------------------------------------------------------------------

#[graph_fn]
fn contended(n: &Tensor) -> Tensor {
    let mut n = n.clone();
    let mut steps = i(0);
    loop {
        if n == 1 {
            return steps;
        }
        if &n % 2 == 0 {
            n /= 2
        } else {
            n = n * 3 + 1
        }
        steps += 1;
    }
}

/// The first call is made by several threads at once.
#[test]
fn threads_that_race_to_the_first_call() {
    const THREADS: usize = 4;
    let barrier = Barrier::new(THREADS);
    let call = |thread: i64| {
        with_mode(Mode::Lazy, || {
            barrier.wait();
            (0..50).map(|x| contended(&i(27 + (thread + x) % 2)).item::<i64>()).collect::<Vec<_>>()
        })
    };
    let results: Vec<Vec<i64>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|thread| scope.spawn(move || call(thread as i64))).collect();
        threads.into_iter().map(|thread| thread.join().expect("it ends")).collect()
    });
    for (thread, result) in results.iter().enumerate() {
        let expected: Vec<i64> = (0..50).map(|x| [111, 18][(thread + x) % 2]).collect();
        assert_eq!(*result, expected);
    }
    assert_eq!(contended::cache().signatures.len(), 1, "{}", contended::cache());
}

// -- closures --------------------------------------------------------------------------------------------------------

#[graph_fn]
fn closures_of_counters(n: &Tensor) -> Tensor {
    let mut s = i(0);
    for a in range(n) {
        let of_a = |x: &Tensor| x * 10 + &a;
        let mut b = i(0);
        while b < 2 {
            let of_both = |x: i64| of_a(&b) * x;
            s += of_both(2);
            b += 1;
        }
        let pick = |x: &Tensor| {
            if x > 1 {
                return x.clone();
            }
            -x
        };
        s = s * 3 + pick(&a);
    }
    s
}

#[graph_fn]
fn changed_by_a_closure(n: &Tensor) -> Tensor {
    let mut s = i(0);
    let mut add = |x: &Tensor| s = &s + x;
    for x in range(n) {
        add(&x);
    }
    s
}

#[test]
fn closures_of_what_loops_change() {
    let expected =
        |n: i64| (0..n).fold(0, |s, a| (s + 2 * a + 2 * (10 + a)) * 3 + if a > 1 { a } else { -a });
    for n in [0, 1, 4] {
        assert_eq!(both(|| closures_of_counters(&i(n)).item::<i64>()), expected(n));
    }
    let message = said(|| changed_by_a_closure(&i(3)).item::<i64>());
    assert!(message.contains("`add` may change in this `for`"), "{message}");
}

/// A gradient by what the closure captures would be lost, so that it is an error.
#[test]
fn a_checkpoint_captures_nothing() {
    let x = Tensor::scalar(2.0f64);
    for mode in [Mode::Eager, Mode::Lazy] {
        with_mode(mode, || {
            let of_both = |(x, w): &(Tensor, Tensor)| (x * w).sin();
            let (dx, dw) = grad(&(x.clone(), x.clone()), |both| checkpoint(both, of_both));
            assert_eq!(dx.item::<f64>(), dw.item::<f64>());
            let captured = grafito::catch(AssertUnwindSafe(|| {
                grad(&x, |w| checkpoint(&x, |x| (x * w).sin())).item::<f64>()
            }));
            let message = captured.expect_err("`w` is captured").to_string();
            for part in ["trace of `value_and_grad`", "pass it as an argument", "corners.rs:"] {
                assert!(message.contains(part), "{mode:?}: `{part}` is not in: {message}");
            }
        });
    }
}

// -- axes of length zero ---------------------------------------------------------------------------------------------

#[graph_fn]
fn along_nothing(xs: &Tensor, w: &Tensor) -> Tensor {
    let mut h = w * 1.0;
    for (x, _) in xs.rows().zip(xs.rows()) {
        if x.sum(..) > 5.0 {
            break;
        }
        h = &h * w + x.sum(..);
    }
    h
}

#[graph_fn]
fn slope_along(xs: &Tensor, w: &Tensor) -> Tensor {
    grad(w, |w| along_nothing(xs, w))
}

#[test]
fn rows_that_are_none_or_empty() {
    let w = Tensor::scalar(3.0f64);
    let at = |shape: [usize; 2]| {
        let xs = Tensor::ones(shape, DType::F64);
        both(|| (along_nothing(&xs, &w).item::<f64>(), slope_along(&xs, &w).item::<f64>()))
    };
    assert_eq!(at([0, 4]), (3.0, 1.0));
    assert_eq!(at([2, 0]), (27.0, 27.0));
    assert_eq!(at([1, 4]), (13.0, 6.0));
    assert_eq!(at([1, 6]), (3.0, 1.0), "left in the first iteration");
    assert_eq!(at([0, 0]), (3.0, 1.0));
    assert_eq!(both(|| along_nothing(&ints(&[]).cast(DType::F64), &w).item::<f64>()), 3.0);
}
