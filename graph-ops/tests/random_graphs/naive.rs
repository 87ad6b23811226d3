//! The reference: a graph computed node by node, loops and branches by hand, nothing shared and nothing in place.

use std::collections::HashMap;

use graph_core::{Array, Element, Fact, Graph, NodeKind, OpError, Value, compute, with_element};

pub(crate) fn run(graph: &Graph, inputs: &[Array]) -> Result<Vec<Array>, OpError> {
    let mut arrays: HashMap<Value, Array> =
        graph.inputs().iter().map(|&id| Value::new(id, 0)).zip(inputs.iter().cloned()).collect();
    for id in graph.topological_order() {
        let node = graph.node(id);
        let operands: Vec<Array> = node.inputs().iter().map(|value| arrays[value].clone()).collect();
        let results = match node.kind() {
            NodeKind::Input { .. } => continue,
            NodeKind::Constant(_) | NodeKind::Apply(_) => {
                compute(node.kind(), &operands.iter().collect::<Vec<_>>())?.to_vec()
            }
            NodeKind::Call { body, .. } => run(body, &operands)?,
            NodeKind::If { then_branch, else_branch } => {
                run(if truth(&operands[0]) { then_branch } else { else_branch }, &operands[1..])?
            }
            NodeKind::While { condition, body, carried } => {
                let mut current = operands;
                while truth(&run(condition, &current)?[0]) {
                    let next = run(body, &current)?;
                    current.splice(..carried, next);
                }
                current.truncate(*carried);
                current
            }
            NodeKind::For { body, trips, carried, scanned, .. } => {
                let (mut current, rest) = (operands[..*carried].to_vec(), &operands[*carried..]);
                let mut collected = vec![Vec::new(); node.facts().len() - carried];
                for trip in 0..trips.expect("no stacks here") {
                    let rows = rest[..*scanned].iter().map(|sequence| row(sequence, trip));
                    let arguments: Vec<Array> = std::iter::once(Array::scalar(trip as i64))
                        .chain(current)
                        .chain(rows)
                        .chain(rest[*scanned..].iter().cloned())
                        .collect();
                    let mut results = run(body, &arguments)?;
                    for (rows, row) in collected.iter_mut().zip(results.split_off(*carried)) {
                        rows.push(row);
                    }
                    current = results;
                }
                let stacked = collected.iter().zip(&node.facts()[*carried..]);
                current.extend(stacked.map(|(rows, fact)| stack(rows, fact)));
                current
            }
        };
        arrays.extend(results.into_iter().enumerate().map(|(output, array)| (Value::new(id, output), array)));
    }
    Ok(graph.outputs().iter().map(|value| arrays[value].clone()).collect())
}

fn truth(array: &Array) -> bool {
    array.as_slice::<bool>().expect("a condition is a bool")[0]
}

fn row(sequence: &Array, trip: usize) -> Array {
    fn of<T: Element>(sequence: &Array, trip: usize) -> Array {
        let shape = &sequence.fact().shape[1..];
        let len: usize = shape.iter().product();
        let elements = &sequence.as_slice::<T>().expect("of this dtype")[trip * len..(trip + 1) * len];
        Array::from_slice(shape, elements).expect("one row")
    }
    with_element!(sequence.fact().dtype, T => of::<T>(sequence, trip))
}

fn stack(rows: &[Array], fact: &Fact) -> Array {
    fn of<T: Element>(rows: &[Array], fact: &Fact) -> Array {
        let elements: Vec<T> =
            rows.iter().flat_map(|row| row.as_slice::<T>().expect("of this dtype").to_vec()).collect();
        Array::from_slice(&fact.shape, &elements).expect("as many rows as trips")
    }
    with_element!(fact.dtype, T => of::<T>(rows, fact))
}
