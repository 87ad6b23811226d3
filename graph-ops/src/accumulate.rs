//! `accumulate`: a product that is only scaled and added to a matrix is added to it as it is computed.

use graph_core::{Changed, Error, Graph, NodeId, NodeKind, OpRef, Value};

use crate::ops::addmm::Addmm;
use crate::ops::matmul::Matmul;
use crate::ops::pointwise::{Pointwise, ScalarOp};

/// Makes `c ± a · b * s` an `addmm`, for matrices of floats and a scalar `s`: the update of a layer's weights. Then the
/// product is never written to memory, and where `c` is donated, its buffer is updated in place.
///
/// Only where nothing else uses the product, and its sums stay in registers: to the bit, nothing changes.
///
/// *After:* there is no such sum.
///
/// # Errors
/// Never.
pub(crate) fn accumulate(graph: &mut Graph) -> Result<Changed, Error> {
    let mut changed = Changed::No;
    for id in graph.node_ids().collect::<Vec<_>>() {
        // A region may be shared with other graphs, and is copied to be changed: only if it will be.
        let wants = graph.node(id).kind().regions().iter().any(|region| finds(region));
        if wants {
            for region in graph.regions_mut(id) {
                let _ = accumulate(region)?;
            }
            changed = Changed::Yes;
        }
        if let Some((op, operands)) = found(graph, id) {
            let origin = graph.node(id).origin();
            let values = graph.apply(op, &operands, origin).map_err(|reason| Error::Pass {
                pass: "accumulate".to_owned(),
                message: reason.to_string(),
            })?;
            graph.replace_uses(Value::new(id, 0), values[0]);
            changed = Changed::Yes;
        }
    }
    Ok(changed)
}

fn finds(graph: &Graph) -> bool {
    graph.node_ids().any(|id| {
        found(graph, id).is_some() || graph.node(id).kind().regions().iter().any(|region| finds(region))
    })
}

/// What a node is made, with its operands.
fn found(graph: &Graph, id: NodeId) -> Option<(OpRef, [Value; 4])> {
    let node = graph.node(id);
    let NodeKind::Apply(op) = node.kind() else { return None };
    let (subtract, orders): (bool, &[[usize; 2]]) = match op.downcast::<Pointwise>()?.0 {
        ScalarOp::Add => (false, &[[0, 1], [1, 0]]),
        ScalarOp::Sub => (true, &[[0, 1]]),
        _ => return None,
    };
    if !graph.is_used(Value::new(id, 0)) {
        return None; // What was replaced, before it is removed.
    }
    orders.iter().find_map(|&[c, scaled]| {
        let (c, scaled) = (node.inputs()[c], node.inputs()[scaled]);
        let (product, alpha) = scaled_product(graph, scaled)?;
        let (matmul, operands) = definition::<Matmul>(graph, product)?;
        let fact = graph.fact(product);
        let terms = graph.fact(operands[0]).shape[usize::from(!matmul.transpose_left)];
        let fits = graph.fact(c) == fact
            && fact.shape.rank() == 2
            && fact.dtype.is_float()
            && operands.iter().all(|&operand| graph.fact(operand).shape.rank() == 2)
            && Addmm::keeps_bits(terms)
            && is_used_once(graph, product)
            && is_used_once(graph, scaled);
        let op = Addmm { product: *matmul, subtract };
        fits.then(|| (OpRef::new(op), [c, operands[0], operands[1], alpha]))
    })
}

/// The product and the scalar that a value is the product of.
fn scaled_product(graph: &Graph, value: Value) -> Option<(Value, Value)> {
    let (op, operands) = definition::<Pointwise>(graph, value)?;
    let is_scalar = |value: Value| graph.fact(value).shape.rank() == 0;
    match (op.0, operands) {
        (ScalarOp::Mul, &[product, alpha]) if is_scalar(alpha) => Some((product, alpha)),
        (ScalarOp::Mul, &[alpha, product]) if is_scalar(alpha) => Some((product, alpha)),
        _ => None,
    }
}

fn definition<T: graph_core::Op>(graph: &Graph, value: Value) -> Option<(&T, &[Value])> {
    let node = graph.node(value.node());
    match node.kind() {
        NodeKind::Apply(op) => Some((op.downcast::<T>()?, node.inputs())),
        _ => None,
    }
}

fn is_used_once(graph: &Graph, value: Value) -> bool {
    graph.users(value).count() == 1 && !graph.outputs().contains(&value)
}
