//! `#[max_iterations(n)]` before a loop: it counts its iterations, and fails where there are more.

use proc_macro2::{Ident, Span};
use quote::quote_spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{Attribute, Block, Expr, Item, parse_quote};

use super::place;
use crate::errors::Errors;

/// Lets the loops of a body that carry the attribute count.
pub(super) struct Limits<'e>(pub(super) &'e mut Errors);

impl VisitMut for Limits<'_> {
    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        visit_mut::visit_expr_mut(self, expr);
        let (attributes, what, body) = match expr {
            Expr::While(repeat) => (&mut repeat.attrs, "while", &mut repeat.body),
            Expr::Loop(repeat) => (&mut repeat.attrs, "loop", &mut repeat.body),
            Expr::ForLoop(repeat) => (&mut repeat.attrs, "for", &mut repeat.body),
            _ => return,
        };
        let Some(index) = attributes.iter().position(|attribute| attribute.path().is_ident("max_iterations"))
        else {
            return;
        };
        let attribute = attributes.remove(index);
        if self.count(&attribute, what, body) {
            let iterations = counter();
            *expr = parse_quote!({
                let mut #iterations = ::grafito::__private::Iterations::new();
                #expr
            });
        }
    }

    /// An item in the body is not part of the function.
    fn visit_item_mut(&mut self, _: &mut Item) {}
}

/// The variable that counts.
fn counter() -> Ident {
    Ident::new("__iterations", Span::mixed_site())
}

impl Limits<'_> {
    fn count(&mut self, attribute: &Attribute, what: &str, body: &mut Block) -> bool {
        match attribute.parse_args::<Expr>() {
            Ok(limit) => {
                let span = place(attribute);
                let iterations = counter();
                let next = quote_spanned!(span=> #iterations.next(#what, #limit));
                body.stmts.insert(0, parse_quote!(#next;));
                true
            }
            Err(_) => {
                self.0.report(attribute, "say how many iterations there may be: `#[max_iterations(100)]`");
                false
            }
        }
    }
}
