//! The order in which a training loop visits the images: a new shuffle for every epoch.

use std::slice::Chunks;

use super::order::shuffle;

/// Shuffled batches of row numbers, one shuffle per epoch.
///
/// The order depends only on the number of rows, the seed and the epoch, not on which epochs were visited before:
/// a run that is resumed at epoch 5 sees what an unbroken run would have seen.
///
/// ```
/// use grafito::datasets::Batches;
///
/// let mut batches = Batches::new(10, 4, 42);
/// assert_eq!(batches.per_epoch(), 3);
/// let sizes: Vec<usize> = batches.epoch(0).map(|rows| rows.len()).collect();
/// assert_eq!(sizes, [4, 4, 2]);
/// ```
#[derive(Clone, Debug)]
pub struct Batches {
    rows: Vec<usize>,
    batch_size: usize,
    seed: u64,
    drop_last: bool,
}

impl Batches {
    /// Batches of `batch_size` rows out of `0..n_rows`; the last one of an epoch may be smaller.
    ///
    /// # Panics
    ///
    /// If `batch_size` is 0.
    pub fn new(n_rows: usize, batch_size: usize, seed: u64) -> Batches {
        assert!(batch_size > 0, "batches: the batch size is 0, expected at least 1");
        Batches { rows: (0..n_rows).collect(), batch_size, seed, drop_last: false }
    }

    /// Leaves out the last batch of an epoch if it is smaller than the others, so that all have one shape.
    ///
    /// The rows left out differ from epoch to epoch.
    pub fn drop_last(mut self) -> Batches {
        self.drop_last = true;
        self
    }

    /// How many batches an epoch has.
    pub fn per_epoch(&self) -> usize {
        self.n_visited().div_ceil(self.batch_size)
    }

    /// Shuffles for this epoch and returns its batches in order.
    pub fn epoch(&mut self, epoch: u64) -> Chunks<'_, usize> {
        shuffle(&mut self.rows, self.seed, epoch);
        self.rows[..self.n_visited()].chunks(self.batch_size)
    }

    fn n_visited(&self) -> usize {
        let n_rows = self.rows.len();
        if self.drop_last { n_rows - n_rows % self.batch_size } else { n_rows }
    }
}
