//! Control flow on tensors, as functions of closures: `cond`, `while_loop`, `scan`.
//!
//! Where values exist (eager mode) the closures run as plain Rust. Where they do not, each closure is traced into a
//! region, what it uses of its surroundings is captured, and one structural node is added.

use std::sync::Arc;

use graph_core::{DType, Error, Fact, NodeKind, Origin};

use crate::region::{Region, outer, union};
use crate::tensor::{Tensor, apply_many, computes_at_once, raise};
use crate::tree::{TensorTree, leaf_paths, leaves};

/// The result of one of two branches, chosen by a bool scalar. Only the chosen one is computed.
///
/// ```
/// use graph_ops::{Tensor, cond};
/// let x = Tensor::scalar(-3.0f32);
/// let size = cond(&x.lt(0), || -&x, || x.clone());
/// assert_eq!(size.item::<f32>(), 3.0);
/// ```
///
/// # Panics
/// When the predicate is no bool scalar, or the branches give trees of different structure, dtypes or shapes.
///
/// # Source
/// `tf.cond`, `jax.lax.cond`.
#[track_caller]
pub fn cond<R: TensorTree>(
    predicate: &Tensor,
    then_branch: impl FnOnce() -> R,
    else_branch: impl FnOnce() -> R,
) -> R {
    let origin = Origin::caller();
    check_predicate("cond", predicate, origin);
    if computes_at_once(&[predicate]) {
        return if predicate.item::<bool>() { then_branch() } else { else_branch() };
    }
    let (then_result, then_region) = Region::trace("then", &[], origin, |_| then_branch());
    let (else_result, else_region) = Region::trace("else", &[], origin, |_| else_branch());
    check_same("cond: the branches differ", &then_result, &else_result, origin);
    let captures = union(&[&then_region, &else_region]);
    let kind = NodeKind::If {
        then_branch: Arc::new(then_region.closed_over(&captures)),
        else_branch: Arc::new(else_region.closed_over(&captures)),
    };
    let mut operands = vec![predicate.clone()];
    operands.extend(captures.iter().map(outer));
    rebuild(&then_result, apply_refs(kind, &operands))
}

/// Repeats `body` on a state while `condition` of it is true; gives the last state.
///
/// ```
/// use graph_ops::{Tensor, while_loop};
/// let n = Tensor::scalar(27i64);
/// let (_, steps) = while_loop(
///     (n, Tensor::scalar(0i64)),
///     |(n, _)| n.gt(1),
///     |(n, steps)| ((&n % 2).eq(0).select(&n / 2, &n * 3 + 1), steps + 1),
/// );
/// assert_eq!(steps.item::<i64>(), 111);
/// ```
///
/// # Panics
/// When the condition gives no bool scalar, or an iteration changes structure, dtypes or shapes of the state.
///
/// # Source
/// `tf.while_loop`, `jax.lax.while_loop`.
#[track_caller]
pub fn while_loop<S: TensorTree>(state: S, condition: impl Fn(&S) -> Tensor, body: impl Fn(S) -> S) -> S {
    let origin = Origin::caller();
    let initial = leaves(&state);
    if computes_at_once(&initial.iter().collect::<Vec<_>>()) {
        let mut state = state;
        loop {
            let decision = condition(&state);
            check_predicate("while_loop", &decision, origin);
            if !decision.item::<bool>() {
                return state;
            }
            let next = body(state.map_leaves(&mut Tensor::clone));
            check_same("while_loop: an iteration changes the state", &state, &next, origin);
            state = next;
        }
    }
    let (decision, condition) =
        Region::trace("condition", &initial, origin, |own| condition(&like(&state, own)));
    check_predicate("while_loop", &decision, origin);
    let (next, body) = Region::trace("body", &initial, origin, |own| body(like(&state, own)));
    check_same("while_loop: an iteration changes the state", &state, &next, origin);
    let captures = union(&[&condition, &body]);
    let kind = NodeKind::While {
        condition: Arc::new(condition.closed_over(&captures)),
        body: Arc::new(body.closed_over(&captures)),
        carried: initial.len(),
    };
    let mut operands = initial;
    operands.extend(captures.iter().map(outer));
    rebuild(&state, apply_refs(kind, &operands))
}

