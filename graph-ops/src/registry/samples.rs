//! Representative applications of every op, with operands that they can be computed and differentiated at.

use graph_core::{DType, Fact, OpRef};

use crate::ops::addmm::Addmm;
use crate::ops::concat::Concat;
use crate::ops::conv::{Conv2d, Conv2dImages, Conv2dKernel};
use crate::ops::create::Iota;
use crate::ops::cross_entropy::SparseCrossEntropy;
use crate::ops::gather::{AddAlongAxis, Gather, ScatterAdd, TakeAlongAxis};
use crate::ops::matmul::Matmul;
use crate::ops::one_hot::OneHot;
use crate::ops::permute::Permute;
use crate::ops::pointwise::{BroadcastTo, Cast, Pointwise, ScalarOp, Select};
use crate::ops::pool::{AveragePool2d, AveragePool2dImages, MaxPool2d, MaxPool2dImages, Pool};
use crate::ops::random::{Distribution, Random};
use crate::ops::reduce::{Reduce, Reduction};
use crate::ops::row::WithRow;
use crate::ops::slice::{Positions, Slice, SliceUpdate};
use crate::ops::tril::Tril;
use crate::ops::view::{Reshape, StopGradient};
use crate::ops::windows::{Padding, Placement};

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

pub(super) fn gather_samples() -> Vec<Sample> {
    let mut samples = Vec::new();
    for (dtype, indices) in INDEXED.into_iter().chain([(DType::Bool, DType::I64)]) {
        for (shape, axis, at) in GATHERS {
            let op = OpRef::new(Gather { axis });
            samples.push(sample(&op, [number(dtype, shape), index(indices, at, shape[axis])]));
        }
    }
    samples
}

