//! Every epoch visits every row once, in an order that seed and epoch alone decide.

use grafito::datasets::Batches;
use proptest::prelude::*;

fn rows(batches: &mut Batches, epoch: u64) -> Vec<usize> {
    batches.epoch(epoch).flatten().copied().collect()
}

proptest! {
    #[test]
    fn every_row_once(n_rows in 0usize..300, batch_size in 1usize..40, seed: u64, epoch: u64) {
        let mut batches = Batches::new(n_rows, batch_size, seed);
        prop_assert_eq!(batches.epoch(epoch).len(), batches.per_epoch());
        prop_assert!(batches.epoch(epoch).rev().skip(1).all(|rows| rows.len() == batch_size));
        let mut visited = rows(&mut batches, epoch);
        visited.sort_unstable();
        prop_assert_eq!(visited, (0..n_rows).collect::<Vec<_>>());
    }

    #[test]
    fn only_whole_batches(n_rows in 0usize..300, batch_size in 1usize..40, seed: u64) {
        let mut batches = Batches::new(n_rows, batch_size, seed).drop_last();
        prop_assert_eq!(batches.per_epoch(), n_rows / batch_size);
        prop_assert_eq!(batches.epoch(0).len(), batches.per_epoch());
        prop_assert!(batches.epoch(0).all(|rows| rows.len() == batch_size));
    }
}

#[test]
fn the_order_depends_on_seed_and_epoch_only() {
    let mut batches = Batches::new(100, 7, 1);
    let (first, second) = (rows(&mut batches, 0), rows(&mut batches, 1));
    assert_ne!(first, second);
    assert_eq!(rows(&mut batches, 0), first, "an earlier epoch leaves no trace");
    assert_eq!(rows(&mut Batches::new(100, 50, 1), 1), second, "nor does the batch size");
    assert_ne!(rows(&mut Batches::new(100, 7, 2), 0), first);
}

#[test]
fn the_order_is_the_same_everywhere() {
    assert_eq!(rows(&mut Batches::new(10, 3, 42), 0), [8, 1, 9, 2, 6, 0, 4, 5, 3, 7]);
}

#[test]
fn all_orders_are_equally_likely() {
    let mut seen = std::collections::BTreeMap::new();
    let mut batches = Batches::new(4, 4, 0);
    for epoch in 0..24_000 {
        *seen.entry(rows(&mut batches, epoch)).or_insert(0u32) += 1;
    }
    assert_eq!(seen.len(), 24);
    // 1000 each are expected, with a standard deviation of 31.
    assert!(seen.values().all(|times| (850..1150).contains(times)), "{seen:?}");
}

#[test]
#[should_panic(expected = "batches: the batch size is 0, expected at least 1")]
fn no_batch_size() {
    Batches::new(10, 0, 0);
}
