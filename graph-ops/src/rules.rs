//! The rewrite rules: algebra over the ops, as a table.
//!
//! # The rules for rules
//!
//! 1. A row is an equation; it stands in the comment above it, or is the row itself where the patterns say it all.
//! 2. It holds for every value of the dtypes it is for: NaN, infinities, both zeros, the least integer, wrapping around.
//!    `x + 0 = x` is wrong for floats (`-0 + 0` is `0`), `x · 0 = 0` too (`∞ · 0` is NaN). A float may only become more
//!    exact (`x²`), never another kind of number. An op that fails on some data may be dropped, never made to fail.
//! 3. The right side is never costlier than the left, even where parts of the left are needed elsewhere and stay.
//! 4. There is one direction: the result of no chain of rules is a left side that was there before.
//! 5. No rule looks at who uses a value.
//! 6. What can be a pattern is one. A function is for attributes.
//!
//! Literals match constants of any shape, so `mul(?x, 1)` covers a tensor of ones. The result is broadcast where the
//! constant made it larger. `add`, `mul`, … match in either order of their operands (see [`COMMUTATIVE`]).

use std::sync::LazyLock;

use graph_core::{DType, Fact, Rule, Rules, Shape, Site, Term};

use crate::ops::matmul::Matmul;
use crate::ops::permute::Permute;
use crate::ops::pointwise::{BroadcastTo, Cast, Pointwise, ScalarOp};
use crate::ops::reduce::{Reduce, Reduction};
use crate::ops::view::Reshape;
use crate::registry::op_from_text;

/// Ops whose operands may be swapped, to the bit.
const COMMUTATIVE: &[&str] = &["add", "mul", "minimum", "maximum", "and", "or", "xor", "eq", "ne"];

/// Reductions that give a single element back as it is. (A sum of `-0` alone may be `0`.)
const CHOOSING: [Reduction; 4] = [Reduction::Max, Reduction::Min, Reduction::Any, Reduction::All];

