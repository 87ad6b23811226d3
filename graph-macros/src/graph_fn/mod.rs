//! `#[graph_fn]`: parse, check, lower, emit.
//!
//! A body is lowered twice: [`eager`] leaves control flow to Rust, [`stage`] turns it into code around drivers. What
//! operators mean is routed through traits in both ([`route`]).

mod eager;
mod emit;
mod limit;
mod parse;
mod route;
#[cfg(test)]
mod size;
mod stage;
mod survey;

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::spanned::Spanned;
use syn::visit_mut::VisitMut;
use syn::{Attribute, Expr, ExprIf, ExprMatch};

use self::parse::{Function, Passing};
use crate::errors::Errors;

pub(crate) fn expand(options: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let mut function = match parse::parse(options, item.clone(), &mut errors) {
        Ok(function) => function,
        Err(error) => {
            // Not even a function: hand it back, so that the rest of the file is still understood.
            let error = error.to_compile_error();
            return quote! { #error #item };
        }
    };
    lower(&mut function, &mut errors);
    match errors.to_tokens() {
        Some(errors) => {
            let mut stub = function.original.clone();
            // What the messages ask to remove would cause further ones.
            stub.sig.constness = None;
            stub.sig.variadic = None;
            // With tensors for conditions it still makes sense, and so causes no further ones.
            *stub.block = emit::importing(&function.lowered.block);
            quote! { #errors #[allow(unused, clippy::all)] #stub }
        }
        None => emit::emit(&function),
    }
}

/// Makes the two bodies.
fn lower(function: &mut Function, errors: &mut Errors) {
    let mut mutable: Vec<String> = function
        .parameters
        .iter()
        .filter(|parameter| parameter.passing == Passing::Mut)
        .map(|parameter| parameter.ident.to_string())
        .collect();
    mutable.extend(survey::mutable_names(&function.original.block));
    let mut limited = (*function.original.block).clone();
    limit::Limits(errors).visit_block_mut(&mut limited);
    let body = |is_staged: bool| {
        let mut body = limited.clone();
        Matches.visit_block_mut(&mut body);
        route::Route { is_staged, mutable: mutable.clone() }.visit_block_mut(&mut body);
        body
    };
    let mut eager = body(false);
    eager::Eager.visit_block_mut(&mut eager);
    let staged = stage::stage(function, &body(true), errors);
    *function.lowered.block = eager;
    function.staged = staged;
}

/// Turns each `match` on literals into `if`s.
struct Matches;

impl VisitMut for Matches {
    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        if is_host(expr) {
            return;
        }
        syn::visit_mut::visit_expr_mut(self, expr);
        if let Expr::Match(choice) = expr
            && let Some(chain) = as_ifs(choice)
        {
            *expr = chain;
        }
    }
    fn visit_item_mut(&mut self, _: &mut syn::Item) {}
}

fn as_ifs(choice: &ExprMatch) -> Option<Expr> {
    stage::match_as_ifs(choice)
}

/// The place of some tokens, for emitted ones that must not be taken for the user's.
fn at(tokens: &impl Spanned) -> Span {
    Span::mixed_site().located_at(tokens.span())
}

/// The place of some tokens, as the user's own: for calls that note where they stand. (What is only located there stands,
/// for the compiler, where the attribute does.)
fn place(tokens: &impl Spanned) -> Span {
    tokens.span()
}

/// How an `if` was written, and where: as itself, or as a `match` that has become some.
fn written(branch: &ExprIf) -> (&'static str, Span) {
    if let Expr::Call(call) = &*branch.cond
        && let Expr::Path(func) = &*call.func
        && func.path.leading_colon.is_some()
        && func.path.segments.last().is_some_and(|name| name.ident == "matched")
    {
        return ("match", place(&call.func));
    }
    ("if", place(&branch.if_token))
}

/// The attributes of the expressions that may carry some of ours.
fn attributes(expr: &mut Expr) -> Option<&mut Vec<Attribute>> {
    Some(match expr {
        Expr::If(expr) => &mut expr.attrs,
        Expr::Match(expr) => &mut expr.attrs,
        Expr::While(expr) => &mut expr.attrs,
        Expr::Loop(expr) => &mut expr.attrs,
        Expr::ForLoop(expr) => &mut expr.attrs,
        Expr::Block(expr) => &mut expr.attrs,
        Expr::Closure(expr) => &mut expr.attrs,
        Expr::Unsafe(expr) => &mut expr.attrs,
        _ => return None,
    })
}

/// Whether a construct is left to Rust by `#[host]`.
fn is_host(expr: &Expr) -> bool {
    let attributes = match expr {
        Expr::If(expr) => &expr.attrs,
        Expr::Match(expr) => &expr.attrs,
        Expr::While(expr) => &expr.attrs,
        Expr::Loop(expr) => &expr.attrs,
        Expr::ForLoop(expr) => &expr.attrs,
        Expr::Block(expr) => &expr.attrs,
        Expr::Closure(expr) => &expr.attrs,
        Expr::Unsafe(expr) => &expr.attrs,
        _ => return false,
    };
    attributes.iter().any(|attribute| attribute.path().is_ident("host"))
}

/// Removes an attribute of ours.
fn take_attribute(expr: &mut Expr, name: &str) -> bool {
    attributes(expr).is_some_and(|attributes| take_attribute_of(attributes, name))
}

fn take_attribute_of(attributes: &mut Vec<Attribute>, name: &str) -> bool {
    let before = attributes.len();
    attributes.retain(|attribute| !attribute.path().is_ident(name));
    attributes.len() < before
}
