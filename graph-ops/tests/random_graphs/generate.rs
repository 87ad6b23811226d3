//! A generator of random graphs, driven by a list of numbers, so that proptest can shrink it.
//!
//! Every number picks one thing; where they run out, everything is the first choice. Graphs are small (shapes of a few
//! elements, loops of a few trips), and use every kind of node and every op of the registry.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use graph_core::{Array, Class, DType, Element, Fact, Graph, NodeKind, OpRef, Origin, Value, with_element};
use graph_ops::ops::matmul::Matmul;
use graph_ops::ops::permute::Permute;
use graph_ops::ops::pointwise::{BroadcastTo, Cast, Pointwise, ScalarOp, Select};
use graph_ops::ops::reduce::{Reduce, Reduction};
use graph_ops::ops::view::{Identity, Reshape};
use graph_ops::registry::{Sample, samples};

/// A source of choices.
pub(crate) struct Choices<'a> {
    numbers: std::slice::Iter<'a, u32>,
}

impl<'a> Choices<'a> {
    pub(crate) fn new(numbers: &'a [u32]) -> Choices<'a> {
        Choices { numbers: numbers.iter() }
    }

    /// A number below `bound`.
    fn below(&mut self, bound: usize) -> usize {
        self.numbers.next().map_or(0, |&number| number as usize % bound)
    }

    fn one_of<T: Clone>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())].clone()
    }

    fn is_done(&self) -> bool {
        self.numbers.as_slice().is_empty()
    }
}

const SHAPES: [&[usize]; 7] = [&[], &[3], &[2, 3], &[1, 3], &[2, 1], &[3, 2], &[2, 2, 3]];
const DTYPES: [DType; 4] = [DType::F32, DType::I64, DType::Bool, DType::F64];

/// A graph and arguments for it.
pub(crate) fn graph(numbers: &[u32]) -> (Graph, Vec<Array>) {
    let choices = &mut Choices::new(numbers);
    let mut graph = Graph::new("random");
    let origin = Origin::caller();
    let num_inputs = 1 + choices.below(4);
    let mut inputs = Vec::new();
    for index in 0..num_inputs {
        let fact = Fact::new(choices.one_of(&DTYPES), choices.one_of(&SHAPES));
        graph.add_input(format!("x{index}"), fact.clone(), origin);
        if choices.below(2) == 1 {
            graph.donate_input(index);
        }
        inputs.push(array(&fact, choices));
    }
    let mut values: Vec<Value> = graph.inputs().iter().map(|&id| Value::new(id, 0)).collect();
    while !choices.is_done() && graph.num_nodes() < 60 {
        step(&mut graph, &mut values, choices, 0);
    }
    // Mostly what was made last, sometimes twice, sometimes an input or a constant.
    let num_outputs = 1 + values.len() % 4;
    let outputs = (0..num_outputs).map(|i| {
        let from_end = (numbers.get(i).copied().unwrap_or(0) as usize % values.len()).min(i * 3);
        values[values.len() - 1 - from_end]
    });
    let outputs: Vec<Value> = outputs.collect();
    graph.set_outputs(outputs);
    (graph, inputs)
}

