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

fn main() {
    let x = Tensor::scalar(1.0f32);
    let mut net = Net::made(&x, ());
    net.private(net.public(&x));
    let mut y = private(public(&x, &Choice::Empty), (1, ""), &net);
    many(1, 2, 3, 4, 5, 6, 7, 8, &mut y);
    println!("{}", inner::halfway(&undocumented(&y)));
}
