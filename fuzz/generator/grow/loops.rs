//! Loops, each of which ends.

use super::{Around, Grow, Variable, zero};
use crate::twice::{Kind, Twice, apart, filled, same};

impl Grow {
    pub(super) fn enter(&mut self, gives: Option<Kind>) -> Twice {
        let label = self.fresh("'l");
        self.loops.push(Around { label: label.clone(), gives });
        same(label)
    }

    pub(super) fn while_loop(&mut self) -> Twice {
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

    pub(super) fn endless(&mut self) -> Twice {
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

    pub(super) fn for_loop(&mut self) -> Twice {
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
    pub(super) fn host_loop(&mut self) -> Twice {
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
}