/// Adds a node, or a few.
fn step(graph: &mut Graph, values: &mut Vec<Value>, choices: &mut Choices<'_>, depth: usize) {
    let origin = Origin::caller();
    let kind = choices.below(if depth < 2 { 24 } else { 20 });
    let added = match kind {
        0 => {
            let fact = Fact::new(choices.one_of(&DTYPES), choices.one_of(&SHAPES));
            let array = if choices.below(2) == 0 { splat(&fact, choices) } else { array(&fact, choices) };
            values.push(graph.add_constant(array, origin));
            return;
        }
        1..=9 => pointwise(graph, values, choices),
        10 => apply(graph, Cast { to: choices.one_of(&DTYPES) }, &[choices.one_of(values)]),
        11 => {
            let (x, shape) = (choices.one_of(values), choices.one_of(&SHAPES));
            apply(graph, BroadcastTo { shape: shape.into() }, &[x])
        }
        12 => {
            let x = choices.one_of(values);
            let mut shape = graph.fact(x).shape.to_vec();
            match choices.below(3) {
                0 => shape.insert(0, 1),
                1 => shape.reverse(),
                _ => shape = vec![shape.iter().product()],
            }
            apply(graph, Reshape { shape: shape.into() }, &[x])
        }
        13 => {
            let x = choices.one_of(values);
            let mut axes: Vec<usize> = (0..graph.fact(x).shape.rank()).collect();
            match choices.below(3) {
                0 => axes.reverse(),
                1 if !axes.is_empty() => axes.rotate_left(1),
                _ if axes.len() >= 2 => axes.swap(0, 1),
                _ => {}
            }
            apply(graph, Permute { axes }, &[x])
        }
        14 => {
            let x = choices.one_of(values);
            let rank = graph.fact(x).shape.rank();
            let axes: Vec<usize> = (0..rank).filter(|_| choices.below(2) == 0).collect();
            let reduction = choices.one_of(&Reduction::ALL);
            apply(graph, Reduce { reduction, axes, keep_dims: choices.below(2) == 0 }, &[x])
        }
        15 => {
            let flags = choices.below(4);
            let op = Matmul { transpose_left: flags & 1 > 0, transpose_right: flags & 2 > 0 };
            match choices.below(3) {
                0 => apply(graph, op, &[choices.one_of(values), choices.one_of(values)]),
                1 => update(graph, op, values, choices),
                _ => layer(graph, op, values, choices),
            }
        }
        16 => apply(graph, Identity, &[choices.one_of(values)]),
        17 | 18 => sample(graph, values, choices),
        19 => {
            // The same again: something to merge.
            let value = choices.one_of(values);
            let node = graph.node(value.node());
            let (kind, inputs) = (node.kind().clone(), node.inputs().to_vec());
            if matches!(kind, NodeKind::Input { .. }) {
                return;
            }
            graph.add(kind, &inputs, origin).map(|v| v.to_vec()).ok()
        }
        _ => structure(graph, values, choices, depth, kind),
    };
    values.extend(added.into_iter().flatten());
}

/// A product of two matrices.
fn product(graph: &mut Graph, op: Matmul, values: &[Value], choices: &mut Choices<'_>) -> Option<Value> {
    let is_matrix =
        |value: &&Value| graph.fact(**value).shape.rank() == 2 && graph.fact(**value).dtype.is_float();
    let matrices: Vec<Value> = values.iter().filter(is_matrix).copied().collect();
    let [left, right] =
        if matrices.is_empty() { return None } else { [0, 1].map(|_| choices.one_of(&matrices)) };
    // Only of a matrix with itself it is sure that one of these fits.
    let product = apply(graph, op, &[left, right]);
    let of_itself = Matmul { transpose_left: true, transpose_right: false };
    Some(product.or_else(|| apply(graph, of_itself, &[left, left]))?[0])
}

/// A product, and ops that go along its rows.
fn layer(graph: &mut Graph, op: Matmul, values: &[Value], choices: &mut Choices<'_>) -> Option<Vec<Value>> {
    let mut added = vec![product(graph, op, values, choices)?];
    for _ in 0..1 + choices.below(3) {
        let last = added[added.len() - 1];
        let fact = graph.fact(last).clone();
        let next = match choices.below(4) {
            0 => apply(graph, Pointwise(choices.one_of(&[ScalarOp::Exp, ScalarOp::Neg])), &[last]),
            1 => {
                let reduction = choices.one_of(&Reduction::ALL);
                apply(graph, Reduce { reduction, axes: vec![1], keep_dims: true }, &[last])
            }
            _ => {
                let row = Fact::new(fact.dtype, [fact.shape[1]]);
                let mut others: Vec<Value> =
                    values.iter().copied().filter(|&v| [&fact, &row].contains(&graph.fact(v))).collect();
                others.push(added[0]);
                apply(graph, Pointwise(ScalarOp::Mul), &[last, choices.one_of(&others)])
            }
        };
        added.extend(next.into_iter().flatten());
    }
    Some(added)
}

