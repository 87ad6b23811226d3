//! What a piece of code does with the variables around it, and where it leaves to.

use std::collections::BTreeSet;

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{
    BinOp, Block, Expr, ExprAwait, ExprBreak, ExprClosure, ExprContinue, ExprForLoop, ExprLet, ExprLoop,
    ExprReturn, ExprTry, ExprWhile, Ident, Item, Local, Pat, PatIdent, Stmt,
};

use super::is_host;

/// The variable that a place belongs to: `x` of `x.w[0].b`.
pub(super) fn root(place: &Expr) -> Option<&Ident> {
    match place {
        Expr::Path(path) => path.path.get_ident(),
        Expr::Field(field) => root(&field.base),
        Expr::Index(index) => root(&index.expr),
        Expr::Paren(paren) => root(&paren.expr),
        Expr::Group(group) => root(&group.expr),
        Expr::Unary(unary) if matches!(unary.op, syn::UnOp::Deref(_)) => root(&unary.expr),
        Expr::Reference(reference) => root(&reference.expr),
        Expr::MethodCall(call) => root(&call.receiver),
        _ => None,
    }
}

/// Whether an operator assigns: `+=` and its like.
pub(super) fn is_assignment(op: &BinOp) -> bool {
    matches!(
        op,
        BinOp::AddAssign(_)
            | BinOp::SubAssign(_)
            | BinOp::MulAssign(_)
            | BinOp::DivAssign(_)
            | BinOp::RemAssign(_)
            | BinOp::BitXorAssign(_)
            | BinOp::BitAndAssign(_)
            | BinOp::BitOrAssign(_)
            | BinOp::ShlAssign(_)
            | BinOp::ShrAssign(_)
    )
}

/// The variables that a pattern binds. A name in capitals is a constant or a variant.
pub(super) fn bound(pat: &Pat) -> Vec<PatIdent> {
    struct Bound(Vec<PatIdent>);
    impl Visit<'_> for Bound {
        fn visit_pat_ident(&mut self, pat: &PatIdent) {
            let name = pat.ident.to_string();
            if !name.starts_with(char::is_uppercase) {
                self.0.push(pat.clone());
            }
            visit::visit_pat_ident(self, pat);
        }
    }
    let mut found = Bound(Vec::new());
    found.visit_pat(pat);
    found.0
}

/// The names of all variables declared `mut` somewhere in a block.
pub(super) fn mutable_names(block: &Block) -> Vec<String> {
    struct Mutable(Vec<String>);
    impl Visit<'_> for Mutable {
        fn visit_pat_ident(&mut self, pat: &PatIdent) {
            if pat.mutability.is_some() {
                self.0.push(pat.ident.to_string());
            }
            visit::visit_pat_ident(self, pat);
        }
    }
    let mut found = Mutable(Vec::new());
    found.visit_block(block);
    found.0
}

/// How often a name stands anywhere in some tokens, also inside macros and format strings.
pub(super) fn mentions(tokens: TokenStream, name: &str) -> usize {
    tokens
        .into_iter()
        .map(|token| match token {
            TokenTree::Group(group) => mentions(group.stream(), name),
            TokenTree::Ident(ident) => usize::from(ident == name),
            TokenTree::Literal(literal) => usize::from(literal.to_string().contains(&format!("{{{name}"))),
            TokenTree::Punct(_) => 0,
        })
        .sum()
}

/// How a variable may be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Change {
    /// It is handed to a function as it is, which may change it if it is a `&mut`.
    Lent,
    /// A method is called on it, which may take it by `&mut`.
    Perhaps,
    /// It is assigned or borrowed by `&mut`.
    Surely,
}

/// Methods that take `&self` whatever they are called on, since a trait of the language says so. A variable that only
/// these are called on may be borrowed around the code.
const READING: [&str; 12] =
    ["__grafito_at", "as_ref", "borrow", "clone", "cmp", "eq", "ge", "gt", "le", "lt", "ne", "to_owned"];
