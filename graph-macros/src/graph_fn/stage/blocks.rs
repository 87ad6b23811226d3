//! Blocks: statements in order, and the rest of a block after something that may have left it.

use std::collections::BTreeSet;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::visit::Visit;
use syn::visit_mut::VisitMut;
use syn::{Expr, Local, Pat, Stmt};

use super::super::survey::{self, Changes, Exit};
use super::scope::Binding;
use super::{Stager, flag, label, name};

impl Stager<'_> {
    /// What stands between the braces of a block.
    pub(super) fn stmts(&mut self, stmts: &[Stmt]) -> TokenStream {
        self.scopes.push();
        let lowered = self.stmts_here(stmts);
        self.scopes.pop();
        lowered
    }

    /// Statements in the scope that is open.
    pub(super) fn stmts_here(&mut self, stmts: &[Stmt]) -> TokenStream {
        let mut lowered = TokenStream::new();
        for (i, stmt) in stmts.iter().enumerate() {
            let exits = survey::exits(&self.loops, |exits| exits.visit_stmt(stmt));
            lowered.extend(self.stmt(stmt, i + 1 == stmts.len()));
            let rest = &stmts[i + 1..];
            if survey::leaves(stmt) {
                // Nothing gets there. (The compiler says so of the eager body.)
                lowered.extend(
                    rest.iter().filter(|stmt| matches!(stmt, Stmt::Item(_))).map(ToTokens::to_token_stream),
                );
                break;
            }
            if !exits.is_empty() && !rest.is_empty() {
                lowered.extend(self.guarded(&exits, rest));
                break;
            }
        }
        lowered
    }

    fn stmt(&mut self, stmt: &Stmt, is_last: bool) -> TokenStream {
        let mut stmt = stmt.clone();
        match &mut stmt {
            Stmt::Local(local) => self.local(local),
            Stmt::Expr(expr, semi) => {
                if is_last && semi.is_none() {
                    self.moved(expr);
                }
                let assigned = match expr {
                    Expr::Assign(assign) => Some(assign.left.to_token_stream().to_string()),
                    _ => None,
                };
                self.visit_expr_mut(expr);
                if let Some(name) = assigned {
                    self.scopes.initialize(&name);
                }
                // As a statement of its own a construct may have to end before the next begins.
                if let (Expr::Verbatim(_), None, false) = (&*expr, &semi, is_last) {
                    *semi = Some(Default::default());
                }
            }
            Stmt::Item(_) | Stmt::Macro(_) => {}
        }
        stmt.to_token_stream()
    }

    fn local(&mut self, local: &mut Local) {
        if let Some(init) = &mut local.init {
            self.moved(&mut init.expr);
            self.visit_expr_mut(&mut init.expr);
            if let Some((_, diverge)) = &mut init.diverge {
                self.visit_expr_mut(diverge);
            }
        }
        let is_borrow = |init: &syn::LocalInit| matches!(&*init.expr, Expr::Reference(reference) if reference.mutability.is_some());
        match &local.pat {
            Pat::Ident(pat) if local.init.as_ref().is_some_and(is_borrow) => {
                let (ident, is_mut) = (pat.ident.clone(), pat.mutability.is_some());
                self.scopes.add(Binding { ident, is_mut, is_mut_ref: !is_mut, is_deferred: false });
            }
            _ => self.scopes.declare(&local.pat, local.init.is_none()),
        }
    }

    /// The rest of a block, unless it has been left.
    pub(super) fn guarded(&mut self, exits: &BTreeSet<Exit>, rest: &[Stmt]) -> TokenStream {
        let id = self.id();
        let rest_exits =
            survey::exits(&self.loops, |visitor| rest.iter().for_each(|stmt| visitor.visit_stmt(stmt)));
        let state = self.state(&Changes::of_stmts(rest), &rest_exits, None);
        let outs = self.outs(&[rest]);
        let leave = self.leave();
        let all_leave = survey::diverges(rest);
        let (ty, given) = Self::given(all_leave, &outs);
        let arm = self.arm(&label("rest", id), &outs, |stager| stager.stmts(rest));
        let (driver, value) = (name("rest", id), name("value_of_rest", id));
        let flags = exits.iter().map(|&exit| flag(exit));
        let span = rest.first().map_or(self.user, |stmt| self.place(stmt));
        let unless = quote_spanned!(span=> ::grafito::__private::If::unless(&[#(&#flags),*]));
        let rest = quote! {
            {
                let mut #driver = #unless;
                let #value #ty = if #driver.then(#state) { #arm } else { ::std::option::Option::None };
                #driver.otherwise(#state);
                match ::grafito::__private::Arms::new(#value, ::std::option::Option::None).join(#driver, #state) {
                    ::std::option::Option::Some(value) => #given,
                    ::std::option::Option::None => #leave,
                }
            }
        };
        self.initialized(id, &outs, rest, all_leave)
    }
}
