//! Matrix products against a plain triple loop, for every dtype, layout and batch.

use graph_core::{Array, Class, DType, Fact, OpRef, Shape, Source};
use graph_ops::ops::matmul::Matmul;
use graph_ops::{Tensor, apply};

use crate::support::{Numbers, as_f64, assert_close, both};

/// The product by definition, with batches broadcast.
fn reference(a: &Array, b: &Array, transpose_left: bool, transpose_right: bool) -> (Vec<f64>, Shape) {
    let (a_shape, b_shape) = (&a.fact().shape, &b.fact().shape);
    let (a_elements, b_elements) = (as_f64(a), as_f64(b));
    let split = |shape: &Shape| {
        let (batch, matrix) = shape.split_at(shape.rank() - 2);
        (Shape::from(batch), matrix[0], matrix[1])
    };
    let ((a_batch, a_rows, a_columns), (b_batch, b_rows, b_columns)) = (split(a_shape), split(b_shape));
    let (m, k) = if transpose_left { (a_columns, a_rows) } else { (a_rows, a_columns) };
    let n = if transpose_right { b_rows } else { b_columns };
    let batch = a_batch.broadcast(&b_batch).expect("broadcasts");
    let mut elements = Vec::new();
    for index in 0..batch.num_elements() {
        let offset = |own: &Shape, size: usize| {
            let (mut rest, mut offset) = (index, 0);
            for axis in (0..batch.rank()).rev() {
                let position = rest % batch[axis];
                rest /= batch[axis];
                let missing = batch.rank() - own.rank();
                if axis >= missing && own[axis - missing] != 1 {
                    offset += position * own.strides()[axis - missing];
                }
            }
            offset * size
        };
        let (a_from, b_from) = (offset(&a_batch, m * k), offset(&b_batch, k * n));
        for i in 0..m {
            for j in 0..n {
                let term = |p: usize| {
                    let x = if transpose_left { p * m + i } else { i * k + p };
                    let y = if transpose_right { j * k + p } else { p * n + j };
                    a_elements[a_from + x] * b_elements[b_from + y]
                };
                elements.push((0..k).map(term).sum());
            }
        }
    }
    (elements, batch.iter().copied().chain([m, n]).collect())
}

fn check(dtype: DType, left: &[usize], right: &[usize], transpose_left: bool, transpose_right: bool) {
    let mut numbers = Numbers::new((left.len() * 31 + right.len()) as u64);
    let (from, to) = if dtype == DType::U8 { (0.0, 3.0) } else { (-4.0, 4.0) };
    let a = numbers.array(&Fact::new(dtype, left), from, to);
    let b = numbers.array(&Fact::new(dtype, right), from, to);
    let (expected, shape) = reference(&a, &b, transpose_left, transpose_right);
    let found = both(|| {
        let (a, b) = (Tensor::from_array(a.clone()), Tensor::from_array(b.clone()));
        apply(Matmul { transpose_left, transpose_right }, &[&a, &b])
    });
    assert_eq!(found.fact().shape, shape, "{left:?} {right:?}");
    // Sums of terms of up to 16 in magnitude: a rounding is up to 1e-6 of them (2e-15), and there are some hundred.
    let tolerance = if dtype == DType::F32 { 1e-4 } else { 1e-12 };
    let expected: Vec<f64> = match dtype {
        DType::U8 => expected.into_iter().map(|x| x % 256.0).collect(),
        _ => expected,
    };
    assert_close(&as_f64(&found), &expected, tolerance);
}

#[test]
fn products_of_every_dtype_and_layout() {
    for dtype in [DType::F32, DType::F64, DType::I32, DType::I64, DType::U8] {
        for (m, k, n) in
            [(1, 1, 1), (3, 4, 5), (17, 33, 9), (1, 20, 30), (20, 30, 1), (2, 2, 2), (40, 1, 3), (5, 300, 7)]
        {
            check(dtype, &[m, k], &[k, n], false, false);
            check(dtype, &[k, m], &[k, n], true, false);
            check(dtype, &[m, k], &[n, k], false, true);
            check(dtype, &[k, m], &[n, k], true, true);
        }
    }
}

#[test]
fn products_with_batches() {
    for dtype in [DType::F64, DType::I64] {
        for (left, right) in [
            (&[2, 3, 4][..], &[4, 5][..]),
            (&[3, 4], &[6, 4, 5]),
            (&[6, 3, 4], &[6, 4, 5]),
            (&[2, 1, 3, 4], &[5, 4, 2]),
            (&[2, 1, 3, 4], &[1, 7, 4, 2]),
            (&[1, 3, 4], &[2, 4, 2]),
            (&[0, 3, 4], &[4, 2]),
            (&[2, 3, 4], &[1, 4, 2]),
        ] {
            check(dtype, left, right, false, false);
            let swapped = |shape: &[usize]| {
                let mut shape = shape.to_vec();
                let rank = shape.len();
                shape.swap(rank - 2, rank - 1);
                shape
            };
            check(dtype, &swapped(left), right, true, false);
            check(dtype, left, &swapped(right), false, true);
            check(dtype, &swapped(left), &swapped(right), true, true);
        }
    }
}

#[test]
fn large_products_and_large_batches() {
    // Above the sizes from which threads take part, alone and as a batch.
    check(DType::F32, &[230, 257], &[257, 160], false, false);
    check(DType::I64, &[130, 120], &[140, 120], false, true);
    check(DType::F64, &[1000, 20, 21], &[1000, 21, 22], false, false);
    check(DType::I32, &[200, 21, 20], &[21, 22], true, false);
}

