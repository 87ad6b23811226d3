//! Training: what updates parameters and what they start as.

mod init;
mod sgd;

pub use init::glorot_uniform;
pub use sgd::sgd_update;
