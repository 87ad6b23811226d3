//! The callbacks, one a file.

mod csv_logger;
mod early_stopping;
mod learning_rate_scheduler;
mod model_checkpoint;
mod monitor;
mod progress_bar;
mod tensor_board;
mod terminate_on_nan;

pub use csv_logger::CsvLogger;
pub use early_stopping::EarlyStopping;
pub use learning_rate_scheduler::LearningRateScheduler;
pub use model_checkpoint::ModelCheckpoint;
pub use progress_bar::ProgressBar;
pub use tensor_board::TensorBoard;
pub use terminate_on_nan::TerminateOnNan;