/// Runs `body` on a state and each row of a tree of sequences in turn; gives the last state, and what the body gave
/// for each row, stacked along a new first axis.
///
/// ```
/// use graph_ops::{Tensor, scan};
/// let x = Tensor::from([1.0f32, 2.0, 3.0]);
/// let (total, running) = scan(Tensor::scalar(0.0f32), &x, |total, x| {
///     let total = total + x;
///     (total.clone(), total)
/// });
/// assert_eq!(total.item::<f32>(), 6.0);
/// assert_eq!(running.to_vec::<f32>(), [1.0, 3.0, 6.0]);
/// ```
///
/// # Panics
/// When the sequences have no leaf, or no first axis of one length; when an iteration changes structure, dtypes or
/// shapes of the state; in eager mode, when there are no rows and so nothing that says what the stacked results are.
///
/// # Source
/// `jax.lax.scan`.
#[track_caller]
pub fn scan<S: TensorTree, X: TensorTree, Y: TensorTree>(
    state: S,
    sequences: &X,
    body: impl Fn(S, X) -> (S, Y),
) -> (S, Y) {
    let origin = Origin::caller();
    let (initial, xs) = (leaves(&state), leaves(sequences));
    let trips = match trip_count(&xs) {
        Ok(trips) => trips,
        Err(message) => raise(Error::Usage { message: format!("scan: {message}"), origin }),
    };
    let operands: Vec<&Tensor> = initial.iter().chain(&xs).collect();
    if computes_at_once(&operands) && trips > 0 {
        return scan_on_host(state, sequences, body, trips, origin);
    }
    let counter = Tensor::scalar(0i64);
    let rows: Vec<Fact> = xs.iter().map(|x| Fact::new(x.dtype(), &x.shape()[1..])).collect();
    let mut own = vec![counter.fact().clone()];
    own.extend(initial.iter().map(|leaf| leaf.fact().clone()));
    own.extend(rows);
    let ((next, collected), region) = Region::trace_facts("body", &own, origin, |own| {
        let (carried, rows) = own[1..].split_at(initial.len());
        body(like(&state, carried), like(sequences, rows))
    });
    check_same("scan: an iteration changes the state", &state, &next, origin);
    let captures = union(&[&region]);
    let kind = NodeKind::For {
        body: Arc::new(region.closed_over(&captures)),
        trips: Some(trips),
        reverse: false,
        carried: initial.len(),
        scanned: xs.len(),
    };
    let mut operands: Vec<Tensor> = initial.into_iter().chain(xs).collect();
    operands.extend(captures.iter().map(outer));
    let mut results = apply_refs(kind, &operands).into_iter();
    let state = state.map_leaves(&mut |_| results.next().expect("a result for each leaf"));
    let collected = collected.map_leaves(&mut |_| results.next().expect("a result for each leaf"));
    (state, collected)
}

fn scan_on_host<S: TensorTree, X: TensorTree, Y: TensorTree>(
    mut state: S,
    sequences: &X,
    body: impl Fn(S, X) -> (S, Y),
    trips: usize,
    origin: Origin,
) -> (S, Y) {
    let mut collected: Vec<Y> = Vec::with_capacity(trips);
    for trip in 0..trips {
        let row = sequences.map_leaves(&mut |x| origin.scope(|| x.index_axis(0, trip as isize)));
        let (next, y) = body(state.map_leaves(&mut Tensor::clone), row);
        check_same("scan: an iteration changes the state", &state, &next, origin);
        state = next;
        collected.push(y);
    }
    let rows: Vec<Vec<Tensor>> = collected.iter().map(leaves).collect();
    let mut leaf = 0;
    let stacked = collected[0].map_leaves(&mut |_| {
        leaf += 1;
        let rows: Vec<Tensor> = rows.iter().map(|row| row[leaf - 1].clone()).collect();
        origin.scope(|| Tensor::stack(&rows, 0))
    });
    (state, stacked)
}

fn trip_count(xs: &[Tensor]) -> Result<usize, String> {
    let lengths: Vec<Option<usize>> = xs.iter().map(|x| x.shape().first().copied()).collect();
    match lengths.first() {
        None => Err("there is no sequence to walk along".to_owned()),
        Some(None) => Err("a scalar has no rows".to_owned()),
        Some(Some(trips)) if lengths.iter().all(|len| *len == Some(*trips)) => Ok(*trips),
        Some(Some(_)) => {
            let facts: Vec<&Fact> = xs.iter().map(Tensor::fact).collect();
            Err(format!("the sequences {facts:?} differ in length"))
        }
    }
}

#[track_caller]
fn apply_refs(kind: NodeKind, operands: &[Tensor]) -> Vec<Tensor> {
    apply_many(kind, &operands.iter().collect::<Vec<_>>()).into_vec()
}

/// The tree with its leaves replaced, in order.
fn like<T: TensorTree>(tree: &T, tensors: &[Tensor]) -> T {
    let mut next = tensors.iter();
    tree.map_leaves(&mut |_| next.next().expect("a tensor for each leaf").clone())
}

fn rebuild<T: TensorTree>(tree: &T, results: Vec<Tensor>) -> T {
    like(tree, &results)
}

#[track_caller]
fn check_predicate(what: &str, predicate: &Tensor, origin: Origin) {
    if *predicate.fact() != Fact::scalar(DType::Bool) {
        let message = format!("{what}: the condition is a bool scalar, not {}", predicate.fact());
        raise(Error::Usage { message, origin });
    }
}

/// Both trees have the same leaves, of the same facts.
#[track_caller]
fn check_same<T: TensorTree>(what: &str, before: &T, after: &T, origin: Origin) {
    let (before_paths, after_paths) = (leaf_paths(before), leaf_paths(after));
    let difference = if before_paths != after_paths {
        Some(format!("from {} to {} tensors", before_paths.len(), after_paths.len()))
    } else {
        let pairs = leaves(before).into_iter().zip(leaves(after)).zip(before_paths);
        pairs.into_iter().find(|((before, after), _)| before.fact() != after.fact()).map(
            |((before, after), path)| {
                let place = if path.is_empty() { String::new() } else { format!("`{path}`: ") };
                let (before, after) = (
                    format!("{} ({})", before.fact(), before.origin()),
                    format!("{} ({})", after.fact(), after.origin()),
                );
                format!("{place}{before} and {after}")
            },
        )
    };
    if let Some(difference) = difference {
        raise(Error::Usage { message: format!("{what}: {difference}"), origin });
    }
}
