//! Routing: what an operator means is left to traits, since a macro does not know types.
//!
//! Comparisons, `&&`, `||`, `x[i]`, ranges in `for` and the printing and asserting macros become calls into the
//! runtime, which does what Rust does for host values. Nothing here changes which way control flows.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::punctuated::Punctuated;
use syn::visit_mut::{self, VisitMut};
use syn::{BinOp, Expr, ExprMacro, Item, Lit, Macro, PatGuard, RangeLimits, Stmt, Token, parse_quote};

use super::{at, is_host, place, survey};

/// Routes the operators of a body; `is_staged` where tensors may have no values.
pub(super) struct Route {
    pub(super) is_staged: bool,
    /// Variables that may be changed through: an index on one in front of a method stays Rust's.
    pub(super) mutable: Vec<String>,
}

impl VisitMut for Route {
    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        if is_host(expr) {
            return;
        }
        // Before what is in it is lowered: after that it may begin with emitted code.
        let (span, place) = (at(&*expr), place(&*expr));
        match expr {
            // The place of an assignment, and of `&mut`, is no value.
            Expr::Assign(assign) => {
                self.visit_expr_mut(&mut assign.right);
                self.visit_place(&mut assign.left);
            }
            Expr::Reference(reference) if reference.mutability.is_some() => {
                self.visit_place(&mut reference.expr);
            }
            Expr::Binary(binary) if survey::is_assignment(&binary.op) => {
                self.visit_expr_mut(&mut binary.right);
                self.visit_place(&mut binary.left);
            }
            Expr::MethodCall(call) => {
                let is_mutable =
                    survey::root(&call.receiver).is_some_and(|root| self.mutable.contains(&root.to_string()));
                if is_mutable && matches!(&*call.receiver, Expr::Index(_)) {
                    self.visit_place(&mut call.receiver);
                } else {
                    self.visit_expr_mut(&mut call.receiver);
                }
                call.args.iter_mut().for_each(|arg| self.visit_expr_mut(arg));
            }
            Expr::ForLoop(for_loop) => {
                self.visit_block_mut(&mut for_loop.body);
                if !self.range(&mut for_loop.expr) {
                    self.visit_expr_mut(&mut for_loop.expr);
                }
            }
            _ => visit_mut::visit_expr_mut(self, expr),
        }
        match expr {
            Expr::Binary(binary) => {
                if let Some(routed) = binary_operator(binary, span, place) {
                    *expr = routed;
                }
            }
            Expr::Index(index) => {
                let (base, position) = (&index.expr, &index.index);
                *expr = parse_quote_at({
                    let read = quote_spanned!(place=> __grafito_at(#position));
                    quote_spanned!(span=> *(#base).#read)
                });
            }
            Expr::Assign(assign) if matches!(&*assign.left, Expr::Index(_)) => {
                let Expr::Index(index) = &*assign.left else { unreachable!("matched above") };
                let (base, position, value) = (&index.expr, &index.index, &assign.right);
                let set = quote_spanned!(place=> __grafito_set(#position, #value));
                let set = quote_spanned!(span=> (#base).#set);
                *expr = parse_quote_at(set);
            }
            Expr::Macro(call) => {
                if let Some(routed) = self.macro_call(&call.mac, span, place) {
                    *expr = routed;
                }
            }
            _ => {}
        }
    }

    fn visit_stmt_mut(&mut self, stmt: &mut Stmt) {
        if let Stmt::Macro(call) = stmt {
            let expr = Expr::Macro(ExprMacro { attrs: call.attrs.clone(), mac: call.mac.clone() });
            let (span, place) = (at(&expr), place(&expr));
            if let Some(routed) = self.macro_call(&call.mac, span, place) {
                *stmt = Stmt::Expr(routed, call.semi_token);
            }
            return;
        }
        visit_mut::visit_stmt_mut(self, stmt);
    }

    fn visit_pat_guard_mut(&mut self, arm: &mut PatGuard) {
        visit_mut::visit_pat_guard_mut(self, arm);
        let (guard, span) = (&arm.guard, at(&arm.guard));
        let routed = quote_spanned!(span=> ::grafito::__private::host_bool(#guard));
        *arm.guard = parse_quote_at(routed);
    }

    /// An item in the body is not part of the function.
    fn visit_item_mut(&mut self, _: &mut Item) {}
}

impl Route {
    /// The expressions within a place, but not the place itself.
    fn visit_place(&mut self, place: &mut Expr) {
        match place {
            Expr::Index(index) => {
                self.visit_place(&mut index.expr);
                self.visit_expr_mut(&mut index.index);
            }
            Expr::Field(field) => self.visit_place(&mut field.base),
            Expr::Paren(paren) => self.visit_place(&mut paren.expr),
            Expr::Path(_) => {}
            Expr::Tuple(places) => places.elems.iter_mut().for_each(|place| self.visit_place(place)),
            Expr::Array(places) => places.elems.iter_mut().for_each(|place| self.visit_place(place)),
            _ => self.visit_expr_mut(place),
        }
    }

    /// A range that a `for` walks along, unless both its bounds are literals.
    fn range(&mut self, expr: &mut Expr) -> bool {
        if let Expr::Paren(paren) = expr {
            return self.range(&mut paren.expr);
        }
        let place = place(&*expr);
        let Expr::Range(range) = expr else { return false };
        let (Some(start), Some(end)) = (&mut range.start, &mut range.end) else { return false };
        if matches!((&**start, &**end), (Expr::Lit(_), Expr::Lit(_))) {
            return false;
        }
        self.visit_expr_mut(start);
        self.visit_expr_mut(end);
        let method = match range.limits {
            RangeLimits::HalfOpen(_) => quote_spanned!(place=> range),
            RangeLimits::Closed(_) => quote_spanned!(place=> range_inclusive),
        };
        *expr =
            parse_quote_at(quote_spanned!(place=> ::grafito::__private::Bounds::new(#start, #end).#method()));
        true
    }

    /// The standard macros that look at values.
    fn macro_call(&mut self, call: &Macro, span: Span, place: Span) -> Option<Expr> {
        let name = call.path.segments.last()?.ident.to_string();
        let parsed = call.parse_body_with(Punctuated::<Expr, Token![,]>::parse_terminated).ok()?;
        let written: Vec<Expr> = parsed.into_iter().collect();
        let mut arguments = written.clone();
        for argument in &mut arguments {
            match argument {
                // `name = value`
                Expr::Assign(named) => self.visit_expr_mut(&mut named.right),
                _ => self.visit_expr_mut(argument),
            }
        }
        let path = &call.path;
        let said: Vec<String> = written.iter().map(|argument| quote!(#argument).to_string()).collect();
        Some(parse_quote_at(match name.as_str() {
            "println" | "print" | "eprintln" | "eprint" if self.is_staged => {
                let is_line = name.ends_with("ln");
                let is_error = name.starts_with('e');
                let text = text(&arguments, span);
                quote_spanned!(span=> ::grafito::__private::print(#is_error, #is_line, || #text))
            }
            "dbg" if self.is_staged && !arguments.is_empty() => {
                let dbg = |(said, value)| quote_spanned!(place=> ::grafito::__private::dbg(#said, #value));
                let values: Vec<TokenStream> = said.iter().zip(&arguments).map(dbg).collect();
                match &values[..] {
                    [value] => value.clone(),
                    values => quote!((#(#values),*)),
                }
            }
            "assert" | "debug_assert" => {
                let (condition, message) = arguments.split_first()?;
                let said = format!("assertion failed: {}", said[0]);
                let text = if message.is_empty() { quote!(#said.to_owned()) } else { text(message, span) };
                let text = quote_spanned!(span=> || -> ::std::string::String { #text });
                let check = quote_spanned!(place=> ::grafito::__private::check(#condition, #text));
                debug_only(&name, check)
            }
            "assert_eq" | "assert_ne" | "debug_assert_eq" | "debug_assert_ne" => {
                let [left, right, message @ ..] = &arguments[..] else { return None };
                let (is_equal, sign) = (name.ends_with("eq"), if name.ends_with("eq") { "==" } else { "!=" });
                let method = if is_equal { quote!(equal) } else { quote!(not_equal) };
                let said = if message.is_empty() {
                    quote!(::std::string::String::new())
                } else {
                    text(message, span)
                };
                let condition =
                    quote_spanned!(span=> (&&&::grafito::__private::Compare::new(__left, __right)).#method());
                let text = quote_spanned! {span=>
                    || ::grafito::__private::unequal(
                        #sign, #said,
                        ::std::format!("{:?}", __left), ::std::format!("{:?}", __right),
                    )
                };
                let check = quote_spanned!(place=> ::grafito::__private::check(#condition, #text));
                let check = quote_spanned! {span=>
                    match (&(#left), &(#right)) {
                        (__left, __right) => #check,
                    }
                };
                debug_only(&name, check)
            }
            "println" | "print" | "eprintln" | "eprint" | "format" | "panic" | "vec" | "dbg" | "write"
            | "writeln" | "unreachable" | "todo" | "unimplemented" => {
                quote_spanned!(span=> #path!(#(#arguments),*))
            }
            _ => return None,
        }))
    }
}

/// A check that release builds leave out.
fn debug_only(name: &str, check: TokenStream) -> TokenStream {
    if name.starts_with("debug") { quote!(if ::std::cfg!(debug_assertions) { #check }) } else { check }
}

fn text(arguments: &[Expr], span: Span) -> TokenStream {
    if arguments.is_empty() {
        return quote!(::std::string::String::new());
    }
    quote_spanned!(span=> ::std::format!(#(#arguments),*))
}

fn binary_operator(binary: &syn::ExprBinary, span: Span, place: Span) -> Option<Expr> {
    let (left, right) = (&binary.left, &binary.right);
    let compare = match binary.op {
        BinOp::Lt(_) => quote_spanned!(place=> less),
        BinOp::Le(_) => quote_spanned!(place=> less_equal),
        BinOp::Gt(_) => quote_spanned!(place=> greater),
        BinOp::Ge(_) => quote_spanned!(place=> greater_equal),
        BinOp::Eq(_) => quote_spanned!(place=> equal),
        BinOp::Ne(_) => quote_spanned!(place=> not_equal),
        BinOp::And(_) | BinOp::Or(_) => {
            // A closure would change where `?` and its like lead to.
            if survey::leaves_closure(right) || survey::has_let(left) || survey::has_let(right) {
                return None;
            }
            let method = if matches!(binary.op, BinOp::And(_)) { "and" } else { "or" };
            let method = Ident::new(method, place);
            let right = quote_spanned!(span=> || #right);
            let call = quote_spanned!(place=> ::grafito::__private::Logic::#method(#left, #right));
            return Some(parse_quote_at(call));
        }
        _ => {
            // `x[i] += v`
            if survey::is_assignment(&binary.op)
                && let Expr::Index(index) = &*binary.left
            {
                let (base, position, op) = (&index.expr, &index.index, &binary.op);
                let (part, value) =
                    (Ident::new("__grafito_part", place), Ident::new("__grafito_value", place));
                let change = quote_spanned!(place=> *#part #op #value);
                let update = quote_spanned!(place=> __grafito_update(#position, |#part| #change));
                return Some(parse_quote_at(quote_spanned! {span=> {
                    let #value = #right;
                    (#base).#update
                }}));
            }
            return None;
        }
    };
    if matches!((&**left, &**right), (Expr::Lit(a), Expr::Lit(b)) if !is_str(a) && !is_str(b)) {
        return None;
    }
    let compare = quote_spanned!(place=> #compare());
    let call = quote_spanned!(span=> (&&&::grafito::__private::Compare::new(&(#left), &(#right))).#compare);
    Some(parse_quote_at(call))
}

fn is_str(lit: &syn::ExprLit) -> bool {
    matches!(lit.lit, Lit::Str(_))
}

/// Parses what was just emitted.
fn parse_quote_at(tokens: TokenStream) -> Expr {
    parse_quote!(#tokens)
}
