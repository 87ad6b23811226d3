//! The order in which examples are visited.

use super::random::Random;

/// Puts `0..n` in an order that depends only on `n`, seed and epoch.
pub(super) fn shuffle(rows: &mut [usize], seed: u64, epoch: u64) {
    for (row_idx, row) in rows.iter_mut().enumerate() {
        *row = row_idx;
    }
    let mut random = Random::new(seed, epoch);
    // Fisher-Yates: each place, from the last, takes one of the rows not yet placed.
    for last in (1..rows.len()).rev() {
        rows.swap(last, random.below(last as u64 + 1) as usize);
    }
}

/// Gives items in another order, of which it looks at `size` at a time.
pub(super) struct ShuffledWithin<I: Iterator> {
    pub(super) items: I,
    pub(super) waiting: Vec<I::Item>,
    pub(super) size: usize,
    pub(super) random: Random,
}

impl<I: Iterator> Iterator for ShuffledWithin<I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        while self.waiting.len() < self.size
            && let Some(item) = self.items.next()
        {
            self.waiting.push(item);
        }
        let chosen = self.random.below(self.waiting.len().max(1) as u64) as usize;
        (chosen < self.waiting.len()).then(|| self.waiting.swap_remove(chosen))
    }
}
