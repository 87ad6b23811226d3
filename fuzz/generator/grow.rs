//! Growing random programs: nested control flow over integers and floats, which ends for certain.
//!
//! Integers are kept below a hundred, so that no expression overflows; every loop counts its iterations.

use crate::random::Random;
use crate::twice::{Kind, Term, Twice, apart, filled, same};

/// A program: the parameters are `a`, `b` (integers), `x`, `y` (floats) and `n` (a host integer); the result is an
/// integer and a float.
pub(crate) fn program(seed: u64) -> Twice {
    let mut random = Random::new(seed);
    let budget = 6 + random.below(22);
    let mut grow =
        Grow { random, scopes: vec![Vec::new()], loops: Vec::new(), budget, named: 0, can_jump: true };
    for (name, kind) in [("a", Kind::Int), ("b", Kind::Int), ("x", Kind::Real), ("y", Kind::Real)] {
        grow.declare(name, kind, true);
    }
    grow.scopes[0].push(Variable { place: "n".to_owned(), kind: Kind::Int, is_mut: false, is_host: true });
    let mut text = grow.trees();
    while grow.budget > 0 {
        let (statement, ends) = grow.statement();
        text = filled("$\n$", &[&text, &statement]);
        if ends {
            return text;
        }
    }
    let result = grow.result();
    filled("$\n$", &[&text, &result])
}

/// Something that can be read, and assigned if it is `mut`.
#[derive(Clone)]
struct Variable {
    place: String,
    kind: Kind,
    is_mut: bool,
    is_host: bool,
}

/// A loop around a place.
#[derive(Clone)]
struct Around {
    label: String,
    /// What `break` gives.
    gives: Option<Kind>,
}

struct Grow {
    random: Random,
    scopes: Vec<Vec<Variable>>,
    loops: Vec<Around>,
    /// Statements still to be written.
    budget: usize,
    named: usize,
    /// Whether jumps are allowed here.
    can_jump: bool,
}

impl Grow {
    fn declare(&mut self, place: &str, kind: Kind, is_mut: bool) {
        // What it shadows is no longer seen.
        self.scopes.last_mut().expect("a scope").push(Variable {
            place: place.to_owned(),
            kind,
            is_mut,
            is_host: false,
        });
    }

    fn fresh(&mut self, prefix: &str) -> String {
        self.named += 1;
        format!("{prefix}{}", self.named)
    }

    fn kind(&mut self) -> Kind {
        *self.random.pick(&[Kind::Int, Kind::Real])
    }

    /// All that can be named here.
    fn visible(&self) -> Vec<Variable> {
        let mut visible: Vec<Variable> = Vec::new();
        for variable in self.scopes.iter().flatten() {
            visible.retain(|other| other.place != variable.place);
            visible.push(variable.clone());
        }
        visible
    }

    fn some(&mut self, holds: impl Fn(&Variable) -> bool) -> Option<Variable> {
        let all: Vec<Variable> = self.visible().into_iter().filter(|variable| holds(variable)).collect();
        if all.is_empty() { None } else { Some(self.random.pick(&all).clone()) }
    }

    // -- expressions -----------------------------------------------------------------------------------------------

    fn leaf(&mut self, kind: Kind) -> Term {
        if self.random.one_in(4) {
            return match kind {
                Kind::Int => {
                    let value = self.random.below(10) as i64 - 3;
                    Term::host(kind, apart(format!("{value}i64"), format!("{value}i64")))
                }
                Kind::Real => {
                    let value = *self.random.pick(&["0.5", "-1.25", "2.0", "0.1", "-0.0", "3.0"]);
                    Term::host(kind, apart(format!("F::of({value})"), format!("{value}f64")))
                }
            };
        }
        match self.some(|variable| variable.kind == kind) {
            Some(variable) if variable.is_host => Term::host(kind, same(variable.place)),
            Some(variable) => Term::read(kind, &variable.place),
            None => Term::host(kind, apart("1i64", "1i64")),
        }
    }

