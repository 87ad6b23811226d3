//! A pen on a grid of pixels: how far each pixel lies from the nearest stroke, and how dark that makes it.

use super::super::{IMAGE_PIXELS, IMAGE_SIDE};

/// x and y, in pixels or in units of a glyph; y points down.
pub(super) type Point = [f32; 2];

/// Strokes drawn with a round pen.
pub(super) struct Ink {
    /// Half the width of the pen, in pixels.
    radius: f32,
    /// Squared distance of each pixel's centre to the nearest stroke, as far as it matters.
    distances: [f32; IMAGE_PIXELS],
}

impl Ink {
    pub(super) fn new(radius: f32) -> Ink {
        Ink { radius, distances: [f32::INFINITY; IMAGE_PIXELS] }
    }

    /// Straight from point to point.
    pub(super) fn line(&mut self, corners: &[Point]) {
        for pair in corners.windows(2) {
            self.segment(pair[0], pair[1]);
        }
    }

    /// Smoothly through all points, from the first to the last.
    pub(super) fn curve(&mut self, corners: &[Point]) {
        let last = corners.len().saturating_sub(1);
        self.splines(corners, last, |idx| idx.clamp(0, last as isize) as usize);
    }

    /// Smoothly through all points and back to the first.
    pub(super) fn closed_curve(&mut self, corners: &[Point]) {
        let n = corners.len();
        self.splines(corners, n, |idx| idx.rem_euclid(n as isize) as usize);
    }

    /// Turns distances into pixels: `darkness` under the pen, less at its edge, added to nothing.
    pub(super) fn dry(&self, darkness: f32, image: &mut [u8]) {
        for (pixel, &squared) in image.iter_mut().zip(&self.distances) {
            let covered = (self.radius + 0.5 - squared.sqrt()).clamp(0.0, 1.0);
            *pixel = (255.0 * darkness * covered).round() as u8;
        }
    }

    /// The first `n` pieces of a Catmull-Rom spline; `wrapped` says which corner stands for one beyond the ends.
    fn splines(&mut self, corners: &[Point], n: usize, wrapped: impl Fn(isize) -> usize) {
        const PIECES: usize = 6;
        for idx in 0..n as isize {
            let around = [idx - 1, idx, idx + 1, idx + 2].map(|near| corners[wrapped(near)]);
            let mut from = around[1];
            for piece in 1..=PIECES {
                let to = catmull_rom(around, piece as f32 / PIECES as f32);
                self.segment(from, to);
                from = to;
            }
        }
    }

    fn segment(&mut self, from: Point, to: Point) {
        // A pixel further away than this stays white.
        let reach = self.radius + 0.5;
        let [columns, rows] = [0, 1].map(|axis| {
            let (low, high) = (from[axis].min(to[axis]) - reach, from[axis].max(to[axis]) + reach);
            // A cast saturates: what lies off the paper ends up at its edge.
            (low.ceil() as usize)..((high.floor() + 1.0) as usize).min(IMAGE_SIDE)
        });
        for row in rows {
            for column in columns.clone() {
                let squared = squared_distance([column as f32, row as f32], from, to);
                let nearest = &mut self.distances[row * IMAGE_SIDE + column];
                *nearest = nearest.min(squared);
            }
        }
    }
}

/// A point of the cubic that passes through `b` at 0 and `c` at 1 in the directions `c - a` and `d - b`.
fn catmull_rom([a, b, c, d]: [Point; 4], at: f32) -> Point {
    [0, 1].map(|axis| {
        let [a, b, c, d] = [a[axis], b[axis], c[axis], d[axis]];
        let cubic = -a + 3.0 * b - 3.0 * c + d;
        let square = 2.0 * a - 5.0 * b + 4.0 * c - d;
        0.5 * (((cubic * at + square) * at + (c - a)) * at + 2.0 * b)
    })
}

fn squared_distance(point: Point, from: Point, to: Point) -> f32 {
    let along = [to[0] - from[0], to[1] - from[1]];
    let offset = [point[0] - from[0], point[1] - from[1]];
    let length = along[0] * along[0] + along[1] * along[1];
    let share = if length > 0.0 { (offset[0] * along[0] + offset[1] * along[1]) / length } else { 0.0 };
    let share = share.clamp(0.0, 1.0);
    let gap = [offset[0] - share * along[0], offset[1] - share * along[1]];
    gap[0] * gap[0] + gap[1] * gap[1]
}
