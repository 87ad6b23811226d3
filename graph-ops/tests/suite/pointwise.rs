//! Values of the pointwise ops, casts and reductions, against Rust's own arithmetic.

use graph_core::{DType, Element};
use graph_ops::Tensor;
use graph_ops::ops::pointwise::{Pointwise, ScalarOp};
use graph_ops::{Axes, apply};

use crate::support::{Numbers, assert_close, elements};

const ODD: [f64; 12] =
    [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.5, 1e-9, 700.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN];

/// The unary rows on floats, by name.
fn unary_reference(row: ScalarOp) -> Option<fn(f64) -> f64> {
    Some(match row.name() {
        "neg" => |x| -x,
        "abs" => f64::abs,
        "sign" => |x| if x == 0.0 || x.is_nan() { x } else { x.signum() },
        "sqrt" => f64::sqrt,
        "rsqrt" => |x| 1.0 / x.sqrt(),
        "exp" => f64::exp,
        "expm1" => f64::exp_m1,
        "log" => f64::ln,
        "log1p" => f64::ln_1p,
        "sin" => f64::sin,
        "cos" => f64::cos,
        "tanh" => f64::tanh,
        "sigmoid" => |x| 1.0 / (1.0 + (-x).exp()),
        "relu" => |x| if x < 0.0 { 0.0 } else { x },
        "softplus" => |x| if x.is_nan() { x } else { x.max(0.0) + (-x.abs()).exp().ln_1p() },
        "erf" => libm::erf,
        "floor" => f64::floor,
        "ceil" => f64::ceil,
        "round" => f64::round,
        _ => return None,
    })
}

#[test]
fn unary_rows_on_floats() {
    let mut numbers = Numbers::new(1);
    let points: Vec<f64> = ODD.into_iter().chain((0..50).map(|_| numbers.unit() * 8.0 - 4.0)).collect();
    let mut checked = 0;
    for &row in ScalarOp::ALL.iter().filter(|row| row.arity() == 1 && row.domain().contains(DType::F64)) {
        let f = unary_reference(row).unwrap_or_else(|| panic!("`{}` has no reference", row.name()));
        let x = Tensor::from(points.as_slice());
        let expected: Vec<f64> = points.iter().map(|&x| f(x)).collect();
        assert_close(&elements(|| apply(Pointwise(row), &[&x])), &expected, 1e-14);
        let expected: Vec<f64> = points.iter().map(|&x| f64::from(f(f64::from(x as f32)) as f32)).collect();
        let narrow = elements(|| apply(Pointwise(row), &[&x.cast(DType::F32)]).cast(DType::F64));
        assert_close(&narrow, &expected, 1e-6);
        checked += 1;
    }
    assert!(checked >= 18);
}

/// The binary rows on floats, by name.
fn binary_reference(row: ScalarOp) -> Option<fn(f64, f64) -> f64> {
    Some(match row.name() {
        "add" => |x, y| x + y,
        "sub" => |x, y| x - y,
        "mul" => |x, y| x * y,
        "div" => |x, y| x / y,
        "rem" => |x, y| x % y,
        "pow" => f64::powf,
        "minimum" => |x, y| if x.is_nan() || y.is_nan() { f64::NAN } else { x.min(y) },
        "maximum" => |x, y| if x.is_nan() || y.is_nan() { f64::NAN } else { x.max(y) },
        "eq" => |x, y| f64::from(x == y),
        "ne" => |x, y| f64::from(x != y),
        "lt" => |x, y| f64::from(x < y),
        "le" => |x, y| f64::from(x <= y),
        "gt" => |x, y| f64::from(x > y),
        "ge" => |x, y| f64::from(x >= y),
        _ => return None,
    })
}

