//! The figures with candle, which computes operation by operation: of those of `benches/figures.rs` the two training
//! steps.

use std::time::Instant;

use candle_core::{D, DType, Device, Result, Tensor, Var};
use candle_nn::loss::cross_entropy;
use candle_nn::{Optimizer, SGD};

const LEARNING_RATE: f64 = 0.01;

struct Figure {
    name: &'static str,
    unit: &'static str,
    samples: usize,
    prepare: fn() -> Result<Sample>,
}

/// Takes a sample, in the figure's unit.
type Sample = Box<dyn FnMut() -> Result<f64>>;

const FIGURES: &[Figure] = &[
    Figure { name: "recipe_step", unit: "s/epoch", samples: 5, prepare: recipe },
    Figure { name: "wide_step", unit: "ms", samples: 9, prepare: wide },
];

fn main() -> Result<()> {
    let names: Vec<String> = std::env::args().skip(1).collect();
    if names == ["--version"] {
        println!("candle 0.11.1");
        return Ok(());
    }
    for figure in FIGURES.iter().filter(|figure| names.is_empty() || names.iter().any(|n| n == figure.name)) {
        let mut sample = (figure.prepare)()?;
        sample()?;
        let mut samples = (0..figure.samples).map(|_| sample()).collect::<Result<Vec<f64>>>()?;
        samples.sort_by(f64::total_cmp);
        let (least, median, most) = (samples[0], samples[samples.len() / 2], samples[samples.len() - 1]);
        println!("{:<20} {least:>10.4} {median:>10.4} {most:>10.4}  {}", figure.name, figure.unit);
    }
    Ok(())
}

/// Dense layers, with relu between them.
struct Net {
    layers: Vec<(Var, Var)>,
    optimizer: SGD,
}

impl Net {
    fn new(sizes: &[usize]) -> Result<Net> {
        let device = Device::Cpu;
        let layer = |pair: &[usize]| {
            let limit = (6.0 / (pair[0] + pair[1]) as f64).sqrt() as f32;
            let weight = Var::rand(-limit, limit, (pair[0], pair[1]), &device)?;
            Ok((weight, Var::zeros(pair[1], DType::F32, &device)?))
        };
        let layers = sizes.windows(2).map(layer).collect::<Result<Vec<_>>>()?;
        let variables = layers.iter().flat_map(|(weight, bias)| [weight.clone(), bias.clone()]).collect();
        Ok(Net { layers, optimizer: SGD::new(variables, LEARNING_RATE)? })
    }

    fn logits(&self, x: &Tensor) -> Result<Tensor> {
        let mut x = x.clone();
        for (number, (weight, bias)) in self.layers.iter().enumerate() {
            if number > 0 {
                x = x.relu()?;
            }
            x = x.matmul(weight)?.broadcast_add(bias)?;
        }
        Ok(x)
    }
}

fn recipe_step(net: &mut Net, images: &Tensor, labels: &Tensor) -> Result<(Tensor, Tensor)> {
    let x = (images.to_dtype(DType::F32)? / 255.0)?.reshape(((), 784))?;
    let labels = labels.to_dtype(DType::U32)?;
    let logits = net.logits(&x)?;
    let loss = cross_entropy(&logits, &labels)?;
    net.optimizer.backward_step(&loss)?;
    let hits = logits.argmax(D::Minus1)?.eq(&labels)?.to_dtype(DType::I64)?.sum_all()?;
    Ok((loss, hits))
}

/// An epoch of 1875 steps of 32 examples, on 16 batches in turn.
fn recipe() -> Result<Sample> {
    let device = Device::Cpu;
    let mut net = Net::new(&[784, 128, 10])?;
    let labels = Tensor::from_vec((0..32u8).map(|i| i % 10).collect::<Vec<_>>(), 32, &device)?;
    let images = (0..16)
        .map(|_| Tensor::rand(0.0f32, 255.0, (32, 28, 28), &device)?.to_dtype(DType::U8))
        .collect::<Result<Vec<_>>>()?;
    Ok(Box::new(move || {
        let start = Instant::now();
        for step in 0..1875 {
            std::hint::black_box(recipe_step(&mut net, &images[step % images.len()], &labels)?);
        }
        Ok(start.elapsed().as_secs_f64())
    }))
}

/// A step of 784-1024-1024-10 on 256 examples, the mean of 5.
fn wide() -> Result<Sample> {
    const STEPS: usize = 5;
    let device = Device::Cpu;
    let mut net = Net::new(&[784, 1024, 1024, 10])?;
    let x = Tensor::rand(0.0f32, 1.0, (256, 784), &device)?;
    let labels = Tensor::from_vec((0..256i64).map(|i| i % 10).collect::<Vec<_>>(), 256, &device)?;
    Ok(Box::new(move || {
        let start = Instant::now();
        for _ in 0..STEPS {
            let loss = cross_entropy(&net.logits(&x)?, &labels)?;
            net.optimizer.backward_step(&loss)?;
            std::hint::black_box(loss);
        }
        Ok(1e3 * start.elapsed().as_secs_f64() / STEPS as f64)
    }))
}
