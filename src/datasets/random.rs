//! Random numbers that are the same on every machine: a counter, mixed.

/// A stream of random numbers that depends only on how it was made.
///
/// # Source
///
/// SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
#[derive(Clone, Debug)]
pub(super) struct Random {
    counter: u64,
}

impl Random {
    /// The stream with number `stream` of those that belong to `seed`; different pairs give unrelated streams.
    pub(super) fn new(seed: u64, stream: u64) -> Random {
        // Mixed one after the other: a plain sum would give (1, 2) and (2, 1) the same stream.
        Random { counter: mix(mix(seed.wrapping_add(STEP)) ^ stream.wrapping_mul(STEP)) }
    }

    pub(super) fn next_u64(&mut self) -> u64 {
        self.counter = self.counter.wrapping_add(STEP);
        mix(self.counter)
    }

    /// A number in `0..bound`, all equally likely.
    ///
    /// # Source
    ///
    /// Lemire, "Fast random integer generation in an interval", 2019.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        loop {
            let product = u128::from(self.next_u64()) * u128::from(bound);
            // The few low products that would make some results likelier than others are drawn again.
            if product as u64 >= bound.wrapping_neg() % bound {
                return (product >> 64) as u64;
            }
        }
    }

    /// A number in `low..high`, uniformly.
    pub(super) fn between(&mut self, low: f32, high: f32) -> f32 {
        let unit = (self.next_u64() >> 40) as f32 / (1u32 << 24) as f32;
        low + (high - low) * unit
    }

    /// Whether something of this probability happens.
    pub(super) fn chance(&mut self, probability: f32) -> bool {
        self.between(0.0, 1.0) < probability
    }

    /// A bell-shaped number around 0 with this standard deviation, never more than 3.5 of them away.
    ///
    /// A sum of four uniform numbers: no logarithm, which would differ between platforms in its last bit.
    pub(super) fn bell(&mut self, deviation: f32) -> f32 {
        let sum: f32 = (0..4).map(|_| self.between(-1.0, 1.0)).sum();
        sum * deviation * (3.0f32 / 4.0).sqrt()
    }
}

/// 2^64 divided by the golden ratio: the counter visits every value, far from the last one.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}
