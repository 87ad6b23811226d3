//! `if`, and `match` on literals.

use proc_macro2::{Delimiter, Group, Literal, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::visit::Visit;
use syn::visit_mut::{self, VisitMut};
use syn::{Expr, ExprIf, ExprMatch, Ident, Stmt};

use super::super::survey::{self, Changes};
use super::super::{place, written};
use super::{Frame, Stager, label, name};

impl Stager<'_> {
    /// A construct as code around its driver; `None` where it was left to Rust, with what is in it lowered.
    pub(super) fn construct(&mut self, expr: &mut Expr) -> Option<TokenStream> {
        match expr {
            Expr::If(branch) if survey::has_let(&branch.cond) => {
                self.scopes.push();
                host_conditions(&mut branch.cond);
                self.visit_expr_mut(&mut branch.cond);
                self.bind_lets(&branch.cond.clone());
                self.beside(|stager| stager.visit_block_mut(&mut branch.then_branch));
                self.scopes.pop();
                if let Some((_, other)) = &mut branch.else_branch {
                    self.beside(|stager| stager.visit_expr_mut(other));
                    if let Expr::Verbatim(other_tokens) = &**other {
                        **other = Expr::Verbatim(quote!({ #other_tokens }));
                    }
                }
                None
            }
            Expr::If(branch) => Some(self.branch(branch)),
            Expr::While(repeat) => Some(self.while_loop(repeat)),
            Expr::Loop(repeat) => Some(self.endless(repeat)),
            Expr::ForLoop(repeat) => Some(self.for_loop(repeat)),
            Expr::Match(choice) => {
                self.visit_expr_mut(&mut choice.expr);
                for arm in &mut choice.arms {
                    self.scopes.push();
                    self.scopes.declare(&arm.pat, false);
                    self.moved(&mut arm.body);
                    self.beside(|stager| visit_mut::visit_arm_mut(stager, arm));
                    if let Expr::Verbatim(body) = &*arm.body {
                        *arm.body = Expr::Verbatim(quote!({ #body }));
                        arm.comma = Some(Default::default());
                    }
                    self.scopes.pop();
                }
                None
            }
            _ => unreachable!("called for a construct"),
        }
    }

    fn bind_lets(&mut self, condition: &Expr) {
        match condition {
            Expr::Let(binding) => self.scopes.declare(&binding.pat, false),
            Expr::Paren(inner) => self.bind_lets(&inner.expr),
            Expr::Binary(binary) => {
                self.bind_lets(&binary.left);
                self.bind_lets(&binary.right);
            }
            _ => {}
        }
    }

    fn branch(&mut self, branch: &mut ExprIf) -> TokenStream {
        let id = self.id();
        let whole = Expr::If(branch.clone());
        let exits = survey::exits(&self.loops, |visitor| visitor.visit_expr(&whole));
        let otherwise = branch.else_branch.as_ref().map(|(_, other)| (**other).clone());
        let alike = (!gives_nothing(branch)).then(|| alike(branch));
        let otherwise_diverges = otherwise.as_ref().is_some_and(survey::diverging);
        let mut changes = Changes::of_stmts(&branch.then_branch.stmts);
        if let Some(other) = &otherwise {
            changes.found.extend(Changes::of(other).found);
        }
        let state = self.state(&changes, &exits, None);
        let outs = match &otherwise {
            Some(Expr::Block(block)) => self.outs(&[&branch.then_branch.stmts, &block.block.stmts]),
            Some(other) => self.outs(&[&branch.then_branch.stmts, &[Stmt::Expr(other.clone(), None)]]),
            None => Vec::new(),
        };

        let (what, span) = written(branch);
        self.visit_expr_mut(&mut branch.cond);
        let condition = &branch.cond;
        let new = quote_spanned!(span=> ::grafito::__private::If::new(#what, #condition));

        let (then_label, else_label) = (label("then", id), label("else", id));
        let then_arm = self.arm(&then_label, &outs, |stager| stager.stmts(&branch.then_branch.stmts));
        let else_arm = self.arm(&else_label, &outs, |stager| match otherwise {
            Some(Expr::Block(block)) if block.label.is_none() => stager.stmts(&block.block.stmts),
            Some(mut other) => {
                stager.visit_expr_mut(&mut other);
                other.to_token_stream()
            }
            None => TokenStream::new(),
        });
        let (driver, first, second) = (name("if", id), name("first", id), name("second", id));
        let missing = match exits.is_empty() {
            true => quote!(::std::unreachable!("an arm has run")),
            false => self.leave(),
        };
        let arms = match alike {
            Some(alike) => quote!(alike(#first, #second, #alike)),
            None => quote!(new(#first, #second)),
        };
        let both_leave = survey::diverges(&branch.then_branch.stmts) && otherwise_diverges;
        let (ty, given) = Self::given(both_leave, &outs);
        let joined = quote! {
            {
                let mut #driver = #new;
                let #first #ty = if #driver.then(#state) { #then_arm } else { ::std::option::Option::None };
                let #second = if #driver.otherwise(#state) { #else_arm } else { ::std::option::Option::None };
                match ::grafito::__private::Arms::#arms.join(#driver, #state) {
                    ::std::option::Option::Some(value) => #given,
                    ::std::option::Option::None => #missing,
                }
            }
        };
        self.initialized(id, &outs, joined, both_leave)
    }

    /// The type of what the arms give, and what is done with it. Where each arm leaves there is neither; but a type has
    /// to be named, since `!` cannot stand for one.
    pub(super) fn given(all_leave: bool, outs: &[Ident]) -> (TokenStream, TokenStream) {
        if !all_leave {
            return (TokenStream::new(), quote!(value));
        }
        if outs.is_empty() {
            let never = quote!(::std::unreachable!("both arms leave: {value:?}"));
            return (quote!(: ::std::option::Option<()>), never);
        }
        // `initialized` says that nothing gets there, once the variables have their types.
        let types = outs.iter().map(|_| quote!(_));
        (quote!(: ::std::option::Option<((), #(#types),*)>), quote!(value))
    }

    /// Gives the variables that an arm is the first to assign what came with its value.
    pub(super) fn initialized(
        &mut self,
        id: usize,
        outs: &[Ident],
        joined: TokenStream,
        all_leave: bool,
    ) -> TokenStream {
        if outs.is_empty() {
            return joined;
        }
        for out in outs {
            self.scopes.initialize(&out.to_string());
        }
        let values: Vec<Ident> = (0..outs.len()).map(|i| name(&format!("out{i}_"), id)).collect();
        let given = match all_leave {
            true => quote!(::std::unreachable!("all arms leave: {value:?}")),
            false => quote!(value),
        };
        quote!({
            let (value, #(#values),*) = #joined;
            #(#outs = #values;)*
            #given
        })
    }

    /// An arm: a labelled block that gives its value, with those of the variables that it is the first to assign.
    pub(super) fn arm(
        &mut self,
        arm: &syn::Lifetime,
        outs: &[Ident],
        lower: impl FnOnce(&mut Self) -> TokenStream,
    ) -> TokenStream {
        let dup_depth = std::mem::replace(&mut self.dup_depth, self.scopes.depth());
        self.frames.push(Frame { label: arm.clone(), is_arm: true });
        let stmts = self.beside(lower);
        self.frames.pop();
        self.dup_depth = dup_depth;
        match outs.is_empty() {
            true => quote!(#arm: { ::std::option::Option::Some({ #stmts }) }),
            false => quote!(#arm: {
                #(let #outs;)*
                let value = { #stmts };
                ::std::option::Option::Some((value, #(#outs),*))
            }),
        }
    }

    /// Lowers one of several ways that code may take: what is assigned first on this one is so on the others, too.
    fn beside<R>(&mut self, lower: impl FnOnce(&mut Self) -> R) -> R {
        let scopes = self.scopes.clone();
        let lowered = lower(self);
        self.scopes = scopes;
        lowered
    }

    /// The variables declared without a value that every arm assigns.
    pub(super) fn outs(&self, arms: &[&[Stmt]]) -> Vec<Ident> {
        let deferred = self.scopes.visible().into_iter().filter(|binding| binding.is_deferred);
        deferred
            .filter(|binding| {
                let name = binding.ident.to_string();
                survey::all_assign(
                    arms.iter().map(|arm| (survey::assigns(arm, &name), survey::diverges(arm))),
                )
            })
            .map(|binding| binding.ident.clone())
            .collect()
    }
}

/// Whether no arm ends with a value, so that they cannot differ in its type.
fn gives_nothing(branch: &ExprIf) -> bool {
    let is_unit = |block: &syn::Block| !matches!(block.stmts.last(), Some(Stmt::Expr(_, None)));
    let other = branch.else_branch.as_ref().map(|(_, other)| &**other);
    is_unit(&branch.then_branch)
        && match other {
            None => true,
            Some(Expr::Block(block)) => is_unit(&block.block),
            Some(Expr::If(inner)) => gives_nothing(inner),
            Some(_) => false,
        }
}

/// A closure that gives the value of one arm or of the other by an `if` that stands where the user's does: what the
/// compiler has to say of arms that differ is what it has said of the eager body, or at least it says it there.
fn alike(branch: &ExprIf) -> TokenStream {
    let if_token = &branch.if_token;
    let then = Standing::of_block(&branch.then_branch);
    let then_name = Ident::new("then", then.first);
    let then_arm =
        then.arm(&quote!(#then_name), Group::new(Delimiter::Parenthesis, TokenStream::new()).into());
    let Some((else_token, other)) = &branch.else_branch else {
        return quote!(|#then_name: fn() -> _, ((),): ((),)| {
            let value = #if_token false #then_arm;
            value
        });
    };
    let other = match &**other {
        Expr::Block(block) => Standing::of_block(&block.block),
        // What it gives is what its arms do.
        Expr::If(inner) => Standing::of_block(&inner.then_branch),
        other => Standing::of(other, place(else_token)),
    };
    let other_name = Ident::new("other", other.first);
    let other_arm = other.arm(&quote!(#other_name.), Literal::usize_unsuffixed(0).into());
    quote!(|#then_name: fn() -> _, #other_name: (_,)| {
        let value = #if_token false #then_arm #else_token #other_arm;
        value
    })
}

/// Where an arm stands, and what it gives: the first and the last token of that, or the braces around nothing.
struct Standing {
    braces: Span,
    first: Span,
    last: Span,
}

impl Standing {
    fn of_block(block: &syn::Block) -> Standing {
        let braces = block.brace_token.span.join();
        match block.stmts.last() {
            Some(Stmt::Expr(value, _)) => Standing::of(value, braces),
            _ => Standing { braces, first: braces, last: braces },
        }
    }

    fn of(value: &Expr, braces: Span) -> Standing {
        let mut tokens = value.to_token_stream().into_iter();
        let Some(first) = tokens.next() else { return Standing { braces, first: braces, last: braces } };
        let last = match tokens.last().unwrap_or_else(|| first.clone()) {
            TokenTree::Group(group) => group.span_close(),
            token => token.span(),
        };
        let first = match first {
            TokenTree::Group(group) => group.span_open(),
            token => token.span(),
        };
        Standing { braces, first, last }
    }

    /// Braces where the arm's are, around an expression that ends where what it gives does.
    fn arm(&self, start: &TokenStream, mut end: TokenTree) -> TokenStream {
        end.set_span(self.last);
        let mut arm = Group::new(Delimiter::Brace, quote!(#start #end));
        arm.set_span(self.braces);
        arm.to_token_stream()
    }
}

/// Beside `let`, conditions are Rust's.
fn host_conditions(condition: &mut Expr) {
    match condition {
        Expr::Let(_) => {}
        Expr::Paren(inner) => host_conditions(&mut inner.expr),
        Expr::Binary(binary) if matches!(binary.op, syn::BinOp::And(_) | syn::BinOp::Or(_)) => {
            host_conditions(&mut binary.left);
            host_conditions(&mut binary.right);
        }
        other => {
            let span = super::super::at(&*other);
            let routed = quote_spanned!(span=> ::grafito::__private::host_bool(#other));
            *other = syn::parse_quote!(#routed);
        }
    }
}

/// A `match` on integer or bool literals, as a chain of `if`s; `None` for any other.
pub(in super::super) fn match_as_ifs(choice: &ExprMatch) -> Option<Expr> {
    let (last, arms) = choice.arms.split_last()?;
    let (scrutinee, span) = (&choice.expr, place(&choice.match_token));
    let at = super::super::at(&choice.match_token);
    let bool_of = |pat: &syn::Pat| match pat {
        syn::Pat::Lit(lit) => match &lit.lit {
            syn::Lit::Bool(value) => Some(value.value),
            _ => None,
        },
        _ => None,
    };
    if choice.arms.iter().any(has_guard) {
        return None;
    }
    if let ([first], Some(value)) = (arms, arms.first().and_then(|arm| bool_of(&arm.pat)))
        && (bool_of(&last.pat) == Some(!value) || matches!(last.pat, syn::Pat::Wild(_)))
    {
        let (yes, no) = if value { (&first.body, &last.body) } else { (&last.body, &first.body) };
        let (yes, no) = (braced(yes), braced(no));
        let condition = quote_spanned!(span=> ::grafito::__private::matched(#scrutinee));
        let branch = quote_spanned!(at=> if #condition #yes else #no);
        return Some(syn::parse_quote!(#branch));
    }
    if !matches!(last.pat, syn::Pat::Wild(_)) || arms.is_empty() {
        return None;
    }
    let matched = Ident::new("__matched", Span::mixed_site());
    let body = braced(&last.body);
    let mut chain: Expr = syn::parse_quote!(#body);
    for arm in arms.iter().rev() {
        let at = super::super::at(&arm.pat);
        let mut condition: Option<TokenStream> = None;
        for literal in literals(&arm.pat)? {
            let equal = quote_spanned!(span=> equal());
            let equal =
                quote_spanned!(at=> (&&&::grafito::__private::Compare::new(#matched, &#literal)).#equal);
            condition = Some(match condition {
                None => equal,
                Some(before) => {
                    let or_equal = quote_spanned!(at=> || #equal);
                    quote_spanned!(span=> ::grafito::__private::Logic::or(#before, #or_equal))
                }
            });
        }
        let condition = quote_spanned!(span=> ::grafito::__private::matched(#condition));
        let body = braced(&arm.body);
        // `else` takes a block or another `if`: both are expressions already.
        chain = syn::parse_quote!(if #condition #body else #chain);
    }
    let block = quote_spanned!(at=> { let #matched = &(#scrutinee); #chain });
    Some(syn::parse_quote!(#block))
}

/// The body of an arm as a block: itself, if it is one, since braces in braces are warned of.
fn braced(body: &Expr) -> TokenStream {
    match body {
        Expr::Block(block) if block.label.is_none() && block.attrs.is_empty() => block.to_token_stream(),
        other => quote!({ #other }),
    }
}

fn has_guard(arm: &syn::Arm) -> bool {
    matches!(&arm.pat, syn::Pat::Guard(_))
}

/// The integers of a pattern.
fn literals(pat: &syn::Pat) -> Option<Vec<TokenStream>> {
    match pat {
        syn::Pat::Lit(lit) => match &lit.lit {
            syn::Lit::Int(_) => Some(vec![lit.to_token_stream()]),
            _ => None,
        },
        syn::Pat::Paren(inner) => literals(&inner.pat),
        syn::Pat::Or(or) => {
            let mut all = Vec::new();
            for case in &or.cases {
                all.extend(literals(case)?);
            }
            Some(all)
        }
        other => {
            // A negative literal.
            let tokens = other.to_token_stream();
            match syn::parse2::<Expr>(tokens).ok()? {
                Expr::Unary(unary) if matches!(&*unary.expr, Expr::Lit(_)) => {
                    Some(vec![unary.to_token_stream()])
                }
                _ => None,
            }
        }
    }
}
