//! The layer of filters that slide over images.

use grafito::{Fact, Padding, Tensor};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::super::activation::Activation;
use super::super::config;
use super::super::error::LayerError;
use super::super::initializer::Initializer;
use super::super::layer::{Build, Layer, Pass};
use super::super::regularizer::Regularizer;
use super::windows::{PaddingInFiles, Windows, image};

/// `activation(conv2d(x, kernel) + bias)`: each filter looks at all windows of an image.
///
/// # Shape
/// `[n, height, width, channels] -> [n, rows of windows, columns of windows, filters]`; weights `kernel` `[window height,
/// window width, channels, filters]` and `bias` `[filters]`. [`Padding`] says how many windows there are.
///
/// # Source
/// `keras.layers.Conv2D`.
///
/// ```
/// use grafito::nn::{Conv2D, Relu, Sequential};
/// use grafito::prelude::*;
///
/// let mut network = Sequential::new().input([28, 28, 1]).add(Conv2D::new(32, [3, 3]).activation(Relu));
/// let y = network.predict(&Tensor::zeros([5, 28, 28, 1], DType::F32)).unwrap();
/// assert_eq!(y.shape(), &Shape::from([5, 26, 26, 32]));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conv2D {
    filters: usize,
    window: [usize; 2],
    strides: [usize; 2],
    dilation: [usize; 2],
    #[serde(with = "PaddingInFiles")]
    padding: Padding,
    activation: Activation,
    use_bias: bool,
    kernel_initializer: Initializer,
    bias_initializer: Initializer,
    kernel_regularizer: Option<Regularizer>,
}

impl Conv2D {
    /// So many filters with windows of this height and width, one at every pixel, without padding; linear, with a bias;
    /// the kernel starts as [`Initializer::GlorotUniform`].
    pub fn new(filters: usize, window: [usize; 2]) -> Conv2D {
        Conv2D {
            filters,
            window,
            strides: [1, 1],
            dilation: [1, 1],
            padding: Padding::Valid,
            activation: Activation::Linear,
            use_bias: true,
            kernel_initializer: Initializer::GlorotUniform,
            bias_initializer: Initializer::Zeros,
            kernel_regularizer: None,
        }
    }

    /// Rows and columns from one window to the next.
    ///
    /// ```
    /// use grafito::nn::{Conv2D, Sequential};
    /// use grafito::prelude::*;
    ///
    /// let mut network = Sequential::new().input([9, 9, 1]).add(Conv2D::new(2, [3, 3]).strides([2, 2]));
    /// let y = network.predict(&Tensor::zeros([1, 9, 9, 1], DType::F32))?;
    /// assert_eq!(y.shape(), &Shape::from([1, 4, 4, 2]));
    /// # Ok::<(), grafito::nn::ModelError>(())
    /// ```
    #[must_use]
    pub fn strides(self, strides: [usize; 2]) -> Conv2D {
        Conv2D { strides, ..self }
    }

    /// Rows and columns from an element of a window to the next.
    ///
    /// ```
    /// use grafito::nn::{Conv2D, Sequential};
    /// use grafito::prelude::*;
    ///
    /// let mut network = Sequential::new().input([9, 9, 1]).add(Conv2D::new(2, [3, 3]).dilation([2, 2]));
    /// let y = network.predict(&Tensor::zeros([1, 9, 9, 1], DType::F32))?;
    /// assert_eq!(y.shape(), &Shape::from([1, 5, 5, 2]));
    /// # Ok::<(), grafito::nn::ModelError>(())
    /// ```
    #[must_use]
    pub fn dilation(self, dilation: [usize; 2]) -> Conv2D {
        Conv2D { dilation, ..self }
    }

    /// What is around an image.
    ///
    /// ```
    /// use grafito::nn::{Conv2D, Sequential};
    /// use grafito::prelude::*;
    ///
    /// let mut network = Sequential::new().input([9, 9, 1]).add(Conv2D::new(2, [3, 3]).padding(Padding::Same));
    /// let y = network.predict(&Tensor::zeros([1, 9, 9, 1], DType::F32))?;
    /// assert_eq!(y.shape(), &Shape::from([1, 9, 9, 2]));
    /// # Ok::<(), grafito::nn::ModelError>(())
    /// ```
    #[must_use]
    pub fn padding(self, padding: Padding) -> Conv2D {
        Conv2D { padding, ..self }
    }