    fn expression(&mut self, kind: Kind, depth: usize) -> Term {
        if depth == 0 || self.random.one_in(5) {
            return self.leaf(kind);
        }
        let text = match (kind, self.random.below(12)) {
            (_, 0) => {
                let inner = self.tensor(kind, depth - 1);
                filled("(-$)", &[&inner.operand()])
            }
            (_, 1) => {
                let inner = self.tensor(kind, depth - 1);
                filled("$.abs()", &[&inner.operand()])
            }
            (Kind::Int, 2) => {
                let inner = self.tensor(kind, depth - 1);
                let by = self.random.below(4) + 2;
                let operator = *self.random.pick(&["/", "%"]);
                filled(&format!("($ {operator} {by})"), &[&inner.operand()])
            }
            (Kind::Int, 3) => {
                let inner = self.expression(Kind::Real, depth - 1).value();
                filled("to_int($)", &[&inner])
            }
            (Kind::Real, 2) => {
                let inner = self.expression(kind, depth - 1).value();
                filled("squash($)", &[&inner])
            }
            (Kind::Real, 3) => {
                let inner = self.expression(Kind::Int, depth - 1).value();
                filled("$($)", &[&apart("to_real::<F>", "to_real"), &inner])
            }
            (_, 4) => {
                // Each side in a block of its own, as an `if` that gives a value.
                let condition = self.condition(1);
                let (first, second) = (self.expression(kind, depth - 1), self.expression(kind, depth - 1));
                filled("(if $ { $ } else { $ })", &[&condition, &first.value(), &second.value()])
            }
            (Kind::Real, 5) => {
                let (left, right) = (self.tensor(kind, depth - 1), self.tensor(kind, depth - 1));
                let (left, right, one) = (left.operand(), right.operand(), apart("F::of(1.0)", "1.0"));
                filled("($ / ($ * $ + $))", &[&left, &right, &right, &one])
            }
            _ => {
                let operator = *self.random.pick(&["+", "-", "*"]);
                let (left, right) = (self.expression(kind, depth - 1), self.expression(kind, depth - 1));
                Term::around(operator, &left, &right)
            }
        };
        Term::owned(kind, text)
    }

    /// An expression that is a tensor in the graph.
    fn tensor(&mut self, kind: Kind, depth: usize) -> Term {
        let term = self.expression(kind, depth);
        if term.is_host() { Term::owned(kind, term.value()) } else { term }
    }

    /// An expression whose value is bounded.
    fn bounded(&mut self, kind: Kind) -> Twice {
        let depth = 1 + self.random.below(3);
        let term = self.tensor(kind, depth);
        match kind {
            Kind::Int => filled("($ % 97)", &[&term.operand()]),
            Kind::Real if self.random.one_in(2) => filled("squash($)", &[&term.value()]),
            Kind::Real => term.value(),
        }
    }

    /// A condition, on tensors or host numbers.
    fn condition(&mut self, depth: usize) -> Twice {
        if depth > 0 && self.random.one_in(3) {
            let (left, right) = (self.condition(depth - 1), self.condition(depth - 1));
            let operator = *self.random.pick(&["&&", "||"]);
            return filled(&format!("($ {operator} $)"), &[&left, &right]);
        }
        if depth > 0 && self.random.one_in(8) {
            // Divides only where it can.
            let (left, right) = (self.tensor(Kind::Int, 1), self.tensor(Kind::Int, 1));
            let divisor = right.operand();
            return filled("(($ != 0) && ($ / $ > 1))", &[&divisor, &left.operand(), &divisor]);
        }
        let kind = self.kind();
        let operator = match kind {
            Kind::Int => *self.random.pick(&["<", "<=", ">", ">=", "==", "!="]),
            Kind::Real => *self.random.pick(&["<", "<=", ">", ">="]),
        };
        let (left, right) = (self.expression(kind, 1), self.expression(kind, 1));
        let is_host = left.is_host() && right.is_host();
        let compared = match (is_host, kind) {
            // As they are: decided while tracing.
            (true, Kind::Int) => filled(&format!("($ {operator} $)"), &[&left.operand(), &right.operand()]),
            _ => Term::around(operator, &left, &right),
        };
        if self.random.one_in(8) { filled("(!$)", &[&compared]) } else { compared }
    }

    // -- statements ------------------------------------------------------------------------------------------------

    /// A block of a few statements, in a scope with these variables; and whether it certainly leaves.
    fn block(&mut self, variables: Vec<Variable>) -> (Twice, bool) {
        self.scopes.push(variables);
        let mut text = same("");
        let mut ends = false;
        for _ in 0..1 + self.random.below(4) {
            if self.budget == 0 {
                break;
            }
            let (statement, leaves) = self.statement();
            text = filled("$\n$", &[&text, &statement]);
            if leaves {
                ends = true;
                break;
            }
        }
        self.scopes.pop();
        (text, ends)
    }

