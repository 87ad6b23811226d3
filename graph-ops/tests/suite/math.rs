//! The functions of f32 that Grafito has written itself: how far they are from the true values, over all of f32, and that
//! vector loops of any length, and scalar programs, give the same bits.
//!
//! The ordinary tests take a sample. All 2³² operands take some minutes for each function:
//!
//! ```text
//! cargo test --release -p graph-ops --test suite every_f32 -- --ignored --nocapture
//! ```

use graph_core::{DType, Fact, Mode, Op, ScalarFn, with_mode};
use graph_ops::ops::pointwise::{Pointwise, ScalarOp};
use graph_ops::{Tensor, apply};

/// A row, its function in f64, and by how many units in the last place of f32 it may be off: the errors of
/// `kernels/math/mod.rs`, with a hundredth for what they were rounded by.
type Row = (&'static str, fn(f64) -> f64, f64);

const ROWS: [Row; 8] = [
    ("exp", f64::exp, 1.06),
    ("expm1", f64::exp_m1, 1.57),
    ("log", f64::ln, 1.03),
    ("log1p", f64::ln_1p, 1.45),
    ("tanh", f64::tanh, 2.51),
    ("sigmoid", |x| if x < 0.0 { x.exp() / (1.0 + x.exp()) } else { 1.0 / (1.0 + (-x).exp()) }, 2.42),
    ("softplus", |x| if x.is_nan() { x } else { x.max(0.0) + (-x.abs()).exp().ln_1p() }, 2.81),
    ("erf", libm::erf, 1.11),
];

/// How many units in the last place an f32 is from the true value; infinite where one of them is not finite, or where
/// they are zeros of different signs.
fn distance(found: f32, truth: f64) -> f64 {
    let rounded = truth as f32;
    if truth.is_nan() || found.is_nan() || rounded.is_infinite() || found.is_infinite() || truth == 0.0 {
        let is_same = found.to_bits() == rounded.to_bits() || (truth.is_nan() && found.is_nan());
        return if is_same { 0.0 } else { f64::INFINITY };
    }
    // The unit in the last place of subnormal numbers is that of the smallest normal one.
    let exponent = (truth.abs().to_bits() >> 52) as i32 - 1023;
    (f64::from(found) - truth).abs() / f64::from(exponent.max(-126) - 23).exp2()
}

fn computed(name: &str, operands: &[f32]) -> Vec<f32> {
    let row = ScalarOp::from_name(name).expect("a row");
    with_mode(Mode::Eager, || apply(Pointwise(row), &[&Tensor::from(operands)]).to_vec())
}

/// The largest distance among the operands with these bits, and where it is.
fn largest_distance((name, truth, _): Row, bits: impl Iterator<Item = u32>) -> (f64, f32) {
    let operands: Vec<f32> = bits.map(f32::from_bits).collect();
    let found = computed(name, &operands);
    let mut largest = (0.0, 0.0);
    for (&x, found) in operands.iter().zip(found) {
        let distance = distance(found, truth(f64::from(x)));
        if distance > largest.0 {
            largest = (distance, x);
        }
    }
    largest
}

#[test]
fn a_sample_of_every_binade_is_close_to_the_truth() {
    for row in ROWS {
        let (distance, x) = largest_distance(row, (0..=u32::MAX).step_by(4093));
        assert!(distance <= row.2, "{}: {distance} units off at {x:e}", row.0);
    }
}

#[test]
fn borders_are_close_to_the_truth() {
    // About these numbers something in the functions changes.
    let about: Vec<f32> = [
        0.0,
        1e-45,
        1.1754944e-38,
        2f32.powi(-25),
        2f32.powi(-24),
        0.25,
        0.346_573_6,
        0.5,
        std::f32::consts::FRAC_1_SQRT_2,
        1.0,
        1.0397208,
        std::f32::consts::SQRT_2,
        2.0,
        4.0,
        8.664,
        9.01,
        10.0,
        17.32,
        20.0,
        87.33655,
        88.02969,
        88.72284,
        89.0,
        103.27893,
        103.97208,
        105.0,
        f32::MAX,
        f32::INFINITY,
    ]
    .into_iter()
    .flat_map(|x| [x, -x])
    .collect();
    for row in ROWS {
        let near = |x: &f32| {
            let bits = x.to_bits();
            (0..=1000).flat_map(move |k| [bits.saturating_add(k), bits.saturating_sub(k)])
        };
        let (distance, x) = largest_distance(row, about.iter().flat_map(near));
        assert!(distance <= row.2, "{}: {distance} units off at {x:e}", row.0);
    }
}

#[test]
#[ignore = "takes minutes"]
fn every_f32_is_close_to_the_truth() {
    const PART: u64 = 1 << 22;
    for row in ROWS {
        let parts = (0..1 << 32).step_by(PART as usize);
        let (distance, x) = parts
            .map(|start: u64| largest_distance(row, (start..start + PART).map(|bits| bits as u32)))
            .fold((0.0, 0.0), |largest, next| if next.0 > largest.0 { next } else { largest });
        println!("{}: at most {distance:.3} units off, at {x:e}", row.0);
        assert!(distance <= row.2, "{}: {distance} units off at {x:e}", row.0);
    }
}

/// Numbers from all binades, in an order in which neighbours differ.
fn odd_numbers(len: usize) -> Vec<f32> {
    (0..len as u32).map(|i| f32::from_bits(i.wrapping_mul(0x9e37_79b9))).collect()
}

#[test]
fn scalar_functions_give_the_bits_of_vector_loops() {
    let operands = odd_numbers(10_007);
    let fact = Fact::scalar(DType::F32);
    for (name, ..) in ROWS {
        let op = Pointwise(ScalarOp::from_name(name).expect("a row"));
        let kernel = op.kernel(&[&fact], std::slice::from_ref(&fact)).expect("of f32");
        let Some(ScalarFn::Unary(f)) = kernel.scalar().map(|scalar| scalar.function) else {
            panic!("`{name}` has a scalar function");
        };
        for (&x, found) in operands.iter().zip(computed(name, &operands)) {
            let single = f32::from_bits(f(u64::from(x.to_bits())) as u32);
            assert!(
                single.to_bits() == found.to_bits() || single.is_nan(),
                "{name}({x:e}): {single} {found}"
            );
        }
    }
}

#[test]
fn rows_of_every_length_have_the_same_elements() {
    let operands = odd_numbers(200);
    let (once, twice) = (computed("tanh", &operands), computed("exp", &computed("tanh", &operands)));
    let bits = |x: &[f32]| x.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    for len in 0..operands.len() {
        assert_eq!(bits(&computed("tanh", &operands[..len])), bits(&once[..len]), "{len} elements");
        // The second in place of the first, and then one of them for all elements of a row.
        with_mode(Mode::Lazy, || {
            let x = Tensor::from(&operands[..len]);
            assert_eq!(bits(&x.tanh().exp().to_vec::<f32>()), bits(&twice[..len]), "{len} elements");
            let splat = Tensor::scalar(operands[7]) + Tensor::zeros([len], DType::F32);
            assert!(splat.to_vec::<f32>().iter().all(|&x| x == operands[7]), "{len} elements");
        });
    }
}
