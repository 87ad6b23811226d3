//! `return`, `break` and `continue`: set a flag and leave the innermost arm.

use proc_macro2::TokenStream;
use quote::quote;
use syn::Expr;
use syn::visit_mut::VisitMut;

use super::super::survey::{self, Exit};
use super::{Results, Stager, flag, hidden, name};

impl Stager<'_> {
    /// Leaves the innermost arm without a value.
    pub(super) fn leave(&self) -> TokenStream {
        match self.frames.last() {
            Some(frame) => {
                let label = &frame.label;
                match frame.is_arm {
                    true => quote!(break #label ::std::option::Option::None),
                    false => quote!(break #label),
                }
            }
            None => quote!(::std::unreachable!("nothing here is left by a jump")),
        }
    }

    pub(super) fn jump(&mut self, expr: &mut Expr) -> Option<TokenStream> {
        let (exit, value) = match expr {
            Expr::Return(jump) => {
                let results = self.results?;
                let mut value = jump.expr.take().map_or_else(|| syn::parse_quote!(()), |value| *value);
                self.moved(&mut value);
                self.visit_expr_mut(&mut value);
                let (slot, span) = (hidden("__slot"), super::super::place(&jump.return_token));
                let put = match results {
                    Results::Function => {
                        let results = hidden("__results");
                        let put = quote::quote_spanned!(span=> put(&mut #slot, #value));
                        quote!(#results.#put;)
                    }
                    Results::Closure => quote!(#slot.put(#value);),
                };
                (Exit::Return, put)
            }
            Expr::Break(jump) => {
                let Some(target) = survey::target(&self.loops, jump.label.as_ref()).cloned() else {
                    if jump.label.is_some() {
                        self.refuse(
                            jump,
                            "this label is not of a loop that is converted; use a flag, or a function",
                        );
                    }
                    return None;
                };
                let put = match jump.expr.take() {
                    Some(mut value) => {
                        self.moved(&mut value);
                        self.visit_expr_mut(&mut value);
                        let slot = name("value", target.id);
                        quote!(#slot.put(#value);)
                    }
                    None => TokenStream::new(),
                };
                (Exit::Break(target.id), put)
            }
            Expr::Continue(jump) => {
                let target = survey::target(&self.loops, jump.label.as_ref())?;
                (Exit::Continue(target.id), TokenStream::new())
            }
            _ => return None,
        };
        let (flag, leave) = (flag(exit), self.leave());
        Some(quote!({ #value #flag.set(); #leave }))
    }
}
