//! Datasets: order, batches, threads.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use grafito::datasets::{Batches, Dataset};
use grafito::nn::{Fit, Validation};
use grafito::prelude::*;

use crate::support::{quiet, some_digits, stateful};

/// `n` numbers, each its own target.
fn numbers(n: usize) -> Dataset {
    Dataset::new(Tensor::arange(n, DType::I64), Tensor::arange(n, DType::I64))
}

fn targets(data: &Dataset, epoch: u64) -> Vec<Vec<i64>> {
    data.epoch(epoch)
        .map(|(x, y)| {
            assert_eq!(x.to_vec::<i64>(), y.to_vec::<i64>());
            y.to_vec()
        })
        .collect()
}

fn made(n: i64) -> Dataset {
    Dataset::from_examples(move |_| (0..n).map(|i| (Tensor::scalar(i), Tensor::scalar(i))))
}

#[test]
fn the_order_is_that_of_batches_by_hand() {
    let data = numbers(23).shuffle(9).batch(5);
    let mut by_hand = Batches::new(23, 5, 9);
    for epoch in [0, 1, 7] {
        let expected: Vec<Vec<i64>> =
            by_hand.epoch(epoch).map(|rows| rows.iter().map(|&row| row as i64).collect()).collect();
        assert_eq!(targets(&data, epoch), expected);
        assert_eq!(targets(&data, epoch), expected, "an epoch can be had again");
    }
    assert_ne!(targets(&data, 0), targets(&data, 1));
}

#[test]
fn rows_and_iterators_go_through_the_same_stages() {
    for data in [numbers(10), made(10)] {
        assert_eq!(targets(&data.clone().batch(4), 0), [vec![0, 1, 2, 3], vec![4, 5, 6, 7], vec![8, 9]]);
        assert_eq!(targets(&data.clone().batch(4).drop_last(), 0), [[0, 1, 2, 3], [4, 5, 6, 7]]);
        assert_eq!(targets(&data.clone().batch(5), 0).len(), 2);
        let doubled = data.clone().map(|x, y| (x * 2, y * 2)).batch(10);
        assert_eq!(targets(&doubled, 0), [(0..10).map(|i| 2 * i).collect::<Vec<i64>>()]);
        let shuffled: Vec<i64> = targets(&data.clone().shuffle(1).batch(3), 5).concat();
        assert_ne!(shuffled, (0..10).collect::<Vec<_>>());
        assert_eq!(shuffled.iter().collect::<BTreeSet<_>>().len(), 10);
        let ahead = data.clone().shuffle(1).batch(3).prefetch(2);
        assert_eq!(targets(&ahead, 5).concat(), shuffled);
        let within: Vec<i64> = targets(&data.clone().shuffle_within(1, 3).batch(2), 0).concat();
        assert_eq!(within.iter().collect::<BTreeSet<_>>().len(), 10);
        // Of three at a time, the first can be at most the third.
        assert!(within[0] < 3 && within[1] < 4, "{within:?}");
        assert_ne!(within, targets(&data.shuffle_within(1, 3).batch(2), 1).concat());
    }
    assert_eq!(numbers(10).batch(4).batches(), Some(3));
    assert_eq!(numbers(10).batch(4).drop_last().batches(), Some(2));
    assert_eq!((made(10).len(), made(10).batch(4).batches()), (None, None));
}

#[test]
fn a_thread_runs_ahead_as_far_as_it_is_told() {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = count.clone();
    let data = numbers(100).batch(1).map(move |x, y| {
        counted.fetch_add(1, Ordering::SeqCst);
        (x, y)
    });
    let mut epoch = data.prefetch(3).epoch(0);
    epoch.next().unwrap();
    // Three wait, and one more may be made while there is no room for it.
    let start = std::time::Instant::now();
    while count.load(Ordering::SeqCst) < 4 && start.elapsed().as_secs() < 30 {
        std::thread::yield_now();
    }
    std::thread::sleep(std::time::Duration::from_millis(20));
    assert!((4..=5).contains(&count.load(Ordering::SeqCst)));
    drop(epoch);
}

#[test]
fn a_panic_on_the_thread_goes_on_here() {
    let data = numbers(4).batch(1).map(|x, y| {
        assert!(y.item::<i64>() < 2, "the third is bad");
        (x, y)
    });
    let mut epoch = data.prefetch(1).epoch(0);
    assert!(epoch.next().is_some() && epoch.next().is_some());
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| epoch.next())).unwrap_err();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"the third is bad"));
}

