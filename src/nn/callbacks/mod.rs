//! The callbacks, one a file.

mod progress_bar;

pub use progress_bar::ProgressBar;
