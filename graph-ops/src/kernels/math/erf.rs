//! The error function.

use super::exp::exp_of_negated;
use super::{fused, polynomial};

/// `2/√π ∫₀ˣ exp(-t²) dt`
#[inline(always)]
pub(crate) fn erf(x: f32) -> f32 {
    let magnitude = x.abs();
    let square = x * x;
    let p = polynomial(
        square,
        [
            0.128_379_17,
            -0.376_126_26,
            0.112_835_79,
            -0.026_853_347,
            0.005_187_162,
            -0.000_799_785_3,
            0.000_078_069_04,
        ],
    );
    let near = fused(x, p, x);
    // Farther out, 1 - exp(-q) with a polynomial q; from here on the result is 1.
    let bounded = if magnitude > 4.0 { 4.0 } else { magnitude };
    let q = polynomial(
        bounded,
        [
            0.000_341_526_76,
            1.127_089_1,
            0.638_144_97,
            0.103_106_59,
            -0.021_837_965,
            0.002_947_629_2,
            -0.000_186_375_82,
        ],
    );
    let far = (1.0 - exp_of_negated(q)).copysign(x);
    if magnitude < 1.0 { near } else { far }
}