/// Methods of which everybody expects that. Where an arm calls one it borrows the receiver, so that one which does change
/// it is an error of the compiler's.
const READING_BY_HABIT: [&str; 5] = ["is_empty", "is_none", "is_some", "iter", "len"];

/// Whether a call is of a method that by habit leaves its receiver as it is.
pub(super) fn reads_by_habit(call: &syn::ExprMethodCall) -> bool {
    READING_BY_HABIT.iter().any(|name| call.method == name)
}

/// Whether a method call certainly leaves its receiver as it is.
fn leaves_alone(call: &syn::ExprMethodCall) -> bool {
    let is_shared = |mut receiver: &Expr| {
        while let Expr::Paren(paren) = receiver {
            receiver = &paren.expr;
        }
        matches!(receiver, Expr::Reference(reference) if reference.mutability.is_none())
    };
    is_shared(&call.receiver) || READING.iter().any(|name| call.method == name) || reads_by_habit(call)
}

/// The variables from outside that some code changes.
#[derive(Default)]
pub(super) struct Changes {
    locals: Vec<Vec<String>>,
    pub(super) found: Vec<(String, Change)>,
    /// The receivers of `push`.
    pushed: Vec<String>,
    tokens: TokenStream,
}

impl Changes {
    pub(super) fn of_stmts(stmts: &[Stmt]) -> Changes {
        let mut tokens = TokenStream::new();
        stmts.iter().for_each(|stmt| stmt.to_tokens(&mut tokens));
        let mut changes = Changes { locals: vec![Vec::new()], tokens, ..Changes::default() };
        stmts.iter().for_each(|stmt| changes.visit_stmt(stmt));
        changes
    }

    pub(super) fn of(expr: &Expr) -> Changes {
        let tokens = expr.to_token_stream();
        let mut changes = Changes { locals: vec![Vec::new()], tokens, ..Changes::default() };
        changes.visit_expr(expr);
        changes
    }

    /// Whether the code does nothing with a variable but `variable.push(..)`.
    pub(super) fn only_pushes(&self, name: &str) -> bool {
        let pushed = self.pushed.iter().filter(|pushed| *pushed == name).count();
        pushed > 0 && pushed == mentions(self.tokens.clone(), name)
    }

    pub(super) fn kind(&self, name: &str) -> Option<Change> {
        self.found.iter().filter(|(found, _)| found == name).map(|(_, change)| *change).max()
    }

    fn note(&mut self, place: &Expr, change: Change) {
        if let Expr::Tuple(tuple) = place {
            tuple.elems.iter().for_each(|place| self.note(place, change));
        } else if let Some(root) = root(place) {
            let name = root.to_string();
            if !self.locals.iter().flatten().any(|local| *local == name) {
                self.found.push((name, change));
            }
        }
    }

    fn declare(&mut self, pat: &Pat) {
        let names = bound(pat).into_iter().map(|pat| pat.ident.to_string());
        self.locals.last_mut().expect("a scope").extend(names);
    }

    fn scoped(&mut self, f: impl FnOnce(&mut Changes)) {
        self.locals.push(Vec::new());
        f(self);
        self.locals.pop();
    }
}

