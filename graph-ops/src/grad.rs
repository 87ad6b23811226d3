//! Gradients of Rust closures over tensor trees, by the same rules in every mode.
//!
//! The closure is run once on *variables*: its argument with every leaf renamed. What it does is recorded in the
//! current trace, or on a tape (eager), or in a region that is then added to the pending graph (lazy, outside any
//! function); [`backward`] extends the record.

use std::sync::Arc;

use graph_core::{
    Captured, Error, Graph, Mode, NodeKind, Origin, Trace, TraceKind, Value, Values, backward, mode,
};

use crate::ops::algebra::TensorAlgebra;
use crate::tensor::{Tensor, apply_many, or_raise, symbolic_trace, try_apply_many};
use crate::tree::{TensorTree, leaf_paths, leaves};

/// The value of a scalar function at a tree, and its gradient: a tree of the same form.
///
/// ```
/// use graph_ops::{Tensor, value_and_grad};
/// let x = Tensor::from([1.0f32, 2.0, 3.0]);
/// let (y, dx) = value_and_grad(&x, |x| (x * x).sum(..));
/// assert_eq!(y.item::<f32>(), 14.0);
/// assert_eq!(dx.to_vec::<f32>(), [2.0, 4.0, 6.0]);
/// ```
///
/// A leaf that the value does not depend on has zeros for a gradient. Calls nest: the gradient of a gradient is
/// `grad(&x, |x| grad(x, f).sum(..))`.
///
/// # Panics
/// When the value is no float scalar, a leaf is no float, or an op on the way has no gradient.
///
/// # Source
/// `jax.value_and_grad`.
#[track_caller]
pub fn value_and_grad<T: TensorTree>(at: &T, f: impl FnOnce(&T) -> Tensor) -> (Tensor, T) {
    let (value, (), gradient) = value_and_grad_aux(at, |tree| (f(tree), ()));
    (value, gradient)
}

/// The gradient of a scalar function at a tree: [`value_and_grad`] without the value.
///
/// ```
/// use graph_ops::{Tensor, grad};
/// let x = Tensor::scalar(3.0f64);
/// let second = grad(&x, |x| grad(x, |x| x * x * x)); // 6 x
/// assert_eq!(second.item::<f64>(), 18.0);
/// ```
///
/// # Panics
/// As [`value_and_grad`].
#[track_caller]
pub fn grad<T: TensorTree>(at: &T, f: impl FnOnce(&T) -> Tensor) -> T {
    value_and_grad(at, f).1
}

/// [`value_and_grad`] of a function that gives something more beside the value, such as its predictions.
///
/// # Panics
/// As [`value_and_grad`].
#[track_caller]
pub fn value_and_grad_aux<T: TensorTree, A: TensorTree>(
    at: &T,
    f: impl FnOnce(&T) -> (Tensor, A),
) -> (Tensor, A, T) {
    let origin = Origin::caller();
    let at_leaves = leaves(at);
    let by_hand = || symbolic_trace(&at_leaves);
    let result = match (Trace::current(), mode()) {
        (Some(trace), _) => {
            // Also within a gradient rule, while the tape rests.
            let _recording = trace.recording(true);
            differentiate_in(&trace, at, f, || {}, origin)
        }
        (None, _) if let Some(trace) = by_hand() => {
            let _entered = trace.resume();
            differentiate_in(&trace, at, f, || {}, origin)
        }
        (None, Mode::Eager) => {
            let tape = Trace::new(TraceKind::Tape, "value_and_grad");
            let result = {
                let _entered = tape.enter_to_close();
                // Nothing is around this tape, so nobody differentiates the gradient.
                differentiate_in(&tape, at, f, || tape.recording(false), origin)
            };
            // Nothing records any more, so nothing need keep the tape alive.
            result.map(|(value, aux, gradient)| {
                let untape = &mut |leaf: &Tensor| leaf.untaped();
                (value.untaped(), aux.map_leaves(untape), gradient.map_leaves(untape))
            })
        }
        (None, Mode::Lazy) => differentiate_pending(at, f, origin),
    };
    or_raise(result)
}