    /// A statement, and whether it certainly leaves the block.
    fn statement(&mut self) -> (Twice, bool) {
        self.budget = self.budget.saturating_sub(1);
        let can_loop = self.loops.len() < 3;
        let text = match self.random.below(24) {
            0 | 1 => self.declaration(),
            2..=5 => self.assignment(),
            6..=8 => return self.branch(),
            9 => self.choice(),
            10 | 11 => return self.guarded_jump(),
            12 if can_loop => self.while_loop(),
            13 if can_loop => self.endless(),
            14..=16 if can_loop => self.for_loop(),
            17 => self.deferred(),
            18 => self.tuple(),
            19 => self.moved(),
            20 => self.closure(),
            21 if can_loop => self.host_loop(),
            22 => {
                let (inner, ends) = self.block(Vec::new());
                return (filled("{$\n}", &[&inner]), ends);
            }
            23 if self.can_jump && !self.loops.is_empty() && self.random.one_in(4) => {
                return (self.jump(), true);
            }
            _ => self.assignment(),
        };
        (text, false)
    }

    /// State of more than one tensor, which some programs have.
    fn trees(&mut self) -> Twice {
        let mut text = same("");
        if self.random.one_in(3) {
            let init = [self.bounded(Kind::Int), self.bounded(Kind::Real)];
            text = filled("$\nlet mut pair = Pair { whole: $, part: $ };", &[&text, &init[0], &init[1]]);
            self.declare("pair.whole", Kind::Int, true);
            self.declare("pair.part", Kind::Real, true);
        }
        if self.random.one_in(3) {
            let init = [self.bounded(Kind::Int), self.bounded(Kind::Int)];
            text = filled("$\nlet mut two = [$, $];", &[&text, &init[0], &init[1]]);
            self.declare("two[0]", Kind::Int, true);
            self.declare("two[1]", Kind::Int, true);
        }
        if self.random.one_in(3) {
            let init = [self.bounded(Kind::Real), self.bounded(Kind::Int)];
            text = filled("$\nlet mut both = ($, $);", &[&text, &init[0], &init[1]]);
            self.declare("both.0", Kind::Real, true);
            self.declare("both.1", Kind::Int, true);
        }
        text
    }

    fn declaration(&mut self) -> Twice {
        let kind = self.kind();
        let value = self.bounded(kind);
        let is_mut = self.random.one_in(2);
        let name = match self.random.one_in(3) {
            // Shadows another variable, perhaps of another kind.
            true => self
                .some(|variable| !variable.is_host && !variable.place.contains(['.', '[']))
                .map(|variable| variable.place),
            false => None,
        };
        let name = name.unwrap_or_else(|| self.fresh("v"));
        self.declare(&name, kind, is_mut);
        filled(&format!("let {}{name} = $;", if is_mut { "mut " } else { "" }), &[&value])
    }

    fn assignment(&mut self) -> Twice {
        let Some(variable) = self.some(|variable| variable.is_mut && !variable.is_host) else {
            return self.declaration();
        };
        let Variable { place, kind, .. } = variable;
        if self.random.one_in(3) {
            let operator = *self.random.pick(&["+=", "-=", "*="]);
            let term = self.expression(kind, 1);
            // `x += &x` borrows twice.
            let right = match term.is_host() && kind == Kind::Int {
                true => term.operand(),
                false => term.value(),
            };
            let text = filled(&format!("{place} {operator} $;"), &[&right]);
            return match kind {
                Kind::Int => filled(&format!("$ {place} %= 97;"), &[&text]),
                Kind::Real => text,
            };
        }
        let value = self.bounded(kind);
        filled(&format!("{place} = $;"), &[&value])
    }

    fn branch(&mut self) -> (Twice, bool) {
        let condition = self.condition(2);
        let (first, first_leaves) = self.block(Vec::new());
        let text = filled("if $ {$\n}", &[&condition, &first]);
        match self.random.below(4) {
            0 => (text, false),
            1 => {
                let condition = self.condition(1);
                let (second, second_leaves) = self.block(Vec::new());
                let (third, third_leaves) = self.block(Vec::new());
                let text = filled("$ else if $ {$\n} else {$\n}", &[&text, &condition, &second, &third]);
                (text, first_leaves && second_leaves && third_leaves)
            }
            _ => {
                let (second, second_leaves) = self.block(Vec::new());
                (filled("$ else {$\n}", &[&text, &second]), first_leaves && second_leaves)
            }
        }
    }

