//! Representative applications of every op, with operands that they can be computed and differentiated at.

mod indices;
mod windows;

use graph_core::{DType, Fact, OpRef};

pub(super) use indices::*;
pub(super) use windows::*;

use crate::ops::addmm::Addmm;
use crate::ops::concat::Concat;
use crate::ops::create::Iota;
use crate::ops::cross_entropy::SparseCrossEntropy;
use crate::ops::matmul::Matmul;
use crate::ops::permute::Permute;
use crate::ops::pointwise::{BroadcastTo, Cast, Pointwise, ScalarOp, Select};
use crate::ops::random::{Distribution, Random};
use crate::ops::reduce::{Reduce, Reduction};
use crate::ops::slice::{Positions, Slice, SliceUpdate};
use crate::ops::tril::Tril;
use crate::ops::view::{Reshape, StopGradient};

/// An application of an op, with operands that it can be computed and differentiated at.
#[derive(Debug, Clone)]
pub struct Sample {
    /// The op.
    pub op: OpRef,
    /// Its operands.
    pub operands: Vec<SampleOperand>,
}

/// An operand of a sample: elements drawn evenly from a range.
#[derive(Debug, Clone, PartialEq)]
pub struct SampleOperand {
    /// DType and shape.
    pub fact: Fact,
    /// The least element.
    pub from: f64,
    /// The bound of the elements, itself excluded.
    pub to: f64,
}

/// Numbers of either sign; of the dtypes without one, small numbers.
fn number(dtype: DType, shape: &[usize]) -> SampleOperand {
    match dtype {
        DType::F32 | DType::F64 => within(dtype, shape, -2.0, 2.0),
        DType::I32 | DType::I64 => within(dtype, shape, -9.0, 10.0),
        DType::U8 => within(dtype, shape, 0.0, 10.0),
        DType::Bool => within(dtype, shape, 0.0, 2.0),
    }
}

fn within(dtype: DType, shape: &[usize], from: f64, to: f64) -> SampleOperand {
    SampleOperand { fact: Fact::new(dtype, shape), from, to }
}

/// Indices below `len`.
fn index(dtype: DType, shape: &[usize], len: usize) -> SampleOperand {
    within(dtype, shape, 0.0, len as f64)
}

fn sample(op: &OpRef, operands: impl Into<Vec<SampleOperand>>) -> Sample {
    Sample { op: op.clone(), operands: operands.into() }
}

/// Ordinary, scalar, single-element, and empty.
const SHAPES: [&[usize]; 5] = [&[2, 3, 4], &[5], &[], &[1, 1], &[3, 0, 2]];

/// Large enough for several threads, whatever an element costs. One dtype of an op is enough.
const LARGE: &[usize] = &[1100, 500];

/// Whether an op that takes these dtypes, in the order of declaration, is sampled large with this one.
fn is_sampled_large(dtype: DType, mut taken: impl Iterator<Item = DType>) -> bool {
    taken.next() == Some(dtype)
}

/// Pairs of shapes that broadcast.
const PAIRS: [(&[usize], &[usize]); 6] = [
    (&[2, 3], &[2, 3]),
    (&[2, 1, 3], &[4, 1]),
    (&[3], &[]),
    (&[1], &[2, 1, 2]),
    (&[0, 3], &[3]),
    (&[1, 3], &[0, 1]),
];

const LARGE_PAIRS: [(&[usize], &[usize]); 2] = [(LARGE, &[500]), (&[1100, 1], LARGE)];

