//! Means and variances: composed of sums.

use graph_core::OpError;

use super::axes::Axes;
use crate::tensor::{Tensor, unwrap_or_raise};

/// Means and variances along axes; each has a twin that keeps the reduced axes with length 1.
impl Tensor {
    /// The mean along axes; NaN of nothing.
    ///
    /// # Gradient
    /// The cotangent, divided by the number of elements.
    ///
    /// # Panics
    /// When an axis is out of range or given twice, or the dtype no float.
    ///
    /// # Source
    /// `numpy.mean`.
    ///
    /// ```
    /// use graph_ops::Tensor;
    /// assert_eq!(Tensor::from([[1.0f32, 2.0], [3.0, 6.0]]).mean(..).item::<f32>(), 3.0);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn mean(&self, axes: impl Into<Axes>) -> Tensor {
        let (axes, count) = float_axes("mean", self, axes.into());
        self.sum(axes) / count
    }

    /// The same with the reduced axes kept, with length 1.
    #[must_use]
    #[track_caller]
    pub fn mean_keep(&self, axes: impl Into<Axes>) -> Tensor {
        let (axes, count) = float_axes("mean", self, axes.into());
        self.sum_keep(axes) / count
    }

    /// The variance along axes: the mean squared distance from the mean.
    ///
    /// # Gradient
    /// `2 g (x - mean) / count`
    ///
    /// # Panics
    /// When an axis is out of range or given twice, or the dtype no float.
    ///
    /// # Source
    /// `numpy.var`; for the unbiased estimate see [`Tensor::var_ddof`].
    ///
    /// ```
    /// use graph_ops::Tensor;
    /// assert_eq!(Tensor::from([1.0f32, 3.0]).var(..).item::<f32>(), 1.0);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn var(&self, axes: impl Into<Axes>) -> Tensor {
        self.var_ddof(axes, 0)
    }

    /// The same with the reduced axes kept, with length 1.
    #[must_use]
    #[track_caller]
    pub fn var_keep(&self, axes: impl Into<Axes>) -> Tensor {
        let (axes, count) = float_axes("var", self, axes.into());
        squared_distances(self, &axes).sum_keep(axes) / count
    }

    /// The variance with `ddof` fewer degrees of freedom: the sum of squared distances is divided by `count - ddof`.
    /// With 1 it is the unbiased estimate.
    ///
    /// # Panics
    /// As [`Tensor::var`].
    #[must_use]
    #[track_caller]
    pub fn var_ddof(&self, axes: impl Into<Axes>, ddof: usize) -> Tensor {
        let (axes, count) = float_axes("var", self, axes.into());
        squared_distances(self, &axes).sum(axes) / (count - ddof as f64).max(0.0)
    }
}

#[track_caller]
fn squared_distances(x: &Tensor, axes: &Axes) -> Tensor {
    let centered = x - x.mean_keep(axes.clone());
    &centered * &centered
}

/// The axes, and the number of elements along them.
#[track_caller]
fn float_axes(op: &str, x: &Tensor, axes: Axes) -> (Axes, f64) {
    let checked = match x.dtype().is_float() {
        true => axes.resolve(x.rank()),
        false => Err(OpError::UnsupportedDType { dtype: x.dtype(), accepts: "f32 and f64" }),
    };
    let resolved = unwrap_or_raise(op, checked, &[x]);
    let count: usize = resolved.iter().map(|&axis| x.shape()[axis]).product();
    (axes, count as f64)
}