impl Visit<'_> for Changes {
    fn visit_expr(&mut self, expr: &Expr) {
        if let Expr::MethodCall(call) = expr
            && let (true, Expr::Path(receiver)) = (call.method == "push", &*call.receiver)
            && let Some(name) = receiver.path.get_ident()
        {
            self.pushed.push(name.to_string());
        }
        match expr {
            Expr::Assign(assign) => self.note(&assign.left, Change::Surely),
            Expr::Binary(binary) if is_assignment(&binary.op) => self.note(&binary.left, Change::Surely),
            Expr::Reference(reference) if reference.mutability.is_some() => {
                self.note(&reference.expr, Change::Surely);
            }
            Expr::MethodCall(call) if !leaves_alone(call) => self.note(&call.receiver, Change::Perhaps),
            Expr::Call(call) => self.note(&call.func, Change::Perhaps),
            _ => {}
        }
        let arguments = match expr {
            Expr::MethodCall(call) => &call.args,
            Expr::Call(call) => &call.args,
            _ => &Punctuated::new(),
        };
        for argument in arguments.iter().filter(|argument| matches!(argument, Expr::Path(_))) {
            self.note(argument, Change::Lent);
        }
        match expr {
            Expr::If(_) | Expr::While(_) => self.scoped(|changes| visit::visit_expr(changes, expr)),
            _ => visit::visit_expr(self, expr),
        }
    }

    fn visit_block(&mut self, block: &Block) {
        self.scoped(|changes| visit::visit_block(changes, block));
    }

    fn visit_local(&mut self, local: &Local) {
        visit::visit_local(self, local);
        self.declare(&local.pat);
    }

    fn visit_expr_let(&mut self, expr: &ExprLet) {
        visit::visit_expr_let(self, expr);
        self.declare(&expr.pat);
    }

    fn visit_expr_for_loop(&mut self, expr: &ExprForLoop) {
        self.visit_expr(&expr.expr);
        self.scoped(|changes| {
            changes.declare(&expr.pat);
            changes.visit_block(&expr.body);
        });
    }

    fn visit_arm(&mut self, arm: &syn::Arm) {
        self.scoped(|changes| {
            changes.declare(&arm.pat);
            visit::visit_arm(changes, arm);
        });
    }

    fn visit_expr_closure(&mut self, closure: &ExprClosure) {
        self.scoped(|changes| {
            closure.inputs.iter().for_each(|pat| changes.declare(pat));
            changes.visit_expr(&closure.body);
        });
    }

    fn visit_item(&mut self, _: &Item) {}
}

/// Where code may leave to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Exit {
    /// Out of the function or closure.
    Return,
    /// Out of a loop.
    Break(usize),
    /// To the next iteration of a loop.
    Continue(usize),
}

/// A loop that is being lowered.
#[derive(Debug, Clone)]
pub(super) struct Loop {
    pub(super) id: usize,
    pub(super) label: Option<String>,
    /// Whether it is a `loop` that gives a value.
    pub(super) gives: bool,
}

/// The loops and the function that some code leaves, given the loops around it.
pub(super) fn exits(loops: &[Loop], visit: impl FnOnce(&mut Exits<'_>)) -> BTreeSet<Exit> {
    let mut exits = Exits { loops, own: Vec::new(), found: BTreeSet::new() };
    visit(&mut exits);
    exits.found
}

pub(super) struct Exits<'a> {
    loops: &'a [Loop],
    /// The labels of loops within the code.
    own: Vec<Option<String>>,
    found: BTreeSet<Exit>,
}

impl Exits<'_> {
    fn target(&self, label: Option<&syn::Lifetime>) -> Option<usize> {
        find(self.loops, &self.own, label)
    }

    fn within(&mut self, label: Option<&syn::Label>, f: impl FnOnce(&mut Self)) {
        self.own.push(label.map(|label| label.name.ident.to_string()));
        f(self);
        self.own.pop();
    }
}

/// The loop that a jump leads to, unless it is one of the code's own.
fn find(loops: &[Loop], own: &[Option<String>], label: Option<&syn::Lifetime>) -> Option<usize> {
    match label {
        None if own.is_empty() => loops.last().map(|target| target.id),
        None => None,
        Some(label) => {
            let name = label.ident.to_string();
            if own.iter().flatten().any(|own| *own == name) {
                return None;
            }
            loops.iter().rev().find(|target| target.label.as_ref() == Some(&name)).map(|target| target.id)
        }
    }
}

