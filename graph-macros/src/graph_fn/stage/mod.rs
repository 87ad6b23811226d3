//! Staging: control flow that may depend on tensors becomes straight code around drivers.
//!
//! See `grafito::__private` (`src/autograph`) for what the drivers do. What is emitted for a construct:
//!
//! - an arm is a labelled block that gives `Some(value)`, or `None` when it is left by a jump;
//! - a jump sets a flag and leaves the innermost arm; what follows in the block is put into an arm of its own, which
//!   runs unless the flag is set;
//! - the variables from outside that an arm changes are handed to the driver before and after.
//!
//! Every piece of the user's code is emitted once, so the size of what is emitted grows with the size of the source.

mod blocks;
mod branches;
mod jumps;
mod loops;
mod scope;

use std::collections::BTreeSet;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::visit_mut::{self, VisitMut};
use syn::{Block, Expr, ExprClosure, Item, Lifetime, ReturnType, Stmt, Type, parse_quote};

pub(super) use self::branches::match_as_ifs;
use self::scope::{Binding, Scopes};
use super::parse::{Function, Passing};
use super::survey::{Change, Changes, Exit, Loop};
use super::{is_host, survey, take_attribute};
use crate::errors::Errors;

/// The body of a function with its control flow staged.
pub(super) fn stage(function: &Function, body: &Block, errors: &mut Errors) -> TokenStream {
    let tokens = body.to_token_stream();
    let mut stager = Stager {
        scopes: Scopes::default(),
        loops: Vec::new(),
        frames: Vec::new(),
        results: None,
        dup_depth: 0,
        next_id: 0,
        tokens,
        user: function.original.block.stmts.last().map_or_else(Span::mixed_site, super::place),
        errors,
    };
    stager.scopes.push();
    for (parameter, input) in function.parameters.iter().zip(&function.original.sig.inputs) {
        let is_mut_ref = parameter.passing == Passing::Mut;
        match input {
            syn::FnArg::Typed(input) if !is_mut_ref => stager.scopes.declare(&input.pat, false),
            syn::FnArg::Typed(_) => {
                let ident = parameter.ident.clone();
                stager.scopes.add(Binding { ident, is_mut: false, is_mut_ref, is_deferred: false });
            }
            syn::FnArg::Receiver(receiver) => {
                let is_mut = receiver.mutability.is_some();
                let ident = parameter.ident.clone();
                stager.scopes.add(Binding { ident, is_mut, is_mut_ref, is_deferred: false });
            }
        }
    }
    stager.function(body, &function.original.sig.output)
}

/// A label that a jump can leave to.
struct Frame {
    label: Lifetime,
    /// Whether what it labels gives an `Option`.
    is_arm: bool,
}

/// How results are returned.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Results {
    /// Of a function: a tree or a `Result` of one.
    Function,
    /// Of a closure: a tree.
    Closure,
}

struct Stager<'e> {
    scopes: Scopes,
    loops: Vec<Loop>,
    frames: Vec<Frame>,
    /// Where jumps out of the function put its result; `None` where there are none.
    results: Option<Results>,
    /// Variables of scopes outside this depth are cloned where they are moved.
    dup_depth: usize,
    next_id: usize,
    /// The whole body: how often a name is mentioned.
    tokens: TokenStream,
    /// Somewhere in the user's code.
    user: Span,
    errors: &'e mut Errors,
}

/// A name that the user's code cannot mention.
fn name(prefix: &str, id: usize) -> Ident {
    Ident::new(&format!("__{prefix}{id}"), Span::mixed_site())
}

fn hidden(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}

fn label(prefix: &str, id: usize) -> Lifetime {
    Lifetime::new(&format!("'__{prefix}{id}"), Span::mixed_site())
}

