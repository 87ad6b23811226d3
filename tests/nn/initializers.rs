//! What parameters start as.

use grafito::Fact;
use grafito::nn::{Initializer, glorot_uniform};
use grafito::prelude::*;

const FACT: fn() -> Fact = || Fact::new(DType::F32, [200, 300]);

/// Mean, variance and greatest magnitude.
fn moments(initializer: Initializer) -> (f64, f64, f64) {
    let drawn: Vec<f64> = initializer.draw(&FACT(), 5).to_vec::<f32>().into_iter().map(f64::from).collect();
    let n = drawn.len() as f64;
    let mean = drawn.iter().sum::<f64>() / n;
    let variance = drawn.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n;
    (mean, variance, drawn.iter().fold(0.0, |most, x| x.abs().max(most)))
}

#[test]
fn variances_are_those_of_the_papers() {
    use Initializer::*;
    let cases = [
        (GlorotUniform, 2.0 / 500.0, Some((6.0f64 / 500.0).sqrt())),
        (GlorotNormal, 2.0 / 500.0, None),
        (HeUniform, 2.0 / 200.0, Some((6.0f64 / 200.0).sqrt())),
        (HeNormal, 2.0 / 200.0, None),
        (LecunUniform, 1.0 / 200.0, Some((3.0f64 / 200.0).sqrt())),
        (LecunNormal, 1.0 / 200.0, None),
        (Normal { mean: 0.0, deviation: 0.1 }, 0.01, None),
        (Uniform { low: -0.3, high: 0.3 }, 0.03, Some(0.3)),
    ];
    for (initializer, expected, limit) in cases {
        let (mean, variance, most) = moments(initializer);
        // 60000 draws: the standard error of a normal variance is 0.6 %.
        assert!(
            (variance / expected - 1.0).abs() < 0.03,
            "{initializer:?}: variance {variance}, not {expected}"
        );
        assert!(mean.abs() < 5.0 * (expected / 6e4).sqrt(), "{initializer:?}: mean {mean}");
        if let Some(limit) = limit {
            assert!(
                most <= limit + 1e-7 && most > 0.99 * limit,
                "{initializer:?}: up to {most}, limit {limit}"
            );
        }
    }
}

#[test]
fn glorot_is_glorot() {
    let fact = Fact::new(DType::F32, [20, 30]);
    let drawn = Initializer::GlorotUniform.draw(&fact, 9).to_vec::<f32>();
    assert_eq!(drawn, glorot_uniform(20, 30, 9).to_vec::<f32>());
}

#[test]
fn kernels_of_convolutions_count_their_window() {
    // [height, width, inputs, outputs]: 3 · 3 · 4 inputs act on an output.
    let fact = Fact::new(DType::F32, [3, 3, 4, 8]);
    let most = Initializer::HeUniform.draw(&fact, 1).abs().max(..).item::<f32>();
    let limit = (6.0f32 / 36.0).sqrt();
    assert!(most <= limit && most > 0.9 * limit, "{most}, limit {limit}");
}

#[test]
fn orthogonal_rows_or_columns() {
    for (shape, short, gain) in [([4, 9], 4, 1.0), ([9, 4], 4, 2.0), ([6, 6], 6, 1.0)] {
        let w = Initializer::Orthogonal { gain }.draw(&Fact::new(DType::F64, shape), 3);
        let w = if shape[0] <= shape[1] { w } else { w.t() };
        let gram = w.matmul(&w.t());
        let error = (gram - Tensor::eye(short, DType::F64) * (gain * gain)).abs().max(..).item::<f64>();
        assert!(error < 1e-12, "{shape:?}: {error}");
    }
    let folded = Initializer::Orthogonal { gain: 1.0 }.draw(&Fact::new(DType::F32, [3, 3, 2, 5]), 3);
    assert_eq!(folded.shape(), &Shape::from([3, 3, 2, 5]));
}

#[test]
fn constants_and_keys() {
    let fact = FACT();
    assert!(Initializer::Zeros.draw(&fact, 1).to_vec::<f32>().iter().all(|x| *x == 0.0));
    assert!(Initializer::Ones.draw(&fact, 1).to_vec::<f32>().iter().all(|x| *x == 1.0));
    assert!(Initializer::Constant(0.5).draw(&fact, 1).to_vec::<f32>().iter().all(|x| *x == 0.5));
    let drawn = |key| Initializer::HeNormal.draw(&fact, key).to_vec::<f32>();
    assert_eq!(drawn(1), drawn(1));
    assert_ne!(drawn(1), drawn(2));
}