type Differentiated<T, A> = Result<(Tensor, A, T), Error>;

/// `before_gradient` is called when the function has been; what it gives lives until the gradient is there.
fn differentiate_in<T: TensorTree, A: TensorTree, G>(
    trace: &Trace,
    at: &T,
    f: impl FnOnce(&T) -> (Tensor, A),
    before_gradient: impl FnOnce() -> G,
    origin: Origin,
) -> Differentiated<T, A> {
    let at_leaves = leaves(at);
    if let Some((index, leaf)) = at_leaves.iter().enumerate().find(|(_, leaf)| !leaf.dtype().is_float()) {
        let path = &leaf_paths(at)[index];
        let place = if path.is_empty() { String::new() } else { format!(" `{path}`") };
        let message =
            format!("value_and_grad: the variable{place} is {}; only floats have gradients", leaf.fact());
        return Err(Error::Gradient { message, origin });
    }
    // A variable is its leaf under another name: within a nested call the same leaf is a constant to the inner one.
    let mut variables: Vec<Value> = Vec::with_capacity(at_leaves.len());
    let mut failure = None;
    let tree = at.map_leaves(&mut |leaf| match leaf
        .value_in(trace, origin)
        .and_then(|value| rename(trace, value, leaf))
    {
        Ok((value, variable)) => {
            variables.push(value);
            variable
        }
        Err(error) => {
            failure.get_or_insert(error);
            leaf.clone()
        }
    });
    if let Some(error) = failure {
        return Err(error);
    }
    let (value, aux) = f(&tree);
    if value.rank() != 0 || !value.dtype().is_float() {
        let message = format!("value_and_grad: the function must give a float scalar, not {}", value.fact());
        return Err(Error::Gradient { message, origin });
    }
    let _while_it_is_computed = before_gradient();
    let gradients = origin.scope(|| -> Result<Vec<Tensor>, Error> {
        let output = value.value_in(trace, origin)?;
        let one = Tensor::scalar_of(value.dtype(), 1.0).value_in(trace, origin)?;
        let cotangents = backward(trace, &[(output, one)], &variables, &TensorAlgebra)?;
        let tensor = |(cotangent, variable): (Option<Value>, &Value)| match cotangent {
            Some(cotangent) => Ok(Tensor::from_traced(trace, cotangent)),
            None => Ok(zeros_like(&Tensor::from_traced(trace, *variable))),
        };
        cotangents.into_iter().zip(&variables).map(tensor).collect()
    })?;
    let mut gradients = gradients.into_iter();
    let gradient = at.map_leaves(&mut |_| gradients.next().expect("a gradient for each leaf"));
    Ok((value, aux, gradient))
}

fn rename(trace: &Trace, value: Value, leaf: &Tensor) -> Result<(Value, Tensor), Error> {
    let kind = NodeKind::Apply(crate::ops::view::Identity.into());
    let renamed: Values = trace
        .add(kind, &[value], leaf.origin().here())
        .map_err(|reason| Error::op("identity", reason, Vec::new(), leaf.origin()))?;
    Ok((renamed[0], Tensor::from_traced(trace, renamed[0]).with_origin(leaf.origin())))
}

fn zeros_like(tensor: &Tensor) -> Tensor {
    Tensor::from_array(graph_core::Array::zeros(graph_core::Fact::scalar(tensor.dtype())))
        .broadcast_to(tensor.shape())
}

