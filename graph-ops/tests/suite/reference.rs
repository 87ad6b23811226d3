//! Ops against independent references: ndarray, or the formula written out.

use graph_core::{DType, Fact};
use graph_ops::{Span, Tensor};
use ndarray::{Array2, Array3, ArrayD, Axis, IxDyn, s};

use crate::support::{Numbers, as_f64, assert_close, both, elements};

fn array3(seed: u64) -> Array3<f64> {
    let mut numbers = Numbers::new(seed);
    Array3::from_shape_fn((3, 4, 5), |_| numbers.unit() * 4.0 - 2.0)
}

fn flat<D: ndarray::Dimension>(array: &ndarray::Array<f64, D>) -> Vec<f64> {
    array.iter().copied().collect()
}

/// Compares an op with its reference in f64, f32 and i64 (of the elements rounded).
fn check<D: ndarray::Dimension>(
    x: &Array3<f64>,
    op: impl Fn(&Tensor) -> Tensor,
    reference: impl Fn(&Array3<f64>) -> ndarray::Array<f64, D>,
) {
    let expected = reference(x);
    // Operands are rounded to 6e-8 (1e-16) of them, and functions and sums of some dozen elements magnify that.
    for (dtype, tolerance) in [(DType::F64, 1e-12), (DType::F32, 1e-5)] {
        let found = both(|| op(&Tensor::from(x).cast(dtype)));
        assert_eq!(found.fact().shape[..], *expected.shape());
        assert_close(&as_f64(&found), &flat(&expected), tolerance);
    }
}

fn check_exact<D: ndarray::Dimension>(
    op: impl Fn(&Tensor) -> Tensor,
    reference: impl Fn(&Array3<f64>) -> ndarray::Array<f64, D>,
) {
    let x = array3(5).mapv(|x| (x * 3.0).round());
    check(&x, &op, &reference);
    let expected = reference(&x);
    for dtype in [DType::I32, DType::I64] {
        let found = both(|| op(&Tensor::from(&x).cast(dtype)));
        assert_eq!(as_f64(&found), flat(&expected));
    }
}

#[test]
fn permutations() {
    for axes in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let reference = |x: &Array3<f64>| {
            let x = x.view().permuted_axes(axes);
            x.as_standard_layout().to_owned()
        };
        check_exact(|x| x.permute(axes.map(|a| a as isize)), reference);
    }
    // Larger than a tile, whole tiles or not.
    for (rows, columns) in [(16, 16), (40, 33), (33, 48), (1, 100), (100, 1)] {
        let x = Array2::from_shape_fn((rows, columns), |(i, j)| (i * 1000 + j) as f64);
        let expected: Vec<f64> = x.t().iter().copied().collect();
        assert_eq!(elements::<f64>(|| Tensor::from(&x).t()), expected);
    }
}

#[test]
fn slices() {
    check_exact(
        |x| x.slice([Span::from(1..), Span::from(..-1), Span::from(1..4)]),
        |x| x.slice(s![1.., ..-1, 1..4]).to_owned(),
    );
    check_exact(
        |x| x.slice([Span::from(..).step(2), Span::from(..).step(-1), Span::from(1..5).step(-2)]),
        |x| {
            // ndarray takes the range first and then steps back within it; Python steps back from the start.
            let x = x.slice(s![..;2, ..;-1, ..]).to_owned();
            let empty: Vec<usize> = Vec::new();
            x.select(Axis(2), &empty)
        },
    );
    check_exact(|x| x.flip([0, 2]), |x| x.slice(s![..;-1, .., ..;-1]).to_owned());
    check_exact(|x| x.index_axis(1, -2), |x| x.index_axis(Axis(1), 2).to_owned());
    check_exact(|x| x.slice_axis(2, 1..=3), |x| x.slice(s![.., .., 1..=3]).to_owned());
    check_exact(|x| x.slice_axis(2, 3..100), |x| x.slice(s![.., .., 3..]).to_owned());
    check_exact(|x| x.slice_axis(2, 1..=isize::MAX), |x| x.slice(s![.., .., 1..]).to_owned());
    check_exact(
        |x| x.slice_axis(2, Span::from(1..).step(isize::MAX)),
        |x| x.slice(s![.., .., 1..2]).to_owned(),
    );
    check_exact(|x| x.tril(i64::MAX), Array3::clone);
}

