//! Which classes are taken for which.

use std::fmt;

use grafito::datasets::Dataset;
use grafito::{DType, Tensor};

use super::error::ModelError;
use super::model::Model;

/// How many examples of each class were predicted as each class.
///
/// ```
/// use grafito::nn::ConfusionMatrix;
/// use grafito::prelude::*;
///
/// let scores = Tensor::from([[0.9f32, 0.1], [0.2, 0.8], [0.3, 0.7]]);
/// let counts = ConfusionMatrix::count(&scores, &Tensor::from([0u8, 0, 1]));
/// assert_eq!(counts.to_vec::<i64>(), [1, 1, 0, 1]);
/// let matrix = ConfusionMatrix::from_counts(&counts, ["cat", "dog"]);
/// assert_eq!((matrix.of(0, 1), matrix.precision(1), matrix.recall(0)), (1, 0.5, 0.5));
/// println!("{matrix}");
/// ```
///
/// # Source
/// `tf.math.confusion_matrix`, `sklearn.metrics.confusion_matrix`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfusionMatrix {
    names: Vec<String>,
    /// A row for each label, a column for each prediction.
    counts: Vec<i64>,
}

impl ConfusionMatrix {
    /// Of a model on some data, whose class names it takes.
    ///
    /// ```
    /// use grafito::datasets::Dataset;
    /// use grafito::nn::{ConfusionMatrix, Dense, Sequential, Sgd, Softmax, SparseCrossEntropy};
    /// use grafito::prelude::*;
    ///
    /// let data = Dataset::new(Tensor::from([[0.0f32], [1.0], [2.0]]), Tensor::from([0u8, 0, 1]));
    /// let network = Sequential::new().add(Dense::new(2).activation(Softmax));
    /// let mut model = network.compile(Sgd::new(0.1), SparseCrossEntropy::new(), ());
    /// let matrix = ConfusionMatrix::of_model(&mut model, &data.with_class_names(["low", "high"]))?;
    /// assert_eq!(matrix.of(0, 0) + matrix.of(0, 1), 2);
    /// # Ok::<(), grafito::nn::ModelError>(())
    /// ```
    ///
    /// # Errors
    /// When the model cannot be used on the data, there is none, or a label is out of range.
    pub fn of_model(model: &mut Model, data: &Dataset) -> Result<ConfusionMatrix, ModelError> {
        let batches = if data.is_batched() { data.clone() } else { data.clone().batch(512) };
        let mut total: Option<Tensor> = None;
        for (x, labels) in batches.epoch(0) {
            let scores = model.predict(&x)?;
            total = Some(grafito::catch(|| {
                let counts = ConfusionMatrix::count(&scores, &labels);
                total.map_or(counts.clone(), |total| total + &counts).eval()
            })?);
        }
        let total = total.ok_or_else(|| ModelError::Data("there is no batch in it".to_owned()))?;
        Ok(ConfusionMatrix::from_counts(&total, data.class_names().iter().cloned()))
    }

    /// The counts of a batch, a tensor to add up: `counts[label, class with the highest score]`.
    ///
    /// # Shape
    /// Scores `[n, .., classes]`, labels `[n, ..]` of any integer dtype `-> [classes, classes]`, of i64.
    ///
    /// # Panics
    /// When the shapes do not fit, or a label is out of range.
    #[must_use]
    #[track_caller]
    pub fn count(scores: &Tensor, labels: &Tensor) -> Tensor {
        let classes = scores.shape().last().copied().unwrap_or(0);
        // Labels first: beside a prediction, one that is out of range would look like another pair.
        let rows = labels.one_hot(classes, DType::F64).reshape([labels.num_elements(), classes]);
        let columns =
            scores.argmax(-1).one_hot(classes, DType::F64).reshape([labels.num_elements(), classes]);
        rows.t().matmul(&columns).cast(DType::I64)
    }

    /// From counts `[classes, classes]`. Classes without a name are called by their number.
    ///
    /// # Panics
    /// When the counts are not of that shape and of i64.
    #[track_caller]
    pub fn from_counts<N: Into<String>>(
        counts: &Tensor,
        names: impl IntoIterator<Item = N>,
    ) -> ConfusionMatrix {
        let classes = counts.shape().first().copied().unwrap_or(0);
        assert_eq!(
            counts.shape(),
            &grafito::Shape::from([classes, classes]),
            "counts are for pairs of classes"
        );
        let mut names: Vec<String> = names.into_iter().take(classes).map(Into::into).collect();
        names.extend((names.len()..classes).map(|class| class.to_string()));
        ConfusionMatrix { names, counts: counts.to_vec() }
    }

    /// How many classes there are.
    pub fn classes(&self) -> usize {
        self.names.len()
    }

    /// How many examples of the class `label` were predicted as `predicted`.
    ///
    /// # Panics
    /// When there is no such class.
    pub fn of(&self, label: usize, predicted: usize) -> i64 {
        assert!(predicted < self.classes(), "class {predicted} of {}", self.classes());
        self.counts[label * self.classes() + predicted]
    }

    /// The share of examples that were predicted right.
    pub fn accuracy(&self) -> f64 {
        let right = (0..self.classes()).map(|class| self.of(class, class)).sum();
        share(right, self.counts.iter().sum())
    }

    /// The share of those predicted as this class that are of it; 0 where none is.
    pub fn precision(&self, class: usize) -> f64 {
        share(self.of(class, class), (0..self.classes()).map(|label| self.of(label, class)).sum())
    }

    /// The share of those of this class that are predicted so; 0 where none is.
    pub fn recall(&self, class: usize) -> f64 {
        share(self.of(class, class), (0..self.classes()).map(|predicted| self.of(class, predicted)).sum())
    }

    /// The harmonic mean of precision and recall.
    ///
    /// ```
    /// use grafito::nn::ConfusionMatrix;
    /// use grafito::prelude::*;
    ///
    /// let matrix = ConfusionMatrix::from_counts(&Tensor::from([[3i64, 1], [2, 4]]), ["no", "yes"]);
    /// assert_eq!((matrix.classes(), matrix.accuracy()), (2, 0.7));
    /// let (precision, recall) = (4.0 / 5.0, 4.0 / 6.0);
    /// assert!((matrix.f1(1) - 2.0 * precision * recall / (precision + recall)).abs() < 1e-12);
    /// ```
    pub fn f1(&self, class: usize) -> f64 {
        let (precision, recall) = (self.precision(class), self.recall(class));
        if precision + recall == 0.0 { 0.0 } else { 2.0 * precision * recall / (precision + recall) }
    }
}

fn share(part: i64, whole: i64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// A table: a row for each label, a column for each prediction, and the recall of each row.
impl fmt::Display for ConfusionMatrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let longest = self.counts.iter().map(|count| count.to_string().len());
        let longest = self.names.iter().map(|name| name.chars().count()).chain(longest).max().unwrap_or(0);
        write!(f, "{:longest$} │", "")?;
        for name in &self.names {
            write!(f, " {name:>longest$}")?;
        }
        writeln!(f, " │ recall")?;
        for (label, name) in self.names.iter().enumerate() {
            write!(f, "{name:>longest$} │")?;
            for predicted in 0..self.classes() {
                write!(f, " {:>longest$}", self.of(label, predicted))?;
            }
            writeln!(f, " │ {:.4}", self.recall(label))?;
        }
        Ok(())
    }
}
