//! Growing random programs: nested control flow over integers and floats, which ends for certain.
//!
//! Integers are kept below a hundred, so that no expression overflows; every loop counts its iterations.

mod bindings;
mod branches;
mod expressions;
mod loops;

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
}

fn zero() -> Twice {
    apart("0i64", "int(0)")
}