pub(super) fn row_samples(row: ScalarOp) -> Vec<Sample> {
    let op = OpRef::new(Pointwise(row));
    let dtypes = || DType::ALL.into_iter().filter(|&dtype| row.domain().contains(dtype));
    let mut samples = Vec::new();
    for dtype in dtypes() {
        let large = is_sampled_large(dtype, dtypes());
        let of = |position: usize, shape: &[usize]| row_operand(row, position, dtype, shape);
        if row.arity() == 1 {
            let shapes = SHAPES.into_iter().chain(large.then_some(LARGE));
            samples.extend(shapes.map(|shape| sample(&op, [of(0, shape)])));
        } else {
            let pairs = PAIRS.iter().chain(if large { &LARGE_PAIRS[..] } else { &[] });
            samples.extend(pairs.map(|(a, b)| sample(&op, [of(0, a), of(1, b)])));
        }
    }
    samples
}

/// Operands at which a row is defined and, among floats, smooth.
fn row_operand(row: ScalarOp, position: usize, dtype: DType, shape: &[usize]) -> SampleOperand {
    let is_float = dtype.is_float();
    match (row, position) {
        (ScalarOp::Sqrt | ScalarOp::Rsqrt | ScalarOp::Log, _) => within(dtype, shape, 0.5, 3.0),
        (ScalarOp::Log1p, _) => within(dtype, shape, -0.5, 2.0),
        (ScalarOp::Pow, 0) if is_float => within(dtype, shape, 0.5, 2.0),
        (ScalarOp::Pow, 1) if !is_float => within(dtype, shape, 0.0, 4.0),
        (ScalarOp::Div | ScalarOp::Rem, 1) if is_float => within(dtype, shape, 0.5, 2.0),
        (ScalarOp::Div | ScalarOp::Rem, 1) => within(dtype, shape, 1.0, 5.0),
        _ => number(dtype, shape),
    }
}

pub(super) fn reduction_samples(reduction: Reduction) -> Vec<Sample> {
    let is_logical = matches!(reduction, Reduction::Any | Reduction::All);
    let needs_element = matches!(reduction, Reduction::Max | Reduction::Min);
    let choices: [(&[usize], &[usize]); 8] = [
        (&[2, 3, 4], &[0]),
        (&[2, 3, 4], &[1]),
        (&[2, 3, 4], &[0, 2]),
        (&[2, 3, 4], &[0, 1, 2]),
        (&[1, 3], &[0]),
        (&[0, 3], &[1]),
        (&[0, 3], &[0]),
        (&[], &[]),
    ];
    let large: [(&[usize], &[usize]); 3] = [(LARGE, &[0]), (LARGE, &[1]), (&[3, 200_000], &[0, 1])];
    let mut samples = Vec::new();
    let dtypes = || DType::ALL.into_iter().filter(|&dtype| (dtype == DType::Bool) == is_logical);
    for dtype in dtypes() {
        let large = if is_sampled_large(dtype, dtypes()) { &large[..] } else { &[] };
        for &(shape, axes) in choices.iter().chain(large) {
            if needs_element && axes.iter().any(|&axis| shape[axis] == 0) {
                continue;
            }
            for keep_dims in [false, true] {
                let op = OpRef::new(Reduce { reduction, axes: axes.to_vec(), keep_dims });
                samples.push(sample(&op, [number(dtype, shape)]));
            }
        }
    }
    samples
}

pub(super) fn same_shape_samples(op: impl Fn() -> OpRef) -> Vec<Sample> {
    let every = |dtype| SHAPES.iter().map(move |shape| number(dtype, shape));
    DType::ALL.into_iter().flat_map(every).map(|x| sample(&op(), [x])).collect()
}

/// Of dtypes without gradients: that it differs from its differences is what the op is for.
pub(super) fn stop_gradient_samples() -> Vec<Sample> {
    let mut samples = same_shape_samples(|| OpRef::new(StopGradient));
    samples.retain(|sample| sample.operands[0].fact.dtype != DType::F64);
    samples
}

pub(super) fn select_samples() -> Vec<Sample> {
    let op = OpRef::new(Select);
    let with_mask =
        |dtype| PAIRS.iter().map(move |(a, b)| [number(DType::Bool, b), number(dtype, a), number(dtype, b)]);
    let large = [number(DType::Bool, LARGE), number(DType::F32, &[500]), number(DType::F32, LARGE)];
    let operands = DType::ALL.into_iter().flat_map(with_mask).chain([large]);
    operands.map(|operands| sample(&op, operands)).collect()
}

