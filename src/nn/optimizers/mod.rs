//! The optimizers, one a file.

mod adagrad;
mod adam;
mod adam_w;
mod clip;
mod rms_prop;
mod sgd;
mod weight_decay;

pub use adagrad::Adagrad;
pub use adam::Adam;
pub use adam_w::AdamW;
pub(super) use clip::By;
pub use clip::Clip;
pub use rms_prop::RmsProp;
pub use sgd::Sgd;
