//! `while`, `loop` and `for`.

use std::collections::BTreeSet;

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::visit::Visit;
use syn::visit_mut::VisitMut;
use syn::{Block, Expr, ExprForLoop, ExprLoop, ExprWhile, Label};

use super::super::survey::{self, Changes, Exit, Loop};
use super::super::{place, take_attribute_of};
use super::{Frame, Stager, flag, label, name};

impl Stager<'_> {
    /// The loop's own entry in the list of loops, and what its body may leave.
    fn open(&mut self, of: Option<&Label>, gives: bool, body: &Block) -> (usize, BTreeSet<Exit>) {
        let id = self.id();
        let label = of.map(|label| label.name.ident.to_string());
        self.loops.push(Loop { id, label, gives });
        let exits = survey::exits(&self.loops, |visitor| visitor.visit_block(body));
        (id, exits)
    }

    /// The body in a frame of its own. Where it may leave the loop, it runs only while the loop has not been left:
    /// the iterations of a loop that Rust repeats may have been cut short by a tensor.
    fn body(&mut self, id: usize, exits: &BTreeSet<Exit>, bind: TokenStream, body: &Block) -> TokenStream {
        let dup_depth = std::mem::replace(&mut self.dup_depth, self.scopes.depth());
        let frame = label("body", id);
        self.frames.push(Frame { label: frame.clone(), is_arm: false });
        let leaving: BTreeSet<Exit> =
            exits.iter().copied().filter(|exit| *exit != Exit::Continue(id)).collect();
        let stmts = match leaving.is_empty() {
            true => self.stmts(&body.stmts),
            false => self.guarded(&leaving, &body.stmts),
        };
        self.frames.pop();
        self.dup_depth = dup_depth;
        let skip = match exits.contains(&Exit::Continue(id)) {
            true => {
                let flag = flag(Exit::Continue(id));
                quote!(let mut #flag = ::grafito::__private::Flag::off();)
            }
            false => TokenStream::new(),
        };
        quote! {
            #skip
            #frame: { #bind #stmts }
        }
    }

    /// The declaration of the flag that `break` sets.
    fn own_break(id: usize, exits: &BTreeSet<Exit>) -> TokenStream {
        match exits.contains(&Exit::Break(id)) {
            true => {
                let flag = flag(Exit::Break(id));
                quote!(let mut #flag = ::grafito::__private::Flag::off();)
            }
            false => TokenStream::new(),
        }
    }

    pub(super) fn while_loop(&mut self, repeat: &mut ExprWhile) -> TokenStream {
        if survey::has_let(&repeat.cond) {
            return self.while_let(repeat);
        }
        let (id, exits) = self.open(repeat.label.as_ref(), false, &repeat.body);
        let changes = Changes::of(&Expr::While(repeat.clone()));
        let state = self.state(&changes, &exits, Some(id));
        let span = place(&repeat.while_token);
        self.visit_expr_mut(&mut repeat.cond);
        let condition = &repeat.cond;
        let body = self.body(id, &exits, TokenStream::new(), &repeat.body);
        self.loops.pop();
        let (driver, decision, outer) = (name("while", id), name("condition", id), label("while", id));
        let new = quote_spanned!(span=> ::grafito::__private::While::new());
        let own_break = Self::own_break(id, &exits);
        quote!({
            let mut #driver = #new;
            #own_break
            #outer: loop {
                #driver.begin(#state);
                let #decision = #condition;
                if !#driver.decide(#decision, #state) {
                    break #outer;
                }
                #body
                if !#driver.advance(#state) {
                    break #outer;
                }
            }
        })
    }

    /// `while let`: Rust's own, whose iterations may be cut short by a tensor.
    fn while_let(&mut self, repeat: &mut ExprWhile) -> TokenStream {
        let (id, exits) = self.open(repeat.label.as_ref(), false, &repeat.body);
        self.visit_expr_mut(&mut repeat.cond);
        let condition = &repeat.cond;
        self.scopes.push();
        if let Expr::Let(binding) = &*repeat.cond {
            self.scopes.declare(&binding.pat, false);
        }
        let body = self.body(id, &exits, TokenStream::new(), &repeat.body);
        self.scopes.pop();
        self.loops.pop();
        let (outer, own_break) = (label("while", id), Self::own_break(id, &exits));
        let leaving = exits.iter().copied().filter(|exit| *exit != Exit::Continue(id)).map(flag);
        quote!({
            #own_break
            #outer: while #condition {
                #body
                if false #(|| #leaving.is_set())* {
                    break #outer;
                }
            }
        })
    }

    pub(super) fn endless(&mut self, repeat: &mut ExprLoop) -> TokenStream {
        let (is_left, gives) = survey::breaks(repeat);
        let (id, exits) = self.open(repeat.label.as_ref(), gives, &repeat.body);
        let state = self.state(&Changes::of_stmts(&repeat.body.stmts), &exits, Some(id));
        let span = place(&repeat.loop_token);
        let body = self.body(id, &exits, TokenStream::new(), &repeat.body);
        self.loops.pop();
        let (driver, outer, slot) = (name("loop", id), label("loop", id), name("value", id));
        let new = quote_spanned!(span=> ::grafito::__private::Endless::new());
        let own_break = Self::own_break(id, &exits);
        let own_value = match gives {
            true => quote!(let mut #slot = ::grafito::__private::Slot::empty();),
            false => TokenStream::new(),
        };
        let value = match (gives, is_left) {
            (true, _) => quote!(#slot.take()),
            (false, true) => quote!(()),
            // Nothing follows a loop that only `return` ends.
            (false, false) => self.leave(),
        };
        quote!({
            let mut #driver = #new;
            #own_break
            #own_value
            #outer: loop {
                #driver.begin(#state);
                #body
                if !#driver.advance(#state) {
                    break #outer;
                }
            }
            #value
        })
    }

    pub(super) fn for_loop(&mut self, repeat: &mut ExprForLoop) -> TokenStream {
        let is_unrolled = take_attribute_of(&mut repeat.attrs, "unroll");
        let span = place(&repeat.for_token);
        self.moved(&mut repeat.expr);
        self.visit_expr_mut(&mut repeat.expr);
        let iterable = &repeat.expr;
        let (id, exits) = self.open(repeat.label.as_ref(), false, &repeat.body);
        // What the pattern binds is the body's own.
        let whole = Expr::ForLoop(ExprForLoop { expr: syn::parse_quote!(()), ..repeat.clone() });
        let state = self.state(&Changes::of(&whole), &exits, Some(id));
        let (driver, outer, item) = (name("for", id), label("for", id), name("item", id));
        self.scopes.push();
        self.scopes.declare(&repeat.pat, false);
        let pat = &repeat.pat;
        let body = self.body(id, &exits, quote!(let #pat = #item;), &repeat.body);
        self.scopes.pop();
        self.loops.pop();
        let steps = quote_spanned!(span=> ::grafito::__private::Iterate::new(#iterable).steps());
        let unrolled = if is_unrolled { quote!(.unrolled()) } else { TokenStream::new() };
        let own_break = Self::own_break(id, &exits);
        quote!({
            let mut #driver = #steps #unrolled;
            #own_break
            #outer: loop {
                let #item = #driver.next(#state);
                let ::std::option::Option::Some(#item) = #item else { break #outer };
                #body
            }
        })
    }
}
