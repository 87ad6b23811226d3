//! A figure that is watched for its best value.

use grafito::Tensor;

use super::super::history::Logs;
use super::super::variables::Variables;

/// A figure, which way it gets better, and the best so far.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Monitor {
    name: String,
    grows: bool,
    least_change: f64,
    best: Option<f64>,
}

/// The words of a figure's name that tell that more of it is better. The documentation of `EarlyStopping::new` has them.
const GROWING: [&str; 5] = ["acc", "accuracy", "auc", "precision", "recall"];

impl Monitor {
    /// A figure by its name, from whose words it is guessed which way is better.
    pub(super) fn new(name: impl Into<String>) -> Monitor {
        let name = name.into();
        let mut words = name.split(|c: char| !c.is_alphanumeric());
        let grows = words.any(|word| GROWING.iter().any(|growing| growing.eq_ignore_ascii_case(word)));
        Monitor { name, grows, least_change: 0.0, best: None }
    }

    pub(super) fn growing(self, grows: bool) -> Monitor {
        Monitor { grows, ..self }
    }

    pub(super) fn least_change(self, least_change: f64) -> Monitor {
        Monitor { least_change, ..self }
    }

    pub(super) fn starting_from(self, best: f64) -> Monitor {
        Monitor { best: Some(best), ..self }
    }

    pub(super) fn best(&self) -> Option<f64> {
        self.best
    }

    /// There is no best any more.
    pub(super) fn forget(&mut self) {
        self.best = None;
    }

    /// Under what name something that has to do with the figure is remembered: a callback that watches another one has
    /// nothing to do with it.
    pub(super) fn key(&self, what: &str) -> String {
        format!("{}/{what}", self.name)
    }

    /// What is remembered: the best, once there is one.
    pub(super) fn state(&self) -> Variables {
        self.best.map(|best| (self.key("best"), Tensor::scalar(best))).into_iter().collect()
    }

    /// Takes the best that was remembered, unless there is a better one.
    pub(super) fn restore(&mut self, state: &Variables) -> Result<(), grafito::Error> {
        if let Some(best) = state.get(&self.key("best")) {
            let best = best.try_item::<f64>()?;
            if self.is_better(best, 0.0) {
                self.best = Some(best);
            }
        }
        Ok(())
    }

    /// NaN never is.
    fn is_better(&self, figure: f64, least_change: f64) -> bool {
        match self.best {
            None => !figure.is_nan(),
            Some(best) if self.grows => figure > best + least_change,
            Some(best) => figure < best - least_change,
        }
    }

    /// Whether the figure is better than ever.
    pub(super) fn improves(&mut self, logs: &Logs) -> Result<bool, String> {
        let Some(figure) = logs.get(&self.name) else {
            let names: Vec<&str> = logs.iter().map(|(name, _)| name).collect();
            return Err(format!("there is no figure `{}`; there are {}", self.name, names.join(", ")));
        };
        let is_better = self.is_better(figure, self.least_change);
        if is_better {
            self.best = Some(figure);
        }
        Ok(is_better)
    }
}
