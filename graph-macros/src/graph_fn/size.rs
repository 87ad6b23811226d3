//! How much is emitted: in proportion to the source, and to the depth of nesting for the lists of variables.

use proc_macro2::{TokenStream, TokenTree};
use quote::quote;

fn size(tokens: TokenStream) -> usize {
    let size_of = |token| match token {
        TokenTree::Group(group) => size(group.stream()) + 2,
        _ => 1,
    };
    tokens.into_iter().map(size_of).sum()
}

/// The size of what is emitted for a function of this body.
fn emitted(body: TokenStream) -> usize {
    let function = quote! {
        fn f(x: &Tensor) -> Tensor {
            let mut y = x.clone();
            #body
            y
        }
    };
    size(super::expand(TokenStream::new(), function))
}

fn nested(depth: usize) -> TokenStream {
    (0..depth).fold(quote!(y += 1;), |inner, _| {
        quote! {
            while y < 10 {
                if y > 3 { #inner } else { y -= 1; }
            }
        }
    })
}

fn in_a_row(count: usize) -> TokenStream {
    let one = quote! {
        for row in x {
            if y > 3 { break; }
            y += row;
        }
    };
    (0..count).map(|_| one.clone()).collect()
}

#[test]
fn a_level_of_nesting_adds_what_the_one_before_added() {
    let sizes: Vec<usize> = [5, 10, 20].map(|depth| emitted(nested(depth))).to_vec();
    let (first, second) = (sizes[1] - sizes[0], sizes[2] - sizes[1]);
    assert!(second < 3 * first, "{sizes:?}");
}

#[test]
fn a_loop_more_adds_what_the_one_before_added() {
    let sizes: Vec<usize> = [10, 20, 40].map(|count| emitted(in_a_row(count))).to_vec();
    let (first, second) = (sizes[1] - sizes[0], sizes[2] - sizes[1]);
    assert!(10 * second < 21 * first, "{sizes:?}");
}

/// What follows something that may leave is an arm within an arm, each of which lists the flags.
#[test]
fn jumps_one_after_the_other_do_not_multiply() {
    let jumps = |count: usize| -> TokenStream {
        let guarded = (0..count).map(|_| quote!(if y > 3 { break; } y += 1;));
        quote!(while y < 10 { #(#guarded)* })
    };
    let sizes: Vec<usize> = [5, 10, 20].map(|count| emitted(jumps(count))).to_vec();
    let (first, second) = (sizes[1] - sizes[0], sizes[2] - sizes[1]);
    assert!(second < 3 * first, "{sizes:?}");
}
