//! What can be wrong with a model, its layers and its data.

use grafito::{DType, Fact, Origin};
use thiserror::Error;

/// Why a layer cannot be built.
///
/// ```
/// use grafito::Fact;
/// use grafito::nn::LayerError;
/// use grafito::prelude::*;
///
/// let pixels = Fact::new(DType::U8, [784]);
/// let error = LayerError::unless_f32(&pixels).unwrap_err();
/// let message = "takes f32, and an example is u8[784]; `Rescaling::new(1.0 / 255.0)` before it makes f32 of pixels";
/// assert_eq!(error.to_string(), message);
/// assert_eq!(LayerError::last_axis(&pixels, "an axis of features"), Ok(784));
/// assert!(LayerError::unless_positive("the number of units", 0).is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum LayerError {
    /// The layer takes another number of axes.
    #[error("takes {expected}, and an example is {found}")]
    Shape {
        /// What it takes, in words.
        expected: String,
        /// An example.
        found: Fact,
    },
    /// The layer takes another dtype.
    #[error("takes {expected}, and an example is {found}; {}", remedy(.expected, .found.dtype))]
    DType {
        /// What it takes, in words.
        expected: &'static str,
        /// An example.
        found: Fact,
    },
    /// A setting that makes no sense.
    #[error("{0}")]
    Setting(String),
}

/// What is usually missing where a layer is given another dtype than it takes.
fn remedy(expected: &str, found: DType) -> &'static str {
    match found {
        DType::U8 => "`Rescaling::new(1.0 / 255.0)` before it makes f32 of pixels",
        // An input is of f32 unless it is said to be of another dtype.
        DType::F32 if expected == "integers" => {
            "`.input_of(DType::I64, ..)` says that the input is of integers"
        }
        _ => "cast the data first, as with `.map(|x, y| (x.cast(DType::F32), y))`",
    }
}

impl LayerError {
    /// An error from a sentence.
    ///
    /// ```
    /// use grafito::nn::LayerError;
    ///
    /// assert_eq!(LayerError::setting("two heads are too many").to_string(), "two heads are too many");
    /// ```
    pub fn setting(message: impl Into<String>) -> LayerError {
        LayerError::Setting(message.into())
    }

    /// Fails unless an example is of floats.
    ///
    /// ```
    /// use grafito::Fact;
    /// use grafito::nn::LayerError;
    /// use grafito::prelude::*;
    ///
    /// assert!(LayerError::unless_float(&Fact::new(DType::F64, [3])).is_ok());
    /// assert!(LayerError::unless_float(&Fact::new(DType::I64, [3])).is_err());
    /// ```
    ///
    /// # Errors
    /// [`LayerError::DType`].
    pub fn unless_float(input: &Fact) -> Result<(), LayerError> {
        if input.dtype.is_float() {
            return Ok(());
        }
        Err(LayerError::DType { expected: "floats", found: input.clone() })
    }

    /// Fails unless an example is of f32, as weights are.
    ///
    /// # Errors
    /// [`LayerError::DType`].
    pub fn unless_f32(input: &Fact) -> Result<(), LayerError> {
        if input.dtype == DType::F32 {
            return Ok(());
        }
        Err(LayerError::DType { expected: "f32", found: input.clone() })
    }

    /// The length of the last axis of an example. `expected` says in words what the layer takes.
    ///
    /// # Errors
    /// [`LayerError::Shape`] for a scalar.
    pub fn last_axis(input: &Fact, expected: &str) -> Result<usize, LayerError> {
        let none = || LayerError::Shape { expected: expected.to_owned(), found: input.clone() };
        input.shape.last().copied().ok_or_else(none)
    }

    /// Fails unless a number of units, channels or the like is positive.
    ///
    /// # Errors
    /// [`LayerError::Setting`].
    pub fn unless_positive(what: &str, number: usize) -> Result<(), LayerError> {
        if number > 0 {
            return Ok(());
        }
        Err(LayerError::setting(format!("{what} is 0, expected at least 1")))
    }
}

/// Why a model cannot be built, trained or used.
///
/// ```
/// use grafito::nn::{Dense, ModelError, Sequential};
///
/// let error = Sequential::new().input([3]).add(Dense::new(0)).build().unwrap_err();
/// assert!(matches!(&error, ModelError::Layer { name, .. } if name == "dense"));
/// assert!(error.to_string().ends_with("the number of units is 0, expected at least 1"));
/// ```
#[derive(Error)]
#[non_exhaustive]
pub enum ModelError {
    /// A layer refuses its input or its settings.
    #[error("layer `{name}` ({kind}, added at {origin}): {reason}")]
    Layer {
        /// Name of the layer.
        name: String,
        /// Its kind.
        kind: &'static str,
        /// Where it was added.
        origin: Origin,
        /// What is wrong.
        reason: Box<LayerError>,
    },
    /// Two layers with one name.
    #[error("two layers are named `{name}`: at {first} and at {second}")]
    SameName {
        /// The name.
        name: String,
        /// Where the first was added.
        first: Origin,
        /// Where the second was added.
        second: Origin,
    },
    /// A network that has not been built is asked for what it only has then.
    #[error(
        "the network is not built, as the shape of its input is not known yet; give it with `.input(..)`, or show the \
         model data"
    )]
    NotBuilt,
    /// A network of nothing.
    #[error("the network has no layers; `.add(..)` adds one")]
    NoLayers,
    /// Data that the model was not built for.
    #[error("the model takes examples that are {expected}, and was given {found}")]
    Input {
        /// What it was built for.
        expected: Fact,
        /// What it was given.
        found: Fact,
    },
    /// Data that makes no batches.
    #[error("data: {0}")]
    Data(String),
    /// An operation of a step failed.
    #[error(transparent)]
    Step(#[from] grafito::Error),
    /// A callback failed.
    #[error("callback `{name}`: {reason}")]
    Callback {
        /// Its name.
        name: String,
        /// What it said.
        reason: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A weight of another dtype or shape.
    #[error("the weight `{name}` is {expected}, and was given {found}")]
    Weight {
        /// Name of the weight.
        name: String,
        /// What it is.
        expected: Box<Fact>,
        /// What it was given.
        found: Box<Fact>,
    },
    /// A weight that there is not.
    #[error("the model has no weight `{name}`; it has {}", list(.known))]
    NoWeight {
        /// The name.
        name: String,
        /// The names of those that it has.
        known: Vec<String>,
    },
    /// A weight, or the output of a layer, that no memory holds.
    #[error("`{name}`, {fact}, is too large")]
    TooLarge {
        /// Name of the weight or layer.
        name: String,
        /// What it would be.
        fact: Fact,
    },
}

/// Names, at most some of them.
fn list(names: &[String]) -> String {
    const SHOWN: usize = 8;
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    match names.len() {
        0 => "none".to_owned(),
        number if number > SHOWN => format!("{}, and {} more", shown.join(", "), number - SHOWN),
        _ => shown.join(", "),
    }
}

/// As displayed: what `unwrap` and a `main` that returns the error print is for people.
impl std::fmt::Debug for ModelError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}
