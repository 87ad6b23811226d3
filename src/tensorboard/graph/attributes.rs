//! What is said of a node beside its operands: dtype, shapes, attributes, where the user wrote it.

use std::collections::BTreeMap;

use graph_core::{Array, Attr, Attributes, Fact, Origin};

use super::super::messages::{AttrKind, AttrList, AttrValue, DataType, Dim, ShapeProto, TensorProto};

/// Constants of more elements are told by shape alone.
const MAX_ELEMENTS: usize = 16;

/// The attributes of a node. Those that are about the node, and not of its op, start with `_`.
pub(super) type AttrMap = BTreeMap<String, AttrValue>;

/// What every node has. `_output_shapes` is where TensorBoard looks for what it writes on arrows.
pub(super) fn common(facts: &[Fact], origin: Option<Origin>) -> AttrMap {
    let mut map = AttrMap::new();
    if let Some(fact) = facts.first() {
        set(&mut map, "dtype", AttrKind::Type(DataType::from(fact.dtype).into()));
        let shapes = facts.iter().map(shape).collect();
        set(&mut map, "_output_shapes", AttrKind::List(AttrList { shapes, ..AttrList::default() }));
    }
    if let Some(origin) = origin {
        set(&mut map, "_origin", text(&origin.to_string()));
    }
    map
}

pub(super) fn set(map: &mut AttrMap, name: &str, kind: AttrKind) {
    map.insert(name.to_owned(), AttrValue { kind: Some(kind) });
}

/// Adds the attributes of an op.
pub(super) fn set_all(map: &mut AttrMap, attributes: &Attributes) {
    for (name, value) in attributes.iter() {
        let kind = match value {
            Attr::Bool(flag) => AttrKind::Bool(*flag),
            Attr::Int(number) => AttrKind::Int(*number),
            Attr::Ints(ints) => AttrKind::List(AttrList { ints: ints.clone(), ..AttrList::default() }),
            Attr::Float(number) => AttrKind::Float(*number as f32),
            Attr::DType(dtype) => AttrKind::Type(DataType::from(*dtype).into()),
            Attr::Text(words) => text(words),
        };
        set(map, name, kind);
    }
}

/// Adds the elements of a constant, if they are few.
pub(super) fn set_value(map: &mut AttrMap, array: &Array) {
    let fact = array.fact();
    if fact.shape.num_elements() > MAX_ELEMENTS {
        return;
    }
    let mut tensor = TensorProto {
        dtype: DataType::from(fact.dtype).into(),
        shape: Some(shape(fact)),
        ..TensorProto::default()
    };
    tensor.f32s = array.as_slice::<f32>().unwrap_or_default().to_vec();
    tensor.f64s = array.as_slice::<f64>().unwrap_or_default().to_vec();
    tensor.i32s = array.as_slice::<i32>().unwrap_or_default().to_vec();
    tensor.i64s = array.as_slice::<i64>().unwrap_or_default().to_vec();
    tensor.bools = array.as_slice::<bool>().unwrap_or_default().to_vec();
    tensor.i32s.extend(array.as_slice::<u8>().unwrap_or_default().iter().map(|&byte| i32::from(byte)));
    set(map, "value", AttrKind::Tensor(tensor));
}

fn text(words: &str) -> AttrKind {
    AttrKind::Text(words.as_bytes().to_vec())
}

fn shape(fact: &Fact) -> ShapeProto {
    // How many rows a stack has is known when the loop has run.
    let size =
        |(axis, &length): (usize, &usize)| if axis == 0 && fact.is_stack() { -1 } else { length as i64 };
    ShapeProto { dim: fact.shape.iter().enumerate().map(|sized| Dim { size: size(sized) }).collect() }
}
