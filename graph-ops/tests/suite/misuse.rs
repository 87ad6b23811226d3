//! Misuse of each op, and the exact sentence that says what is wrong.

use graph_core::DType;
use graph_ops::{Padding, Span, Tensor};

use crate::support::failure;

fn f32s(shape: &[usize]) -> Tensor {
    Tensor::zeros(shape, DType::F32).eval()
}

fn i64s(shape: &[usize]) -> Tensor {
    Tensor::zeros(shape, DType::I64).eval()
}

/// Each row: an operation, and how it fails. Positions are left out.
macro_rules! failures {
    ($($operation:expr => $message:literal;)*) => {
        $(assert_eq!(failure(|| $operation), $message, stringify!($operation));)*
    };
}

#[test]
fn pointwise() {
    failures! {
        f32s(&[2]) + f32s(&[3]) => "add: shapes [2] and [3] do not broadcast: f32[2] (..) x f32[3] (..)";
        f32s(&[2]) + i64s(&[2]) =>
            "add: dtypes differ: f32 and i64; convert one with `.cast(DType::…)`: f32[2] (..) x i64[2] (..)";
        i64s(&[2]).sqrt() => "sqrt: not defined for i64; it takes f32 and f64: i64[2] (..)";
        f32s(&[2]) & f32s(&[2]) => "and: not defined for f32; it takes bool and integers: f32[2] (..) x f32[2] (..)";
        !f32s(&[2]) => "not: not defined for f32; it takes bool and integers: f32[2] (..)";
        -Tensor::from([1u8]) => "neg: not defined for u8; it takes f32, f64, i32 and i64: u8[1] (..)";
        i64s(&[2]) / i64s(&[2]) => "div: division by zero: i64[2] (..) x i64[2] (..)";
        i64s(&[2]) % 0 => "rem: division by zero: i64[2] (..) x i64[] (..)";
        i64s(&[2]).pow(-1) => "pow: integer exponents must be from 0 to 4294967295: i64[2] (..) x i64[] (..)";
        i64s(&[2]) + 0.5 => "add: the scalar 0.5 does not fit dtype i64; cast the tensor first: i64[2] (..)";
        f32s(&[2]).select(1, 2) => "select: not defined for f32; it takes a bool mask: f32[2] (..) x i64[] (..) x i64[] (..)";
        f32s(&[2]).gt(0).select(f32s(&[2]), i64s(&[2])) =>
            "select: dtypes differ: f32 and i64; convert one with `.cast(DType::…)`: \
             bool[2] (..) x f32[2] (..) x i64[2] (..)";
        f32s(&[2]).broadcast_to([3]) => "broadcast_to: shapes [2] and [3] do not broadcast: f32[2] (..)";
        f32s(&[2]).reshape([3]) => "reshape: [2] and [3] differ in the number of elements: f32[2] (..)";
    }
}

#[test]
fn reductions() {
    failures! {
        f32s(&[2]).sum(1) => "sum: axis 1 is out of range for rank 1: f32[2] (..)";
        f32s(&[2]).sum([0, -1]) => "sum: axis 0 is given twice: f32[2] (..)";
        f32s(&[0]).max(0) => "max: nothing to choose from: a reduced axis is empty: f32[0] (..)";
        f32s(&[2]).any(0) => "any: not defined for f32; it takes bool: f32[2] (..)";
        f32s(&[2]).gt(0).sum(0) => "sum: not defined for bool; it takes floats and integers: bool[2] (..)";
        i64s(&[2]).mean(0) => "mean: not defined for i64; it takes f32 and f64: i64[2] (..)";
        i64s(&[2]).var(0) => "var: not defined for i64; it takes f32 and f64: i64[2] (..)";
        f32s(&[2]).mean(1) => "mean: axis 1 is out of range for rank 1: f32[2] (..)";
        f32s(&[0, 3]).argmax(0) => "argmax: nothing to choose from: the axis is empty: f32[0, 3] (..)";
        f32s(&[3]).argmin(-2) => "argmin: axis -2 is out of range for rank 1: f32[3] (..)";
        f32s(&[3]).cumsum(1) => "cumsum: axis 1 is out of range for rank 1: f32[3] (..)";
        f32s(&[3]).gt(0).cumsum(0) => "cumsum: not defined for bool; it takes floats and integers: bool[3] (..)";
        i64s(&[3]).softmax(0) => "softmax: not defined for i64; it takes f32 and f64: i64[3] (..)";
        f32s(&[3]).log_softmax(1) => "log_softmax: axis 1 is out of range for rank 1: f32[3] (..)";
        f32s(&[3]).logsumexp([0, 0]) => "logsumexp: axis 0 is given twice: f32[3] (..)";
    }
}

