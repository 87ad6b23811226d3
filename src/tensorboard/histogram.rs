//! Histograms of values.

use super::messages::Histogram;

/// As many as `tf.summary.histogram` makes.
const BUCKETS: usize = 30;

impl Histogram {
    /// How the finite ones of `values` are spread: buckets of equal width from the least to the greatest.
    pub(super) fn of(values: impl Iterator<Item = f64> + Clone) -> Histogram {
        let values = values.filter(|value| value.is_finite());
        let mut histogram = Histogram { min: f64::INFINITY, max: f64::NEG_INFINITY, ..Histogram::default() };
        for value in values.clone() {
            histogram.min = histogram.min.min(value);
            histogram.max = histogram.max.max(value);
            histogram.count += 1.0;
            histogram.sum += value;
            histogram.sum_squares += value * value;
        }
        if histogram.count == 0.0 {
            return Histogram::default();
        }
        let (min, max) = (histogram.min, histogram.max);
        let count = if min == max { 1 } else { BUCKETS };
        // In halves: the range of finite numbers need not be finite.
        let half_width = max / 2.0 / count as f64 - min / 2.0 / count as f64;
        let edge = |number: usize| 2.0 * (min / 2.0 + half_width * number as f64);
        histogram.bucket_limit = (1..count).map(edge).chain([max]).collect();
        histogram.bucket = vec![0.0; count];
        for value in values {
            // Found among the very edges that are written.
            let bucket = histogram.bucket_limit[..count - 1].partition_point(|&limit| limit <= value);
            histogram.bucket[bucket] += 1.0;
        }
        histogram
    }
}
