//! Training: layers, losses, optimizers and metrics, and the models that are made of them.
//!
//! ```
//! use grafito::datasets::{Dataset, synthetic_digits};
//! use grafito::nn::{Accuracy, Dense, Fit, Flatten, Relu, Rescaling, Sequential, Sgd, Softmax, SparseCrossEntropy};
//!
//! let digits = synthetic_digits(256, 64, 1);
//! let mut model = Sequential::new()
//!     .add(Rescaling::new(1.0 / 255.0))
//!     .add(Flatten)
//!     .add(Dense::new(32).activation(Relu))
//!     .add(Dense::new(10).activation(Softmax))
//!     .compile(Sgd::new(0.1), SparseCrossEntropy::new(), Accuracy);
//! let history = model.fit(&Dataset::from(&digits.train), Fit { epochs: 5, progress: false, ..Fit::default() })?;
//! assert!(history.last("loss").unwrap() < history.first("loss").unwrap());
//! # Ok::<(), grafito::nn::ModelError>(())
//! ```
//!
//! Everything here is built from the public API: a training step is a `#[graph_fn]` on trees of tensors, and one's own
//! loop over one's own structs is as good. `docs/keras.md` maps the names of Keras to these.

mod activation;
mod callback;
mod callbacks;
mod checkpoint;
mod confusion_matrix;
mod error;
mod fit;
mod glorot_uniform;
mod hint;
mod history;
mod history_csv;
mod history_plot;
mod initializer;
mod layer;
mod layers;
mod loss;
mod losses;
mod metric;
mod metrics;
mod model;
mod named;
mod network;
mod optimizer;
mod optimizers;
mod program;
mod regularizer;
mod schedule;
mod schedules;
mod sequential;
mod sgd_update;
mod summary;
mod variables;

// In reading order: the parts of a model, the model, how it is trained and watched.
pub use activation::Activation::{self, Elu, Gelu, Linear, Relu, Sigmoid, Silu, Softmax, Softplus, Tanh};
pub use confusion_matrix::ConfusionMatrix;
pub use error::{LayerError, ModelError};
pub use glorot_uniform::glorot_uniform;
pub use initializer::Initializer;
pub use layer::{Build, Layer, Pass, Weight};
pub use layers::{
    AvgPool2D, BatchNorm, Conv2D, Dense, Dropout, Embedding, Flatten, Function, GlobalAveragePool, LayerNorm,
    MaxPool2D, Rescaling,
};
pub use loss::{Loss, Predictions};
pub use losses::{
    BinaryCrossEntropy, CrossEntropy, Hinge, Huber, MeanAbsoluteError, MeanSquaredError, SparseCrossEntropy,
};
pub use metric::{Metric, Metrics, NamedMetric};
pub use metrics::{Accuracy, Auc, Precision, Recall, TopKAccuracy};
pub use model::Model;
pub use network::{Network, Weights};
pub use optimizer::{Optimizer, OptimizerState, Update};
pub use optimizers::{Adagrad, Adam, AdamW, Clip, RmsProp, Sgd};
pub use regularizer::Regularizer;
pub use schedule::LearningRateSchedule;
pub use schedules::{CosineDecay, ExponentialDecay, StepDecay, WarmUp};
pub use sequential::Sequential;
pub use sgd_update::sgd_update;
pub use summary::Summary;
pub use variables::Variables;

pub use callback::{Batch, Callback, CallbackResult, Run};
pub use callbacks::{
    CsvLogger, EarlyStopping, LearningRateScheduler, ModelCheckpoint, ProgressBar, TensorBoard,
    TerminateOnNan,
};
pub use checkpoint::{
    CheckpointError, CheckpointProblem, Registry, TrainingPart, check_replaceable, load_tree, replace_file,
    save_tree,
};
pub use fit::{Fit, StopFlag, Validation};
pub use history::{Epoch, History, Logs};

/// The same names, with a number from the second of a name on, as Keras gives it: `accuracy`, `accuracy_1`, …
fn distinct(names: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut taken: Vec<String> = Vec::new();
    for name in names {
        let numbered = (1..).map(|number| format!("{name}_{number}"));
        let free = std::iter::once(name.clone()).chain(numbered).find(|name| !taken.contains(name));
        taken.push(free.expect("numbers do not end"));
    }
    taken
}

/// Settings as they are kept in files.
fn config(settings: &impl serde::Serialize) -> serde_json::Value {
    serde_json::to_value(settings).expect("settings are numbers, names and flags")
}