#[test]
fn products() {
    failures! {
        f32s(&[32, 784]).matmul(&f32s(&[100, 10])) =>
            "matmul: inner dimensions differ, 784 and 100: f32[32, 784] (..) x f32[100, 10] (..)";
        f32s(&[3]).matmul(&f32s(&[4])) => "matmul: inner dimensions differ, 3 and 4: f32[3] (..) x f32[4] (..)";
        f32s(&[2, 2, 3]).matmul(&f32s(&[3, 3, 2])) =>
            "matmul: batch dimensions do not broadcast: f32[2, 2, 3] (..) x f32[3, 3, 2] (..)";
        f32s(&[]).matmul(&f32s(&[3])) =>
            "matmul: a scalar has no matrix; multiply with `*`: f32[] (..) x f32[3] (..)";
        f32s(&[2, 2]).matmul(&i64s(&[2, 2])) =>
            "matmul: dtypes differ: f32 and i64; convert one with `.cast(DType::…)`: f32[2, 2] (..) x i64[2, 2] (..)";
        f32s(&[2, 2]).gt(0).matmul(&f32s(&[2, 2]).gt(0)) =>
            "matmul: not defined for bool; it takes floats and integers: bool[2, 2] (..) x bool[2, 2] (..)";
    }
}

#[test]
fn shapes() {
    failures! {
        f32s(&[2, 3]).permute([0]) => "permute: 1 axes are given for rank 2: f32[2, 3] (..)";
        f32s(&[2, 3]).permute([0, 2]) => "permute: axis 2 is out of range for rank 2: f32[2, 3] (..)";
        f32s(&[2, 3]).permute([1, -1]) => "permute: axis 1 is given twice: f32[2, 3] (..)";
        f32s(&[2]).t() => "permute: axis -2 is out of range for rank 1: f32[2] (..)";
        f32s(&[2]).unsqueeze(2) => "unsqueeze: axis 2 is out of range for rank 2: f32[2] (..)";
        f32s(&[2]).squeeze(0) => "squeeze: axis 0 has length 2, not 1: f32[2] (..)";
        f32s(&[2]).flip(1) => "flip: axis 1 is out of range for rank 1: f32[2] (..)";
        f32s(&[2]).slice([Span::from(..), Span::from(..)]) => "slice: 2 spans are given for rank 1: f32[2] (..)";
        f32s(&[2]).slice_axis(0, Span::from(..).step(0)) => "slice: the step is zero: f32[2] (..)";
        f32s(&[2]).pad([(usize::MAX, 3)], 0) =>
            "pad: 18446744073709551615 before 2 and 3 after it are too many: f32[2] (..)";
        f32s(&[2]).split(0, [usize::MAX, 3]).remove(0) =>
            "split: lengths that add up to 18446744073709551615 are given for axis 0 of length 2: f32[2] (..)";
        f32s(&[2]).slice_axis(1, ..) => "slice: axis 1 is out of range for rank 1: f32[2] (..)";
        f32s(&[3]).with_index(-4, 0) =>
            "with_row: index -4 is out of range for an axis of length 3: f32[3] (..) x i64[] (..) x f32[] (..)";
        f32s(&[3]).with_index(i64::MIN, 0) =>
            "with_row: index -9223372036854775808 is out of range for an axis of length 3: \
             f32[3] (..) x i64[] (..) x f32[] (..)";
        f32s(&[3]).index(i64::MIN) =>
            "index_axis: position -9223372036854775808 is out of range for axis 0 of length 3: f32[3] (..)";
        f32s(&[2, 3]).index_axis(1, 3) =>
            "index_axis: position 3 is out of range for axis 1 of length 3: f32[2, 3] (..)";
        f32s(&[2]).slice_update([Span::from(..1)], i64s(&[1])) =>
            "slice_update: dtypes differ: f32 and i64; convert one with `.cast(DType::…)`: f32[2] (..) x i64[1] (..)";
        f32s(&[2]).slice_update([Span::from(..)], f32s(&[3])) =>
            "broadcast_to: shapes [3] and [2] do not broadcast: f32[3] (..)";
        f32s(&[2]).pad([], 0) => "pad: 0 pairs of lengths are given for rank 1: f32[2] (..)";
        f32s(&[2]).split(0, [1]).remove(0) =>
            "split: lengths that add up to 1 are given for axis 0 of length 2: f32[2] (..)";
        Tensor::concat(&[f32s(&[2, 3]), f32s(&[2, 2])], 0) =>
            "concat: the shapes may differ in axis 0 only: f32[2, 3] (..) x f32[2, 2] (..)";
        Tensor::concat(&[f32s(&[2]), i64s(&[2])], 0) =>
            "concat: dtypes differ: f32 and i64; convert one with `.cast(DType::…)`: f32[2] (..) x i64[2] (..)";
        Tensor::concat(&[f32s(&[2])], 1) => "concat: axis 1 is out of range for rank 1: f32[2] (..)";
        Tensor::concat(&[], 0) => "concat: takes 1 operands, 0 given";
        Tensor::stack(&[f32s(&[2]), f32s(&[3])], 0) => "stack: the shapes differ: f32[2] (..) x f32[3] (..)";
        Tensor::stack(&[f32s(&[2])], 2) => "stack: axis 2 is out of range for rank 2: f32[2] (..)";
    }
}