#[test]
fn binary_rows_on_floats() {
    for &row in ScalarOp::ALL.iter().filter(|row| row.arity() == 2 && row.domain().contains(DType::F64)) {
        let f = binary_reference(row).unwrap_or_else(|| panic!("`{}` has no reference", row.name()));
        let (x, y) = (Tensor::from(ODD).reshape([12, 1]), Tensor::from(ODD));
        let expected: Vec<f64> = ODD.iter().flat_map(|&x| ODD.map(|y| f(x, y))).collect();
        assert_close(&elements(|| apply(Pointwise(row), &[&x, &y]).cast(DType::F64)), &expected, 1e-14);
    }
}

/// Applies a binary row to all pairs of elements.
fn pairs<T: Element, U: Element>(name: &str, values: &[T]) -> Vec<U> {
    let row = ScalarOp::from_name(name).expect("a row");
    let (x, y) = (Tensor::from(values).reshape([values.len(), 1]), Tensor::from(values));
    elements(|| apply(Pointwise(row), &[&x, &y]))
}

macro_rules! integer_rows {
    ($($test:ident $ty:ty: $values:expr;)*) => {$(
        #[test]
        fn $test() {
            let values: &[$ty] = &$values;
            let all = |f: fn($ty, $ty) -> $ty| -> Vec<$ty> {
                values.iter().flat_map(|&x| values.iter().map(move |&y| f(x, y))).collect()
            };
            assert_eq!(pairs::<_, $ty>("add", values), all(<$ty>::wrapping_add));
            assert_eq!(pairs::<_, $ty>("sub", values), all(<$ty>::wrapping_sub));
            assert_eq!(pairs::<_, $ty>("mul", values), all(<$ty>::wrapping_mul));
            assert_eq!(pairs::<_, $ty>("div", values), all(<$ty>::wrapping_div));
            assert_eq!(pairs::<_, $ty>("rem", values), all(<$ty>::wrapping_rem));
            assert_eq!(pairs::<_, $ty>("minimum", values), all(Ord::min));
            assert_eq!(pairs::<_, $ty>("maximum", values), all(Ord::max));
            assert_eq!(pairs::<_, $ty>("and", values), all(|x, y| x & y));
            assert_eq!(pairs::<_, $ty>("or", values), all(|x, y| x | y));
            assert_eq!(pairs::<_, $ty>("xor", values), all(|x, y| x ^ y));
            let less: Vec<bool> = values.iter().flat_map(|x| values.iter().map(move |y| x < y)).collect();
            assert_eq!(pairs::<_, bool>("lt", values), less);
            let x = Tensor::from(values);
            let each = |f: fn($ty) -> $ty| values.iter().map(|&x| f(x)).collect::<Vec<_>>();
            assert_eq!(elements::<$ty>(|| !&x), each(|x| !x));
            assert_eq!(elements::<$ty>(|| x.pow(3)), each(|x| x.wrapping_pow(3)));
        }
    )*};
}

integer_rows! {
    i32_rows i32: [1, -1, 7, -3, i32::MAX, i32::MIN, 1 << 20];
    i64_rows i64: [1, -1, 7, -3, i64::MAX, i64::MIN, 1 << 40];
    u8_rows u8: [1, 2, 7, 128, 255];
}

#[test]
fn nothing_divided_by_zero_is_no_error() {
    assert_eq!(elements::<i64>(|| Tensor::zeros([3, 0], DType::I64) / 0), [0i64; 0]);
    assert_eq!(elements::<i32>(|| Tensor::zeros([0], DType::I32).pow(-1)), [0i32; 0]);
}