#[test]
fn splits_are_apart_and_whole() {
    let (train, test) = numbers(10).map(|x, y| (x + 1, y + 1)).split(0.3).unwrap();
    assert_eq!(targets(&train.clone().batch(10), 0), [(1..=7).collect::<Vec<i64>>()]);
    assert_eq!(targets(&test.batch(10), 0), [[8, 9, 10]]);
    let (a, b) = train.split(0.5).unwrap();
    assert_eq!((a.len(), b.len()), (Some(4), Some(3)));
    assert_eq!(targets(&b.shuffle(2).batch(10), 0).concat().iter().sum::<i64>(), 5 + 6 + 7);
    for share in [0.0, 1.0, -0.5, 1.5, f64::NAN, 1e-9] {
        assert!(numbers(10).split(share).is_none(), "{share}");
    }
    assert!(made(10).split(0.5).is_none());
}

#[test]
fn training_takes_iterators_and_splits() {
    let source = some_digits(64);
    let data = Dataset::from_examples(move |_| source.epoch(0));
    let history = stateful().fit(&data, Fit { batch_size: 16, ..quiet(2) }).unwrap();
    assert!(history.last("loss").unwrap().is_finite());
    let split = Fit { validation: Validation::Split(0.25), ..quiet(1) };
    assert!(stateful().fit(&some_digits(64), split).unwrap().last("val_accuracy").is_some());
    // Prefetched batches are the same batches.
    let with = |data: Dataset| stateful().fit(&data, quiet(2)).unwrap().series("loss");
    let batches = some_digits(64).shuffle(1).batch(16);
    assert_eq!(with(batches.clone().prefetch(4)), with(batches));
}

#[test]
fn mistakes_are_told_at_once() {
    let panics = |f: fn() -> Dataset| {
        let panic = std::panic::catch_unwind(f).unwrap_err();
        panic
            .downcast_ref::<String>()
            .cloned()
            .unwrap_or_else(|| panic.downcast_ref::<&str>().unwrap().to_string())
    };
    let differ = panics(|| Dataset::new(Tensor::zeros([3, 2], DType::F32), Tensor::zeros([4], DType::U8)));
    assert_eq!(differ, "dataset: features f32[3, 2] and targets u8[4] have no common number of rows");
    assert!(
        panics(|| Dataset::new(Tensor::scalar(1.0f32), Tensor::scalar(1.0f32))).contains("no common number")
    );
    assert!(panics(|| numbers(3).batch(0)).contains("the batch size is 0"));
    assert!(panics(|| numbers(3).batch(1).batch(1)).contains("it gives batches already"));
    assert!(panics(|| numbers(3).drop_last()).contains("there are no batches"));
    let text = format!("{:?}", numbers(3).shuffle(1).batch(2).drop_last().map(|x, y| (x, y)).prefetch(1));
    assert_eq!(
        text,
        "Dataset(rows 0..3 of i64[3] and i64[3], shuffled from seed 1, batches of 2, the rest dropped, mapped, 1 ahead)"
    );
}

#[test]
fn batches_of_any_size_and_dtype_are_the_rows_that_were_asked_for() {
    let whole = (Tensor::random_uniform([96, 50, 9], DType::F32, 4) * 200.0).eval();
    for dtype in DType::ALL {
        let features = whole.cast(dtype).eval();
        let bits = |tensor: &Tensor| tensor.cast(DType::F64).to_vec::<f64>();
        let data = Dataset::new(features.clone(), Tensor::arange(96, DType::I64)).shuffle(3);
        // Small batches are copied, large ones gathered by an operation; the last one may be smaller.
        for size in [1, 7, 32, 95, 96] {
            let (mut rows, mut count) = (Vec::new(), 0);
            for (x, y) in data.clone().batch(size).epoch(2) {
                assert_eq!((x.dtype(), x.shape()), (dtype, &Shape::from([y.num_elements(), 50, 9])));
                assert_eq!(bits(&x), bits(&features.gather(0, &y)), "{dtype}, {size}");
                rows.extend(y.to_vec::<i64>());
                count += 1;
            }
            assert_eq!(count, 96usize.div_ceil(size));
            rows.sort_unstable();
            assert_eq!(rows, (0..96).collect::<Vec<i64>>());
        }
    }
    // Rows without elements.
    let empty = Dataset::new(Tensor::zeros([5, 0, 3], DType::F32), Tensor::zeros([5], DType::I64)).batch(2);
    let shapes: Vec<Shape> = empty.epoch(0).map(|(x, _)| x.shape().clone()).collect();
    assert_eq!(shapes, [[2, 0, 3], [2, 0, 3], [1, 0, 3]].map(Shape::from));
}
