//! `if`, `match`, and jumps under conditions.

use super::{Around, Grow};
use crate::twice::{Kind, Twice, filled, same};

impl Grow {
    pub(super) fn branch(&mut self) -> (Twice, bool) {
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

    pub(super) fn choice(&mut self) -> Twice {
        let matched = self.tensor(Kind::Int, 1).operand();
        let arms: Vec<Twice> = (0..3).map(|_| self.block(Vec::new()).0).collect();
        filled(
            "match ($ % 4) { 0 => {$\n} 1 | -2 => {$\n} _ => {$\n} }",
            &[&matched, &arms[0], &arms[1], &arms[2]],
        )
    }

    pub(super) fn guarded_jump(&mut self) -> (Twice, bool) {
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

    pub(super) fn jump(&mut self) -> Twice {
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
}
