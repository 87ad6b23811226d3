//! Both modes train the same network.

use grafito::datasets::{Batches, IMAGE_SIDE, Mnist, mnist, synthetic_digits};
use grafito::prelude::*;

use crate::model::{Mlp, evaluate, train_step};

/// The real digits where `MNIST_DIR` names them, else drawn ones.
fn digits() -> Mnist {
    match std::env::var_os("MNIST_DIR") {
        Some(folder) => mnist::Mnist::load(folder.as_ref()).expect("MNIST_DIR has the four files"),
        None => synthetic_digits(60_000, 10_000, 1),
    }
}

/// The loss of every step of the first epoch, and the test loss after it.
fn first_epoch(mode: Mode, data: &Mnist) -> (Vec<f32>, f32) {
    with_mode(mode, || {
        let mut net = Mlp::new(1);
        let mut batches = Batches::new(data.train.len(), 32, 1);
        let batch = |split: &grafito::datasets::Split, rows: &[usize]| {
            let pixels: Vec<u8> = rows.iter().flat_map(|&row| split.image(row)).copied().collect();
            let images = Tensor::from_slice([rows.len(), IMAGE_SIDE, IMAGE_SIDE], &pixels);
            (images, Tensor::from(split.batch_labels(rows)))
        };
        let losses = batches.epoch(1).map(|rows| {
            let (images, labels) = batch(&data.train, rows);
            train_step(&mut net, &images, &labels, 0.01).0.item::<f32>()
        });
        let losses = losses.collect();
        let rows: Vec<usize> = (0..1000).collect();
        let (images, labels) = batch(&data.test, &rows);
        (losses, evaluate(&net, &images, &labels).0.item())
    })
}

#[test]
fn eager_and_lazy_have_the_same_losses_at_every_step_of_an_epoch() {
    let data = digits();
    let (eager, eager_test) = first_epoch(Mode::Eager, &data);
    let (lazy, lazy_test) = first_epoch(Mode::Lazy, &data);
    assert_eq!(eager.len(), 1875);
    for (step, (eager, lazy)) in eager.iter().zip(&lazy).enumerate() {
        let difference = (eager - lazy).abs() / eager.abs();
        assert!(difference <= 1e-4, "step {step}: eager {eager}, lazy {lazy}");
    }
    assert!((eager_test - lazy_test).abs() / eager_test.abs() <= 1e-4);
    // It learns: the loss of ten classes at chance is ln 10 = 2.3.
    let late = lazy[1775..].iter().sum::<f32>() / 100.0;
    assert!(lazy[0] > 1.8 && late < 0.6, "from {} to {late}", lazy[0]);
}

#[test]
fn parameters_are_updated_in_their_own_buffers() {
    with_mode(Mode::Lazy, || {
        let mut net = Mlp::new(1);
        let images = Tensor::zeros([32, 28, 28], DType::U8).eval();
        let labels = Tensor::zeros([32], DType::U8).eval();
        let plan = train_step::plan(&mut net, &images, &labels, 0.01).to_string();
        let returned =
            plan.lines().find(|line| line.trim_start().starts_with("return ")).expect("a plan returns");
        // Loss and hits, then the four parameters, each in the input it came in.
        assert!(returned.ends_with("input0, input1, input2, input3"), "{plan}");
    });
}