pub(super) fn cast_samples() -> Vec<Sample> {
    let pairs = DType::ALL.into_iter().flat_map(|from| DType::ALL.map(|to| (from, to)));
    // A step of a float that becomes an integer has no derivative to compare with.
    pairs
        .filter(|(from, to)| *from != DType::F64 || *to == DType::F64)
        .flat_map(|(from, to)| {
            let large = (from == DType::F32).then_some(LARGE);
            let shapes = SHAPES.into_iter().chain(large);
            shapes.map(move |shape| sample(&OpRef::new(Cast { to }), [number(from, shape)]))
        })
        .collect()
}

pub(super) fn broadcast_samples() -> Vec<Sample> {
    let pairs: [(&[usize], &[usize]); 6] = [
        (&[3], &[2, 3]),
        (&[2, 1, 3], &[2, 4, 3]),
        (&[], &[2, 2]),
        (&[1, 3], &[0, 3]),
        (&[2], &[2]),
        (&[500], LARGE),
    ];
    let of = |dtype| {
        pairs.iter().map(move |(from, to)| {
            sample(&OpRef::new(BroadcastTo { shape: (*to).into() }), [number(dtype, from)])
        })
    };
    DType::ALL.into_iter().flat_map(of).collect()
}

pub(super) fn reshape_samples() -> Vec<Sample> {
    let pairs: [(&[usize], &[usize]); 4] =
        [(&[2, 3, 4], &[6, 4]), (&[1], &[]), (&[0, 3], &[5, 0]), (LARGE, &[500, 1100])];
    let of = |dtype| {
        pairs.iter().map(move |(from, to)| {
            sample(&OpRef::new(Reshape { shape: (*to).into() }), [number(dtype, from)])
        })
    };
    DType::ALL.into_iter().flat_map(of).collect()
}

pub(super) fn permute_samples() -> Vec<Sample> {
    let orders: [(&[usize], &[usize]); 9] = [
        (&[2, 3, 4], &[2, 0, 1]),
        (&[2, 3, 4], &[0, 2, 1]),
        (&[2, 3, 4], &[0, 1, 2]),
        (&[1, 4, 1], &[2, 1, 0]),
        (&[], &[]),
        (&[0, 3], &[1, 0]),
        (&[512, 300], &[1, 0]),
        (&[5, 155, 250], &[0, 2, 1]),
        (&[40, 50, 80], &[2, 1, 0]),
    ];
    let of = |dtype| {
        orders.iter().map(move |(shape, axes)| {
            sample(&OpRef::new(Permute { axes: axes.to_vec() }), [number(dtype, shape)])
        })
    };
    DType::ALL.into_iter().flat_map(of).collect()
}

/// Shapes, with positions in them.
fn positions() -> Vec<(Vec<usize>, Positions)> {
    type Row = (&'static [usize], &'static [usize], &'static [usize], &'static [i64]);
    // Shape, starts, lengths, steps.
    let rows: [Row; 8] = [
        (&[4, 5], &[1, 0], &[2, 5], &[1, 1]),
        (&[4, 5], &[0, 1], &[2, 2], &[2, 3]),
        (&[4, 5], &[3, 4], &[4, 3], &[-1, -2]),
        (&[3, 1, 2], &[0, 0, 1], &[3, 1, 1], &[1, 1, 1]),
        (&[4], &[2], &[0], &[1]),
        (&[], &[], &[], &[]),
        (&[0, 2], &[0, 1], &[0, 1], &[1, 1]),
        (&[800, 800], &[799, 1], &[800, 790], &[-1, 1]),
    ];
    rows.into_iter()
        .map(|(shape, starts, lengths, steps)| {
            let (starts, lengths, steps) = (starts.to_vec(), lengths.to_vec(), steps.to_vec());
            (shape.to_vec(), Positions { starts, lengths, steps })
        })
        .collect()
}