#[test]
fn indexing() {
    let indices = |elements: &[i64]| Tensor::from(elements);
    failures! {
        f32s(&[3, 2]).gather(2, &indices(&[0])) => "gather: axis 2 is out of range for rank 2: f32[3, 2] (..) x i64[1] (..)";
        f32s(&[3]).gather(0, &f32s(&[1])) => "gather: not defined for f32; it takes integer indices: f32[3] (..) x f32[1] (..)";
        f32s(&[3]).gather(0, &indices(&[0, 3])) =>
            "gather: index 3 is out of range for an axis of length 3: f32[3] (..) x i64[2] (..)";
        f32s(&[3]).gather(0, &indices(&[-1])) =>
            "gather: index -1 is out of range for an axis of length 3: f32[3] (..) x i64[1] (..)";
        f32s(&[0]).gather(0, &indices(&[0])) =>
            "gather: index 0 is out of range for an axis of length 0: f32[0] (..) x i64[1] (..)";
        f32s(&[3, 2]).take_along_axis(0, &i64s(&[1, 3])) =>
            "take_along_axis: the indices' shape may differ in axis 0 only: f32[3, 2] (..) x i64[1, 3] (..)";
        f32s(&[3]).take_along_axis(0, &indices(&[7])) =>
            "take_along_axis: index 7 is out of range for an axis of length 3: f32[3] (..) x i64[1] (..)";
        f32s(&[3]).scatter_add(0, &indices(&[0]), &f32s(&[2])) =>
            "scatter_add: what is added must have shape [1]: f32[3] (..) x i64[1] (..) x f32[2] (..)";
        f32s(&[3]).scatter_add(0, &indices(&[9]), &f32s(&[1])) =>
            "scatter_add: index 9 is out of range for an axis of length 3: f32[3] (..) x i64[1] (..) x f32[1] (..)";
        f32s(&[3]).add_along_axis(0, &indices(&[0]), &i64s(&[1])) =>
            "add_along_axis: dtypes differ: f32 and i64; convert one with `.cast(DType::…)`: \
             f32[3] (..) x i64[1] (..) x i64[1] (..)";
        f32s(&[3]).gt(0).scatter_add(0, &indices(&[0]), &f32s(&[1]).gt(0)) =>
            "scatter_add: not defined for bool; it takes floats and integers: bool[3] (..) x i64[1] (..) x bool[1] (..)";
        indices(&[4]).one_hot(4, DType::F32) => "one_hot: index 4 is out of range for depth 4: i64[1] (..)";
        f32s(&[1]).one_hot(4, DType::F32) => "one_hot: not defined for f32; it takes integer indices: f32[1] (..)";
    }
}

#[test]
fn losses() {
    failures! {
        f32s(&[2, 3]).sparse_cross_entropy(&Tensor::from([0, 3])) =>
            "sparse_cross_entropy: label 3 is out of range for 3 classes: f32[2, 3] (..) x i32[2] (..)";
        f32s(&[2, 3]).sparse_cross_entropy(&i64s(&[3])) =>
            "sparse_cross_entropy: the logits' shape must be the labels' with the classes after it: \
             f32[2, 3] (..) x i64[3] (..)";
        f32s(&[2, 3]).sparse_cross_entropy(&f32s(&[2])) =>
            "sparse_cross_entropy: not defined for f32; it takes integer labels: f32[2, 3] (..) x f32[2] (..)";
        i64s(&[2, 3]).sparse_cross_entropy(&i64s(&[2])) =>
            "sparse_cross_entropy: not defined for i64; it takes logits in f32 and f64: i64[2, 3] (..) x i64[2] (..)";
        f32s(&[2, 3]).cross_entropy(&f32s(&[2, 4])) =>
            "cross_entropy: logits and targets must have one shape, with the classes last: \
             f32[2, 3] (..) x f32[2, 4] (..)";
    }
}