    fn choice(&mut self) -> Twice {
        let matched = self.tensor(Kind::Int, 1).operand();
        let arms: Vec<Twice> = (0..3).map(|_| self.block(Vec::new()).0).collect();
        filled(
            "match ($ % 4) { 0 => {$\n} 1 | -2 => {$\n} _ => {$\n} }",
            &[&matched, &arms[0], &arms[1], &arms[2]],
        )
    }

    fn guarded_jump(&mut self) -> (Twice, bool) {
        if !self.can_jump {
            return (self.assignment(), false);
        }
        let condition = self.condition(1);
        let first = match self.random.one_in(2) {
            true => self.assignment_only(),
            false => same(""),
        };
        let jump = self.jump();
        if self.random.one_in(4) {
            let (other, leaves) = self.block(Vec::new());
            return (filled("if $ { $ $ } else {$\n}", &[&condition, &first, &jump, &other]), leaves);
        }
        (filled("if $ { $ $ }", &[&condition, &first, &jump]), false)
    }

    /// An assignment that declares nothing.
    fn assignment_only(&mut self) -> Twice {
        self.scopes.push(Vec::new());
        let text = self.assignment();
        self.scopes.pop();
        text
    }

    fn jump(&mut self) -> Twice {
        let innermost = self.loops.len();
        if innermost == 0 || self.random.one_in(5) {
            let result = self.result();
            return filled("return $;", &[&result]);
        }
        let target = self.random.below(innermost);
        let Around { label, gives } = self.loops[target].clone();
        let label = match target + 1 == innermost && self.random.one_in(2) {
            true => String::new(),
            false => format!(" {label}"),
        };
        if self.random.one_in(2) {
            return same(format!("continue{label};"));
        }
        match gives {
            None => same(format!("break{label};")),
            Some(kind) => {
                let value = self.bounded(kind);
                filled(&format!("break{label} $;"), &[&value])
            }
        }
    }

    /// The values of all variables, in one of each kind.
    fn result(&mut self) -> Twice {
        let (ints, reals) = (self.total(Kind::Int), self.total(Kind::Real));
        filled("($, $)", &[&ints, &reals])
    }

    fn total(&mut self, kind: Kind) -> Twice {
        let all: Vec<Variable> = self
            .visible()
            .into_iter()
            .filter(|variable| variable.kind == kind && !variable.is_host)
            .collect();
        let (one, two) = match kind {
            Kind::Int => (apart("1i64", "int(1)"), same("2")),
            Kind::Real => (apart("F::of(1.0)", "real(1.0)"), apart("F::of(2.0)", "2.0")),
        };
        let mut total = one;
        for variable in all {
            let read = Term::read(kind, &variable.place);
            total = filled("($ * $ + $)", &[&total, &two, &read.operand()]);
            if kind == Kind::Int {
                total = filled("($ % 9973)", &[&total]);
            }
        }
        total
    }

    fn enter(&mut self, gives: Option<Kind>) -> Twice {
        let label = self.fresh("'l");
        self.loops.push(Around { label: label.clone(), gives });
        same(label)
    }

    fn while_loop(&mut self) -> Twice {
        let condition = self.condition(1);
        let (count, bound) = (same(self.fresh("c")), same((self.random.below(4) + 1).to_string()));
        let label = self.enter(None);
        let (body, _) = self.block(Vec::new());
        self.loops.pop();
        match self.random.below(3) {
            0 => filled(
                "let mut $ = $; $: while $ { $ += 1; if $ > $ { break; }$\n}",
                &[&count, &zero(), &label, &condition, &count, &count, &bound, &body],
            ),
            1 => filled(
                "let mut $ = $; $: while $ && ($ < $) { $ += 1;$\n}",
                &[&count, &zero(), &label, &condition, &count, &bound, &count, &body],
            ),
            _ => filled(
                "let mut $ = $; $: while ($ < $) && $ { $ += 1;$\n}",
                &[&count, &zero(), &label, &count, &bound, &condition, &count, &body],
            ),
        }
    }

    fn endless(&mut self) -> Twice {
        let gives = if self.random.one_in(2) { Some(self.kind()) } else { None };
        let (count, bound) = (same(self.fresh("c")), same((self.random.below(4) + 1).to_string()));
        let last = match gives {
            Some(kind) => self.bounded(kind),
            None => same(""),
        };
        let label = self.enter(gives);
        let (body, _) = self.block(Vec::new());
        self.loops.pop();
        let text = filled(
            "$: loop { $ += 1; if $ > $ { break $; }$\n}",
            &[&label, &count, &count, &bound, &last, &body],
        );
        let Some(kind) = gives else {
            return filled("let mut $ = $; $", &[&count, &zero(), &text]);
        };
        let name = self.fresh("v");
        self.declare(&name, kind, false);
        filled("let mut $ = $; let $ = $;", &[&count, &zero(), &same(name), &text])
    }

