//! `#[graph_fn]` and `#[derive(TensorTree)]`.
//!
//! Each is a pipeline: parse, check, lower, emit. All errors of an item are collected and reported at their spans, and
//! something that compiles is emitted beside them, so that editors keep working. Real behaviour lives in the runtime,
//! behind `grafito::__private`; what is emitted only binds the user's names and types to it.

#![forbid(unsafe_code)]

mod errors;
mod graph_fn;
mod tensor_tree;

use proc_macro::TokenStream;

/// Makes a function one that is traced into a graph, optimized, compiled, cached and replayed.
///
/// ```ignore
/// use grafito::prelude::*;
///
/// #[graph_fn]
/// fn scaled_sum(x: &Tensor, factor: f32) -> Tensor {
///     (x * factor).sum(..)
/// }
///
/// let x = Tensor::from([1.0f32, 2.0]);
/// assert_eq!(scaled_sum(&x, 3.0).item::<f32>(), 9.0);
/// println!("{}", scaled_sum::graph(&x, 3.0));
/// ```
///
/// Parameters are taken by value, `&` or `&mut`; tensors in them are arguments of the graph, everything else is part
/// of the signature. What a `&mut` argument holds at the end is written back. In eager mode the body runs as it stands.
///
/// Under the function's own name there are, beside the function:
///
/// | | |
/// | --- | --- |
/// | `f::graph(..)` | the traced graph for these arguments |
/// | `f::optimized(..)` | the same after all passes |
/// | `f::plan(..)` | the compiled plan, as text |
/// | `f::report(..)` | what each pass changed |
/// | `f::cache()` | signatures traced, hits, misses and why each miss |
/// | `f::expanded()` | the source that the macro emitted |
/// | `f::try_call(..)` | the call, with a failed operation as an `Error` |
///
/// For a method `m` they are associated functions `m_graph`, `m_optimized` and so on; an associated function without
/// `self` is marked `#[graph_fn(associated)]`.
#[proc_macro_attribute]
pub fn graph_fn(options: TokenStream, item: TokenStream) -> TokenStream {
    graph_fn::expand(options.into(), item.into()).into()
}

/// Makes a struct or enum a tree of tensors: something that can be an argument or a result of a `#[graph_fn]`, and
/// differentiated with respect to.
///
/// Every field must be such a tree itself: a tensor, a number, a tuple or `Vec` of trees. A field that is none, but is
/// `Hash + Eq + Clone + Debug`, takes `#[fixed]` and becomes part of the signature.
#[proc_macro_derive(TensorTree, attributes(fixed))]
pub fn tensor_tree(item: TokenStream) -> TokenStream {
    tensor_tree::expand(item.into()).into()
}