    /// What is applied to the outputs.
    #[must_use]
    pub fn activation(self, activation: Activation) -> Conv2D {
        Conv2D { activation, ..self }
    }

    /// Leaves the bias out.
    ///
    /// ```
    /// use grafito::nn::{Conv2D, Sequential};
    /// use grafito::prelude::*;
    ///
    /// let mut network = Sequential::new().input([9, 9, 1]).add(Conv2D::new(2, [3, 3]).without_bias());
    /// assert_eq!(network.build()?.weights().names(), ["conv2d/kernel"]);
    /// # Ok::<(), grafito::nn::ModelError>(())
    /// ```
    #[must_use]
    pub fn without_bias(self) -> Conv2D {
        Conv2D { use_bias: false, ..self }
    }

    /// What the kernel starts as.
    ///
    /// ```
    /// use grafito::nn::{Conv2D, Initializer, Sequential};
    /// use grafito::prelude::*;
    ///
    /// let mut network = Sequential::new().input([9, 9, 1]).add(Conv2D::new(2, [3, 3]).kernel_initializer(Initializer::Ones));
    /// let y = network.predict(&Tensor::ones([1, 9, 9, 1], DType::F32))?;
    /// assert!(y.to_vec::<f32>().iter().all(|&sum| sum == 9.0));
    /// # Ok::<(), grafito::nn::ModelError>(())
    /// ```
    #[must_use]
    pub fn kernel_initializer(self, kernel_initializer: Initializer) -> Conv2D {
        Conv2D { kernel_initializer, ..self }
    }

    /// What the bias starts as.
    ///
    /// ```
    /// use grafito::nn::{Conv2D, Initializer, Sequential};
    /// use grafito::prelude::*;
    ///
    /// let mut network = Sequential::new().input([9, 9, 1]).add(Conv2D::new(2, [3, 3]).bias_initializer(Initializer::Constant(0.5)));
    /// let y = network.predict(&Tensor::zeros([1, 9, 9, 1], DType::F32))?;
    /// assert!(y.to_vec::<f32>().iter().all(|&bias| bias == 0.5));
    /// # Ok::<(), grafito::nn::ModelError>(())
    /// ```
    #[must_use]
    pub fn bias_initializer(self, bias_initializer: Initializer) -> Conv2D {
        Conv2D { bias_initializer, ..self }
    }

    /// What a large kernel costs.
    ///
    /// ```
    /// use grafito::nn::{Conv2D, Regularizer, Sequential};
    /// use grafito::prelude::*;
    ///
    /// let mut network = Sequential::new().input([9, 9, 1]).add(Conv2D::new(2, [3, 3]).kernel_regularizer(Regularizer::l2(0.1)));
    /// let (network, _) = network.into_parts()?;
    /// assert_eq!(network.weights()[0].regularizer, Some(Regularizer::l2(0.1)));
    /// # let _ = DType::F32;
    /// # Ok::<(), grafito::nn::ModelError>(())
    /// ```
    #[must_use]
    pub fn kernel_regularizer(self, regularizer: Regularizer) -> Conv2D {
        Conv2D { kernel_regularizer: Some(regularizer), ..self }
    }
}

impl Layer for Conv2D {
    fn kind(&self) -> &'static str {
        "Conv2D"
    }

    fn build(&self, input: &Fact, build: &mut Build) -> Result<Fact, LayerError> {
        LayerError::unless_positive("the number of filters", self.filters)?;
        LayerError::unless_f32(input)?;
        let [height, width, channels] = image(input)?;
        let (size, strides) = (self.window, self.strides);
        let windows = Windows { size, strides, dilation: self.dilation, padding: self.padding };
        let [rows, columns] = windows.count(height, width)?;
        build
            .trainable("kernel", [size[0], size[1], channels, self.filters], self.kernel_initializer)
            .regularized(self.kernel_regularizer);
        if self.use_bias {
            build.trainable("bias", [self.filters], self.bias_initializer);
        }
        Ok(Fact::new(input.dtype, [rows, columns, self.filters]))
    }

    fn forward(&self, x: &Tensor, pass: &mut Pass<'_>) -> Tensor {
        let product = x.conv2d_dilated(&pass.weight("kernel"), self.strides, self.padding, self.dilation);
        let sum = if self.use_bias { product + pass.weight("bias") } else { product };
        pass.activate(self.activation, &sum)
    }

    fn last_activation(&self) -> Option<Activation> {
        Some(self.activation)
    }

    fn config(&self) -> Json {
        config(self)
    }
}