/// Every span over short axes, against Python's rule written out.
#[test]
fn spans_follow_python() {
    for len in 0..5usize {
        let x = Tensor::arange(len, DType::I64).eval();
        for start in -6..6isize {
            for end in -6..6isize {
                for step in [-3, -2, -1, 1, 2, 3] {
                    let clamp = |p: isize| {
                        let p = if p < 0 { p + len as isize } else { p };
                        if step > 0 { p.clamp(0, len as isize) } else { p.clamp(-1, len as isize - 1) }
                    };
                    let (mut at, end_at) = (clamp(start), clamp(end));
                    let mut expected = Vec::new();
                    while if step > 0 { at < end_at } else { at > end_at } {
                        expected.push(at as i64);
                        at += step;
                    }
                    let found = x.slice([Span::from(start..end).step(step)]).to_vec::<i64>();
                    assert_eq!(found, expected, "{start}:{end}:{step} of {len}");
                }
            }
        }
    }
}

#[test]
fn updates_pads_and_pieces() {
    check_exact(
        |x| {
            x.slice_update(
                [Span::from(..).step(2), Span::from(1..3)],
                x.slice([Span::from(..).step(2), Span::from(1..3)]) * 2,
            )
        },
        |x| {
            let mut x = x.clone();
            x.slice_mut(s![..;2, 1..3, ..]).mapv_inplace(|x| x * 2.0);
            x
        },
    );
    check_exact(
        |x| x.pad([(1, 0), (0, 2), (1, 1)], 7),
        |x| {
            let mut padded = Array3::from_elem((4, 6, 7), 7.0);
            padded.slice_mut(s![1.., ..4, 1..6]).assign(x);
            padded
        },
    );
    check_exact(|x| x.split(1, [1, 3]).remove(1), |x| x.slice(s![.., 1.., ..]).to_owned());
    check_exact(
        |x| Tensor::concat(&[x.clone(), x.slice_axis(1, ..2), x.clone()], 1),
        |x| {
            let two = x.slice(s![.., ..2, ..]);
            ndarray::concatenate(Axis(1), &[x.view(), two, x.view()]).expect("fits")
        },
    );
    check_exact(
        |x| Tensor::stack(&[x.clone(), x * 2], -1),
        |x| ndarray::stack(Axis(3), &[x.view(), (x * 2.0).view()]).expect("fits"),
    );
}

#[test]
fn indexing() {
    check_exact(
        |x| x.gather(1, &Tensor::from([[3, 0], [1, 3]])),
        |x| {
            let rows = x.select(Axis(1), &[3, 0, 1, 3]);
            rows.to_shape((3, 2, 2, 5)).expect("as many").into_owned()
        },
    );
    check_exact(
        |x| x.take_along_axis(2, &Tensor::arange(5, DType::I64).flip(0).broadcast_to([3, 4, 5])),
        |x| x.slice(s![.., .., ..;-1]).to_owned(),
    );
    check_exact(
        |x| x.scatter_add(0, &Tensor::from([2u8, 2]), &x.slice_axis(0, ..2)),
        |x| {
            let mut y = x.clone();
            let mut last = y.index_axis_mut(Axis(0), 2);
            last += &x.index_axis(Axis(0), 0);
            last += &x.index_axis(Axis(0), 1);
            y
        },
    );
    check_exact(
        |x| x.add_along_axis(1, &Tensor::full([3, 1, 5], 3i32), &x.slice_axis(1, ..1)),
        |x| {
            let mut y = x.clone();
            let mut last = y.index_axis_mut(Axis(1), 3);
            last += &x.index_axis(Axis(1), 0);
            y
        },
    );
    assert_eq!(elements::<u8>(|| Tensor::from([1, 0]).one_hot(2, DType::U8)), [0, 1, 1, 0]);
    assert_eq!(elements::<bool>(|| Tensor::from(1u8 as i32).one_hot(2, DType::Bool)), [false, true]);
}

