//! Conditions: where Rust needs a `bool`, a tensor gets a message that says what to do instead.

use quote::quote_spanned;
use syn::spanned::Spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{BinOp, Expr, Item, PatGuard, parse_quote};

use super::parse::Function;

/// Routes every condition of the body through `grafito::__private::host_bool`.
pub(super) fn route(mut function: Function) -> Function {
    Route.visit_block_mut(&mut function.lowered.block);
    function
}

struct Route;

impl VisitMut for Route {
    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        visit_mut::visit_expr_mut(self, expr);
        match expr {
            Expr::If(expr) => route_condition(&mut expr.cond),
            Expr::While(expr) => route_condition(&mut expr.cond),
            _ => {}
        }
    }

    fn visit_pat_guard_mut(&mut self, arm: &mut PatGuard) {
        visit_mut::visit_pat_guard_mut(self, arm);
        route_condition(&mut arm.guard);
    }

    /// An item in the body is not part of the function.
    fn visit_item_mut(&mut self, _: &mut Item) {}
}

/// Wraps a condition, or each operand of a chain of `&&` and `||`, but no `let`.
fn route_condition(condition: &mut Expr) {
    match condition {
        Expr::Let(_) => {}
        Expr::Paren(inner) => route_condition(&mut inner.expr),
        Expr::Binary(binary) if matches!(binary.op, BinOp::And(_) | BinOp::Or(_)) => {
            route_condition(&mut binary.left);
            route_condition(&mut binary.right);
        }
        _ => {
            let span = condition.span();
            let routed = quote_spanned! { span=> ::grafito::__private::host_bool(#condition) };
            *condition = parse_quote!(#routed);
        }
    }
}
