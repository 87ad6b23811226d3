//! Random numbers by counting: each block of four words is a function of the key and the block's number, so any element
//! can be computed by any thread.

use graph_core::{DType, Element, Kernel, OpError, Source, View, ViewMut};

use super::parallel::for_each_block;

/// What random numbers follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Distribution {
    /// Evenly in `[0, 1)`.
    Uniform,
    /// Normally, with mean 0 and variance 1.
    Normal,
}

/// Fills the destination from a key.
#[derive(Debug)]
pub(crate) struct RandomKernel {
    pub(crate) distribution: Distribution,
}

/// Elements that one task fills; a multiple of the four that a block gives.
const CHUNK: usize = 1 << 10;
/// What an element costs, in elements' worth of plain work.
const COST: usize = 32;

impl Kernel for RandomKernel {
    fn run(&self, outs: &mut [ViewMut<'_>], ins: &[Source<'_>]) -> Result<(), OpError> {
        let (out, key) = (&mut outs[0], read_key(ins[0].view()));
        match (out.dtype(), self.distribution) {
            (DType::F32, Distribution::Uniform) => fill(out, key, 0, |words| words.map(unit_f32)),
            (DType::F64, Distribution::Uniform) => {
                fill(out, key, 1, |[a, b, c, d]| [unit_f64(a, b), unit_f64(c, d)])
            }
            (DType::F32, Distribution::Normal) => fill(out, key, 2, |[a, b, c, d]| {
                let ([p, q], [r, s]) = (normals_f32(a, b), normals_f32(c, d));
                [p, q, r, s]
            }),
            (_, _) => fill(out, key, 3, |[a, b, c, d]| normals_f64(unit_f64(a, b), unit_f64(c, d))),
        }
        Ok(())
    }

    fn may_fail(&self) -> bool {
        false
    }
}

fn read_key(key: View<'_>) -> u64 {
    match key.dtype() {
        DType::I32 => i64::from(key.as_slice::<i32>()[0]) as u64,
        DType::I64 => key.as_slice::<i64>()[0] as u64,
        _ => u64::from(key.as_slice::<u8>()[0]),
    }
}

/// Writes `N` elements for each block of words. The stream keeps what is drawn with one key for different purposes
/// apart.
fn fill<T: Element, const N: usize>(
    out: &mut ViewMut<'_>,
    key: u64,
    stream: u32,
    convert: impl Fn([u32; 4]) -> [T; N] + Sync,
) {
    let out = out.as_mut_slice::<T>();
    let write = |first: usize, out: &mut [T]| {
        for (i, out) in out.chunks_mut(N).enumerate() {
            let block = (first / N + i) as u64;
            let counter = [block as u32, (block >> 32) as u32, stream, 0];
            let elements = convert(philox(counter, [key as u32, (key >> 32) as u32]));
            out.copy_from_slice(&elements[..out.len()]);
        }
    };
    // Whole chunks first, so that they can be shared out evenly; then what is left.
    let whole = out.len() / CHUNK * CHUNK;
    let (chunks, rest) = out.split_at_mut(whole);
    for_each_block(chunks, CHUNK, whole * COST, |i, chunk| write(i * CHUNK, chunk));
    write(whole, rest);
}

/// Four random words from a counter and a key: Philox 4x32 with 10 rounds.
///
/// # Source
/// Salmon, Moraes, Dror, Shaw: *Parallel random numbers: as easy as 1, 2, 3* (SC 2011).
///
/// ```
/// let words = graph_ops::ops::random::philox([0; 4], [0; 2]);
/// assert_eq!(words, [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
/// ```
#[inline]
pub fn philox(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    let product = |factor: u32, x: u32| {
        let product = u64::from(factor) * u64::from(x);
        ((product >> 32) as u32, product as u32)
    };
    let ([mut a, mut b, mut c, mut d], [mut left, mut right]) = (counter, key);
    for _ in 0..10 {
        let ((high_a, low_a), (high_c, low_c)) = (product(0xd251_1f53, a), product(0xcd9e_8d57, c));
        (a, b, c, d) = (high_c ^ b ^ left, low_c, high_a ^ d ^ right, low_a);
        left = left.wrapping_add(0x9e37_79b9);
        right = right.wrapping_add(0xbb67_ae85);
    }
    [a, b, c, d]
}

/// A multiple of 2⁻²⁴ in `[0, 1)`.
fn unit_f32(word: u32) -> f32 {
    (word >> 8) as f32 * (1.0 / (1 << 24) as f32)
}

/// A multiple of 2⁻⁵³ in `[0, 1)`.
fn unit_f64(high: u32, low: u32) -> f64 {
    let word = u64::from(high) << 32 | u64::from(low);
    (word >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
}

/// Two independent normal numbers from two words (Box-Muller). The radius uses all bits of its word, so that tails
/// reach to 6.7.
fn normals_f32(radius: u32, angle: u32) -> [f32; 2] {
    let uniform = (radius as f32 + 0.5) * (1.0 / (1u64 << 32) as f32);
    let radius = (-2.0 * uniform.min(1.0 - f32::EPSILON / 2.0).ln()).sqrt();
    let (sin, cos) = (unit_f32(angle) * std::f32::consts::TAU).sin_cos();
    [radius * cos, radius * sin]
}

/// The same in f64; `radius` is in `[0, 1)`, and turned so that its logarithm is finite.
fn normals_f64(radius: f64, angle: f64) -> [f64; 2] {
    let radius = (-2.0 * (1.0 - radius).ln()).sqrt();
    let (sin, cos) = (angle * std::f64::consts::TAU).sin_cos();
    [radius * cos, radius * sin]
}