/// A product that is scaled and added to something.
fn update(graph: &mut Graph, op: Matmul, values: &[Value], choices: &mut Choices<'_>) -> Option<Vec<Value>> {
    let product = product(graph, op, values, choices)?;
    let fact = graph.fact(product).clone();
    let alpha = graph.add_constant(splat(&Fact::scalar(fact.dtype), choices), Origin::caller());
    let scaled = apply(graph, Pointwise(ScalarOp::Mul), &[product, alpha])?[0];
    let same: Vec<Value> = values.iter().copied().filter(|&value| *graph.fact(value) == fact).collect();
    let c = match same.is_empty() {
        true => graph.add_constant(array(&fact, choices), Origin::caller()),
        false => choices.one_of(&same),
    };
    let row = if choices.below(2) == 0 { ScalarOp::Add } else { ScalarOp::Sub };
    apply(graph, Pointwise(row), &[c, scaled])
}

fn apply(graph: &mut Graph, op: impl Into<OpRef>, inputs: &[Value]) -> Option<Vec<Value>> {
    graph.apply(op, inputs, Origin::caller()).ok().map(|values| values.to_vec())
}

fn pointwise(graph: &mut Graph, values: &[Value], choices: &mut Choices<'_>) -> Option<Vec<Value>> {
    let op = choices.below(ScalarOp::ALL.len() + 3);
    let first = choices.one_of(values);
    let dtype = graph.fact(first).dtype;
    let alike: Vec<Value> = values.iter().copied().filter(|&v| graph.fact(v).dtype == dtype).collect();
    let Some(&op) = ScalarOp::ALL.get(op) else {
        let masks: Vec<Value> =
            values.iter().copied().filter(|&v| graph.fact(v).dtype == DType::Bool).collect();
        let mask = if masks.is_empty() { first } else { choices.one_of(&masks) };
        return apply(graph, Select, &[mask, first, choices.one_of(&alike)]);
    };
    if op == ScalarOp::Pow && dtype.is_float() {
        return None; // x² is rewritten to x · x, which is rounded better.
    }
    if op.arity() == 1 {
        return apply(graph, Pointwise(op), &[first]);
    }
    let second = match choices.below(3) {
        0 => {
            let fact = Fact::new(dtype, choices.one_of(&SHAPES[..3]));
            let splat = splat(&fact, choices);
            graph.add_constant(splat, Origin::caller())
        }
        _ => choices.one_of(&alike),
    };
    let operands = if choices.below(4) == 0 { [second, first] } else { [first, second] };
    apply(graph, Pointwise(op), &operands)
}

/// An op of the registry, on constants of the kind that it takes, or on values of the graph that have their facts.
fn sample(graph: &mut Graph, values: &[Value], choices: &mut Choices<'_>) -> Option<Vec<Value>> {
    /// By op, so that one with few samples is drawn as often as one with many.
    static SMALL: LazyLock<BTreeMap<&'static str, Vec<Sample>>> = LazyLock::new(|| {
        let is_small = |s: &Sample| s.operands.iter().all(|o| o.fact.shape.num_elements() <= 32);
        // Not `pow`, which gives other bits once a rule has made it a product.
        let mut small: BTreeMap<_, Vec<Sample>> = BTreeMap::new();
        for sample in samples().into_iter().filter(|s| is_small(s) && s.op.name() != "pow") {
            small.entry(sample.op.name()).or_default().push(sample);
        }
        small
    });
    let of_op = SMALL.values().nth(choices.below(SMALL.len())).expect("below the length");
    let sample = &of_op[choices.below(of_op.len())];
    let mut operands = Vec::new();
    for operand in &sample.operands {
        let same: Vec<Value> = values.iter().copied().filter(|&v| *graph.fact(v) == operand.fact).collect();
        if operand.fact.dtype.is_float() && !same.is_empty() {
            operands.push(choices.one_of(&same));
        } else {
            let array = within(&operand.fact, operand.from, operand.to, choices);
            operands.push(graph.add_constant(array, Origin::caller()));
        }
    }
    apply(graph, sample.op.clone(), &operands)
}