#[test]
fn empty_products_are_empty_or_zero() {
    check(DType::F32, &[0, 3], &[3, 2], false, false);
    check(DType::F32, &[2, 3], &[3, 0], false, false);
    check(DType::F32, &[2, 0], &[0, 3], false, false);
    check(DType::I32, &[2, 0], &[0, 3], false, false);
    check(DType::F64, &[4, 2, 0], &[0, 3], false, false);
}

/// A pass may replace the product of a transpose by a flag.
#[test]
fn a_flag_gives_the_bits_of_a_transposition() {
    let lengths = [1usize, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 33, 64, 100, 600, 1500];
    let mut numbers = Numbers::new(9);
    let mut one_of = || lengths[(numbers.unit() * lengths.len() as f64) as usize];
    for round in 0..400u64 {
        let (mut m, mut k, mut n) = (one_of(), one_of(), one_of());
        while m * k * n > 3_000_000 {
            (m, k, n) = (m.div_ceil(2), k.div_ceil(2), n.div_ceil(2));
        }
        let (left_batch, right_batch): (&[usize], &[usize]) =
            [(&[][..], &[][..]), (&[3], &[]), (&[3], &[1]), (&[2, 1], &[3]), (&[], &[3])][round as usize % 5];
        let dtype = if round % 3 == 0 { DType::F64 } else { DType::F32 };
        let mut numbers = Numbers::new(round);
        let a = numbers.tensor(dtype, &[left_batch, &[m, k]].concat());
        let b = numbers.tensor(dtype, &[right_batch, &[k, n]].concat());
        let plain = both(|| a.matmul(&b));
        let (a_t, b_t) = (a.t().eval(), b.t().eval());
        for (left, right, flags) in
            [(&a_t, &b, (true, false)), (&a, &b_t, (false, true)), (&a_t, &b_t, (true, true))]
        {
            let op = Matmul { transpose_left: flags.0, transpose_right: flags.1 };
            let flagged = both(|| apply(op, &[left, right]));
            assert!(
                flagged.same_bits(&plain),
                "{dtype} {left_batch:?} {right_batch:?} {m} {k} {n} {flags:?}"
            );
        }
    }
}

#[test]
fn vectors_are_rows_on_the_left_and_columns_on_the_right() {
    let matrix = Tensor::from([[1.0f32, 2.0, 3.0], [4.0, 5.0, 6.0]]);
    let (two, three) = (Tensor::from([1.0f32, 10.0]), Tensor::from([1.0f32, 0.0, -1.0]));
    let from_left = two.matmul(&matrix);
    assert_eq!((from_left.shape().to_vec(), from_left.to_vec::<f32>()), (vec![3], vec![41.0, 52.0, 63.0]));
    let from_right = matrix.matmul(&three);
    assert_eq!((from_right.shape().to_vec(), from_right.to_vec::<f32>()), (vec![2], vec![-2.0, -2.0]));
    let dot = three.matmul(&three);
    assert_eq!((dot.rank(), dot.item::<f32>()), (0, 2.0));
    let batch = Tensor::from([[[1.0f32, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]]]);
    assert_eq!(two.matmul(&batch).to_vec::<f32>(), [31.0, 42.0, 75.0, 86.0]);
    assert_eq!(batch.matmul(&two).to_vec::<f32>(), [21.0, 43.0, 65.0, 87.0]);
}

#[test]
fn nan_and_infinity_are_not_skipped_by_zeros() {
    for (m, k, n) in [(1, 3, 1), (2, 3, 4), (1, 3, 8), (8, 3, 1), (8, 2, 8), (30, 40, 50)] {
        let a = Tensor::zeros([m, k], DType::F32);
        let b = Tensor::full([k, n], f32::NAN);
        assert!(a.matmul(&b).to_vec::<f32>().iter().all(|x| x.is_nan()), "{m} {k} {n}");
        let b = Tensor::full([k, n], f32::INFINITY);
        assert!(a.matmul(&b).to_vec::<f32>().iter().all(|x| x.is_nan()), "{m} {k} {n}");
    }
}

#[test]
fn what_the_destination_held_before_does_not_matter() {
    for (m, k, n) in [(1, 3, 1), (2, 3, 4), (1, 3, 8), (8, 3, 1), (8, 2, 8), (3, 0, 4), (30, 2000, 50)] {
        for flags in 0..4 {
            let op = OpRef::new(Matmul { transpose_left: flags & 1 == 1, transpose_right: flags & 2 == 2 });
            let left = if flags & 1 == 1 { [k, m] } else { [m, k] };
            let right = if flags & 2 == 2 { [n, k] } else { [k, n] };
            let (a, b) = (Fact::new(DType::F32, left), Fact::new(DType::F32, right));
            let outputs = op.infer(&[&a, &b]).expect("fits");
            let kernel = op.kernel(&[&a, &b], &outputs).expect("has a kernel");
            let mut numbers = Numbers::new(3);
            let (a, b) = (numbers.array(&a, -1.0, 1.0), numbers.array(&b, -1.0, 1.0));
            let run = |mut out: Array| {
                kernel
                    .run(&mut [out.view_mut()], &[Source::View(a.view()), Source::View(b.view())])
                    .expect("runs");
                out
            };
            let clean = run(Array::zeros(outputs[0].clone()));
            let garbage = vec![f32::NAN; m * n];
            let dirty = run(Array::from_slice([m, n], &garbage).expect("fits"));
            assert!(clean.same_bits(&dirty), "{m} {k} {n} {flags}");
            assert_eq!(op.class(), Class::Opaque);
        }
    }
}
