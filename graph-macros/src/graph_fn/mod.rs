//! `#[graph_fn]`: parse, check, lower, emit.

mod conditions;
mod emit;
mod parse;

use proc_macro2::TokenStream;
use quote::quote;

use crate::errors::Errors;

pub(crate) fn expand(options: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let function = match parse::parse(options, item.clone(), &mut errors) {
        Ok(function) => function,
        Err(error) => {
            // Not even a function: hand it back, so that the rest of the file is still understood.
            let error = error.to_compile_error();
            return quote! { #error #item };
        }
    };
    let function = conditions::route(function);
    match errors.to_tokens() {
        Some(errors) => {
            let mut stub = function.original.clone();
            // What the messages ask to remove would cause further ones.
            stub.sig.constness = None;
            stub.sig.variadic = None;
            quote! { #errors #[allow(unused, clippy::all)] #stub }
        }
        None => emit::emit(&function),
    }
}