/// The loop that a jump leads to.
pub(super) fn target<'l>(loops: &'l [Loop], label: Option<&syn::Lifetime>) -> Option<&'l Loop> {
    let id = find(loops, &[], label)?;
    loops.iter().find(|target| target.id == id)
}

impl Visit<'_> for Exits<'_> {
    fn visit_expr(&mut self, expr: &Expr) {
        if !is_host(expr) {
            visit::visit_expr(self, expr);
        }
    }
    fn visit_expr_return(&mut self, expr: &ExprReturn) {
        self.found.insert(Exit::Return);
        visit::visit_expr_return(self, expr);
    }
    fn visit_expr_break(&mut self, expr: &ExprBreak) {
        if let Some(id) = self.target(expr.label.as_ref()) {
            self.found.insert(Exit::Break(id));
        }
        visit::visit_expr_break(self, expr);
    }
    fn visit_expr_continue(&mut self, expr: &ExprContinue) {
        if let Some(id) = self.target(expr.label.as_ref()) {
            self.found.insert(Exit::Continue(id));
        }
    }
    fn visit_expr_while(&mut self, expr: &ExprWhile) {
        self.within(expr.label.as_ref(), |exits| visit::visit_expr_while(exits, expr));
    }
    fn visit_expr_for_loop(&mut self, expr: &ExprForLoop) {
        self.within(expr.label.as_ref(), |exits| visit::visit_expr_for_loop(exits, expr));
    }
    fn visit_expr_loop(&mut self, expr: &ExprLoop) {
        self.within(expr.label.as_ref(), |exits| visit::visit_expr_loop(exits, expr));
    }
    fn visit_expr_closure(&mut self, _: &ExprClosure) {}
    fn visit_expr_async(&mut self, _: &syn::ExprAsync) {}
    fn visit_item(&mut self, _: &Item) {}
}

/// Whether a `loop` is left by a `break` of its own, and whether with a value.
pub(super) fn breaks(expr: &ExprLoop) -> (bool, bool) {
    struct Breaks<'a> {
        depth: usize,
        label: Option<&'a syn::Label>,
        found: (bool, bool),
    }
    impl Breaks<'_> {
        fn deeper(&mut self, f: impl FnOnce(&mut Self)) {
            self.depth += 1;
            f(self);
            self.depth -= 1;
        }
    }
    impl Visit<'_> for Breaks<'_> {
        fn visit_expr_break(&mut self, expr: &ExprBreak) {
            let is_own = match (&expr.label, self.label) {
                (None, _) => self.depth == 0,
                (Some(label), Some(own)) => label.ident == own.name.ident,
                (Some(_), None) => false,
            };
            if is_own {
                self.found.0 = true;
                self.found.1 |= expr.expr.is_some();
            }
            visit::visit_expr_break(self, expr);
        }
        fn visit_expr_while(&mut self, expr: &ExprWhile) {
            self.deeper(|breaks| visit::visit_expr_while(breaks, expr));
        }
        fn visit_expr_for_loop(&mut self, expr: &ExprForLoop) {
            self.deeper(|breaks| visit::visit_expr_for_loop(breaks, expr));
        }
        fn visit_expr_loop(&mut self, expr: &ExprLoop) {
            self.deeper(|breaks| visit::visit_expr_loop(breaks, expr));
        }
        fn visit_expr_closure(&mut self, _: &ExprClosure) {}
        fn visit_item(&mut self, _: &Item) {}
    }
    let mut breaks = Breaks { depth: 0, label: expr.label.as_ref(), found: (false, false) };
    breaks.visit_block(&expr.body);
    breaks.found
}