#[test]
fn running_sums_and_positions() {
    for axis in 0..3 {
        check_exact(
            |x| x.cumsum(axis as isize),
            |x| {
                let mut y = x.clone();
                y.accumulate_axis_inplace(Axis(axis), |&before, x| *x += before);
                y
            },
        );
        let position = |x: &Array3<f64>, better: fn(f64, f64) -> bool| {
            x.map_axis(Axis(axis), |lane| {
                let mut best = 0;
                for (i, &x) in lane.iter().enumerate() {
                    if better(x, lane[best]) {
                        best = i;
                    }
                }
                best as f64
            })
        };
        check_exact(|x| x.argmax(axis as isize), |x| position(x, |a, b| a > b));
        check_exact(|x| x.argmin(axis as isize), |x| position(x, |a, b| a < b));
    }
    let odd = Tensor::from([1.0f32, f32::NAN, f32::INFINITY, f32::NAN]);
    assert_eq!((odd.argmax(0).item::<i64>(), odd.argmin(0).item::<i64>()), (1, 1));
    assert_eq!(Tensor::from([false, true, true]).argmax(0).item::<i64>(), 1);
    // Long sums of f32 do not drift.
    let long = Tensor::full([1 << 20], 0.1f32).cumsum(0).slice_axis(0, -1..).item::<f32>();
    assert!((f64::from(long) - 104857.6).abs() < 0.01, "{long}");
}

#[test]
fn means_and_variances() {
    let x = array3(6);
    for axis in 0..3 {
        check(&x, |x| x.mean(axis as isize), |x| x.mean_axis(Axis(axis)).expect("not empty"));
        check(&x, |x| x.var(axis as isize), |x| x.var_axis(Axis(axis), 0.0));
        check(&x, |x| x.var_ddof(axis as isize, 1), |x| x.var_axis(Axis(axis), 1.0));
        check(&x, |x| x.var_keep(axis as isize), |x| x.var_axis(Axis(axis), 0.0).insert_axis(Axis(axis)));
        check(
            &x,
            |x| x.mean_keep(axis as isize),
            |x| x.mean_axis(Axis(axis)).expect("not empty").insert_axis(Axis(axis)),
        );
    }
    check(&x, |x| x.mean(..), |x| ArrayD::from_elem(IxDyn(&[]), x.mean().expect("not empty")));
    assert!(Tensor::zeros([0], DType::F32).mean(..).item::<f32>().is_nan());
}

#[test]
fn normalized_exponentials() {
    let x = array3(7);
    for axis in 0..3 {
        let total = |x: &Array3<f64>| x.mapv(f64::exp).sum_axis(Axis(axis)).insert_axis(Axis(axis));
        check(&x, |x| x.softmax(axis as isize), |x| x.mapv(f64::exp) / total(x));
        check(&x, |x| x.log_softmax(axis as isize), |x| x - total(x).mapv(f64::ln));
        check(&x, |x| x.logsumexp_keep(axis as isize), |x| total(x).mapv(f64::ln));
    }
    check(
        &x,
        |x| x.logsumexp([0, 2]),
        |x| x.mapv(f64::exp).sum_axis(Axis(2)).sum_axis(Axis(0)).mapv(f64::ln),
    );
}

#[test]
fn extreme_logits() {
    let (inf, nan) = (f32::INFINITY, f32::NAN);
    let softmax = |x: [f32; 3]| elements::<f32>(|| Tensor::from(x).softmax(0));
    assert_eq!(softmax([1e4, -1e4, -1e38]), [1.0, 0.0, 0.0]);
    assert_eq!(softmax([-inf, 0.0, -inf]), [0.0, 1.0, 0.0]);
    assert!(softmax([nan, 0.0, 0.0]).iter().all(|x| x.is_nan()));
    assert!(softmax([-inf; 3]).iter().all(|x| x.is_nan()));
    let logsumexp = |x: [f32; 2]| elements::<f32>(|| Tensor::from(x).logsumexp(0))[0];
    assert_eq!(logsumexp([-inf, -inf]), -inf);
    assert_eq!(logsumexp([inf, 0.0]), inf);
    assert_eq!(logsumexp([-inf, 3.0]), 3.0);
    assert!(logsumexp([nan, inf]).is_nan());
    assert_eq!(elements::<f32>(|| Tensor::zeros([0], DType::F32).logsumexp(0)), [-inf]);
    assert_eq!(elements::<f32>(|| Tensor::from([1e4f32, 0.0, -1e4]).log_softmax(0)), [0.0, -1e4, -2e4]);
}