pub(super) fn tril_samples() -> Vec<Sample> {
    let shapes: [&[usize]; 5] = [&[3, 4], &[2, 4, 3], &[1, 1], &[0, 3], &[300, 250]];
    let of = |dtype| {
        shapes
            .into_iter()
            .zip([0, 1, -1, 2, -2])
            .map(move |(shape, diagonal)| sample(&OpRef::new(Tril { diagonal }), [number(dtype, shape)]))
    };
    DType::ALL.into_iter().flat_map(of).collect()
}

pub(super) fn slice_samples() -> Vec<Sample> {
    let of = |dtype| {
        positions()
            .into_iter()
            .map(move |(shape, positions)| sample(&OpRef::new(Slice(positions)), [number(dtype, &shape)]))
    };
    DType::ALL.into_iter().flat_map(of).collect()
}

pub(super) fn slice_update_samples() -> Vec<Sample> {
    let of = |dtype| {
        positions().into_iter().map(move |(shape, positions)| {
            let operands = [number(dtype, &shape), number(dtype, &positions.lengths)];
            sample(&OpRef::new(SliceUpdate(positions)), operands)
        })
    };
    DType::ALL.into_iter().flat_map(of).collect()
}

pub(super) fn concat_samples() -> Vec<Sample> {
    let rows: [(usize, &[&[usize]]); 6] = [
        (0, &[&[2, 3], &[1, 3]]),
        (1, &[&[2, 1], &[2, 3], &[2, 0]]),
        (1, &[&[2, 1, 2], &[2, 2, 2]]),
        (0, &[&[3]]),
        (0, &[&[0, 2], &[0, 2]]),
        (1, &[&[1100, 300], &[1100, 200]]),
    ];
    let of = |dtype| {
        rows.iter().map(move |(axis, shapes)| {
            let operands: Vec<_> = shapes.iter().map(|shape| number(dtype, shape)).collect();
            sample(&OpRef::new(Concat { axis: *axis }), operands)
        })
    };
    DType::ALL.into_iter().flat_map(of).collect()
}

pub(super) fn matmul_samples() -> Vec<Sample> {
    // Lengths of the batch axes of both, then m, k, n.
    let rows: [(&[usize], &[usize], [usize; 3]); 8] = [
        (&[], &[], [2, 3, 4]),
        (&[], &[], [1, 1, 1]),
        (&[2], &[], [3, 2, 2]),
        (&[2, 1], &[3], [2, 3, 2]),
        (&[], &[2], [2, 2, 3]),
        (&[], &[], [2, 0, 3]),
        (&[], &[], [210, 211, 209]),
        (&[350], &[350], [30, 31, 29]),
    ];
    let mut samples = Vec::new();
    for dtype in DType::ALL.into_iter().filter(|&dtype| dtype != DType::Bool) {
        for (left, right, [m, k, n]) in rows {
            for (transpose_left, transpose_right) in
                [(false, false), (true, false), (false, true), (true, true)]
            {
                let op = OpRef::new(Matmul { transpose_left, transpose_right });
                let left_matrix = if transpose_left { [k, m] } else { [m, k] };
                let right_matrix = if transpose_right { [n, k] } else { [k, n] };
                let operands = [[left, &left_matrix].concat(), [right, &right_matrix].concat()];
                samples.push(sample(&op, operands.map(|shape| number(dtype, &shape))));
            }
        }
        // Vectors.
        let op = OpRef::new(Matmul::default());
        for (left, right) in [(&[3][..], &[3, 2][..]), (&[2, 3], &[3]), (&[3], &[3]), (&[3], &[2, 3, 2])] {
            samples.push(sample(&op, [number(dtype, left), number(dtype, right)]));
        }
    }
    samples
}

