//! Initializers: what parameters start as.

use grafito::{DType, Fact, Shape, Tensor};
use serde::{Deserialize, Serialize};

/// How the initial elements of a parameter are chosen. The same key gives the same elements.
///
/// The *fans* of a shape are the numbers of inputs that an output depends on and of outputs that an input acts on: the
/// lengths of the last two axes, each times the product of all axes before them.
///
/// ```
/// use grafito::nn::Initializer;
/// use grafito::prelude::*;
/// use grafito::Fact;
///
/// let kernel = Initializer::GlorotUniform.draw(&Fact::new(DType::F32, [784, 128]), 1);
/// assert!(kernel.abs().max(..).item::<f32>() <= (6.0f32 / 912.0).sqrt());
/// ```
///
/// # Source
/// `keras.initializers`.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Initializer {
    /// All 0.
    Zeros,
    /// All 1.
    Ones,
    /// All the same.
    Constant(f64),
    /// Evenly between two numbers.
    Uniform {
        /// The least.
        low: f64,
        /// What all are below.
        high: f64,
    },
    /// Around a mean, with a standard deviation.
    Normal {
        /// The mean.
        mean: f64,
        /// The standard deviation.
        deviation: f64,
    },
    /// Evenly in `±√(6 / (fan_in + fan_out))`: Glorot and Bengio, 2010.
    #[default]
    GlorotUniform,
    /// Normal with variance `2 / (fan_in + fan_out)`: Glorot and Bengio, 2010.
    GlorotNormal,
    /// Evenly in `±√(6 / fan_in)`: He, Zhang, Ren, Sun, 2015. For what a relu follows.
    HeUniform,
    /// Normal with variance `2 / fan_in`: He, Zhang, Ren, Sun, 2015.
    HeNormal,
    /// Evenly in `±√(3 / fan_in)`: LeCun, Bottou, Orr, Müller, 1998.
    LecunUniform,
    /// Normal with variance `1 / fan_in`: LeCun, Bottou, Orr, Müller, 1998.
    LecunNormal,
    /// Rows, or columns where these are fewer, that are orthogonal and of length `gain`: Saxe, McClelland, Ganguli,
    /// 2014. All axes but the last count as one.
    Orthogonal {
        /// Length of each row or column.
        gain: f64,
    },
}

impl Initializer {
    /// Initial elements.
    ///
    /// # Panics
    /// When the dtype is no float and this draws at random.
    #[must_use]
    #[track_caller]
    pub fn draw(self, fact: &Fact, key: i64) -> Tensor {
        let (fan_in, fan_out) = fans(&fact.shape);
        match self {
            Initializer::Zeros => Tensor::zeros(&fact.shape, fact.dtype),
            Initializer::Ones => Tensor::ones(&fact.shape, fact.dtype),
            Initializer::Constant(value) => filled(fact, value),
            Initializer::Uniform { low, high } => uniform(fact, key, low, high),
            Initializer::Normal { mean, deviation } => normal(fact, key, mean, deviation),
            Initializer::GlorotUniform => within(fact, key, 6.0 / (fan_in + fan_out)),
            Initializer::HeUniform => within(fact, key, 6.0 / fan_in),
            Initializer::LecunUniform => within(fact, key, 3.0 / fan_in),
            Initializer::GlorotNormal => normal(fact, key, 0.0, (2.0 / (fan_in + fan_out)).sqrt()),
            Initializer::HeNormal => normal(fact, key, 0.0, (2.0 / fan_in).sqrt()),
            Initializer::LecunNormal => normal(fact, key, 0.0, (1.0 / fan_in).sqrt()),
            Initializer::Orthogonal { gain } => orthogonal(fact, key, gain),
        }
    }

    /// Whether the elements depend on the key.
    ///
    /// ```
    /// use grafito::nn::Initializer;
    ///
    /// assert!(Initializer::HeNormal.is_random() && !Initializer::Ones.is_random());
    /// ```
    pub fn is_random(self) -> bool {
        !matches!(self, Initializer::Zeros | Initializer::Ones | Initializer::Constant(_))
    }
}

/// The numbers of inputs and of outputs of a kernel; at least 1, so that they can be divided by.
fn fans(shape: &Shape) -> (f64, f64) {
    let (inputs, outputs, receptive) = match &shape[..] {
        [] => (1, 1, 1),
        [len] => (*len, *len, 1),
        [receptive @ .., inputs, outputs] => (*inputs, *outputs, receptive.iter().product()),
    };
    ((inputs * receptive).max(1) as f64, (outputs * receptive).max(1) as f64)
}

fn filled(fact: &Fact, value: f64) -> Tensor {
    let zeros = Tensor::zeros(&fact.shape, fact.dtype);
    if fact.dtype.is_float() { zeros.full_like(value) } else { zeros.full_like(value as i64) }
}

fn uniform(fact: &Fact, key: i64, low: f64, high: f64) -> Tensor {
    Tensor::random_uniform(&fact.shape, fact.dtype, key) * (high - low) + low
}

/// Evenly in `±√square`, in the words of `glorot_uniform`, so that both give the same bits.
fn within(fact: &Fact, key: i64, square: f64) -> Tensor {
    let limit = square.sqrt();
    Tensor::random_uniform(&fact.shape, fact.dtype, key) * (2.0 * limit) - limit
}

fn normal(fact: &Fact, key: i64, mean: f64, deviation: f64) -> Tensor {
    Tensor::random_normal(&fact.shape, fact.dtype, key) * deviation + mean
}

/// Gram-Schmidt, each row twice, in f64: a square matrix of 1000 rows takes about a second.
fn orthogonal(fact: &Fact, key: i64, gain: f64) -> Tensor {
    let columns = fact.shape.last().copied().unwrap_or(1);
    let rows = fact.shape.num_elements() / columns.max(1);
    let (short, long) = (rows.min(columns), rows.max(columns));
    let drawn = Tensor::random_normal([short, long], DType::F64, key).to_vec::<f64>();
    let mut basis: Vec<Vec<f64>> = Vec::with_capacity(short);
    for row in drawn.chunks(long.max(1)) {
        let mut row = row.to_vec();
        for _ in 0..2 {
            for earlier in &basis {
                let along: f64 = row.iter().zip(earlier).map(|(a, b)| a * b).sum();
                row.iter_mut().zip(earlier).for_each(|(a, b)| *a -= along * b);
            }
        }
        let length = row.iter().map(|a| a * a).sum::<f64>().sqrt();
        row.iter_mut().for_each(|a| *a /= length);
        basis.push(row);
    }
    let elements: Vec<f64> = basis.concat();
    let matrix = Tensor::from_slice([short, long], &elements) * gain;
    let matrix = if rows <= columns { matrix } else { matrix.t() };
    matrix.reshape(&fact.shape).cast(fact.dtype)
}
