//! Ranges with bounds from anywhere in their dtypes, against arithmetic in i128.

use graph_core::{DType, Mode, with_mode};
use graph_ops::{Tensor, TensorIterator, Trips, catch, range_step};

/// How many numbers there are from `start` to `stop` in steps of `step`, in wide arithmetic; as many as i64 counts at most.
fn expected([start, stop, step]: [i64; 3], is_inclusive: bool) -> i64 {
    let [start, stop, step] = [start, stop, step].map(i128::from);
    let stop = if is_inclusive { stop + step.signum() } else { stop };
    let trips = (stop - start + step - step.signum()) / step;
    trips.clamp(0, i64::MAX.into()) as i64
}

fn trips(bounds: [i64; 3], dtype: DType, is_inclusive: bool) -> i64 {
    let [start, stop, step] = bounds.map(|x| Tensor::scalar(x).cast(dtype));
    let range = range_step(start, stop, step);
    let range = if is_inclusive { range.inclusive() } else { range };
    match range.trips() {
        Trips::Computed(trips) => trips.item(),
        Trips::Known(trips) => trips as i64,
    }
}

#[test]
fn no_range_wraps_around() {
    let edges = |least: i64, most: i64| {
        let near = [least, least + 1, most - 1, most].into_iter().chain(-7..8).chain([100, 200]);
        near.filter(move |x| (least..=most).contains(x)).collect::<Vec<_>>()
    };
    let dtypes = [
        (DType::U8, edges(0, 255)),
        (DType::I32, edges(i32::MIN.into(), i32::MAX.into())),
        (DType::I64, edges(i64::MIN, i64::MAX)),
    ];
    for (dtype, edges) in dtypes {
        for mode in [Mode::Eager, Mode::Lazy] {
            let bounds = edges.iter().flat_map(|&a| edges.iter().map(move |&b| (a, b)));
            for (start, stop) in bounds {
                // The smallest i64 has no opposite: as a step it counts as the one after it.
                for &step in edges.iter().filter(|&&step| step != 0 && step != i64::MIN).step_by(3) {
                    for is_inclusive in [false, true] {
                        let bounds = [start, stop, step];
                        let found = with_mode(mode, || trips(bounds, dtype, is_inclusive));
                        let expected = expected(bounds, is_inclusive);
                        assert_eq!(found, expected, "{bounds:?} {dtype} inclusive: {is_inclusive}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_range_counts_in_integers() {
    let error = catch(|| range_step(Tensor::scalar(0.0f32), 2.5, 1.0)).unwrap_err().to_string();
    assert!(error.contains("counts in integers, not in f32[]") && error.contains("ranges.rs"), "{error}");
}
