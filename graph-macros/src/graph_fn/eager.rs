//! The eager body: Rust's own control flow, on conditions that are read where they are tensors.

use quote::quote_spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{BinOp, Expr, Item, parse_quote};

use super::{at, is_host, take_attribute};

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
            Expr::If(branch) => condition(&mut branch.cond),
            Expr::While(repeat) => condition(&mut repeat.cond),
            _ => {}
        }
    }

    /// An item in the body is not part of the function.
    fn visit_item_mut(&mut self, _: &mut Item) {}
}

/// Wraps a condition, or each operand of a chain of `&&` and `||`, but no `let`.
fn condition(expr: &mut Expr) {
    match expr {
        Expr::Let(_) => {}
        Expr::Paren(inner) => condition(&mut inner.expr),
        Expr::Binary(binary) if matches!(binary.op, BinOp::And(_) | BinOp::Or(_)) => {
            condition(&mut binary.left);
            condition(&mut binary.right);
        }
        _ => {
            let span = at(&*expr);
            let read = quote_spanned!(span=> ::grafito::__private::truth(#expr));
            *expr = parse_quote!(#read);
        }
    }
}