/// Outside any function, in lazy mode: the record becomes part of the pending graph.
fn differentiate_pending<T: TensorTree, A: TensorTree>(
    at: &T,
    f: impl FnOnce(&T) -> (Tensor, A),
    origin: Origin,
) -> Differentiated<T, A> {
    let region = Trace::new(TraceKind::Region, "value_and_grad");
    let (value, aux, gradient, graph) = {
        let _entered = region.enter_to_close();
        let (value, aux, gradient) = differentiate_in(&region, at, f, || {}, origin)?;
        let mut outputs = vec![value.value_in(&region, origin)?];
        for leaf in leaves(&aux).iter().chain(&leaves(&gradient)) {
            outputs.push(leaf.value_in(&region, origin)?);
        }
        (value, aux, gradient, region.finish(outputs))
    };
    let arguments: Vec<Tensor> = region
        .captures()
        .into_iter()
        .map(|captured| match captured {
            Captured::Pending(pending) => Tensor::from_pending(pending),
            Captured::Outer(..) => unreachable!("no trace is around this region"),
        })
        .collect();
    let mut results = replay(&graph, &arguments)?.into_iter();
    let mut next = |origin: Origin| results.next().expect("a result for each output").with_origin(origin);
    let value = next(value.origin());
    let aux = aux.map_leaves(&mut |leaf| next(leaf.origin()));
    let gradient = gradient.map_leaves(&mut |leaf| next(leaf.origin()));
    Ok((value, aux, gradient))
}

/// Applies the nodes of a graph to tensors, one by one.
pub(crate) fn replay(graph: &Graph, arguments: &[Tensor]) -> Result<Vec<Tensor>, Error> {
    let mut tensors: std::collections::HashMap<Value, Tensor> = std::collections::HashMap::new();
    for (&input, argument) in graph.inputs().iter().zip(arguments) {
        tensors.insert(Value::new(input, 0), argument.clone());
    }
    for id in graph.topological_order() {
        let node = graph.node(id);
        match node.kind() {
            NodeKind::Input { .. } => {}
            NodeKind::Constant(array) => {
                let tensor = Tensor::from_array(array.clone()).with_origin(node.origin());
                tensors.insert(Value::new(id, 0), tensor);
            }
            kind => {
                let operands: Vec<&Tensor> = node.inputs().iter().map(|value| &tensors[value]).collect();
                let outputs = node.origin().scope(|| try_apply_many(kind.clone(), &operands))?;
                tensors.extend(outputs.into_iter().enumerate().map(|(o, t)| (Value::new(id, o), t)));
            }
        }
    }
    Ok(graph.outputs().iter().map(|output| tensors[output].clone()).collect())
}

/// A function with a gradient of the user's own: `backward` takes inputs, outputs and the cotangents of the outputs,
/// and gives the cotangents of the inputs.
///
/// Both closures are traced, in every mode, and use no tensors but their arguments and constants.
///
/// ```
/// use graph_ops::{Tensor, grad, with_vjp};
/// // Rounds, and lets the gradient pass as if it had not.
/// let straight_through = |x: &Tensor| with_vjp(x, |x| x.round(), |_, _, g| g.clone());
/// let x = Tensor::from([0.4f32, 0.6]);
/// assert_eq!(grad(&x, |x| straight_through(x).sum(..)).to_vec::<f32>(), [1.0, 1.0]);
/// ```
///
/// # Panics
/// When `backward` gives a cotangent of another dtype or shape than the input's.
///
/// # Source
/// `jax.custom_vjp`.
#[track_caller]
pub fn with_vjp<T: TensorTree, R: TensorTree>(
    inputs: &T,
    forward: impl FnOnce(&T) -> R,
    backward: impl FnOnce(&T, &R, &R) -> T,
) -> R {
    call_with_vjp("with_vjp", inputs, forward, backward)
}

/// [`with_vjp`], by the name of the function that the user called.
#[track_caller]
fn call_with_vjp<T: TensorTree, R: TensorTree>(
    name: &str,
    inputs: &T,
    forward: impl FnOnce(&T) -> R,
    backward: impl FnOnce(&T, &R, &R) -> T,
) -> R {
    let origin = Origin::caller();
    let body = Trace::new(TraceKind::Function, name);
    let (output, body) = trace_tree(&body, origin, |arguments| forward(&arguments.like(inputs)));
    let vjp = Trace::new(TraceKind::Function, format!("{name}.backward"));
    let (_, vjp) = trace_tree(&vjp, origin, |arguments| {
        let (inputs, outputs, cotangents) =
            (arguments.like(inputs), arguments.like(&output), arguments.like(&output));
        backward(&inputs, &outputs, &cotangents)
    });
    let operands = leaves(inputs);
    let call = NodeKind::Call { body: Arc::new(body), vjp: Some(Arc::new(vjp)) };
    let mut results = apply_many(call, &operands.iter().collect::<Vec<_>>()).into_iter();
    output.map_leaves(&mut |_| results.next().expect("a result for each leaf"))
}