fn table() -> Vec<Rule> {
    vec![
        // -- sums ------------------------------------------------------------------------------------------------
        Rule::new("add-zero", "add(?x, 0)", "?x").ints(),
        // -0 is the neutral element of floats: 0 + -0 = 0, -0 + -0 = -0.
        Rule::new("add-negative-zero", "add(?x, -0)", "?x").floats(),
        Rule::new("sub-zero", "sub(?x, 0)", "?x"),
        Rule::new("zero-sub", "sub(0, ?x)", "neg(?x)").ints(),
        // Not for floats: ∞ - ∞ is NaN.
        Rule::new("sub-self", "sub(?x, ?x)", "0").ints(),
        Rule::new("add-neg", "add(?x, neg(?y))", "sub(?x, ?y)"),
        Rule::new("sub-neg", "sub(?x, neg(?y))", "add(?x, ?y)"),
        // Not for floats: -(x - x) is -0, and rounding.
        Rule::new("neg-sub", "neg(sub(?x, ?y))", "sub(?y, ?x)").ints(),
        Rule::new("add-sub", "add(sub(?x, ?y), ?y)", "?x").ints(),
        Rule::new("sub-add", "sub(add(?x, ?y), ?y)", "?x").ints(),
        // -- products --------------------------------------------------------------------------------------------
        Rule::new("mul-one", "mul(?x, 1)", "?x"),
        // Not for floats: NaN · 0, ∞ · 0, and -1 · 0 = -0.
        Rule::new("mul-zero", "mul(?x, 0)", "0").ints(),
        Rule::new("mul-minus-one", "mul(?x, -1)", "neg(?x)"),
        Rule::new("mul-neg-neg", "mul(neg(?x), neg(?y))", "mul(?x, ?y)"),
        Rule::new("div-one", "div(?x, 1)", "?x"),
        // Not for integers: -MIN is MIN.
        Rule::new("div-neg-neg", "div(neg(?x), neg(?y))", "div(?x, ?y)").floats(),
        // x / 2ᵏ = x · 2⁻ᵏ
        Rule::function("div-power-of-two", &["div"], div_by_power_of_two),
        Rule::new("rem-one", "rem(?x, 1)", "0").ints(),
        // x¹ = x, x² = x · x (rounded once), x⁰ = 1 (of NaN, too).
        Rule::new("pow-one", "pow(?x, 1)", "?x"),
        Rule::new("pow-two", "pow(?x, 2)", "mul(?x, ?x)"),
        Rule::new("pow-zero", "pow(?x, 0)", "1"),
        // -- functions applied twice -----------------------------------------------------------------------------
        Rule::new("neg-neg", "neg(neg(?x))", "?x"),
        Rule::new("abs-neg", "abs(neg(?x))", "abs(?x)"),
        Rule::new("abs-abs", "abs(abs(?x))", "abs(?x)"),
        Rule::new("sign-sign", "sign(sign(?x))", "sign(?x)"),
        Rule::new("relu-relu", "relu(relu(?x))", "relu(?x)"),
        Rule::new("floor-floor", "floor(floor(?x))", "floor(?x)"),
        Rule::new("ceil-ceil", "ceil(ceil(?x))", "ceil(?x)"),
        Rule::new("round-round", "round(round(?x))", "round(?x)"),
        Rule::new("maximum-self", "maximum(?x, ?x)", "?x"),
        Rule::new("minimum-self", "minimum(?x, ?x)", "?x"),
        // -- truth values and bits -------------------------------------------------------------------------------
        Rule::new("not-not", "not(not(?x))", "?x"),
        Rule::new("and-self", "and(?x, ?x)", "?x"),
        Rule::new("or-self", "or(?x, ?x)", "?x"),
        Rule::new("and-true", "and(?x, true)", "?x"),
        Rule::new("and-false", "and(?x, false)", "false"),
        Rule::new("or-true", "or(?x, true)", "true"),
        Rule::new("or-false", "or(?x, false)", "?x"),
        Rule::new("xor-false", "xor(?x, false)", "?x"),
        Rule::new("xor-true", "xor(?x, true)", "not(?x)"),
        Rule::new("and-zero", "and(?x, 0)", "0"),
        Rule::new("and-minus-one", "and(?x, -1)", "?x"),
        Rule::new("or-zero", "or(?x, 0)", "?x"),
        Rule::new("xor-zero", "xor(?x, 0)", "?x"),
        Rule::new("xor-self", "xor(?x, ?x)", "0").ints(),
        // -- comparisons -----------------------------------------------------------------------------------------
        // Not for floats: NaN equals nothing, not even itself, and is neither below nor above anything.
        Rule::new("eq-self", "eq(?x, ?x)", "true").not_floats(),
        Rule::new("ne-self", "ne(?x, ?x)", "false").not_floats(),
        Rule::new("le-self", "le(?x, ?x)", "true").not_floats(),
        Rule::new("ge-self", "ge(?x, ?x)", "true").not_floats(),
        // x < x is false for every x, NaN included.
        Rule::new("lt-self", "lt(?x, ?x)", "false"),
        Rule::new("gt-self", "gt(?x, ?x)", "false"),
        Rule::new("not-eq", "not(eq(?x, ?y))", "ne(?x, ?y)"),
        Rule::new("not-ne", "not(ne(?x, ?y))", "eq(?x, ?y)"),
        Rule::new("not-lt", "not(lt(?x, ?y))", "ge(?x, ?y)").not_floats(),
        Rule::new("not-le", "not(le(?x, ?y))", "gt(?x, ?y)").not_floats(),
        Rule::new("not-gt", "not(gt(?x, ?y))", "le(?x, ?y)").not_floats(),
        Rule::new("not-ge", "not(ge(?x, ?y))", "lt(?x, ?y)").not_floats(),
        // -- selection -------------------------------------------------------------------------------------------
        Rule::new("select-same", "select(?c, ?x, ?x)", "?x"),
        Rule::new("select-true", "select(true, ?x, ?y)", "?x"),
        Rule::new("select-false", "select(false, ?x, ?y)", "?y"),
        Rule::new("select-not", "select(not(?c), ?x, ?y)", "select(?c, ?y, ?x)"),
        // -- names and shapes ------------------------------------------------------------------------------------
        Rule::new("identity", "identity(?x)", "?x"),
        // Gradients have been taken.
        Rule::new("stop-gradient", "stop_gradient(?x)", "?x"),
        // An op that leaves the fact as it is, is none: reshape, broadcast and cast to what it was.
        Rule::function("same-fact", &["reshape", "broadcast_to", "cast"], same_fact),
        // reshape(reshape(x)) = reshape(x)
        Rule::function("reshape-reshape", &["reshape"], reshape_of_reshape),
        // broadcast(broadcast(x)) = broadcast(x)
        Rule::function("broadcast-broadcast", &["broadcast_to"], broadcast_of_broadcast),
        // f(broadcast(x), y) = f(x, y), where y alone makes the result as large: pointwise ops broadcast themselves.
        Rule::function("pointwise-broadcast", &pointwise_names(), pointwise_of_broadcast),
        // cast(cast(x)) = x, where the dtype between holds every x.
        Rule::function("cast-back", &["cast"], cast_back),
        // permute(permute(x)) = permute(x)
        Rule::function("permute-permute", &["permute"], permute_of_permute),
        // Axes of length 1 may move without a move in memory.
        Rule::function("permute-reshape", &["permute"], permute_as_reshape),
        // A transposed matrix is as good a factor as it is.
        Rule::function("matmul-transpose", &["matmul"], matmul_of_transpose),
        // A reduction along no axis combines nothing, one along axes of length 1 that only chooses has no choice.
        Rule::function("reduce-nothing", &Reduction::ALL.map(Reduction::name), reduce_nothing),
    ]
}

