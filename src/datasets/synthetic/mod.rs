//! Digits that the program draws itself, for machines without the dataset: strokes, shaken and slanted, in ink.
//!
//! They look like handwriting from afar and are about as hard as MNIST for a linear model, but they are another
//! set: accuracies on the two are not comparable.

mod glyphs;
mod ink;

use super::random::Random;
use super::{CLASSES, IMAGE_PIXELS, Mnist, Split};
use glyphs::Stroke;
use ink::{Ink, Point};

/// Draws a training and a test set of digits, all ten equally likely.
///
/// The same seed gives the same bytes on every machine. Each image is drawn from a random stream of its own: a
/// smaller set is the beginning of a larger one.
///
/// ```
/// use grafito::datasets::synthetic_digits;
///
/// let digits = synthetic_digits(100, 20, 1);
/// assert_eq!((digits.train.len(), digits.test.len()), (100, 20));
/// assert_eq!(digits, synthetic_digits(100, 20, 1));
/// assert_ne!(digits, synthetic_digits(100, 20, 2));
/// ```
pub fn synthetic_digits(n_train: usize, n_test: usize, seed: u64) -> Mnist {
    Mnist {
        train: draw_split(n_train, seed, 0),
        test: draw_split(n_test, seed, 1),
        note: Some(format!("digits drawn by this program (seed {seed}), not MNIST")),
    }
}

/// Streams are numbered so that training and test images never share one.
fn draw_split(n_images: usize, seed: u64, parity: u64) -> Split {
    let mut split = Split { images: vec![0; n_images * IMAGE_PIXELS], labels: Vec::with_capacity(n_images) };
    for (image_idx, image) in split.images.chunks_exact_mut(IMAGE_PIXELS).enumerate() {
        let mut random = Random::new(seed, 2 * image_idx as u64 + parity);
        let digit = random.below(CLASSES as u64) as u8;
        draw_digit(digit, &mut random, image);
        split.labels.push(digit);
    }
    split
}

fn draw_digit(digit: u8, random: &mut Random, image: &mut [u8]) {
    let styles = glyphs::styles(digit);
    let glyph = styles[random.below(styles.len() as u64) as usize];
    let hand = Hand::new(random);
    let mut ink = Ink::new(random.between(0.75, 1.6));
    for stroke in glyph {
        let corners: Vec<Point> = stroke.points().iter().map(|&point| hand.place(point, random)).collect();
        match stroke {
            Stroke::Line(_) => ink.line(&corners),
            Stroke::Curve(_) => ink.curve(&corners),
            Stroke::Loop(_) => ink.closed_curve(&corners),
        }
    }
    ink.dry(random.between(0.75, 1.0), image);
}

/// How one digit is written: an affine map from the unit square to pixels, and how steady the hand is.
struct Hand {
    /// Images of the unit vectors, in pixels.
    right: Point,
    down: Point,
    centre: Point,
    tremor: f32,
}

impl Hand {
    fn new(random: &mut Random) -> Hand {
        let width = random.between(9.0, 17.0);
        let height = random.between(16.5, 21.5);
        let slant = 0.08 + random.bell(0.18);
        // A rotation from the tangent of half its angle: exact arithmetic in place of a sine, which is not the
        // same on every platform.
        let half_tangent = random.bell(0.075);
        let norm = 1.0 + half_tangent * half_tangent;
        let (cosine, sine) = ((1.0 - half_tangent * half_tangent) / norm, 2.0 * half_tangent / norm);
        let rotated = |[x, y]: Point| [cosine * x - sine * y, sine * x + cosine * y];
        Hand {
            right: rotated([width, 0.0]),
            down: rotated([-slant * height, height]),
            centre: [13.5 + random.bell(1.1), 13.5 + random.bell(1.1)],
            tremor: if random.chance(0.2) { 0.06 } else { 0.03 },
        }
    }

    fn place(&self, [x, y]: Point, random: &mut Random) -> Point {
        let (x, y) = (x - 0.5 + random.bell(self.tremor), y - 0.5 + random.bell(self.tremor));
        [0, 1].map(|axis| self.centre[axis] + x * self.right[axis] + y * self.down[axis])
    }
}