pub(super) fn addmm_samples() -> Vec<Sample> {
    let mut samples = Vec::new();
    for dtype in [DType::F32, DType::F64] {
        for [m, k, n] in [[2, 3, 4], [1, 1, 1], [5, 1, 1], [1, 4, 3], [2, 0, 3], [130, 20, 210]] {
            for flags in 0..8 {
                let [transpose_left, transpose_right, subtract] = [1, 2, 4].map(|bit| flags & bit != 0);
                let op = Addmm { product: Matmul { transpose_left, transpose_right }, subtract };
                let left = if transpose_left { [k, m] } else { [m, k] };
                let right = if transpose_right { [n, k] } else { [k, n] };
                let operands = [&[m, n][..], &left, &right, &[]].map(|shape| number(dtype, shape));
                samples.push(sample(&OpRef::new(op), operands));
            }
        }
    }
    samples
}

/// Shapes with an axis.
const LANES: [(&[usize], usize); 8] = [
    (&[2, 3, 4], 0),
    (&[2, 3, 4], 1),
    (&[2, 3, 4], 2),
    (&[5], 0),
    (&[1, 1], 1),
    (&[0, 3], 1),
    (&[300, 250], 1),
    (&[300, 250], 0),
];

/// Of floats, and also with an empty axis.
pub(super) fn lane_samples(ops: impl Fn(usize) -> Vec<OpRef>) -> Vec<Sample> {
    let empty_axis: (&[usize], usize) = (&[0, 3], 0);
    let choices = LANES.into_iter().chain([empty_axis]);
    choices
        .flat_map(|(shape, axis)| ops(axis).into_iter().map(move |op| (shape, op)))
        .flat_map(|(shape, op)| [DType::F32, DType::F64].map(|dtype| sample(&op, [number(dtype, shape)])))
        .collect()
}

pub(super) fn nonempty_lane_samples(op: impl Fn(usize) -> OpRef) -> Vec<Sample> {
    LANES
        .into_iter()
        .flat_map(|(shape, axis)| DType::ALL.map(|dtype| sample(&op(axis), [number(dtype, shape)])))
        .collect()
}

pub(super) fn cross_entropy_samples() -> Vec<Sample> {
    let op = OpRef::new(SparseCrossEntropy);
    let rows: [(&[usize], usize); 6] =
        [(&[3], 4), (&[2, 2], 3), (&[], 5), (&[0], 3), (&[2], 1), (&[1000], 50)];
    let mut samples = Vec::new();
    for (dtype, labels) in [(DType::F64, DType::I64), (DType::F64, DType::U8), (DType::F32, DType::I32)] {
        for (examples, num_classes) in rows {
            let logits = number(dtype, &[examples, &[num_classes]].concat());
            samples.push(sample(&op, [logits, index(labels, examples, num_classes)]));
        }
    }
    samples
}

pub(super) fn iota_samples() -> Vec<Sample> {
    DType::ALL
        .into_iter()
        .filter(|&dtype| dtype != DType::Bool)
        .flat_map(|dtype| [0, 1, 5, 300].map(|len| sample(&OpRef::new(Iota { len, dtype }), [])))
        .collect()
}

pub(super) fn random_samples(distribution: Distribution) -> Vec<Sample> {
    let mut samples = Vec::new();
    for (dtype, key) in [(DType::F32, DType::I64), (DType::F64, DType::I32), (DType::F32, DType::U8)] {
        for shape in SHAPES {
            let op = OpRef::new(Random { distribution, shape: shape.into(), dtype });
            samples.push(sample(&op, [number(key, &[])]));
        }
    }
    samples
}

pub(super) const FLOATS: [DType; 2] = [DType::F64, DType::F32];
pub(super) const NUMBERS: [DType; 5] = [DType::F64, DType::F32, DType::I32, DType::I64, DType::U8];
