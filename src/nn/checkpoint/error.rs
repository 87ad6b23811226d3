//! What can be wrong with a checkpoint.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::super::error::ModelError;

/// Why a checkpoint cannot be written, read or used, with the file it is about.
///
/// ```
/// use grafito::nn::{CheckpointProblem, Sequential};
///
/// let error = Sequential::load("/no/such/file").unwrap_err();
/// assert!(matches!(error.problem, CheckpointProblem::Io { .. }));
/// assert!(error.to_string().starts_with("/no/such/file: cannot read it: "));
/// ```
#[derive(Error)]
#[error("{}: {problem}", .path.display())]
pub struct CheckpointError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub problem: CheckpointProblem,
}

impl CheckpointError {
    pub(super) fn at(path: &Path) -> impl FnOnce(CheckpointProblem) -> CheckpointError + '_ {
        |problem| CheckpointError { path: path.to_owned(), problem }
    }
}

/// As displayed: what `unwrap` and a `main` that returns the error print is for people.
impl std::fmt::Debug for CheckpointError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

/// What is wrong with a checkpoint.
///
/// ```
/// use grafito::nn::{CheckpointProblem, Registry, Sequential};
///
/// let problem = Sequential::from_json(r#"{"format": 99}"#, &Registry::new()).unwrap_err();
/// assert!(matches!(problem, CheckpointProblem::Version { found: 99, .. }));
/// ```
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CheckpointProblem {
    /// The operating system refused to read or write it.
    #[error("cannot {action} it: {reason}")]
    Io {
        /// The verb: `read`, `write`.
        action: &'static str,
        /// What the operating system said.
        reason: io::Error,
    },
    /// A folder, pipe or device.
    #[error("it is no regular file")]
    NoFile,
    /// Bytes that are no safetensors file: cut off, damaged, or something else altogether.
    #[error("it is no whole safetensors file: {0}")]
    Damaged(String),
    /// A tensor of a dtype that there is not here.
    #[error("the tensor `{name}` is {dtype}, for which there is no dtype here")]
    DType {
        /// Name of the tensor.
        name: String,
        /// Its dtype in the file.
        dtype: String,
    },
    /// Two tensors that would have one name in the file.
    #[error("two tensors are named `{0}`")]
    SameName(String),
    /// A file of tensors alone, where a model is expected.
    #[error("it holds tensors, but no model")]
    NoModel,
    /// A description of a model that makes no sense.
    #[error("its description of the model: {0}")]
    Description(String),
    /// A file of a version to come.
    #[error("it has format {found}, and this program reads up to {known}")]
    Version {
        /// The version in the file.
        found: u64,
        /// The latest version known.
        known: u64,
    },
    /// A kind of layer that the registry does not know.
    #[error(
        "layer `{layer}` is a {kind}, which is not registered; `Registry::add_layer(\"{kind}\")` with its type makes it \
         known to `load_with`"
    )]
    UnknownKind {
        /// Name of the layer.
        layer: String,
        /// Its kind.
        kind: String,
    },
    /// Settings that a kind of layer does not have.
    #[error("layer `{layer}` ({kind}): {reason}")]
    Settings {
        /// Name of the layer.
        layer: String,
        /// Its kind.
        kind: String,
        /// What is wrong.
        reason: String,
    },
    /// A kind of optimizer, schedule, loss or metric that the registry does not know.
    #[error(
        "the {part} is a {kind}, which is not registered; `Registry::{}(\"{kind}\", ..)` makes it known to \
         `Model::load_with`", .part.method()
    )]
    UnknownPart {
        /// What of the model's training it is.
        part: TrainingPart,
        /// Its kind.
        kind: String,
    },
    /// Settings that a kind of optimizer, schedule, loss or metric does not have.
    #[error("the {part} ({kind}): {reason}")]
    PartSettings {
        /// What of the model's training it is.
        part: TrainingPart,
        /// Its kind.
        kind: String,
        /// What is wrong.
        reason: String,
    },
    /// What is to be restored differs from what the file holds.
    #[error("it does not fit: {}", list(.0))]
    Differs(Vec<String>),
    /// A description of a model that cannot be built.
    #[error(transparent)]
    Model(Box<ModelError>),
}

/// What a model is trained by, of which there are kinds.
///
/// ```
/// use grafito::nn::{CheckpointProblem, Registry, TrainingPart};
///
/// let problem = Registry::new().schedule(&serde_json::json!({ "kind": "Zigzag" })).unwrap_err();
/// assert!(matches!(problem, CheckpointProblem::UnknownPart { part: TrainingPart::Schedule, .. }));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrainingPart {
    /// What updates the weights.
    Optimizer,
    /// What gives the learning rate.
    Schedule,
    /// What is made smaller.
    Loss,
    /// What is reported beside it.
    Metric,
}

impl TrainingPart {
    /// The method of `Registry` that adds a kind.
    fn method(self) -> &'static str {
        match self {
            TrainingPart::Optimizer => "add_optimizer",
            TrainingPart::Schedule => "add_schedule",
            TrainingPart::Loss => "add_loss",
            TrainingPart::Metric => "add_metric",
        }
    }
}

impl fmt::Display for TrainingPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TrainingPart::Optimizer => "optimizer",
            TrainingPart::Schedule => "schedule",
            TrainingPart::Loss => "loss",
            TrainingPart::Metric => "metric",
        })
    }
}

impl From<ModelError> for CheckpointProblem {
    fn from(error: ModelError) -> CheckpointProblem {
        CheckpointProblem::Model(Box::new(error))
    }
}

/// The first differences, and how many more there are.
fn list(differences: &[String]) -> String {
    const SHOWN: usize = 8;
    let shown = differences[..differences.len().min(SHOWN)].join("; ");
    match differences.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown}; and {more} more"),
    }
}