    fn for_loop(&mut self) -> Twice {
        let item = self.fresh("i");
        let own = |kind| Variable { place: item.clone(), kind, is_mut: false, is_host: false };
        let count = self.fresh("i");
        let own_count = Variable { place: count.clone(), kind: Kind::Int, is_mut: false, is_host: false };
        let stop = self.tensor(Kind::Int, 1).operand();
        let (variables, head) = match self.random.below(9) {
            0 | 1 => (vec![own(Kind::Int)], filled(&format!("{item} in range($ % 4)"), &[&stop])),
            2 => {
                let start = self.tensor(Kind::Int, 0).operand();
                let head = filled(&format!("{item} in ($ % 3)..($ % 4)"), &[&start, &stop]);
                (vec![own(Kind::Int)], head)
            }
            3 => (vec![own(Kind::Int)], filled(&format!("{item} in 1..=($ % 4)"), &[&stop])),
            4 => {
                let step = *self.random.pick(&["-2", "-1", "1", "3"]);
                let head = filled(&format!("{item} in range_step($ % 5, 2, {step})"), &[&stop]);
                (vec![own(Kind::Int)], head)
            }
            5 => (
                vec![own(Kind::Int)],
                apart(format!("{item} in [3i64, -1, 4]"), format!("{item} in ints([3, -1, 4])")),
            ),
            6 => (
                vec![own(Kind::Real)],
                apart(
                    format!("{item} in [0.5, -0.25].map(F::of)"),
                    format!("{item} in reals([0.5, -0.25]).rows()"),
                ),
            ),
            7 => (
                vec![own_count, own(Kind::Real)],
                apart(
                    format!("({count}, {item}) in numbered([0.5, 2.0, -1.0].map(F::of))"),
                    format!("({count}, {item}) in reals([0.5, 2.0, -1.0]).rows().enumerate()"),
                ),
            ),
            _ => (
                vec![own_count, own(Kind::Real)],
                apart(
                    format!("({count}, {item}) in [7i64, 5].into_iter().zip([0.5, 2.0, -1.0].map(F::of))"),
                    format!("({count}, {item}) in ints([7, 5]).rows().zip(reals([0.5, 2.0, -1.0]).rows())"),
                ),
            ),
        };
        let label = self.enter(None);
        let (body, _) = self.block(variables);
        self.loops.pop();
        filled("$: for $ {$\n}", &[&label, &head, &body])
    }

    /// A loop that Rust unrolls.
    fn host_loop(&mut self) -> Twice {
        let item = self.fresh("k");
        let own = Variable { place: item.clone(), kind: Kind::Int, is_mut: false, is_host: true };
        match self.random.below(4) {
            0 => {
                // A host number that changes: nothing may leave this loop, or it would depend on a tensor.
                let could_jump = std::mem::replace(&mut self.can_jump, false);
                let label = self.enter(None);
                let (body, _) = self.block(vec![own]);
                self.loops.pop();
                self.can_jump = could_jump;
                filled(
                    &format!("{{ let mut {item} = 0i64; $: while {item} < 2 {{$\n{item} += 1; }} }}"),
                    &[&label, &body],
                )
            }
            1 => {
                let label = self.enter(None);
                let (body, _) = self.block(vec![own]);
                self.loops.pop();
                filled(&format!("$: for {item} in 0..n {{$\n}}"), &[&label, &body])
            }
            2 => {
                let label = self.enter(None);
                let (body, _) = self.block(vec![own]);
                self.loops.pop();
                filled(&format!("$: for {item} in 1i64..3 {{$\n}}"), &[&label, &body])
            }
            _ => {
                let label = self.enter(None);
                let (body, _) = self.block(vec![own]);
                self.loops.pop();
                filled(&format!("$: for {item} in [4i64, -2] {{$\n}}"), &[&label, &body])
            }
        }
    }