/// The rules over this crate's ops, in the order in which they are tried.
pub fn rules() -> &'static Rules {
    static RULES: LazyLock<Rules> = LazyLock::new(|| {
        Rules::new(table(), COMMUTATIVE, op_from_text, |fact: &Fact| {
            BroadcastTo { shape: fact.shape.clone() }.into()
        })
    });
    &RULES
}

fn pointwise_names() -> Vec<&'static str> {
    ScalarOp::ALL.iter().map(|op| op.name()).chain(["select"]).collect()
}

fn same_fact(site: &Site<'_>) -> Option<Term> {
    let x = site.operands()[0];
    (site.fact_of(x) == site.fact()).then_some(Term::Value(x))
}

fn reshape_of_reshape(site: &Site<'_>) -> Option<Term> {
    let reshape = site.op::<Reshape>()?;
    let (_, x) = site.definition::<Reshape>(site.operands()[0])?;
    Some(Term::apply(reshape.clone(), x))
}

fn broadcast_of_broadcast(site: &Site<'_>) -> Option<Term> {
    let broadcast = site.op::<BroadcastTo>()?;
    let (_, x) = site.definition::<BroadcastTo>(site.operands()[0])?;
    Some(Term::apply(broadcast.clone(), x))
}

fn pointwise_of_broadcast(site: &Site<'_>) -> Option<Term> {
    let mut operands = site.operands().to_vec();
    let mut changed = false;
    for i in 0..operands.len() {
        if let Some((_, x)) = site.definition::<BroadcastTo>(operands[i]) {
            let broadcast = std::mem::replace(&mut operands[i], x[0]);
            let mut shape = Shape::scalar();
            for &operand in &operands {
                shape = shape.broadcast(&site.fact_of(operand).shape)?;
            }
            if shape == site.fact().shape {
                changed = true;
            } else {
                operands[i] = broadcast;
            }
        }
    }
    changed.then(|| Term::apply(site.op_ref().clone(), &operands))
}

