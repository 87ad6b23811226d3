//! Drawn digits: the same everywhere, fit to be learnt, and not trivially so.

use grafito::datasets::mnist::{Options, load_or_synthesize};
use grafito::datasets::{Batches, CLASSES, IMAGE_PIXELS, Mnist, Split, synthetic_digits};
use md5::{Digest, Md5};

#[test]
fn the_same_seed_draws_the_same_bytes_on_every_machine() {
    let digits = synthetic_digits(200, 50, 3);
    assert_eq!(digits, synthetic_digits(200, 50, 3));
    let sum = Md5::new().chain_update(&digits.train.images).chain_update(&digits.train.labels).finalize();
    let sum: String = sum.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(sum, "a341bd592ff07777cb0c29f0fdb3f56f");
}

#[test]
fn a_smaller_set_is_the_beginning_of_a_larger_one() {
    let (small, large) = (synthetic_digits(20, 5, 3), synthetic_digits(40, 9, 3));
    assert_eq!(small.train.images, large.train.images[..20 * IMAGE_PIXELS]);
    assert_eq!(small.train.labels, large.train.labels[..20]);
    assert_eq!(small.test.images, large.test.images[..5 * IMAGE_PIXELS]);
}

#[test]
fn images_differ_between_seeds_and_between_training_and_test() {
    let digits = synthetic_digits(50, 50, 3);
    assert_ne!(digits.train, synthetic_digits(50, 0, 4).train);
    let images = |split: &Split| split.images.chunks(IMAGE_PIXELS).map(<[u8]>::to_vec).collect::<Vec<_>>();
    let (train, test) = (images(&digits.train), images(&digits.test));
    assert!(test.iter().all(|image| !train.contains(image)));
}

#[test]
fn all_digits_occur_about_equally_often_and_all_have_ink() {
    let split = synthetic_digits(5_000, 0, 0).train;
    let mut times = [0; CLASSES];
    split.labels.iter().for_each(|&label| times[usize::from(label)] += 1);
    assert!(times.iter().all(|times| (400..600).contains(times)), "{times:?}");
    for row in 0..split.len() {
        let dark = split.image(row).iter().filter(|pixel| **pixel > 128).count();
        assert!((12..330).contains(&dark), "image {row}, a {}, has {dark} dark pixels", split.labels[row]);
    }
}

#[test]
fn no_images_at_all() {
    let digits = synthetic_digits(0, 0, 0);
    assert!(digits.train.is_empty() && digits.test.is_empty());
    assert!(digits.train.images_f32().is_empty());
}

#[test]
fn the_notes_say_that_the_digits_are_drawn() {
    let options = Options { synthetic: true, n_train: 7, n_test: 3, seed: 9, ..Options::default() };
    let (digits, notes) = load_or_synthesize(&options).unwrap();
    assert_eq!(digits, synthetic_digits(7, 3, 9));
    assert_eq!(digits.note.as_deref(), Some("digits drawn by this program (seed 9), not MNIST"));
    assert_eq!(notes, ["7 training and 3 test digits drawn by this program (synthetic, seed 9)"]);
}

#[test]
fn a_linear_model_learns_them_but_not_perfectly() {
    let digits = synthetic_digits(4_000, 1_000, 0);
    let accuracy = linear_accuracy(&digits, 4);
    assert!((0.85..0.98).contains(&accuracy), "accuracy {accuracy}");
}

/// Test accuracy of multinomial logistic regression trained by gradient descent.
fn linear_accuracy(digits: &Mnist, n_epochs: u64) -> f32 {
    let mut weights = vec![[0.0f32; CLASSES]; IMAGE_PIXELS];
    let pixels = digits.train.images_f32();
    let mut batches = Batches::new(digits.train.len(), 1, 0);
    for epoch in 0..n_epochs {
        for row in batches.epoch(epoch).flatten() {
            let image = &pixels[row * IMAGE_PIXELS..][..IMAGE_PIXELS];
            let scores = scores(&weights, image);
            let highest = scores.into_iter().fold(f32::MIN, f32::max);
            let mut slopes = scores.map(|score| (score - highest).exp());
            let sum: f32 = slopes.iter().sum();
            slopes = slopes.map(|slope| slope / sum);
            slopes[usize::from(digits.train.labels[*row])] -= 1.0;
            for (weights, pixel) in weights.iter_mut().zip(image).filter(|(_, pixel)| **pixel > 0.0) {
                weights.iter_mut().zip(slopes).for_each(|(weight, slope)| *weight -= 0.01 * pixel * slope);
            }
        }
    }
    let pixels = digits.test.images_f32();
    let right = pixels.chunks(IMAGE_PIXELS).zip(&digits.test.labels).filter(|(image, label)| {
        let scores = scores(&weights, image);
        let best = (0..CLASSES).max_by(|&a, &b| scores[a].total_cmp(&scores[b]));
        best == Some(usize::from(**label))
    });
    right.count() as f32 / digits.test.len() as f32
}

fn scores(weights: &[[f32; CLASSES]], image: &[f32]) -> [f32; CLASSES] {
    let mut scores = [0.0; CLASSES];
    for (weights, pixel) in weights.iter().zip(image).filter(|(_, pixel)| **pixel > 0.0) {
        scores.iter_mut().zip(weights).for_each(|(score, weight)| *score += weight * pixel);
    }
    scores
}