/// A region that takes these facts and gives those.
fn region(name: &str, takes: &[Fact], gives: &[Fact], choices: &mut Choices<'_>, depth: usize) -> Graph {
    let mut graph = Graph::new(name);
    let origin = Origin::caller();
    let mut values: Vec<Value> = takes.iter().map(|fact| graph.add_input("", fact.clone(), origin)).collect();
    if values.is_empty() {
        values.push(graph.add_constant(Array::scalar(1.0f32), origin));
    }
    for _ in 0..choices.below(6) {
        step(&mut graph, &mut values, choices, depth + 1);
    }
    let outputs = gives.iter().map(|fact| {
        let same: Vec<Value> = values.iter().copied().filter(|&v| graph.fact(v) == fact).collect();
        match same.len() {
            0 => graph.add_constant(Array::zeros(fact.clone()), origin),
            // Mostly what was made last.
            len => same[len - 1 - choices.below(len.min(3))],
        }
    });
    let outputs: Vec<Value> = outputs.collect();
    graph.set_outputs(outputs);
    graph
}

/// An op that defines one of these values, and what it is applied to.
fn applied(graph: &Graph, values: &[Value], choices: &mut Choices<'_>) -> Option<(OpRef, Vec<Value>)> {
    let value = choices.one_of(values);
    let inputs = graph.node(value.node()).inputs();
    let op = graph.op(value).filter(|op| !inputs.is_empty() && op.class() != Class::Effect)?;
    Some((op.clone(), inputs.to_vec()))
}

/// Applies an op to the last inputs of a region, and gives the results, too.
fn repeat(region: &mut Graph, op: &OpRef, count: usize) {
    let inputs = &region.inputs()[region.inputs().len() - count..];
    let inputs: Vec<Value> = inputs.iter().map(|&id| Value::new(id, 0)).collect();
    let results =
        region.apply(op.clone(), &inputs, Origin::caller()).expect("it took operands of these facts");
    region.set_outputs(region.outputs().iter().copied().chain(results).collect());
}

fn structure(
    graph: &mut Graph,
    values: &[Value],
    choices: &mut Choices<'_>,
    depth: usize,
    kind: usize,
) -> Option<Vec<Value>> {
    let origin = Origin::caller();
    let picks = |count: usize, choices: &mut Choices<'_>| -> Vec<Value> {
        (0..count).map(|_| choices.one_of(values)).collect()
    };
    let facts = |graph: &Graph, values: &[Value]| -> Vec<Fact> {
        values.iter().map(|&v| graph.fact(v).clone()).collect()
    };
    let (kind, operands) = match kind {
        20 => {
            let operands = picks(1 + choices.below(3), choices);
            let takes = facts(graph, &operands);
            let gives: Vec<Fact> = (0..1 + choices.below(3)).map(|_| choices.one_of(&takes)).collect();
            let body = region("called", &takes, &gives, choices, depth);
            (NodeKind::Call { body: Arc::new(body), vjp: None }, operands)
        }
        21 => {
            let mut operands = picks(1 + choices.below(3), choices);
            let gives: Vec<Fact> =
                (0..1 + choices.below(3)).map(|_| choices.one_of(&facts(graph, &operands))).collect();
            // Sometimes the branches repeat what stands before them.
            let repeated = if choices.below(2) == 0 { None } else { applied(graph, values, choices) };
            operands.extend(repeated.iter().flat_map(|(_, inputs)| inputs));
            let takes = facts(graph, &operands);
            let mut branch = |name: &str| {
                let mut branch = region(name, &takes, &gives, choices, depth);
                if let Some((op, inputs)) = &repeated {
                    repeat(&mut branch, op, inputs.len());
                }
                Arc::new(branch)
            };
            let (then_branch, else_branch) = (branch("then"), branch("else"));
            let conditions: Vec<Value> =
                values.iter().copied().filter(|&v| *graph.fact(v) == Fact::scalar(DType::Bool)).collect();
            let condition = if conditions.is_empty() {
                graph.add_constant(Array::scalar(choices.below(2) == 0), origin)
            } else {
                choices.one_of(&conditions)
            };
            let kind = NodeKind::If { then_branch, else_branch };
            (kind, [vec![condition], operands].concat())
        }
        22 => {
            // The first loop variable counts to a constant, the others do anything.
            let start = graph.add_constant(Array::scalar(choices.below(4) as i64), origin);
            let operands = [vec![start], picks(1 + choices.below(3), choices)].concat();
            let carried = 1 + choices.below(operands.len());
            let takes = facts(graph, &operands);
            let condition = Arc::new(counting_condition(&takes));
            let gives = &takes[1..carried];
            let body = Arc::new(counting_body(region("body", &takes, gives, choices, depth)));
            (NodeKind::While { condition, body, carried }, operands)
        }
        _ => {
            let trips = choices.below(4);
            let initial = picks(choices.below(3), choices);
            let sequences: Vec<Value> = values
                .iter()
                .copied()
                .filter(|&v| graph.fact(v).shape.first() == Some(&trips))
                .take(choices.below(3))
                .collect();
            let invariants = picks(choices.below(2), choices);
            let rows =
                facts(graph, &sequences).into_iter().map(|fact| Fact::new(fact.dtype, &fact.shape[1..]));
            let takes: Vec<Fact> = std::iter::once(Fact::scalar(DType::I64))
                .chain(facts(graph, &initial))
                .chain(rows)
                .chain(facts(graph, &invariants))
                .collect();
            let collected = (0..1 + choices.below(2)).map(|_| choices.one_of(&takes));
            let gives: Vec<Fact> = facts(graph, &initial).into_iter().chain(collected).collect();
            let body = Arc::new(region("body", &takes, &gives, choices, depth));
            let kind = NodeKind::For {
                body,
                trips: Some(trips),
                reverse: false,
                carried: initial.len(),
                scanned: sequences.len(),
            };
            (kind, [initial, sequences, invariants].concat())
        }
    };
    graph.add(kind, &operands, origin).ok().map(|values| values.to_vec())
}

