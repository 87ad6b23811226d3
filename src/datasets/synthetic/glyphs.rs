//! The ten digits as a table of strokes, in the ways in which people write them.

use super::ink::Point;

/// One movement of the pen through points of the unit square: x to the right, y down.
#[derive(Debug)]
pub(super) enum Stroke {
    /// Straight from point to point.
    Line(&'static [Point]),
    /// Smoothly through all points.
    Curve(&'static [Point]),
    /// Smoothly through all points and back to the first.
    Loop(&'static [Point]),
}

impl Stroke {
    pub(super) fn points(&self) -> &'static [Point] {
        match self {
            Stroke::Line(points) | Stroke::Curve(points) | Stroke::Loop(points) => points,
        }
    }
}

/// The ways to write a digit, each a list of strokes.
///
/// # Panics
///
/// If `digit` is above 9.
pub(super) fn styles(digit: u8) -> &'static [&'static [Stroke]] {
    DIGITS[usize::from(digit)]
}

use Stroke::{Curve, Line, Loop};

/// The diagonal and sides of a round zero, where a circle of radius 0.5 passes.
const ZERO: &[Point] =
    &[[0.5, 0.0], [0.85, 0.15], [1.0, 0.5], [0.85, 0.85], [0.5, 1.0], [0.15, 0.85], [0.0, 0.5], [0.15, 0.15]];

const DIGITS: [&[&[Stroke]]; 10] = [
    // 0: round; with the pen's start overlapping its end.
    &[
        &[Loop(ZERO)],
        &[Curve(&[
            [0.65, 0.05],
            [0.25, 0.1],
            [0.03, 0.55],
            [0.3, 0.97],
            [0.75, 0.9],
            [0.97, 0.45],
            [0.7, 0.06],
        ])],
    ],
    // 1: a bar; with an upstroke; with upstroke and foot.
    &[
        &[Line(&[[0.5, 0.0], [0.5, 1.0]])],
        &[Line(&[[0.2, 0.25], [0.55, 0.0], [0.55, 1.0]])],
        &[Line(&[[0.25, 0.22], [0.52, 0.0], [0.52, 1.0]]), Line(&[[0.2, 1.0], [0.85, 1.0]])],
    ],
    // 2: with a straight foot; with a loop at the foot.
    &[
        &[
            Curve(&[
                [0.08, 0.25],
                [0.25, 0.05],
                [0.6, 0.0],
                [0.88, 0.2],
                [0.75, 0.5],
                [0.4, 0.78],
                [0.05, 1.0],
            ]),
            Line(&[[0.05, 1.0], [0.98, 1.0]]),
        ],
        &[Curve(&[
            [0.08, 0.2],
            [0.4, 0.0],
            [0.8, 0.12],
            [0.78, 0.45],
            [0.42, 0.82],
            [0.1, 0.97],
            [0.08, 0.82],
            [0.35, 0.82],
            [0.65, 0.98],
            [1.0, 0.93],
        ])],
    ],
    // 3: two bows; with a flat top.
    &[
        &[
            Curve(&[[0.08, 0.13], [0.4, 0.0], [0.8, 0.1], [0.8, 0.35], [0.38, 0.48]]),
            Curve(&[[0.38, 0.48], [0.85, 0.58], [0.92, 0.83], [0.5, 1.0], [0.04, 0.88]]),
        ],
        &[
            Line(&[[0.1, 0.02], [0.85, 0.02], [0.42, 0.4]]),
            Curve(&[[0.42, 0.4], [0.8, 0.48], [0.92, 0.75], [0.5, 1.0], [0.04, 0.88]]),
        ],
    ],
    // 4: open; closed in one stroke; open and rounded.
    &[
        &[Line(&[[0.22, 0.0], [0.05, 0.55], [0.95, 0.55]]), Line(&[[0.75, 0.1], [0.7, 1.0]])],
        &[Line(&[[0.68, 1.0], [0.68, 0.0], [0.03, 0.66], [0.98, 0.66]])],
        &[
            Curve(&[[0.12, 0.05], [0.06, 0.35], [0.25, 0.55], [0.6, 0.52], [0.85, 0.38]]),
            Line(&[[0.88, 0.0], [0.78, 1.0]]),
        ],
    ],
    // 5: the roof first; the roof last and rounder.
    &[
        &[
            Line(&[[0.88, 0.0], [0.22, 0.0], [0.15, 0.42]]),
            Curve(&[[0.15, 0.42], [0.5, 0.36], [0.88, 0.52], [0.86, 0.83], [0.45, 1.0], [0.05, 0.9]]),
        ],
        &[
            Curve(&[[0.25, 0.02], [0.18, 0.4], [0.6, 0.45], [0.85, 0.7], [0.6, 0.97], [0.1, 0.95]]),
            Line(&[[0.25, 0.02], [0.95, 0.05]]),
        ],
    ],
    // 6: curved; with a straight back.
    &[
        &[Curve(&[
            [0.75, 0.0],
            [0.32, 0.2],
            [0.06, 0.6],
            [0.18, 0.92],
            [0.55, 1.0],
            [0.88, 0.82],
            [0.8, 0.57],
            [0.48, 0.5],
            [0.12, 0.72],
        ])],
        &[
            Line(&[[0.45, 0.0], [0.12, 0.65]]),
            Loop(&[[0.12, 0.7], [0.3, 0.52], [0.7, 0.52], [0.88, 0.75], [0.6, 1.0], [0.2, 0.95]]),
        ],
    ],
    // 7: plain; with a bar; with a hook and a curved leg.
    &[
        &[Line(&[[0.05, 0.03], [0.92, 0.03], [0.4, 1.0]])],
        &[Line(&[[0.05, 0.03], [0.95, 0.03], [0.42, 1.0]]), Line(&[[0.3, 0.5], [0.9, 0.5]])],
        &[
            Line(&[[0.05, 0.18], [0.08, 0.03], [0.92, 0.03]]),
            Curve(&[[0.92, 0.03], [0.66, 0.4], [0.5, 0.7], [0.45, 1.0]]),
        ],
    ],
    // 8: in one go; two rings.
    &[
        &[Loop(&[
            [0.82, 0.13],
            [0.5, 0.0],
            [0.18, 0.13],
            [0.22, 0.34],
            [0.5, 0.48],
            [0.84, 0.7],
            [0.8, 0.92],
            [0.5, 1.0],
            [0.18, 0.92],
            [0.16, 0.7],
            [0.5, 0.48],
            [0.78, 0.34],
        ])],
        &[
            Loop(&[[0.5, 0.0], [0.8, 0.1], [0.8, 0.36], [0.5, 0.47], [0.2, 0.36], [0.2, 0.1]]),
            Loop(&[[0.5, 0.47], [0.88, 0.6], [0.86, 0.9], [0.5, 1.0], [0.14, 0.9], [0.12, 0.6]]),
        ],
    ],
    // 9: a ring and a stick; in one go with a hook.
    &[
        &[
            Loop(&[[0.82, 0.15], [0.5, 0.0], [0.15, 0.1], [0.1, 0.36], [0.4, 0.5], [0.8, 0.36]]),
            Line(&[[0.85, 0.1], [0.72, 1.0]]),
        ],
        &[Curve(&[
            [0.85, 0.2],
            [0.5, 0.0],
            [0.12, 0.18],
            [0.2, 0.45],
            [0.6, 0.47],
            [0.86, 0.22],
            [0.86, 0.6],
            [0.62, 0.95],
            [0.15, 0.95],
        ])],
    ],
];
