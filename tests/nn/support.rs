//! What the tests share.

use grafito::datasets::{Dataset, Mnist, mnist, synthetic_digits};
use grafito::nn::{
    Accuracy, Batch, BatchNorm, Callback, CallbackResult, Dense, Dropout, Fit, Flatten, Model, Relu,
    Rescaling, Run, Sequential, Sgd, Softmax, SparseCrossEntropy,
};
use grafito::prelude::*;

/// The real digits where `MNIST_DIR` names them, else drawn ones.
pub(crate) fn digits() -> Mnist {
    match std::env::var_os("MNIST_DIR") {
        Some(folder) => mnist::Mnist::load(folder.as_ref()).expect("MNIST_DIR has the four files"),
        None => synthetic_digits(60_000, 10_000, 1),
    }
}

/// A few drawn digits.
pub(crate) fn some_digits(n: usize) -> Dataset {
    Dataset::from(&synthetic_digits(n, 0, 1).train)
}

/// Pixels as the hand-written network sees them.
pub(crate) fn scaled(data: Dataset) -> Dataset {
    data.map(|x, y| (x.cast(DType::F32) / 255.0, y))
}

/// The network of the recipe, as the hand-written one starts.
pub(crate) fn recipe(seed: i64) -> Model {
    Sequential::new()
        .seed(seed)
        .add(Flatten)
        .add(Dense::new(128).activation(Relu))
        .add(Dense::new(10).activation(Softmax))
        .compile(Sgd::new(0.01), SparseCrossEntropy::new(), [Accuracy])
}

/// A model with everything that has state: random layers, averages, momentum, metrics.
pub(crate) fn stateful() -> Model {
    Sequential::new()
        .seed(3)
        .add(Rescaling::new(1.0 / 255.0))
        .add(Flatten)
        .add(Dense::new(24).activation(Relu))
        .add(BatchNorm::new().momentum(0.9))
        .add(Dropout::new(0.3))
        .add(Dense::new(10).activation(Softmax))
        .compile(Sgd::new(0.05).momentum(0.9), SparseCrossEntropy::new(), Accuracy)
}

/// So many epochs, in silence.
pub(crate) fn quiet<'a>(epochs: usize) -> Fit<'a> {
    Fit { epochs, progress: false, ..Fit::default() }
}

/// All weights as bits.
pub(crate) fn bits(model: &Model) -> Vec<(String, Vec<u32>)> {
    let bits = |tensor: &Tensor| tensor.to_vec::<f32>().into_iter().map(f32::to_bits).collect();
    model.weights().iter().map(|(name, tensor)| (name.to_owned(), bits(tensor))).collect()
}

/// Keeps the loss of every step.
#[derive(Default)]
pub(crate) struct Losses(pub(crate) Vec<f64>);

impl Callback for Losses {
    fn on_batch_end(&mut self, _: &mut Run<'_>, batch: &Batch) -> CallbackResult {
        self.0.push(batch.loss);
        Ok(())
    }
}

/// Whether numbers differ by no more than this share of the expected ones, or this much where these are below 1.
#[track_caller]
pub(crate) fn close(found: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        let difference = (found - expected).abs();
        assert!(difference <= tolerance * expected.abs().max(1.0), "{what}, at {i}: {found}, not {expected}");
    }
}

/// The same file with a part of its header replaced by something else.
pub(crate) fn with_header(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    let len = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header = std::str::from_utf8(&bytes[8..8 + len]).unwrap();
    assert!(header.contains(from), "{header}");
    let header = header.replacen(from, to, 1);
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &bytes[8 + len..]].concat()
}
