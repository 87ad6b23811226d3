//! The layers that make images smaller: one element of each window and channel is left.

use grafito::{Fact, Padding, Tensor};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::super::config;
use super::super::error::LayerError;
use super::super::layer::{Build, Layer, Pass};
use super::windows::{PaddingInFiles, Windows, image};

/// Layers of pooling: documentation, name, what is left of a window.
macro_rules! pooling {
    ($($(#[$doc:meta])* $Layer:ident $kind:literal $method:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $Layer {
            window: [usize; 2],
            strides: [usize; 2],
            #[serde(with = "PaddingInFiles")]
            padding: Padding,
        }

        impl $Layer {
            /// With windows of this height and width, side by side, without padding.
            pub fn new(window: [usize; 2]) -> $Layer {
                $Layer { window, strides: window, padding: Padding::Valid }
            }

            /// Rows and columns from one window to the next.
            #[must_use]
            pub fn strides(self, strides: [usize; 2]) -> $Layer {
                $Layer { strides, ..self }
            }

            /// What is around an image.
            #[must_use]
            pub fn padding(self, padding: Padding) -> $Layer {
                $Layer { padding, ..self }
            }
        }

        impl Layer for $Layer {
            fn kind(&self) -> &'static str {
                $kind
            }

            fn build(&self, input: &Fact, _: &mut Build) -> Result<Fact, LayerError> {
                LayerError::unless_float(input)?;
                let [height, width, channels] = image(input)?;
                let (size, strides, padding) = (self.window, self.strides, self.padding);
                let [rows, columns] =
                    Windows { size, strides, dilation: [1, 1], padding }.count(height, width)?;
                Ok(Fact::new(input.dtype, [rows, columns, channels]))
            }

            fn forward(&self, x: &Tensor, _: &mut Pass<'_>) -> Tensor {
                x.$method(self.window, self.strides, self.padding)
            }

            fn config(&self) -> Json {
                config(self)
            }
        }
    )*};
}

pooling! {
    /// The largest element of each window, for each channel.
    ///
    /// # Shape
    /// `[n, height, width, channels] -> [n, rows of windows, columns of windows, channels]`
    ///
    /// # Source
    /// `keras.layers.MaxPooling2D`.
    ///
    /// ```
    /// use grafito::nn::{MaxPool2D, Sequential};
    /// use grafito::prelude::*;
    ///
    /// let mut network = Sequential::new().input([26, 26, 32]).add(MaxPool2D::new([2, 2]));
    /// let y = network.predict(&Tensor::zeros([5, 26, 26, 32], DType::F32)).unwrap();
    /// assert_eq!(y.shape(), &Shape::from([5, 13, 13, 32]));
    /// // Windows that overlap, also over the edge.
    /// let overlapping = MaxPool2D::new([3, 3]).strides([2, 2]).padding(Padding::Same);
    /// let y = Sequential::new().add(overlapping).predict(&Tensor::zeros([5, 27, 27, 32], DType::F32)).unwrap();
    /// assert_eq!(y.shape(), &Shape::from([5, 14, 14, 32]));
    /// ```
    MaxPool2D "MaxPool2D" max_pool2d;

    /// The mean of each window, for each channel; padding does not count.
    ///
    /// # Shape
    /// `[n, height, width, channels] -> [n, rows of windows, columns of windows, channels]`
    ///
    /// # Source
    /// `keras.layers.AveragePooling2D`.
    ///
    /// ```
    /// use grafito::nn::{AvgPool2D, Sequential};
    /// use grafito::prelude::*;
    ///
    /// let mut network = Sequential::new().input([4, 4, 1]).add(AvgPool2D::new([4, 2]));
    /// let y = network.predict(&Tensor::ones([1, 4, 4, 1], DType::F32)).unwrap();
    /// assert_eq!(y.to_vec::<f32>(), [1.0, 1.0]);
    /// // Windows that overlap, also over the edge.
    /// let overlapping = AvgPool2D::new([3, 3]).strides([2, 2]).padding(Padding::Same);
    /// let y = Sequential::new().add(overlapping).predict(&Tensor::ones([1, 4, 4, 1], DType::F32)).unwrap();
    /// assert_eq!(y.to_vec::<f32>(), [1.0; 4]);
    /// ```
    AvgPool2D "AvgPool2D" avg_pool2d;
}

/// The mean of each image, for each channel.
///
/// # Shape
/// `[n, height, width, channels] -> [n, channels]`
///
/// # Source
/// `keras.layers.GlobalAveragePooling2D`.
///
/// ```
/// use grafito::nn::{GlobalAveragePool, Sequential};
/// use grafito::prelude::*;
///
/// let mut network = Sequential::new().input([7, 7, 64]).add(GlobalAveragePool);
/// let y = network.predict(&Tensor::zeros([5, 7, 7, 64], DType::F32)).unwrap();
/// assert_eq!(y.shape(), &Shape::from([5, 64]));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct GlobalAveragePool;

impl Layer for GlobalAveragePool {
    fn kind(&self) -> &'static str {
        "GlobalAveragePool"
    }

    fn build(&self, input: &Fact, _: &mut Build) -> Result<Fact, LayerError> {
        LayerError::unless_float(input)?;
        let [_, _, channels] = image(input)?;
        Ok(Fact::new(input.dtype, [channels]))
    }

    fn forward(&self, x: &Tensor, _: &mut Pass<'_>) -> Tensor {
        x.global_avg_pool2d()
    }

    fn config(&self) -> Json {
        config(self)
    }
}
