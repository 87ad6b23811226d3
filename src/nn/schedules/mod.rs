//! The schedules of learning rates, one a file. A number is one, too: the constant rate.

mod cosine_decay;
mod exponential_decay;
mod step_decay;
mod warm_up;

pub use cosine_decay::CosineDecay;
pub use exponential_decay::ExponentialDecay;
pub use step_decay::StepDecay;
pub use warm_up::WarmUp;
