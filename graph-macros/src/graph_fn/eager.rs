//! The eager body: Rust's own control flow, on conditions that are read where they are tensors.

use proc_macro2::Span;
use quote::quote_spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{BinOp, Expr, Item, parse_quote};

use super::{is_host, place, take_attribute, written};

/// Lets every condition of the body be a tensor.
pub(super) struct Eager;

impl VisitMut for Eager {
    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        if is_host(expr) {
            take_attribute(expr, "host");
            return;
        }
        take_attribute(expr, "unroll");
        visit_mut::visit_expr_mut(self, expr);
        match expr {
            Expr::If(branch) => {
                let (what, place) = written(branch);
                condition(&mut branch.cond, what, place);
            }
            Expr::While(repeat) => condition(&mut repeat.cond, "while", place(&repeat.while_token)),
            _ => {}
        }
    }

    /// An item in the body is not part of the function.
    fn visit_item_mut(&mut self, _: &mut Item) {}
}

/// Wraps a condition of `what`, or each operand of a chain of `&&` and `||`, but no `let`.
fn condition(expr: &mut Expr, what: &str, place: Span) {
    match expr {
        Expr::Let(_) => {}
        Expr::Paren(inner) => condition(&mut inner.expr, what, place),
        Expr::Binary(binary) if matches!(binary.op, BinOp::And(_) | BinOp::Or(_)) => {
            condition(&mut binary.left, what, place);
            condition(&mut binary.right, what, place);
        }
        _ => {
            let read = quote_spanned!(place=> ::grafito::__private::truth(#what, #expr));
            *expr = parse_quote!(#read);
        }
    }
}
