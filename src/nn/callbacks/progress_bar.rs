//! Progress, as a bar on a terminal and as lines elsewhere.

use std::io::IsTerminal;

use indicatif::{ProgressBar as Bar, ProgressStyle};

use super::super::callback::{Batch, Callback, CallbackResult, Run};
use super::super::history::Logs;

/// Shows a bar for the epoch in training, with its figures so far, where the output is a terminal; and in any case a line
/// for each epoch. `fit` adds one unless it is told not to.
///
/// ```
/// use grafito::nn::{Fit, ProgressBar};
///
/// // Where other callbacks are to see the lines before their own, it is added by hand.
/// let fit = Fit { progress: false, ..Fit::default() }.with(ProgressBar::new());
/// assert_eq!(fit.callbacks.len(), 1);
/// ```
///
/// # Source
/// `keras.callbacks.ProgbarLogger`.
#[derive(Debug)]
pub struct ProgressBar {
    is_terminal: bool,
    bar: Bar,
    started: std::time::Instant,
}

/// Steps between two looks at the figures.
const REFRESH: usize = 50;

impl ProgressBar {
    /// For the standard output.
    pub fn new() -> ProgressBar {
        let is_terminal = std::io::stdout().is_terminal();
        ProgressBar { is_terminal, bar: Bar::hidden(), started: std::time::Instant::now() }
    }
}

impl Default for ProgressBar {
    fn default() -> ProgressBar {
        ProgressBar::new()
    }
}

impl Callback for ProgressBar {
    fn on_epoch_begin(&mut self, run: &mut Run<'_>) -> CallbackResult {
        self.started = std::time::Instant::now();
        if self.is_terminal {
            let template = match run.batches() {
                Some(_) => "{prefix} {bar:30} {pos}/{len} {elapsed} {msg}",
                None => "{prefix} {spinner} {pos} {elapsed} {msg}",
            };
            let style = ProgressStyle::with_template(template).expect("the template is valid");
            let bar = match run.batches() {
                Some(batches) => Bar::new(batches as u64),
                None => Bar::new_spinner(),
            };
            self.bar =
                bar.with_style(style).with_prefix(format!("epoch {}/{}", run.epoch(), run.last_epoch()));
        }
        Ok(())
    }

    fn on_batch_end(&mut self, run: &mut Run<'_>, batch: &Batch) -> CallbackResult {
        if self.is_terminal {
            self.bar.set_position(batch.number as u64);
            if batch.number.is_multiple_of(REFRESH) {
                self.bar.set_message(run.figures().to_string());
            }
        }
        Ok(())
    }

    fn on_epoch_end(&mut self, run: &mut Run<'_>, logs: &mut Logs) -> CallbackResult {
        self.bar.finish_and_clear();
        let width = run.last_epoch().to_string().len();
        let seconds = self.started.elapsed().as_secs_f64();
        println!("epoch {:>width$}/{}  {seconds:6.2} s  {logs}", run.epoch(), run.last_epoch());
        Ok(())
    }

    fn on_train_end(&mut self, run: &mut Run<'_>) -> CallbackResult {
        self.bar.finish_and_clear();
        if let Some(reason) = run.history().stopped() {
            println!("stopped in epoch {}: {reason}", run.epoch());
        }
        Ok(())
    }
}
