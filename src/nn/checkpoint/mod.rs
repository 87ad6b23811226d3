//! Files that hold models, networks or any tree of tensors, and what can be wrong with them.

mod description;
mod error;
mod format;
mod model;
mod registry;
mod replace;
mod tree;

pub use error::{CheckpointError, CheckpointProblem, TrainingPart};
pub use registry::Registry;
pub use replace::{check_replaceable, replace_file};
pub use tree::{load_tree, save_tree};