/// Whether code that were put into a closure would lead elsewhere.
pub(super) fn leaves_closure(expr: &Expr) -> bool {
    struct Leaves(bool);
    impl Visit<'_> for Leaves {
        fn visit_expr_try(&mut self, _: &ExprTry) {
            self.0 = true;
        }
        fn visit_expr_await(&mut self, _: &ExprAwait) {
            self.0 = true;
        }
        fn visit_expr_return(&mut self, _: &ExprReturn) {
            self.0 = true;
        }
        fn visit_expr_break(&mut self, _: &ExprBreak) {
            self.0 = true;
        }
        fn visit_expr_continue(&mut self, _: &ExprContinue) {
            self.0 = true;
        }
        fn visit_expr_closure(&mut self, _: &ExprClosure) {}
    }
    let mut leaves = Leaves(false);
    leaves.visit_expr(expr);
    leaves.0
}

/// Whether a condition binds something.
pub(super) fn has_let(condition: &Expr) -> bool {
    match condition {
        Expr::Let(_) => true,
        Expr::Paren(inner) => has_let(&inner.expr),
        Expr::Binary(binary) => has_let(&binary.left) || has_let(&binary.right),
        _ => false,
    }
}

/// Whether statements certainly end elsewhere than at their end.
pub(super) fn diverges(stmts: &[Stmt]) -> bool {
    stmts.iter().any(leaves)
}

/// Whether nothing gets beyond a statement.
pub(super) fn leaves(stmt: &Stmt) -> bool {
    match stmt {
        Stmt::Expr(expr, _) => diverging(expr),
        Stmt::Macro(call) => panics(&call.mac),
        _ => false,
    }
}

/// Whether an expression certainly has no value.
pub(super) fn diverging(expr: &Expr) -> bool {
    match expr {
        Expr::Return(_) | Expr::Break(_) | Expr::Continue(_) => true,
        Expr::Block(block) => diverges(&block.block.stmts),
        Expr::If(expr) => {
            diverges(&expr.then_branch.stmts)
                && expr.else_branch.as_ref().is_some_and(|(_, other)| diverging(other))
        }
        Expr::Match(choice) => choice.arms.iter().all(|arm| diverging(&arm.body)),
        Expr::Loop(repeat) => !breaks(repeat).0,
        Expr::Macro(call) => panics(&call.mac),
        _ => false,
    }
}

fn panics(call: &syn::Macro) -> bool {
    let name = call.path.segments.last();
    let is = |name: &syn::PathSegment, other: &str| name.ident == other;
    name.is_some_and(|name| {
        ["panic", "todo", "unreachable", "unimplemented"].iter().any(|other| is(name, other))
    })
}

/// Whether a variable is assigned on every way through some statements that gets to their end, and on one at least.
/// What nothing gets to is not emitted, and so assigns nothing.
pub(super) fn assigns(stmts: &[Stmt], name: &str) -> bool {
    let reached = match stmts.iter().position(leaves) {
        Some(last) => &stmts[..=last],
        None => stmts,
    };
    reached.iter().any(|stmt| match stmt {
        Stmt::Expr(expr, _) => assigns_in(expr, name),
        _ => false,
    })
}

fn assigns_in(expr: &Expr, name: &str) -> bool {
    match expr {
        Expr::Assign(assign) => assign.left.to_token_stream().to_string() == name,
        Expr::Block(block) => assigns(&block.block.stmts, name),
        Expr::If(expr) => {
            let Some((_, other)) = &expr.else_branch else { return false };
            let first = (assigns(&expr.then_branch.stmts, name), diverges(&expr.then_branch.stmts));
            all_assign([first, (assigns_in(other, name), diverging(other))])
        }
        Expr::Match(choice) => {
            all_assign(choice.arms.iter().map(|arm| (assigns_in(&arm.body, name), diverging(&arm.body))))
        }
        _ => false,
    }
}

/// Of arms that assign a variable or leave: whether each does, and one assigns.
pub(super) fn all_assign(arms: impl IntoIterator<Item = (bool, bool)>) -> bool {
    let arms = arms.into_iter().collect::<Vec<_>>();
    arms.iter().all(|(assigns, leaves)| *assigns || *leaves) && arms.iter().any(|(assigns, _)| *assigns)
}
