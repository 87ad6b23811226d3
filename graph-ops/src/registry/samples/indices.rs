//! Samples of ops that read or write where other operands say.

use graph_core::{DType, OpRef};

use super::{Sample, index, number, sample};
use crate::ops::gather::{AddAlongAxis, Gather, ScatterAdd, TakeAlongAxis};
use crate::ops::one_hot::OneHot;
use crate::ops::row::WithRow;

/// Shape, axis, shape of the indices.
const GATHERS: [(&[usize], usize, &[usize]); 7] = [
    (&[4, 3], 0, &[5]),
    (&[4, 3], 1, &[2, 2]),
    (&[2, 3, 2], 1, &[]),
    (&[4], 0, &[3]),
    (&[4, 3], 0, &[0]),
    (&[1, 3], 0, &[2]),
    (&[20, 300, 100], 1, &[300]),
];

/// The shape of rows at indices.
fn rows_at(shape: &[usize], axis: usize, indices: &[usize]) -> Vec<usize> {
    [&shape[..axis], indices, &shape[axis + 1..]].concat()
}

/// DTypes of what is indexed and of the indices.
const INDEXED: [(DType, DType); 5] = [
    (DType::F64, DType::I64),
    (DType::F32, DType::I32),
    (DType::I32, DType::U8),
    (DType::I64, DType::I32),
    (DType::U8, DType::I64),
];

pub(in crate::registry) fn gather_samples() -> Vec<Sample> {
    let mut samples = Vec::new();
    for (dtype, indices) in INDEXED.into_iter().chain([(DType::Bool, DType::I64)]) {
        for (shape, axis, at) in GATHERS {
            let op = OpRef::new(Gather { axis });
            samples.push(sample(&op, [number(dtype, shape), index(indices, at, shape[axis])]));
        }
    }
    samples
}

pub(in crate::registry) fn with_row_samples() -> Vec<Sample> {
    let op = OpRef::new(WithRow);
    let mut samples = Vec::new();
    for (dtype, position) in INDEXED.into_iter().chain([(DType::Bool, DType::I64)]) {
        for shape in [&[3, 2][..], &[4], &[1, 1], &[2, 0], &[2, 300, 1000]] {
            let row = number(dtype, &shape[1..]);
            samples.push(sample(&op, [number(dtype, shape), index(position, &[], shape[0]), row]));
        }
    }
    samples
}

pub(in crate::registry) fn scatter_add_samples() -> Vec<Sample> {
    let mut samples = Vec::new();
    for (dtype, indices) in INDEXED {
        for (shape, axis, at) in GATHERS {
            let op = OpRef::new(ScatterAdd { axis });
            let updates = number(dtype, &rows_at(shape, axis, at));
            samples.push(sample(&op, [number(dtype, shape), index(indices, at, shape[axis]), updates]));
        }
    }
    samples
}

/// Shape, axis, number of indices along it.
const TAKES: [(&[usize], usize, usize); 6] = [
    (&[2, 3], 1, 2),
    (&[2, 3, 2], 0, 3),
    (&[4], 0, 1),
    (&[3, 2], 1, 0),
    (&[0, 2], 1, 1),
    (&[300, 250], 1, 260),
];

fn with_length(shape: &[usize], axis: usize, length: usize) -> Vec<usize> {
    let mut shape = shape.to_vec();
    shape[axis] = length;
    shape
}

pub(in crate::registry) fn take_along_axis_samples() -> Vec<Sample> {
    let mut samples = Vec::new();
    for (dtype, indices) in INDEXED.into_iter().chain([(DType::Bool, DType::I64)]) {
        for (shape, axis, length) in TAKES {
            let op = OpRef::new(TakeAlongAxis { axis });
            let indices = index(indices, &with_length(shape, axis, length), shape[axis]);
            samples.push(sample(&op, [number(dtype, shape), indices]));
        }
    }
    samples
}

pub(in crate::registry) fn add_along_axis_samples() -> Vec<Sample> {
    let mut samples = Vec::new();
    for (dtype, indices) in INDEXED {
        for (shape, axis, length) in TAKES {
            let op = OpRef::new(AddAlongAxis { axis });
            let at = with_length(shape, axis, length);
            let operands = [number(dtype, shape), index(indices, &at, shape[axis]), number(dtype, &at)];
            samples.push(sample(&op, operands));
        }
    }
    samples
}

pub(in crate::registry) fn one_hot_samples() -> Vec<Sample> {
    let indices = [DType::I32, DType::I64, DType::U8].into_iter();
    indices
        .flat_map(|indices| DType::ALL.map(|dtype| (indices, dtype)))
        .flat_map(|(indices, dtype)| {
            let op = OpRef::new(OneHot { depth: 4, dtype });
            [&[3][..], &[], &[2, 0], &[2, 2]].map(|shape| sample(&op, [index(indices, shape, 4)]))
        })
        .collect()
}
