//! `fit` does what the hand-written loop does.

use grafito::datasets::{Batches, Dataset, IMAGE_SIDE};
use grafito::nn::{Batch, Callback, CallbackResult, Fit, Run};
use grafito::prelude::*;

use crate::model::{Mlp, train_step};
use crate::support::{digits, recipe, scaled};

/// Keeps the loss of every step.
struct Losses(Vec<f64>);

impl Callback for Losses {
    fn on_batch_end(&mut self, _: &mut Run<'_>, batch: &Batch) -> CallbackResult {
        self.0.push(batch.loss);
        Ok(())
    }
}

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
            let mut losses = Losses(Vec::new());
            // Batched before it is mapped: what is mapped is what the step is given.
            let batches = scaled(Dataset::from(&data).shuffle(1).batch(32));
            let fit = Fit { callbacks: vec![&mut losses], progress: false, ..Fit::default() };
            let history = model.fit(&batches, fit).unwrap();

            assert_eq!(losses.0.len(), by_hand.len());
            let worst = losses.0.iter().zip(&by_hand).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(worst <= 1e-6, "{mode:?}: losses differ by {worst}");
            let logs = &history.epochs()[0].logs;
            assert!((logs.get("loss").unwrap() - total / data.len() as f64).abs() <= 1e-6);
            assert_eq!(logs.get("accuracy").unwrap(), hits as f64 / data.len() as f64, "{mode:?}");
            println!("{mode:?} {worst} {logs}");
        });
    }
}
