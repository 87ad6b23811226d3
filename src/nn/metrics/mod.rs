//! The metrics, one a file.

mod accuracy;
mod auc;
mod one_class;
mod precision;
mod recall;
mod top_k_accuracy;

pub use accuracy::Accuracy;
pub use auc::Auc;
pub use precision::Precision;
pub use recall::Recall;
pub use top_k_accuracy::TopKAccuracy;
