//! A figure that is watched for its best value.

use super::super::history::Logs;

/// A figure, which way it gets better, and the best so far.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Monitor {
    name: String,
    grows: bool,
    least_change: f64,
    best: Option<f64>,
}

/// What in a figure's name tells that more of it is better.
const GROWING: [&str; 5] = ["acc", "auc", "precision", "recall", "top"];

impl Monitor {
    /// A figure by its name, from which it is guessed which way is better, as Keras does.
    pub(super) fn new(name: impl Into<String>) -> Monitor {
        let name = name.into();
        let grows = GROWING.iter().any(|part| name.contains(part));
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

    /// Whether the figure is better than ever; NaN never is.
    pub(super) fn improves(&mut self, logs: &Logs) -> Result<bool, String> {
        let Some(figure) = logs.get(&self.name) else {
            let names: Vec<&str> = logs.iter().map(|(name, _)| name).collect();
            return Err(format!("there is no figure `{}`; there are {}", self.name, names.join(", ")));
        };
        let is_better = match self.best {
            None => !figure.is_nan(),
            Some(best) if self.grows => figure > best + self.least_change,
            Some(best) => figure < best - self.least_change,
        };
        if is_better {
            self.best = Some(figure);
        }
        Ok(is_better)
    }
}
