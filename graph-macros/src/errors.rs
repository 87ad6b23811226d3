//! A collection of errors, so that all of an item's are reported at once.

use proc_macro2::TokenStream;
use syn::spanned::Spanned;

#[derive(Default)]
pub(crate) struct Errors(Option<syn::Error>);

impl Errors {
    /// Notes an error at the whole of `at`.
    pub(crate) fn report(&mut self, at: &impl Spanned, message: impl std::fmt::Display) {
        self.add(syn::Error::new(at.span(), message));
    }

    /// Notes an error.
    pub(crate) fn add(&mut self, error: syn::Error) {
        match &mut self.0 {
            Some(all) => all.combine(error),
            None => self.0 = Some(error),
        }
    }

    /// The errors as tokens, if there are any.
    pub(crate) fn to_tokens(&self) -> Option<TokenStream> {
        self.0.as_ref().map(syn::Error::to_compile_error)
    }
}