impl Stager<'_> {
    fn id(&mut self) -> usize {
        self.next_id += 1;
        self.next_id
    }

    fn function(&mut self, body: &Block, output: &ReturnType) -> TokenStream {
        let imports = quote! {
            #[allow(unused_imports)]
            use ::grafito::__private::{
                CompareHost as _, CompareScalar as _, CompareTensor as _, HostAt as _, HostPlace as _, HostRange as _,
                HostSteps as _, IntoSteps as _, JoinAny as _, JoinTree as _, OpaqueVariable as _, TensorAt as _,
                TensorBounds as _, TensorPlace as _, TensorSteps as _, TreeVariable as _,
            };
        };
        let returns = !survey::exits(&[], |exits| syn::visit::Visit::visit_block(exits, body)).is_empty();
        if !returns {
            let stmts = self.stmts(&body.stmts);
            return quote!({ #imports #stmts });
        }
        let ty: Type = match output {
            ReturnType::Default => parse_quote!(()),
            ReturnType::Type(_, ty) => (**ty).clone(),
        };
        self.results = Some(Results::Function);
        let stmts = self.returning(&body.stmts);
        let (results, slot, flag) = (hidden("__results"), hidden("__slot"), hidden("__return"));
        quote!({
            #imports
            let (mut #results, mut #slot) = ::grafito::__private::Results::<#ty>::new();
            let mut #flag = ::grafito::__private::Flag::off();
            #stmts
            #results.finish(#slot)
        })
    }

    /// Statements whose last expression is returned, in a frame of their own.
    fn returning(&mut self, stmts: &[Stmt]) -> TokenStream {
        let mut stmts = stmts.to_vec();
        match stmts.pop() {
            Some(Stmt::Expr(last, None)) if !matches!(last, Expr::Return(_)) => {
                let span = self.place(&last);
                let leave = quote_spanned!(span=> return);
                let returns = survey::exits(&[], |exits| syn::visit::Visit::visit_expr(exits, &last));
                if returns.contains(&survey::Exit::Return)
                    && !survey::diverges(&[Stmt::Expr(last.clone(), None)])
                {
                    // Some of its paths have left: what the others give is returned in a statement of its own.
                    let given = hidden("__given");
                    let keep = quote_spanned!(span=> let);
                    stmts.push(parse_quote!(#keep #given = #last;));
                    stmts.push(parse_quote!(#leave #given;));
                } else {
                    stmts.push(parse_quote!(#leave #last;));
                }
            }
            Some(last) => {
                let ends = matches!(&last, Stmt::Expr(Expr::Return(_), _));
                stmts.push(last);
                if !ends {
                    // A function without a last expression gives `()`, or has left before.
                    if !survey::diverges(&stmts) {
                        stmts.push(parse_quote!(return ();));
                    }
                }
            }
            None => {}
        }
        let frame = label("function", self.id());
        self.frames.push(Frame { label: frame.clone(), is_arm: false });
        let stmts = self.stmts(&stmts);
        self.frames.pop();
        quote!(#frame: { #stmts })
    }

    /// A closure is a function of its own.
    fn closure(&mut self, closure: &mut ExprClosure) {
        self.scopes.push();
        closure.inputs.iter().for_each(|pat| self.scopes.declare(pat, false));
        let loops = std::mem::take(&mut self.loops);
        let frames = std::mem::take(&mut self.frames);
        let results = self.results.take();
        let dup_depth = std::mem::replace(&mut self.dup_depth, 0);
        let returns =
            !survey::exits(&[], |exits| syn::visit::Visit::visit_expr(exits, &closure.body)).is_empty();
        if returns {
            self.results = Some(Results::Closure);
            let body = match &*closure.body {
                Expr::Block(block) => block.block.stmts.clone(),
                other => vec![Stmt::Expr(other.clone(), None)],
            };
            let stmts = self.returning(&body);
            let (slot, flag) = (hidden("__slot"), hidden("__return"));
            *closure.body = Expr::Verbatim(quote!({
                let mut #slot = ::grafito::__private::Slot::empty();
                let mut #flag = ::grafito::__private::Flag::off();
                #stmts
                #slot.take()
            }));
        } else {
            self.visit_expr_mut(&mut closure.body);
        }
        (self.loops, self.frames, self.results, self.dup_depth) = (loops, frames, results, dup_depth);
        self.scopes.pop();
    }

    /// The variables from outside that some code changes, as the entries that a driver takes.
    fn entries(&self, changes: &Changes, of_loop: bool) -> Vec<TokenStream> {
        let mut entries = Vec::new();
        for binding in self.scopes.visible() {
            let Binding { ident, is_mut, is_mut_ref, is_deferred } = binding;
            let name = ident.to_string();
            let Some(change) = changes.kind(&name) else { continue };
            if *is_deferred || (change == Change::Lent && !is_mut_ref) {
                continue;
            }
            let value = match (*is_mut, *is_mut_ref || change == Change::Surely) {
                (true, _) => quote!(&mut #ident),
                // What is changed without being `mut` is a reference.
                (false, true) => quote!(&mut *#ident),
                (false, false) => continue,
            };
            let pushed = match of_loop && changes.only_pushes(&name) {
                true => quote!(.pushed()),
                false => TokenStream::new(),
            };
            entries.push(quote!(::grafito::__private::Var::new(#name, #value).entry() #pushed));
        }
        entries
    }

    /// The state of an arm: the variables it changes, and the flags it may set.
    fn state(&self, changes: &Changes, exits: &BTreeSet<Exit>, ends_loop: Option<usize>) -> TokenStream {
        let mut entries = self.entries(changes, ends_loop.is_some());
        for &exit in exits {
            let flag = flag(exit);
            match ends_loop {
                Some(id) if exit != Exit::Continue(id) => entries.push(quote!(#flag.exit())),
                Some(_) => {}
                None => entries.push(quote!(#flag.entry())),
            }
            match exit {
                Exit::Return => {
                    let slot = hidden("__slot");
                    entries.push(quote!(#slot.entry()));
                }
                Exit::Break(id) if self.loops.iter().any(|target| target.id == id && target.gives) => {
                    let slot = name("value", id);
                    entries.push(quote!(#slot.entry()));
                }
                Exit::Break(_) | Exit::Continue(_) => {}
            }
        }
        quote!(&mut [#(#entries),*])
    }

    /// Something moved: a variable from outside the arm is cloned if it is mentioned elsewhere, too.
    fn moved(&self, expr: &mut Expr) {
        match expr {
            Expr::Paren(paren) => self.moved(&mut paren.expr),
            Expr::Group(group) => self.moved(&mut group.expr),
            Expr::Path(path) if path.attrs.is_empty() => {
                let Some(ident) = path.path.get_ident() else { return };
                let name = ident.to_string();
                if name == "self" {
                    return;
                }
                let Some((depth, binding)) = self.scopes.find(&name) else { return };
                let is_outer = depth < self.dup_depth && !binding.is_mut_ref;
                if is_outer && survey::mentions(self.tokens.clone(), &name) > 1 {
                    // An operation may begin here, and is then reported where this stands.
                    let span = super::place(ident);
                    *expr = Expr::Verbatim(quote_spanned!(span=> ::grafito::__private::dup(&#ident)));
                }
            }
            _ => {}
        }
    }

    /// The place of lowered code as the user's own, whatever it begins with.
    fn place(&self, tokens: &impl syn::spanned::Spanned) -> Span {
        super::place(tokens).resolved_at(self.user)
    }

    /// Whether a place is in a variable from outside the arm.
    fn is_outer(&self, place: &Expr) -> bool {
        let root = if matches!(place, Expr::MethodCall(_)) { None } else { survey::root(place) };
        root.and_then(|root| self.scopes.find(&root.to_string()))
            .is_some_and(|(depth, _)| depth < self.dup_depth)
    }

    fn refuse(&mut self, at: &impl syn::spanned::Spanned, message: &str) {
        self.errors.report(at, message);
    }
}

/// The flag of an exit.
fn flag(exit: Exit) -> Ident {
    match exit {
        Exit::Return => hidden("__return"),
        Exit::Break(id) => name("break", id),
        Exit::Continue(id) => name("continue", id),
    }
}

impl VisitMut for Stager<'_> {
    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        if is_host(expr) {
            take_attribute(expr, "host");
            return;
        }
        match expr {
            Expr::If(_) | Expr::While(_) | Expr::Loop(_) | Expr::ForLoop(_) | Expr::Match(_) => {
                if let Some(staged) = self.construct(expr) {
                    *expr = Expr::Verbatim(staged);
                }
            }
            Expr::Return(_) | Expr::Break(_) | Expr::Continue(_) => {
                if let Some(jump) = self.jump(expr) {
                    *expr = Expr::Verbatim(jump);
                }
            }
            Expr::Closure(closure) => self.closure(closure),
            Expr::Block(block) => {
                if let Some(label) = &block.label {
                    self.refuse(
                        label,
                        "a labelled block is not converted; make it a function or a closure, and `return` from it",
                    );
                }
                let stmts = self.stmts(&block.block.stmts);
                *expr = Expr::Verbatim(quote!({ #stmts }));
            }
            Expr::Unsafe(block) => {
                let changes = Changes::of_stmts(&block.block.stmts);
                if changes
                    .found
                    .iter()
                    .any(|(name, change)| *change == Change::Surely && self.scopes.find(name).is_some())
                {
                    self.refuse(
                        &block.unsafe_token,
                        "an unsafe block that assigns a variable is not converted; let it give the value, and assign \
                         that outside",
                    );
                }
            }
            Expr::Async(block) => {
                self.refuse(
                    &block.async_token,
                    "an async block is not converted; await what it needs before the call",
                );
            }
            Expr::Await(awaited) => {
                self.refuse(
                    &awaited.await_token,
                    "`await` is not converted; await what is needed before the call",
                );
            }
            Expr::TryBlock(block) => {
                self.refuse(
                    &block.try_token,
                    "a `try` block is not converted; make it a closure that gives a `Result`, and call that",
                );
            }
            Expr::Yield(_) => {
                self.refuse(expr, "`yield` is not converted; push what it gives to a `Vec`");
            }
            // In an arm or a loop's body a tensor may decide whether an `Err` is returned.
            Expr::Try(tried) if self.dup_depth > 0 => {
                self.visit_expr_mut(&mut tried.expr);
                let (inner, span) = (&tried.expr, super::place(&tried.question_token));
                *tried.expr = Expr::Verbatim(quote_spanned!(span=> ::grafito::__private::tried(#inner)));
            }
            Expr::Call(call) => {
                call.args.iter_mut().for_each(|arg| self.moved(arg));
                visit_mut::visit_expr_mut(self, expr);
            }
            Expr::MethodCall(call) => {
                call.args.iter_mut().for_each(|arg| self.moved(arg));
                self.visit_expr_mut(&mut call.receiver);
                call.args.iter_mut().for_each(|arg| self.visit_expr_mut(arg));
                if survey::reads_by_habit(call) && self.is_outer(&call.receiver) {
                    let (receiver, span) = (&call.receiver, super::place(&call.method));
                    *call.receiver = Expr::Verbatim(quote_spanned!(span=> (&#receiver)));
                }
            }
            Expr::Binary(binary) => {
                self.moved(&mut binary.right);
                if !survey::is_assignment(&binary.op) {
                    self.moved(&mut binary.left);
                }
                visit_mut::visit_expr_mut(self, expr);
            }
            Expr::Unary(unary) if !matches!(unary.op, syn::UnOp::Deref(_)) => {
                self.moved(&mut unary.expr);
                visit_mut::visit_expr_mut(self, expr);
            }
            Expr::Assign(assign) => {
                self.moved(&mut assign.right);
                self.visit_expr_mut(&mut assign.right);
                // Places are not moved.
                if !matches!(&*assign.left, Expr::Tuple(_) | Expr::Array(_)) {
                    self.visit_expr_mut(&mut assign.left);
                }
            }
            Expr::Tuple(tuple) => {
                tuple.elems.iter_mut().for_each(|part| self.moved(part));
                visit_mut::visit_expr_mut(self, expr);
            }
            Expr::Array(array) => {
                array.elems.iter_mut().for_each(|part| self.moved(part));
                visit_mut::visit_expr_mut(self, expr);
            }
            Expr::Struct(literal) => {
                literal.fields.iter_mut().for_each(|field| {
                    // `S { x }` must say `S { x: x }` before `x` can become anything else.
                    if field.colon_token.is_none() {
                        field.colon_token = Some(Default::default());
                    }
                    self.moved(&mut field.expr);
                });
                visit_mut::visit_expr_mut(self, expr);
            }
            Expr::Range(range) => {
                [&mut range.start, &mut range.end].into_iter().flatten().for_each(|end| self.moved(end));
                visit_mut::visit_expr_mut(self, expr);
            }
            _ => visit_mut::visit_expr_mut(self, expr),
        }
    }

    fn visit_block_mut(&mut self, block: &mut Block) {
        let stmts = self.stmts(&block.stmts);
        block.stmts = vec![Stmt::Expr(Expr::Verbatim(stmts), None)];
    }

    /// An item in the body is not part of the function.
    fn visit_item_mut(&mut self, _: &mut Item) {}
}
