//! What the tests share.

use grafito::datasets::{Dataset, Mnist, mnist, synthetic_digits};
use grafito::nn::{Accuracy, Dense, Flatten, Model, Relu, Sequential, Sgd, Softmax, SparseCrossEntropy};
use grafito::prelude::*;

/// The real digits where `MNIST_DIR` names them, else drawn ones.
pub(crate) fn digits() -> Mnist {
    match std::env::var_os("MNIST_DIR") {
        Some(folder) => mnist::Mnist::load(folder.as_ref()).expect("MNIST_DIR has the four files"),
        None => synthetic_digits(60_000, 10_000, 1),
    }
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