    /// A variable that both arms are the first to assign.
    fn deferred(&mut self) -> Twice {
        let kind = self.kind();
        let name = self.fresh("v");
        let condition = self.condition(1);
        let (first, first_leaves) = self.block(Vec::new());
        let (first_value, second_value) = (self.bounded(kind), self.bounded(kind));
        let declared = same(name.clone());
        let first_assigned = match first_leaves {
            true => same(""),
            false if self.random.one_in(2) => {
                let (condition, other) = (self.condition(0), self.bounded(kind));
                let parts = [&condition, &declared, &first_value, &declared, &other];
                filled("if $ { $ = $; } else { $ = $; }", &parts)
            }
            false => filled("$ = $;", &[&declared, &first_value]),
        };
        let first_assigned = match self.can_jump && self.random.one_in(4) {
            // What follows is guarded, and assigns the variable there.
            true => filled("if $ { $ } $", &[&self.condition(0), &self.jump(), &first_assigned]),
            false => first_assigned,
        };
        self.declare(&name, kind, false);
        filled(
            "let $; if $ { {$\n} $ } else { $ = $; }",
            &[&declared, &condition, &first, &first_assigned, &declared, &second_value],
        )
    }

    /// Two variables at once, from an `if` or `match` that gives both.
    fn tuple(&mut self) -> Twice {
        let names = [self.fresh("v"), self.fresh("v")];
        let condition = self.condition(1);
        let values: Vec<Twice> =
            [Kind::Int, Kind::Real, Kind::Int, Kind::Real].map(|kind| self.bounded(kind)).to_vec();
        let first = match self.can_jump && self.random.one_in(4) {
            true => self.jump(),
            false => filled("($, $)", &[&values[0], &values[1]]),
        };
        let matched = self.tensor(Kind::Int, 1).operand();
        self.declare(&names[0], Kind::Int, false);
        self.declare(&names[1], Kind::Real, false);
        let names = same(format!("let ({}, {})", names[0], names[1]));
        match self.random.one_in(2) {
            true => filled(
                "$ = if $ { $ } else { ($, $) };",
                &[&names, &condition, &first, &values[2], &values[3]],
            ),
            false => filled(
                "$ = match ($ % 3) { 0 | 1 => { $ } _ => ($, $) };",
                &[&names, &matched, &first, &values[2], &values[3]],
            ),
        }
    }

    /// A variable that both arms move.
    fn moved(&mut self) -> Twice {
        let kind = self.kind();
        let Some(target) = self.some(|variable| variable.is_mut && variable.kind == kind) else {
            return self.declaration();
        };
        let (name, value) = (same(self.fresh("m")), self.bounded(kind));
        let condition = self.condition(1);
        let (place, by) = (
            same(target.place),
            match kind {
                Kind::Int => same("(1 - "),
                Kind::Real => apart("(F::of(1.0) - ", "(1.0 - "),
            },
        );
        filled(
            "let $ = $; if $ { let taken = $; $ = taken; } else { $ = $$); }",
            &[&name, &value, &condition, &name, &place, &place, &by, &name],
        )
    }

    /// A closure over what there is, called twice.
    fn closure(&mut self) -> Twice {
        let kind = self.kind();
        let Some(target) = self.some(|variable| variable.is_mut && variable.kind == kind) else {
            return self.declaration();
        };
        let (closure, own) = (same(self.fresh("f")), self.fresh("t"));
        let ty = match kind {
            Kind::Int => apart("i64", "Tensor"),
            Kind::Real => apart("F", "Tensor"),
        };
        self.scopes.push(vec![Variable { place: own.clone(), kind, is_mut: false, is_host: false }]);
        let early = match self.random.one_in(2) {
            true => {
                let (condition, value) = (self.condition(1), self.bounded(kind));
                filled("if $ { return $; }", &[&condition, &value])
            }
            false => same(""),
        };
        let last = self.bounded(kind);
        self.scopes.pop();
        let arguments = [self.bounded(kind), self.bounded(kind)];
        let value = self.fresh("v");
        let text = filled(
            "let $ = { let $ = |$: $| -> $ { $ $ }; $($) - $($) };",
            &[
                &same(value.clone()),
                &closure,
                &same(own),
                &ty,
                &ty,
                &early,
                &last,
                &closure,
                &arguments[0],
                &closure,
                &arguments[1],
            ],
        );
        let assigned = match kind {
            Kind::Int => same(format!("{} = {value} % 97;", target.place)),
            Kind::Real => same(format!("{} = {value};", target.place)),
        };
        filled("$ $", &[&text, &assigned])
    }
}

fn zero() -> Twice {
    apart("0i64", "int(0)")
}