#[test]
fn creation() {
    failures! {
        Tensor::arange(3, DType::Bool) => "iota: not defined for bool; it takes floats and integers";
        Tensor::zeros([usize::MAX, 2], DType::F32) =>
            "broadcast_to: the result f32[18446744073709551615, 2] is too large: f32[] (..)";
        i64s(&[2]).full_like(0.5) => "scalar_of: the scalar 0.5 does not fit dtype i64; cast the tensor first";
        Tensor::random_uniform([2], DType::I64, 0) =>
            "random_uniform: not defined for i64; it takes f32 and f64: i64[] (..)";
        Tensor::random_normal([2], DType::F32, f32s(&[])) =>
            "random_normal: not defined for f32; it takes an integer key: f32[] (..)";
        Tensor::random_normal([2], DType::F32, i64s(&[2])) => "random_normal: the key must be a scalar: i64[2] (..)";
        Tensor::random_normal([2], DType::F32, 0.5) =>
            "random_normal: the scalar 0.5 does not fit dtype i64; cast the tensor first: i64[] (..)";
    }
}

#[test]
fn errors_point_at_the_users_lines() {
    let left = f32s(&[32, 784]);
    let error = graph_ops::catch(|| left.matmul(&f32s(&[100, 10]))).expect_err("does not fit");
    let message = error.to_string();
    let line = line!() - 2;
    assert!(message.starts_with(
        "matmul: inner dimensions differ, 784 and 100: f32[32, 784] (graph-ops/tests/suite/misuse.rs:"
    ));
    assert!(message.contains(&format!(" at graph-ops/tests/suite/misuse.rs:{line}:")), "{message}");
}

#[test]
fn windows() {
    let images = || f32s(&[1, 4, 5, 2]);
    let kernel = || f32s(&[3, 3, 2, 4]);
    let one = [1, 1];
    failures! {
        f32s(&[4, 5, 2]).conv2d(&kernel(), one, Padding::Same) =>
            "conv2d: a batch of images has four axes: f32[4, 5, 2] (..) x f32[3, 3, 2, 4] (..)";
        images().conv2d(&f32s(&[3, 3]), one, Padding::Same) =>
            "conv2d: a kernel has four axes: f32[1, 4, 5, 2] (..) x f32[3, 3] (..)";
        images().conv2d(&f32s(&[3, 3, 1, 4]), one, Padding::Same) =>
            "conv2d: numbers of channels differ: f32[1, 4, 5, 2] (..) x f32[3, 3, 1, 4] (..)";
        images().conv2d(&kernel().cast(DType::F64), one, Padding::Same) =>
            "conv2d: dtypes differ: f32 and f64; convert one with `.cast(DType::…)`: \
             f32[1, 4, 5, 2] (..) x f64[3, 3, 2, 4] (..)";
        i64s(&[1, 4, 5, 2]).conv2d(&i64s(&[3, 3, 2, 4]), one, Padding::Same) =>
            "conv2d: not defined for i64; it takes f32 and f64: i64[1, 4, 5, 2] (..) x i64[3, 3, 2, 4] (..)";
        images().conv2d(&kernel(), [0, 1], Padding::Same) =>
            "conv2d: windows, strides and dilation are at least 1: f32[1, 4, 5, 2] (..) x f32[3, 3, 2, 4] (..)";
        images().conv2d(&f32s(&[3, 6, 2, 4]), one, Padding::Valid) =>
            "conv2d: a window of width 6 does not fit an image of width 5: \
             f32[1, 4, 5, 2] (..) x f32[3, 6, 2, 4] (..)";
        images().conv2d_dilated(&kernel(), one, Padding::Valid, [2, 2]) =>
            "conv2d: a window of height 3 does not fit an image of height 4: \
             f32[1, 4, 5, 2] (..) x f32[3, 3, 2, 4] (..)";
        images().conv2d_dilated(&kernel(), one, Padding::Same, [usize::MAX, 1]) =>
            "conv2d: a window of height 3 does not fit an image of height 4: \
             f32[1, 4, 5, 2] (..) x f32[3, 3, 2, 4] (..)";
        images().max_pool2d([5, 5], one, Padding::Valid) =>
            "max_pool2d: a window of height 5 does not fit an image of height 4: f32[1, 4, 5, 2] (..)";
        f32s(&[2, 0, 3, 4]).max_pool2d([2, 1], [1, 1], Padding::Same) =>
            "max_pool2d: a window of height 2 does not fit an image of height 0: f32[2, 0, 3, 4] (..)";
        images().gt(0).max_pool2d(one, one, Padding::Valid) =>
            "max_pool2d: not defined for bool; it takes floats and integers: bool[1, 4, 5, 2] (..)";
        i64s(&[1, 4, 5, 2]).avg_pool2d(one, one, Padding::Valid) =>
            "avg_pool2d: not defined for i64; it takes f32 and f64: i64[1, 4, 5, 2] (..)";
        images().avg_pool2d([0, 1], one, Padding::Same) =>
            "avg_pool2d: windows, strides and dilation are at least 1: f32[1, 4, 5, 2] (..)";
        f32s(&[4]).max_pool2d(one, one, Padding::Same) =>
            "max_pool2d: a batch of images has four axes: f32[4] (..)";
    }
}
