//! Random numbers: the published vectors of the generator, and whether the numbers follow what they should.

use graph_core::{DType, Mode, with_mode};
use graph_ops::Tensor;
use graph_ops::ops::random::philox;

use crate::support::elements;

/// Those of the Random123 distribution, `philox4x32 10`.
#[test]
fn published_vectors() {
    let digits_of_pi = [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344];
    for (counter, key, words) in [
        ([0; 4], [0; 2], [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]),
        ([u32::MAX; 4], [u32::MAX; 2], [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd]),
        (digits_of_pi, [0xa4093822, 0x299f31d0], [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1]),
    ] {
        assert_eq!(philox(counter, key), words);
    }
}

/// The largest distance between the distribution of a sample and the one it should follow (Kolmogorov, Smirnov).
fn distance(mut sample: Vec<f64>, distribution: impl Fn(f64) -> f64) -> f64 {
    sample.sort_by(f64::total_cmp);
    let n = sample.len() as f64;
    let distance = |(i, &x): (usize, &f64)| {
        let (below, expected) = (i as f64 / n, distribution(x));
        (expected - below).abs().max((expected - below - 1.0 / n).abs())
    };
    sample.iter().enumerate().map(distance).fold(0.0, f64::max)
}

fn normal_distribution(x: f64) -> f64 {
    0.5 * (1.0 + libm::erf(x / std::f64::consts::SQRT_2))
}

const COUNT: usize = 100_003;

fn moments(sample: &[f64]) -> (f64, f64) {
    let n = sample.len() as f64;
    let mean = sample.iter().sum::<f64>() / n;
    (mean, sample.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n)
}

#[test]
fn numbers_follow_their_distribution() {
    for dtype in [DType::F32, DType::F64] {
        for key in [0i64, 1, -1, 1 << 40] {
            // A sample as good as this one or better has a probability of about 0.9999 (1.95 / √n).
            let bound = 1.95 / (COUNT as f64).sqrt();
            let uniform: Vec<f64> = elements(|| Tensor::random_uniform([COUNT], dtype, key).cast(DType::F64));
            assert!(uniform.iter().all(|x| (0.0..1.0).contains(x)));
            let (mean, variance) = moments(&uniform);
            assert!((mean - 0.5).abs() < 0.004 && (variance - 1.0 / 12.0).abs() < 0.002, "{mean} {variance}");
            assert!(distance(uniform, |x| x) < bound);
            let normal: Vec<f64> = elements(|| Tensor::random_normal([COUNT], dtype, key).cast(DType::F64));
            let (mean, variance) = moments(&normal);
            assert!((mean).abs() < 0.015 && (variance - 1.0).abs() < 0.02, "{mean} {variance}");
            assert!(normal.iter().all(|x| x.is_finite()));
            assert!(distance(normal, normal_distribution) < bound);
        }
    }
}

#[test]
fn neighbours_and_keys_are_uncorrelated() {
    let sample = |key: i64| elements::<f64>(|| Tensor::random_normal([COUNT], DType::F64, key));
    let (a, b) = (sample(3), sample(4));
    let n = COUNT as f64;
    let correlation = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>() / n;
    for lag in 1..5 {
        assert!(correlation(&a[lag..], &a).abs() < 4.5 / n.sqrt(), "lag {lag}");
    }
    assert!(correlation(&a, &b).abs() < 4.5 / n.sqrt());
    let uniform = elements::<f64>(|| Tensor::random_uniform([COUNT], DType::F64, 3) - 0.5);
    assert!(correlation(&a, &uniform).abs() < 4.5 / n.sqrt());
}

#[test]
fn the_key_alone_decides() {
    let draw = |key: &Tensor| Tensor::random_uniform([5, 3], DType::F32, key);
    let keys = [Tensor::scalar(7i64), Tensor::scalar(7i32), Tensor::scalar(7u8)];
    let draws: Vec<Vec<f32>> = keys.iter().map(|key| elements(|| draw(key))).collect();
    assert!(draws.iter().all(|d| *d == draws[0]));
    assert_eq!(elements::<f32>(|| Tensor::random_uniform([5, 3], DType::F32, 7)), draws[0]);
    assert_ne!(elements::<f32>(|| draw(&Tensor::scalar(8i64))), draws[0]);
    assert_ne!(elements::<f32>(|| draw(&Tensor::scalar(7i64 + (1 << 32)))), draws[0]);
    // A longer draw begins with the shorter one.
    let longer = elements::<f32>(|| Tensor::random_uniform([100], DType::F32, 7));
    assert_eq!(longer[..15], draws[0]);
    let counter = with_mode(Mode::Lazy, || draw(&(Tensor::scalar(6i64) + 1)).to_vec::<f32>());
    assert_eq!(counter, draws[0]);
}
