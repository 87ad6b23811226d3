//! Expressions: numbers that stay small, and conditions.

use super::Grow;
use crate::twice::{Kind, Term, Twice, apart, filled, same};

impl Grow {
    pub(super) fn leaf(&mut self, kind: Kind) -> Term {
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

    pub(super) fn expression(&mut self, kind: Kind, depth: usize) -> Term {
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
    pub(super) fn tensor(&mut self, kind: Kind, depth: usize) -> Term {
        let term = self.expression(kind, depth);
        if term.is_host() { Term::owned(kind, term.value()) } else { term }
    }

    /// An expression whose value is bounded.
    pub(super) fn bounded(&mut self, kind: Kind) -> Twice {
        let depth = 1 + self.random.below(3);
        let term = self.tensor(kind, depth);
        match kind {
            Kind::Int => filled("($ % 97)", &[&term.operand()]),
            Kind::Real if self.random.one_in(2) => filled("squash($)", &[&term.value()]),
            Kind::Real => term.value(),
        }
    }

    /// A condition, on tensors or host numbers.
    pub(super) fn condition(&mut self, depth: usize) -> Twice {
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
}