pub(super) fn with_row_samples() -> Vec<Sample> {
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

pub(super) fn scatter_add_samples() -> Vec<Sample> {
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

pub(super) fn take_along_axis_samples() -> Vec<Sample> {
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

pub(super) fn add_along_axis_samples() -> Vec<Sample> {
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

pub(super) fn one_hot_samples() -> Vec<Sample> {
    let indices = [DType::I32, DType::I64, DType::U8].into_iter();
    indices
        .flat_map(|indices| DType::ALL.map(|dtype| (indices, dtype)))
        .flat_map(|(indices, dtype)| {
            let op = OpRef::new(OneHot { depth: 4, dtype });
            [&[3][..], &[], &[2, 0], &[2, 2]].map(|shape| sample(&op, [index(indices, shape, 4)]))
        })
        .collect()
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

/// Images, kernel `[height, width, channels, filters]`, strides, dilation, padding.
type Convolution = ([usize; 4], [usize; 4], [usize; 2], [usize; 2], Padding);

const CONVOLUTIONS: [Convolution; 12] = [
    ([2, 4, 3, 2], [3, 2, 2, 3], [1, 1], [1, 1], Padding::Valid),
    ([1, 4, 5, 2], [3, 3, 2, 2], [1, 1], [1, 1], Padding::Same),
    ([1, 5, 6, 2], [2, 3, 2, 1], [2, 3], [1, 1], Padding::Same),
    ([1, 5, 6, 1], [2, 2, 1, 3], [2, 1], [1, 1], Padding::Valid),
    ([1, 5, 5, 2], [2, 3, 2, 2], [1, 1], [3, 2], Padding::Same),
    ([2, 2, 3, 4], [1, 1, 4, 2], [1, 1], [1, 1], Padding::Valid),
    ([1, 3, 3, 2], [1, 1, 2, 2], [2, 2], [1, 1], Padding::Valid),
    ([1, 1, 2, 1], [5, 5, 1, 1], [1, 1], [1, 1], Padding::Same),
    ([0, 4, 4, 2], [3, 3, 2, 2], [1, 1], [1, 1], Padding::Same),
    ([2, 3, 3, 0], [2, 2, 0, 3], [1, 1], [1, 1], Padding::Valid),
    ([2, 3, 3, 2], [2, 2, 2, 0], [1, 1], [1, 1], Padding::Valid),
    ([8, 30, 28, 8], [3, 3, 8, 16], [1, 1], [1, 1], Padding::Same),
];

/// Samples of an op of convolutions: from images, kernel and output, that of one of them from those of the others.
fn convolution_samples(op: impl Fn(Placement, [&[usize]; 3]) -> (OpRef, [usize; 2])) -> Vec<Sample> {
    let mut samples = Vec::new();
    for (images, kernel, strides, dilation, padding) in CONVOLUTIONS {
        let (image, window) = ([images[1], images[2]], [kernel[0], kernel[1]]);
        let placement = Placement::new(image, window, strides, dilation, padding);
        let [height, width] = placement.windows(&images, window).expect("fits").count;
        let output = [images[0], height, width, kernel[3]];
        let shapes: [&[usize]; 3] = [&images, &kernel, &output];
        let (op, operands) = op(placement, shapes);
        for dtype in FLOATS {
            samples.push(sample(&op, operands.map(|i| number(dtype, shapes[i]))));
        }
    }
    samples
}

pub(super) fn conv2d_samples() -> Vec<Sample> {
    convolution_samples(|placement, _| (OpRef::new(Conv2d { placement }), [0, 1]))
}

pub(super) fn conv2d_images_samples() -> Vec<Sample> {
    convolution_samples(|placement, [images, ..]| {
        (OpRef::new(Conv2dImages { placement, image: [images[1], images[2]] }), [2, 1])
    })
}

pub(super) fn conv2d_kernel_samples() -> Vec<Sample> {
    convolution_samples(|placement, [_, kernel, _]| {
        (OpRef::new(Conv2dKernel { placement, window: [kernel[0], kernel[1]] }), [0, 2])
    })
}

/// Images, window, strides, padding.
type Pooling = ([usize; 4], [usize; 2], [usize; 2], Padding);

const POOLINGS: [Pooling; 7] = [
    ([1, 4, 6, 2], [2, 2], [2, 2], Padding::Valid),
    ([2, 5, 3, 2], [2, 2], [2, 2], Padding::Same),
    ([1, 5, 4, 3], [3, 2], [1, 1], Padding::Same),
    ([1, 5, 5, 1], [2, 1], [3, 2], Padding::Valid),
    ([2, 2, 2, 0], [1, 1], [1, 1], Padding::Valid),
    ([0, 4, 4, 2], [2, 2], [2, 2], Padding::Valid),
    ([4, 60, 52, 48], [3, 3], [2, 2], Padding::Same),
];

fn pool((images, window, strides, padding): Pooling) -> Pool {
    Pool { window, placement: Placement::new([images[1], images[2]], window, strides, [1, 1], padding) }
}

pub(super) fn pool_samples(dtypes: &[DType], op: impl Fn(Pool) -> OpRef) -> Vec<Sample> {
    let each = |&dtype| POOLINGS.map(|pooling| sample(&op(pool(pooling)), [number(dtype, &pooling.0)]));
    dtypes.iter().flat_map(each).collect()
}

pub(super) fn average_images_samples() -> Vec<Sample> {
    let mut samples = pool_samples(&FLOATS, |pool| OpRef::new(AveragePool2d(pool)));
    for sample in &mut samples {
        let AveragePool2d(pool) = *sample.op.downcast().expect("made above");
        let images = &mut sample.operands[0].fact;
        let image = [images.shape[1], images.shape[2]];
        *images = sample.op.infer(&[images]).expect("fits").swap_remove(0);
        sample.op = OpRef::new(AveragePool2dImages { pool, image });
    }
    samples
}

pub(super) fn max_images_samples() -> Vec<Sample> {
    let mut samples = pool_samples(&NUMBERS, |pool| OpRef::new(MaxPool2d(pool)));
    for sample in &mut samples {
        let MaxPool2d(pool) = *sample.op.downcast().expect("made above");
        let output = sample.op.infer(&[&sample.operands[0].fact]).expect("fits").swap_remove(0);
        sample.operands.push(number(output.dtype, &output.shape));
        sample.op = OpRef::new(MaxPool2dImages(pool));
    }
    samples
}
