//! What a training run reports: figures by name, and the record of all epochs.

use std::fmt;

/// Figures by name, in order: `loss`, `accuracy`, `val_loss`, …
///
/// ```
/// use grafito::nn::Logs;
///
/// let logs = Logs::from_iter([("loss", 0.25), ("accuracy", 0.5)]);
/// assert_eq!(logs.get("accuracy"), Some(0.5));
/// assert_eq!(logs.to_string(), "loss 0.2500  accuracy 0.5000");
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Logs(Vec<(String, f64)>);

impl Logs {
    /// The figure of this name.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, figure)| *figure)
    }

    /// Adds a figure, or replaces the one of this name.
    ///
    /// ```
    /// use grafito::nn::Logs;
    ///
    /// let mut logs = Logs::from_iter([("loss", 0.5)]);
    /// logs.insert("loss", 0.25);
    /// logs.insert("rate", 0.1);
    /// assert_eq!(logs.iter().collect::<Vec<_>>(), [("loss", 0.25), ("rate", 0.1)]);
    /// ```
    pub fn insert(&mut self, name: impl Into<String>, figure: f64) {
        let name = name.into();
        match self.0.iter_mut().find(|(own, _)| *own == name) {
            Some((_, own)) => *own = figure,
            None => self.0.push((name, figure)),
        }
    }

    /// Names with their figures, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, f64)> {
        self.0.iter().map(|(name, figure)| (name.as_str(), *figure))
    }
}

impl<N: Into<String>> FromIterator<(N, f64)> for Logs {
    fn from_iter<I: IntoIterator<Item = (N, f64)>>(figures: I) -> Logs {
        let mut logs = Logs::default();
        figures.into_iter().for_each(|(name, figure)| logs.insert(name, figure));
        logs
    }
}

impl fmt::Display for Logs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (name, figure)) in self.iter().enumerate() {
            let separator = if i > 0 { "  " } else { "" };
            write!(f, "{separator}{name} {figure:.4}")?;
        }
        Ok(())
    }
}

/// What an epoch ended with.
///
/// ```
/// use grafito::nn::{Epoch, Logs};
///
/// let epoch = Epoch { number: 1, seconds: 0.5, logs: Logs::from_iter([("loss", 0.25)]) };
/// assert_eq!(epoch.logs.get("loss"), Some(0.25));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Epoch {
    /// Its number, counted from 1 over all calls of `fit`.
    pub number: usize,
    /// How long its training part took, in seconds.
    pub seconds: f64,
    /// Its figures.
    pub logs: Logs,
}

/// The record of a run of `fit`: an entry for each epoch that was completed.
///
/// ```
/// use grafito::nn::History;
///
/// let history = History::from_csv("epoch,seconds,loss\n1,0.5,0.25\n2,0.5,0.125\n")?;
/// assert_eq!(history.series("loss"), [0.25, 0.125]);
/// assert_eq!((history.first("loss"), history.last("loss")), (Some(0.25), Some(0.125)));
/// assert_eq!(history.names(), ["loss"]);
/// assert_eq!(history.epochs()[1].number, 2);
/// assert!(history.stopped().is_none());
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Source
/// `keras.callbacks.History`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct History {
    epochs: Vec<Epoch>,
    stopped: Option<String>,
}

impl History {
    /// The epochs, in order.
    pub fn epochs(&self) -> &[Epoch] {
        &self.epochs
    }

    /// A figure of all epochs; NaN where an epoch lacks it.
    pub fn series(&self, name: &str) -> Vec<f64> {
        self.epochs.iter().map(|epoch| epoch.logs.get(name).unwrap_or(f64::NAN)).collect()
    }

    /// A figure of the first epoch.
    pub fn first(&self, name: &str) -> Option<f64> {
        self.epochs.first()?.logs.get(name)
    }

    /// A figure of the last epoch.
    pub fn last(&self, name: &str) -> Option<f64> {
        self.epochs.last()?.logs.get(name)
    }

    /// Why training ended before its last epoch, if it did.
    pub fn stopped(&self) -> Option<&str> {
        self.stopped.as_deref()
    }

    /// The names of all figures, in the order in which they appeared.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for (name, _) in self.epochs.iter().flat_map(|epoch| epoch.logs.iter()) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// Adds an epoch: for a loop of one's own, as `fit` does it.
    ///
    /// ```
    /// use grafito::nn::{Epoch, History, Logs};
    ///
    /// let mut history = History::default();
    /// history.push(Epoch { number: 1, seconds: 0.5, logs: Logs::from_iter([("loss", 0.25)]) });
    /// assert_eq!(history.to_csv(), "epoch,seconds,loss\n1,0.5,0.25\n");
    /// ```
    pub fn push(&mut self, epoch: Epoch) {
        self.epochs.push(epoch);
    }

    /// Forgets the epochs after this one.
    pub(super) fn truncate(&mut self, last: usize) {
        self.epochs.retain(|epoch| epoch.number <= last);
    }

    pub(super) fn stop(&mut self, reason: String) {
        self.stopped = Some(reason);
    }
}
