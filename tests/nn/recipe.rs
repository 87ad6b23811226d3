//! The recipe through `Sequential` ends where the hand-written one does.

use grafito::datasets::{Dataset, mnist::Mnist};
use grafito::nn::{Accuracy, Dense, Flatten, Relu, Rescaling, Sequential, Sgd, Softmax, SparseCrossEntropy};
use grafito::prelude::*;

use crate::support::quiet;

fn test_accuracy(mode: Mode, digits: &Mnist) -> f64 {
    with_mode(mode, || {
        let mut model = Sequential::new()
            .seed(1)
            .add(Rescaling::new(1.0 / 255.0))
            .add(Flatten)
            .add(Dense::new(128).activation(Relu))
            .add(Dense::new(10).activation(Softmax))
            .compile(Sgd::new(0.01), SparseCrossEntropy::new(), Accuracy);
        model.fit(&Dataset::from(&digits.train), quiet(25)).unwrap();
        model.evaluate(&Dataset::from(&digits.test)).unwrap().get("accuracy").unwrap()
    })
}

#[test]
fn the_recipe_reaches_its_accuracy_in_both_modes() {
    let Some(folder) = std::env::var_os("MNIST_DIR") else {
        println!("skipped: MNIST_DIR names no folder with the real digits");
        return;
    };
    let digits = Mnist::load(folder.as_ref()).expect("MNIST_DIR has the four files");
    for mode in [Mode::Lazy, Mode::Eager] {
        let accuracy = test_accuracy(mode, &digits);
        assert!((accuracy - 0.970).abs() <= 0.003, "{mode:?}: {accuracy}");
    }
}
