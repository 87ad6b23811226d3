//! `simplify`: the pass that applies a table of rules.

use smallvec::SmallVec;

use super::pattern::Literal;
use super::rule::{Rules, Site, Term};
use crate::error::Error;
use crate::fact::Fact;
use crate::graph::{Graph, NodeKind};
use crate::ids::Value;
use crate::op::{self, Class, OpRef};
use crate::origin::Origin;
use crate::passes::Changed;
use crate::passes::rebuild::{Rebuild, Rewritten, in_place, rebuild};

/// How often what a rule made may be rewritten again. Rules make things simpler, so a chain is short; this bounds those
/// that go round in a circle.
const MAX_CHAIN: usize = 16;

/// Rewrites ops by the rules, until none applies.
///
/// An op that acts on the world is never rewritten. *After:* no rule applies to any op.
///
/// # Errors
/// Never.
pub fn simplify(graph: &mut Graph, rules: &Rules) -> Result<Changed, Error> {
    in_place(graph, |graph| simplified(graph, rules))
}

fn simplified(graph: &Graph, rules: &Rules) -> Rewritten {
    rebuild(graph, &mut |new, node, inputs| {
        if let (NodeKind::Apply(op), [fact]) = (node.kind(), node.facts())
            && let Some(value) = rewrite(new, rules, op, inputs, fact, node.origin(), MAX_CHAIN)
        {
            new.changed = Changed::Yes;
            return Ok(SmallVec::from_elem(value, 1));
        }
        new.copy(node, inputs, &mut |region| simplified(region, rules))
    })
}

/// The value that an op on operands is the same as by some rule; `None` where no rule applies.
fn rewrite(
    new: &mut Rebuild,
    rules: &Rules,
    op: &OpRef,
    operands: &[Value],
    fact: &Fact,
    origin: Origin,
    fuel: usize,
) -> Option<Value> {
    if fuel == 0 || op.class() == Class::Effect {
        return None;
    }
    let mut from = 0;
    loop {
        let site = Site { graph: &new.graph, op, operands, fact };
        let (index, term) = rules.apply(&site, from)?;
        if let Some(value) = emit_as(new, rules, &term, fact, origin, fuel - 1) {
            return Some(value);
        }
        from = index + 1; // The result did not fit; another rule's may.
    }
}

/// The value of a term, broadcast where it must be to have this fact; `None` where it cannot have it.
fn emit_as(
    new: &mut Rebuild,
    rules: &Rules,
    term: &Term,
    fact: &Fact,
    origin: Origin,
    fuel: usize,
) -> Option<Value> {
    let value = emit(new, rules, term, fact, origin, fuel)?;
    let have = new.graph.fact(value);
    if have == fact {
        return Some(value);
    }
    // An op and a broadcast would be costlier than the op that was there.
    let is_op = matches!(term, Term::Apply(..));
    if is_op || have.dtype != fact.dtype || !have.shape.broadcasts_to(&fact.shape) {
        return None;
    }
    apply(new, rules, &(rules.broadcast)(fact), &[value], origin, fuel)
}

fn emit(
    new: &mut Rebuild,
    rules: &Rules,
    term: &Term,
    fact: &Fact,
    origin: Origin,
    fuel: usize,
) -> Option<Value> {
    let literal = match term {
        Term::Value(value) => return Some(*value),
        Term::Apply(op, operands) => {
            let operands: SmallVec<[Value; 4]> = operands
                .iter()
                .map(|operand| emit(new, rules, operand, fact, origin, fuel))
                .collect::<Option<_>>()?;
            return apply(new, rules, op, &operands, origin, fuel);
        }
        Term::Number(number) => Literal::Number(*number),
        Term::Truth(truth) => Literal::Truth(*truth),
    };
    Some(new.graph.add_constant(literal.splat(fact.dtype)?, origin))
}

/// Adds an op, or what it is the same as.
fn apply(
    new: &mut Rebuild,
    rules: &Rules,
    op: &OpRef,
    operands: &[Value],
    origin: Origin,
    fuel: usize,
) -> Option<Value> {
    let facts = {
        let operand_facts: SmallVec<[&Fact; 4]> = operands.iter().map(|&v| new.graph.fact(v)).collect();
        op::infer(&**op, &operand_facts).ok()?
    };
    let [fact] = &facts[..] else { return None };
    if let Some(value) = rewrite(new, rules, op, operands, fact, origin, fuel) {
        return Some(value);
    }
    let values = new.graph.apply(op.clone(), operands, origin).ok()?;
    values.first().copied()
}