fn div_by_power_of_two(site: &Site<'_>) -> Option<Term> {
    let (x, constant) = (site.operands()[0], site.constant(site.operands()[1])?);
    let (divisor, least) = match (constant.as_slice::<f32>(), constant.as_slice::<f64>()) {
        (Some(&[divisor]), _) => (f64::from(divisor), f64::from(f32::MIN_POSITIVE)),
        (_, Some(&[divisor])) => (divisor, f64::MIN_POSITIVE),
        _ => return None,
    };
    let reciprocal = divisor.recip();
    // To multiply by a subnormal number may take longer than to divide. This leaves out zero, infinity and NaN, too.
    let are_normal = divisor.abs() >= least && reciprocal.abs() >= least;
    // Without its sign and its exponent.
    let is_power = are_normal && divisor.to_bits() << (u64::BITS - (f64::MANTISSA_DIGITS - 1)) == 0;
    // The number is a scalar: the constant must not have made the result larger.
    (is_power && site.fact_of(x) == site.fact())
        .then(|| Term::Apply(Pointwise(ScalarOp::Mul).into(), vec![Term::Value(x), Term::Number(reciprocal)]))
}

fn cast_back(site: &Site<'_>) -> Option<Term> {
    use DType::{Bool, F32, F64, I32, I64, U8};
    let cast = site.op::<Cast>()?;
    let (between, x) = site.definition::<Cast>(site.operands()[0])?;
    let holds_all = match cast.to {
        Bool => true,
        U8 => between.to != Bool,
        I32 => matches!(between.to, I64 | F64),
        F32 => between.to == F64,
        I64 | F64 => false,
    };
    (site.fact_of(x[0]).dtype == cast.to && holds_all).then_some(Term::Value(x[0]))
}

fn permute_of_permute(site: &Site<'_>) -> Option<Term> {
    let outer = site.op::<Permute>()?;
    let (inner, x) = site.definition::<Permute>(site.operands()[0])?;
    Some(Term::apply(Permute { axes: outer.axes.iter().map(|&axis| inner.axes[axis]).collect() }, x))
}

fn permute_as_reshape(site: &Site<'_>) -> Option<Term> {
    let permute = site.op::<Permute>()?;
    let shape = &site.fact_of(site.operands()[0]).shape;
    let moved = permute.axes.iter().filter(|&&axis| shape[axis] != 1);
    moved.is_sorted().then(|| Term::apply(Reshape { shape: site.fact().shape.clone() }, site.operands()))
}

fn matmul_of_transpose(site: &Site<'_>) -> Option<Term> {
    let mut matmul = *site.op::<Matmul>()?;
    let mut operands = [site.operands()[0], site.operands()[1]];
    let mut changed = false;
    let flags = [&mut matmul.transpose_left, &mut matmul.transpose_right];
    for (operand, flag) in operands.iter_mut().zip(flags) {
        if let Some((permute, x)) = site.definition::<Permute>(*operand)
            && is_transpose(&permute.axes)
        {
            *operand = x[0];
            *flag = !*flag;
            changed = true;
        }
    }
    changed.then(|| Term::apply(matmul, &operands))
}

/// Whether the last two axes are swapped, and no others moved.
fn is_transpose(axes: &[usize]) -> bool {
    let rank = axes.len();
    let swapped = |i: usize| {
        if i + 1 == rank {
            rank - 2
        } else if i + 2 == rank {
            rank - 1
        } else {
            i
        }
    };
    rank >= 2 && axes.iter().enumerate().all(|(i, &axis)| axis == swapped(i))
}

fn reduce_nothing(site: &Site<'_>) -> Option<Term> {
    let reduce = site.op::<Reduce>()?;
    let shape = &site.fact_of(site.operands()[0]).shape;
    if reduce.axes.is_empty() {
        return Some(Term::Value(site.operands()[0]));
    }
    let single = reduce.axes.iter().all(|&axis| shape[axis] == 1);
    let reshape = || Term::apply(Reshape { shape: site.fact().shape.clone() }, site.operands());
    (single && CHOOSING.contains(&reduce.reduction)).then(reshape)
}

#[cfg(test)]
mod tests;