/// The result of a function whose gradient computes it again, instead of keeping what it computed on the way: less
/// memory for more time.
///
/// A loop needs no such thing: of an iteration nothing is kept but what it started from.
///
/// ```
/// use graph_ops::{Tensor, checkpoint, grad};
/// let x = Tensor::from([0.1f32, 0.2]);
/// let dx = grad(&x, |x| checkpoint(x, |x| x.sin().exp().sum(..)));
/// assert_eq!(dx.to_vec::<f32>(), grad(&x, |x| x.sin().exp().sum(..)).to_vec::<f32>());
/// ```
///
/// The function is traced, in every mode, and uses no tensors but its arguments and constants.
///
/// # Panics
/// When an op of the function has no gradient, once that is asked for.
///
/// # Source
/// `jax.checkpoint`, `tf.recompute_grad`.
#[track_caller]
pub fn checkpoint<T: TensorTree, R: TensorTree>(inputs: &T, f: impl Fn(&T) -> R) -> R {
    let origin = Origin::caller();
    let backward = |inputs: &T, _: &R, cotangents: &R| or_raise(pull_back(inputs, &f, cotangents, origin));
    call_with_vjp("checkpoint", inputs, &f, backward)
}

/// The cotangents of the inputs of a function, from those of its outputs, in the current trace; with the function
/// computed again.
fn pull_back<T: TensorTree, R: TensorTree>(
    inputs: &T,
    f: impl Fn(&T) -> R,
    cotangents: &R,
    origin: Origin,
) -> Result<T, Error> {
    let trace = Trace::current().expect("a gradient is traced");
    let again = inputs.map_leaves(&mut |leaf| origin.scope(|| leaf.again()));
    let of_floats = |tree: &T| -> Result<Vec<Value>, Error> {
        let floats = leaves(tree).into_iter().filter(|leaf| leaf.dtype().is_float());
        floats.map(|leaf| leaf.value_in(&trace, origin)).collect()
    };
    let variables = of_floats(&again)?;
    let outputs = f(&again);
    let seeds = leaves(&outputs).into_iter().zip(leaves(cotangents));
    let seeds = seeds.filter(|(output, _)| output.dtype().is_float());
    let seeds = seeds.map(|(output, cotangent)| {
        Ok((output.value_in(&trace, origin)?, cotangent.value_in(&trace, origin)?))
    });
    let seeds = seeds.collect::<Result<Vec<_>, Error>>()?;
    let flowing = origin.scope(|| backward(&trace, &seeds, &variables, &TensorAlgebra))?;
    let mut flowing = flowing.into_iter();
    Ok(again.map_leaves(&mut |leaf| {
        let cotangent = if leaf.dtype().is_float() { flowing.next().flatten() } else { None };
        cotangent.map_or_else(|| zeros_like(leaf), |value| Tensor::from_traced(&trace, value))
    }))
}

/// Makes symbolic copies of trees as inputs of a trace.
struct Arguments<'a>(&'a Trace);

impl Arguments<'_> {
    fn like<T: TensorTree>(&self, tree: &T) -> T {
        let mut paths = leaf_paths(tree).into_iter();
        tree.map_leaves(&mut |leaf| {
            let name = paths.next().expect("a path for each leaf");
            let value = self.0.add_input(name, leaf.fact().clone(), leaf.origin());
            Tensor::from_traced(self.0, value).with_origin(leaf.origin())
        })
    }
}

fn trace_tree<R: TensorTree>(
    trace: &Trace,
    origin: Origin,
    f: impl FnOnce(Arguments<'_>) -> R,
) -> (R, Graph) {
    let _entered = trace.enter_to_close();
    let result = f(Arguments(trace));
    let outputs = leaves(&result).iter().map(|leaf| leaf.value_in(trace, origin)).collect::<Result<_, _>>();
    (result, trace.finish(or_raise(outputs)))
}
