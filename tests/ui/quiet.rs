//! What is emitted causes no warning of its own. The one error is deliberate: it shows that the lints are looked at.

#![deny(warnings, missing_docs, unreachable_pub, missing_debug_implementations, missing_copy_implementations)]
#![deny(unused, nonstandard_style, rust_2018_idioms, single_use_lifetimes, unused_qualifications)]
#![deny(unused_lifetimes, let_underscore_drop, trivial_casts, trivial_numeric_casts, unused_results)]
#![deny(variant_size_differences, elided_lifetimes_in_paths, explicit_outlives_requirements)]

use grafito::prelude::*;

/// A net.
#[derive(Clone, Debug, TensorTree)]
pub struct Net<T> {
    /// Its weight.
    pub weight: Tensor,
    /// Something more.
    pub rest: T,
    #[fixed]
    size: usize,
}

/// An enum.
#[derive(Clone, Debug, TensorTree)]
pub enum Choice {
    /// Nothing.
    Empty,
    /// Something.
    Full {
        /// What.
        value: Tensor,
    },
}

impl<T: TensorTree + Send + Sync + 'static> Net<T> {
    /// A method.
    #[graph_fn]
    pub fn public(&self, x: &Tensor) -> Tensor {
        x * &self.weight
    }

    #[graph_fn]
    fn private(&mut self, x: Tensor) {
        self.weight += x * self.size;
    }

    /// An associated function.
    #[graph_fn(associated)]
    #[must_use]
    pub fn made(x: &Tensor, rest: T) -> Self {
        Net { weight: x.clone(), rest, size: 1 }
    }
}

/// A function.
#[graph_fn]
pub fn public(x: &Tensor, choice: &Choice) -> Tensor {
    match choice {
        Choice::Empty => x.clone(),
        Choice::Full { value } => x + value,
    }
}

#[graph_fn]
fn private<T: TensorTree>(mut x: Tensor, (a, _): (i64, &'static str), tree: &T) -> Tensor {
    let _tree = tree;
    x += a;
    x
}

#[graph_fn]
#[allow(unused_variables, clippy::too_many_arguments)]
fn many(a: i8, b: i8, c: i8, d: i8, e: i8, f: i8, g: i8, h: i8, x: &mut Tensor) {}

mod inner {
    use grafito::prelude::*;

    #[graph_fn]
    pub(crate) fn halfway(x: &Tensor) -> Tensor {
        x.clone()
    }
}

#[graph_fn]
pub fn undocumented(x: &Tensor) -> Tensor {
    x.clone()
}

// -- each construct of the table in docs/control-flow.md

#[graph_fn]
fn branches(x: &Tensor, is_host: bool) -> Tensor {
    let y;
    if is_host { y = x + 1 } else { y = x - 1 }
    let mut z = if x > 0 { x * 2 } else if x > -5 { x * 3 } else { return -x };
    if y > 3 {
        z += 1;
    }
    if z > 9 && y < 3 || !is_host {
        z = y;
    }
    z
}

#[graph_fn]
fn loops(xs: &Tensor, n: &Tensor, names: Vec<String>) -> Tensor {
    let mut s = Tensor::scalar(0i64);
    'rows: for (i, x) in xs.rows().enumerate() {
        for y in 0..n.clone() {
            if y == 2 {
                continue;
            }
            if y > 5 {
                continue 'rows;
            }
            s += &x * &y;
        }
        if i > 4 {
            break;
        }
    }
    for name in &names {
        s += name.len();
    }
    for (number, name) in names.iter().enumerate() {
        if name.is_empty() {
            continue;
        }
        s += number;
    }
    while s > 100 {
        s /= 2;
    }
    #[max_iterations(50)]
    while s > 50 {
        s -= 1;
    }
    let found = loop {
        s += 7;
        if &s % 3 == 0 {
            break s.clone();
        }
    };
    loop {
        s += 1;
        if &s % 5 == 0 {
            return s + found;
        }
    }
}

#[graph_fn]
fn matches(n: &Tensor, choice: &Choice, kind: u8, is_big: bool) -> Tensor {
    let a = match n {
        0 => n.clone(),
        1 | 2 => n * 2,
        -1 => {
            let twice = n * 2;
            twice + 1
        }
        _ => return n * 7,
    };
    let b = match is_big {
        true => &a * 10,
        false => a.clone(),
    };
    match kind {
        0 => {
            if a > b {
                return a;
            }
        }
        1 => return b,
        _ => {}
    }
    match choice {
        Choice::Empty => a,
        Choice::Full { value } if kind > 2 => value + b,
        Choice::Full { value } => value.clone(),
    }
}

#[graph_fn]
fn left_to_rust(x: &Tensor, text: String, mut rest: Vec<i64>) -> Result<Tensor, std::num::ParseIntError> {
    let mut x = x.clone();
    let Some(first) = rest.first().copied() else { return Ok(x) };
    if let Some(last) = rest.last() {
        x += *last;
    }
    while let Some(number) = rest.pop() {
        if number > 3 {
            break;
        }
        x += number;
    }
    while x < 10 {
        let by: i64 = text.parse()?;
        x += by;
    }
    #[host]
    if first > 3 {
        return Ok(x);
    }
    #[unroll]
    for row in [1i64, 2].map(Tensor::scalar) {
        x += row;
    }
    Ok(x)
}

#[graph_fn]
fn indices(xs: &Tensor, at: &Tensor) -> Tensor {
    let mut out = xs.clone();
    for i in range(3) {
        out[&i] = xs[0] * 2;
        out[i] += 1;
    }
    out[1..3] = xs[0..2] + &out[0];
    out[at] += 1;
    out
}

#[graph_fn]
fn effects(xs: &Tensor) -> Vec<Tensor> {
    let mut all = Vec::new();
    assert!(xs.sum(..) > 0, "a sum of {}", xs.sum(..));
    assert_eq!(xs, xs);
    assert_ne!(xs.sum(..), 7);
    for x in xs {
        println!("{x}");
        eprintln!("{x}");
        print!("{x}");
        eprint!("{x}");
        all.push(dbg!(x));
    }
    all
}

#[graph_fn]
fn calls(x: &Tensor, depth: u8) -> Tensor {
    let shifted = |by: i64| {
        if x > by {
            return x + by;
        }
        x - by
    };
    if depth > 0 {
        return calls(&shifted(1), depth - 1);
    }
    branches(&shifted(2), true)
}

fn constructs(x: &Tensor) {
    let xs = Tensor::from([1i64, 2, 3]);
    println!("{}", loops(&xs, &branches(x, true), vec![]));
    println!("{} {:?}", matches(x, &Choice::Empty, 1, true), left_to_rust(x, String::new(), vec![]));
    println!("{} {:?} {}", indices(&xs, x), effects(&xs), calls(x, 2));
}

fn main() {
    constructs(&Tensor::scalar(1i64));
    let x = Tensor::scalar(1.0f32);
    let mut net = Net::made(&x, ());
    net.private(net.public(&x));
    let mut y = private(public(&x, &Choice::Empty), (1, ""), &net);
    many(1, 2, 3, 4, 5, 6, 7, 8, &mut y);
    println!("{}", inner::halfway(&undocumented(&y)));
}