fn counting_condition(takes: &[Fact]) -> Graph {
    let mut graph = Graph::new("condition");
    let origin = Origin::caller();
    let inputs: Vec<Value> = takes.iter().map(|fact| graph.add_input("", fact.clone(), origin)).collect();
    let limit = graph.add_constant(Array::scalar(3i64), origin);
    let more = graph.apply(Pointwise(ScalarOp::Lt), &[inputs[0], limit], origin).expect("two scalars");
    graph.set_outputs(more.to_vec());
    graph
}

/// The body, with the next value of its first input before its outputs.
fn counting_body(mut body: Graph) -> Graph {
    let origin = Origin::caller();
    let one = body.add_constant(Array::scalar(1i64), origin);
    let counter = Value::new(body.inputs()[0], 0);
    let next = body.apply(Pointwise(ScalarOp::Add), &[counter, one], origin).expect("two scalars");
    let outputs = next.iter().chain(body.outputs()).copied().collect();
    body.set_outputs(outputs);
    body
}

/// Numbers at which rules go wrong.
const SPECIAL: [f64; 10] = [0.0, 1.0, -0.0, -1.0, 2.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.5, -3.0];

fn element<T: Element>(number: f64) -> T {
    // Through bytes, since `Element` has no conversions.
    let scalar = match T::DTYPE {
        DType::F32 => Array::scalar(number as f32),
        DType::F64 => Array::scalar(number),
        DType::I32 => Array::scalar(number as i32),
        DType::I64 => Array::scalar(number as i64),
        DType::U8 => Array::scalar(number as u8),
        DType::Bool => Array::scalar(number != 0.0),
    };
    scalar.as_slice::<T>().expect("of this dtype")[0]
}

fn filled(fact: &Fact, mut number: impl FnMut() -> f64) -> Array {
    with_element!(fact.dtype, T => {
        let elements: Vec<T> = (0..fact.shape.num_elements()).map(|_| element(number())).collect();
        Array::from_slice(&fact.shape, &elements).expect("as many as the shape has")
    })
}

fn splat(fact: &Fact, choices: &mut Choices<'_>) -> Array {
    let number = choices.one_of(&SPECIAL);
    filled(fact, || number)
}

fn array(fact: &Fact, choices: &mut Choices<'_>) -> Array {
    let (start, stride) = (choices.below(SPECIAL.len()), 1 + choices.below(3));
    let mut index = start;
    filled(fact, || {
        index += stride;
        let special = SPECIAL[index % SPECIAL.len()];
        // Not `-0 + 0`.
        if index < SPECIAL.len() { special } else { special + (index / SPECIAL.len()) as f64 }
    })
}

/// Numbers spread over a range.
fn within(fact: &Fact, from: f64, to: f64, choices: &mut Choices<'_>) -> Array {
    let mut fraction = choices.below(64) as f64 / 64.0;
    filled(fact, || {
        fraction = (fraction + 0.375).fract();
        from + (to - from) * fraction
    })
}
