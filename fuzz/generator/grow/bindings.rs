//! Statements that declare, assign, move and borrow.

use super::{Grow, Variable};
use crate::twice::{Kind, Twice, apart, filled, same};

impl Grow {
    /// State of more than one tensor, which some programs have.
    pub(super) fn trees(&mut self) -> Twice {
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

    pub(super) fn declaration(&mut self) -> Twice {
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

    pub(super) fn assignment(&mut self) -> Twice {
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

    /// An assignment that declares nothing.
    pub(super) fn assignment_only(&mut self) -> Twice {
        self.scopes.push(Vec::new());
        let text = self.assignment();
        self.scopes.pop();
        text
    }

    /// A variable that both arms are the first to assign.
    pub(super) fn deferred(&mut self) -> Twice {
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
    pub(super) fn tuple(&mut self) -> Twice {
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
    pub(super) fn moved(&mut self) -> Twice {
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
    pub(super) fn closure(&mut self) -> Twice {
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