#[test]
fn casts_follow_rust() {
    let odd = [0.0f64, -1.5, 2.9, 300.0, -300.0, 1e30, f64::NAN, f64::NEG_INFINITY];
    let x = Tensor::from(odd);
    assert_eq!(elements::<i32>(|| x.cast(DType::I32)), odd.map(|x| x as i32));
    assert_eq!(elements::<i64>(|| x.cast(DType::I64)), odd.map(|x| x as i64));
    assert_eq!(elements::<u8>(|| x.cast(DType::U8)), odd.map(|x| x as u8));
    assert_eq!(elements::<bool>(|| x.cast(DType::Bool)), odd.map(|x| x != 0.0));
    let integers = [0i64, -1, 300, i64::MAX];
    let x = Tensor::from(integers);
    assert_eq!(elements::<f32>(|| x.cast(DType::F32)), integers.map(|x| x as f32));
    assert_eq!(elements::<u8>(|| x.cast(DType::U8)), integers.map(|x| x as u8));
    assert_eq!(elements::<f64>(|| Tensor::from([true, false]).cast(DType::F64)), [1.0, 0.0]);
}

#[test]
fn reductions() {
    let mut numbers = Numbers::new(2);
    let x = ndarray::Array3::from_shape_fn((3, 40, 5), |_| (numbers.unit() * 7.0).floor() - 3.0);
    type Fold = (f64, fn(f64, f64) -> f64);
    type Reduction = fn(&Tensor, Axes) -> Tensor;
    let folds: [(Reduction, Fold); 4] = [
        (|x, axes| x.sum(axes), (0.0, |a, b| a + b)),
        (|x, axes| x.prod(axes), (1.0, |a, b| a * b)),
        (|x, axes| x.max(axes), (f64::NEG_INFINITY, f64::max)),
        (|x, axes| x.min(axes), (f64::INFINITY, f64::min)),
    ];
    for (op, (start, combine)) in folds {
        for axes in [vec![0], vec![1], vec![2], vec![0, 2], vec![1, 2], vec![0, 1, 2]] {
            let mut expected = x.clone().into_dyn();
            for &axis in axes.iter().rev() {
                expected = expected.fold_axis(ndarray::Axis(axis), start, |&a, &b| combine(a, b));
            }
            let axes: Vec<isize> = axes.iter().map(|&axis| axis as isize).collect();
            let found = elements::<f64>(|| op(&Tensor::from(&x), axes.clone().into()));
            assert_close(&found, &expected.iter().copied().collect::<Vec<_>>(), 1e-12);
        }
    }
    let truths = Tensor::from([[true, false], [true, true]]);
    assert_eq!(elements::<bool>(|| truths.all(1)), [false, true]);
    assert_eq!(elements::<bool>(|| truths.any(..)), [true]);
    let with_nan = Tensor::from([1.0f32, f32::NAN, 3.0]);
    assert!(with_nan.max(0).item::<f32>().is_nan() && with_nan.min(0).item::<f32>().is_nan());
    let empty = Tensor::zeros([0, 2], DType::F64);
    assert_eq!(elements::<f64>(|| empty.sum(0)), [0.0, 0.0]);
    assert_eq!(elements::<f64>(|| empty.prod(0)), [1.0, 1.0]);
    assert_eq!(elements::<u8>(|| Tensor::from([200u8, 100]).sum(0)), [44]);
}

/// Totals of f32 that drift would spoil: equal elements, whose rounding errors add up, and random ones.
#[test]
fn sums_of_ten_million_elements_keep_their_digits() {
    const LEN: usize = 10_000_000;
    for x in [Tensor::full([LEN], 0.1f32), Tensor::random_uniform([LEN], DType::F32, 7)] {
        let x = x.eval();
        let exact: f64 = x.to_vec::<f32>().into_iter().map(f64::from).sum();
        let columns = x.reshape([LEN / 5, 5]).sum(0).to_vec::<f32>().into_iter().map(f64::from).sum::<f64>();
        let rows = x.reshape([5, LEN / 5]).sum(1).to_vec::<f32>().into_iter().map(f64::from).sum::<f64>();
        let mean = f64::from(x.mean(..).item::<f32>()) * LEN as f64;
        for (what, sum) in
            [("all", x.sum(..).item::<f32>().into()), ("columns", columns), ("rows", rows), ("mean", mean)]
        {
            assert!((sum / exact - 1.0f64).abs() <= 1e-6, "{what}: {sum}, not {exact}");
        }
    }
}
