//! Programs that corner the conversion: what leaves early, errors, methods, generics, threads, closures, axes of length
//! zero.

use std::panic::AssertUnwindSafe;
use std::sync::Barrier;

use grafito::prelude::*;
use grafito::{checkpoint, range};

use crate::support::{both, ints, said};

fn i(value: i64) -> Tensor {
    Tensor::scalar(value)
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

// -- what arms tell each other ---------------------------------------------------------------------------------------

/// Each arm leaves something of its type to the other.
#[graph_fn]
fn types_from_either_side(x: &Tensor, n: i32) -> (Tensor, f32, Vec<Tensor>, Option<Tensor>) {
    let (a, b);
    let scale = if n > 0 {
        b = 1;
        0.5
    } else {
        b = 2i64;
        f32::from(i8::MAX)
    };
    let all = if n > 0 { Vec::new() } else { vec![x.clone()] };
    let one = if n > 0 {
        Some(x * b)
    } else if n < -1 {
        None
    } else {
        panic!("minus one or zero")
    };
    if x.sum(..) > 0 {
        a = x.clone()
    } else {
        a = -x
    }
    (a, scale, all, one)
}

#[test]
fn the_type_of_an_arm_may_be_known_from_the_other() {
    for (n, scale, len, one) in [(1, 0.5, 0, Some(-4i64)), (-2, 127.0, 1, None)] {
        let (a, found, all, some) = both(|| {
            let (a, found, all, some) = types_from_either_side(&i(-4), n);
            (a.item::<i64>(), found, all.len(), some.map(|x| x.item::<i64>()))
        });
        assert_eq!((a, found, all, some), (4, scale, len, one));
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

#[graph_fn]
fn names_that_updates_might_use(__value: &Tensor) -> Tensor {
    let mut __part = __value.clone();
    __part[0] += 1;
    let mut __value = __part.clone();
    __value[1] *= 5;
    __value
}

#[test]
fn an_update_takes_no_name_from_the_user() {
    for mode in [Mode::Eager, Mode::Lazy] {
        let updated =
            with_mode(mode, || names_that_updates_might_use(&Tensor::from([1i64, 2])).to_vec::<i64>());
        assert_eq!(updated, [2, 10], "{mode:?}");
    }
}
