//! `unroll`: a loop of one iteration becomes what the iteration does.

use super::rebuild::{Changed, Rebuild, Rewritten, in_place, rebuild};
use crate::array::Array;
use crate::error::{Error, OpError};
use crate::graph::{Graph, Node, NodeKind};
use crate::ids::{Value, Values};
use crate::op::OpRef;
use crate::shape::Shape;

/// Makes the op that gives a tensor another shape with as many elements.
pub type Reshape<'a> = &'a dyn Fn(Shape) -> OpRef;

/// Replaces a `for` of one trip by the nodes of its body. The one row of each sequence is the sequence in another shape,
/// and so is what the loop collects.
///
/// *After:* no `for` of one trip is left.
///
/// # Errors
/// When the op of `reshape` does not take what it should.
pub fn unroll(graph: &mut Graph, reshape: Reshape<'_>) -> Result<Changed, Error> {
    in_place(graph, |graph| unrolled(graph, reshape))
}

fn unrolled(graph: &Graph, reshape: Reshape<'_>) -> Rewritten {
    rebuild(graph, &mut |new, node, inputs| unroll_node(new, node, inputs, reshape))
}

fn unroll_node(
    new: &mut Rebuild,
    node: &Node,
    inputs: &[Value],
    reshape: Reshape<'_>,
) -> Result<Values, Error> {
    let NodeKind::For { body, trips: Some(1), carried, scanned, .. } = node.kind() else {
        return new.copy(node, inputs, &mut |region| unrolled(region, reshape));
    };
    new.changed = Changed::Yes;
    let origin = node.origin();
    let reshaped = |new: &mut Rebuild, value: Value, shape: Shape| {
        let values = new.graph.apply(reshape(shape), &[value], origin).map_err(broken)?;
        Ok::<Value, Error>(values[0])
    };
    let mut arguments = vec![new.graph.add_constant(Array::scalar(0i64), origin)];
    for (operand, &input) in inputs.iter().enumerate() {
        let is_sequence = (*carried..carried + scanned).contains(&operand);
        arguments.push(match is_sequence {
            true => {
                let shape = Shape::from(&new.graph.fact(input).shape[1..]);
                reshaped(new, input, shape)?
            }
            false => input,
        });
    }
    let mut outputs = new.emit_all(body, &arguments, origin.name_scope(), &mut |new, node, inputs| {
        unroll_node(new, node, inputs, reshape)
    })?;
    for (output, fact) in outputs.iter_mut().zip(node.facts()).skip(*carried) {
        *output = reshaped(new, *output, fact.shape.clone())?;
    }
    Ok(outputs.into())
}

fn broken(reason: OpError) -> Error {
    Error::Pass { pass: "unroll".to_owned(), message: reason.to_string() }
}
