//! `fit` does what the hand-written loop does.

use grafito::datasets::{Batches, Dataset, IMAGE_SIDE};
use grafito::nn::{Fit, Validation};
use grafito::prelude::*;

use crate::model::{Mlp, train_step};
use crate::support::{Losses, digits, quiet, recipe, scaled, some_digits, stateful};

#[test]
fn fit_and_the_hand_written_loop_have_the_same_losses() {
    let data = digits().train;
    for mode in [Mode::Lazy, Mode::Eager] {
        with_mode(mode, || {
            let mut net = Mlp::new(1);
            let mut batches = Batches::new(data.len(), 32, 1);
            let (mut by_hand, mut total, mut hits) = (Vec::new(), 0.0, 0);
            for rows in batches.epoch(1) {
                let pixels: Vec<u8> = rows.iter().flat_map(|&row| data.image(row)).copied().collect();
                let images = Tensor::from_slice([rows.len(), IMAGE_SIDE, IMAGE_SIDE], &pixels);
                let labels = Tensor::from(data.batch_labels(rows));
                let (loss, right) = train_step(&mut net, &images, &labels, 0.01);
                by_hand.push(f64::from(loss.item::<f32>()));
                total += f64::from(loss.item::<f32>()) * rows.len() as f64;
                hits += right.item::<i64>();
            }

            let mut model = recipe(1);
            let mut losses = Losses::default();
            // Batched before it is mapped: what is mapped is what the step is given.
            let batches = scaled(Dataset::from(&data).shuffle(1).batch(32));
            let fit = quiet(1).with(&mut losses);
            let history = model.fit(&batches, fit).unwrap();

            assert_eq!(losses.0.len(), by_hand.len());
            let worst = losses.0.iter().zip(&by_hand).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(worst <= 1e-6, "{mode:?}: losses differ by {worst}");
            let logs = &history.epochs()[0].logs;
            assert!((logs.get("loss").unwrap() - total / data.len() as f64).abs() <= 1e-6);
            assert_eq!(logs.get("accuracy").unwrap(), hits as f64 / data.len() as f64, "{mode:?}");
        });
    }
}

#[test]
fn eager_and_lazy_train_alike_whatever_the_layers() {
    let run = |mode| {
        with_mode(mode, || {
            let (mut losses, mut model) = (Losses::default(), stateful());
            let fit = Fit { validation: Validation::Split(0.2), ..quiet(3) }.with(&mut losses);
            let history = model.fit(&some_digits(300), fit).unwrap();
            (losses.0, history.last("val_loss").unwrap())
        })
    };
    let ((eager, eager_val), (lazy, lazy_val)) = (run(Mode::Eager), run(Mode::Lazy));
    assert_eq!(eager.len(), 3 * 240usize.div_ceil(32));
    for (step, (a, b)) in eager.iter().zip(&lazy).enumerate() {
        assert!((a - b).abs() <= 1e-5 * a.abs(), "step {step}: {a} and {b}");
    }
    assert!((eager_val - lazy_val).abs() <= 1e-5 * eager_val.abs(), "{eager_val} and {lazy_val}");
}

#[test]
fn shuffled_by_fit_is_shuffled_by_hand() {
    let data = scaled(some_digits(100).batch(16));
    let own = Dataset::from(&grafito::datasets::synthetic_digits(100, 0, 1).train);
    let by_fit = recipe(5)
        .fit(&own.clone().map(|x, y| (x.cast(DType::F32) / 255.0, y)), Fit { batch_size: 16, ..quiet(2) });
    let by_hand = recipe(5).fit(&scaled(own.shuffle(5).batch(16)), quiet(2));
    assert_eq!(by_fit.unwrap().series("loss"), by_hand.unwrap().series("loss"));
    // And it matters: in the order of the rows the losses are others.
    let unshuffled = recipe(5).fit(&data, quiet(2)).unwrap();
    let shuffled = recipe(5).fit(&scaled(some_digits(100).shuffle(5).batch(16)), quiet(2)).unwrap();
    assert_ne!(unshuffled.series("loss"), shuffled.series("loss"));
}