#[test]
fn cross_entropies() {
    let mut numbers = Numbers::new(8);
    for (dtype, tolerance) in [(DType::F64, 1e-12), (DType::F32, 1e-5)] {
        let logits = numbers.array(&Fact::new(dtype, [6, 4]), -3.0, 3.0);
        let (x, labels) = (as_f64(&logits), [3usize, 0, 1, 1, 2, 3]);
        let expected: Vec<f64> = (0..6)
            .map(|i| {
                let row = &x[4 * i..4 * i + 4];
                row.iter().map(|x| x.exp()).sum::<f64>().ln() - row[labels[i]]
            })
            .collect();
        for labels_dtype in [DType::U8, DType::I32, DType::I64] {
            let labels = Tensor::from(labels.map(|l| l as i64)).cast(labels_dtype);
            let logits = Tensor::from_array(logits.clone());
            let each = both(|| logits.sparse_cross_entropy_each(&labels));
            assert_close(&as_f64(&each), &expected, tolerance);
            let mean = both(|| logits.sparse_cross_entropy(&labels));
            assert_close(&as_f64(&mean), &[expected.iter().sum::<f64>() / 6.0], tolerance);
            let dense = both(|| logits.cross_entropy_each(&labels.one_hot(4, dtype)));
            assert_close(&as_f64(&dense), &expected, tolerance);
        }
    }
    let sure = Tensor::from([[1e4f32, -1e4], [1e4, -1e4]]);
    assert_eq!(elements::<f32>(|| sure.sparse_cross_entropy_each(&Tensor::from([0, 1]))), [0.0, 2e4]);
}

#[test]
fn creation() {
    assert_eq!(elements::<f32>(|| Tensor::zeros([2], DType::F32)), [0.0; 2]);
    assert_eq!(elements::<bool>(|| Tensor::ones([2], DType::Bool)), [true; 2]);
    assert_eq!(elements::<bool>(|| Tensor::from([true]).zeros_like()), [false]);
    assert_eq!(elements::<u8>(|| Tensor::from([7u8]).ones_like()), [1]);
    assert_eq!(elements::<i32>(|| Tensor::from([[1, 2]]).full_like(9)), [9, 9]);
    assert_eq!(elements::<f64>(|| Tensor::full([1, 2], 0.5f64)), [0.5, 0.5]);
    assert_eq!(elements::<u8>(|| Tensor::arange(3, DType::U8)), [0, 1, 2]);
    assert_eq!(elements::<f64>(|| Tensor::eye(2, DType::F64)), [1.0, 0.0, 0.0, 1.0]);
    let line = elements::<f64>(|| Tensor::linspace(0.1, 0.7, 7, DType::F64));
    assert_eq!((line[0], line[6], line.len()), (0.1, 0.7, 7));
    assert_close(&line, &[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7], 1e-15);
    assert_eq!(elements::<f32>(|| Tensor::linspace(2.0, 3.0, 1, DType::F32)), [2.0]);
    assert_eq!(elements::<f32>(|| Tensor::linspace(2.0, 3.0, 0, DType::F32)), [0.0; 0]);
}

#[test]
fn axes_of_length_one() {
    let x = Tensor::from([[1, 2, 3]]);
    assert_eq!(x.squeeze(0).shape()[..], [3]);
    assert_eq!(x.unsqueeze(1).shape()[..], [1, 1, 3]);
    assert_eq!(x.unsqueeze(-1).shape()[..], [1, 3, 1]);
}
