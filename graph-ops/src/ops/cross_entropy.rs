//! Cross-entropies, from logits: of a class for each example, and of a distribution for each example.

use graph_core::{Error, Fact, Facts, Kernel, Op, OpError, Value, Vjp, operands};
use smallvec::{SmallVec, smallvec};

use crate::kernels::made_for::MadeFor;
use crate::kernels::softmax::CrossEntropyKernel;
use crate::ops::vjp::{Cotangents, VjpExt};
use crate::tensor::{Tensor, apply, unwrap_or_raise};

/// `-ln softmax(logits)[label]` along the last axis of the logits, for each example.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SparseCrossEntropy;

impl Op for SparseCrossEntropy {
    fn name(&self) -> &'static str {
        "sparse_cross_entropy"
    }

    fn infer(&self, inputs: &[&Fact]) -> Result<Facts, OpError> {
        let [logits, labels] = operands(inputs)?;
        if !logits.dtype.is_float() {
            return Err(OpError::UnsupportedDType { dtype: logits.dtype, accepts: "logits in f32 and f64" });
        }
        if !labels.dtype.is_int() {
            return Err(OpError::UnsupportedDType { dtype: labels.dtype, accepts: "integer labels" });
        }
        match logits.shape.split_last() {
            Some((_, examples)) if *examples == labels.shape[..] => {
                Ok(smallvec![Fact { dtype: logits.dtype, shape: labels.shape.clone() }])
            }
            _ => Err(OpError::invalid("the logits' shape must be the labels' with the classes after it")),
        }
    }

    fn vjp(&self, cx: &Vjp<'_>) -> Result<SmallVec<[Option<Value>; 4]>, Error> {
        let Some(g) = cx.cotangent(0) else { return Ok(cx.nothing()) };
        let (logits, labels) = (cx.input(0), cx.input(1));
        let num_classes = logits.shape()[logits.rank() - 1];
        let expected = labels.one_hot(num_classes, logits.dtype());
        let flowing = (logits.softmax(-1) - expected) * g.unsqueeze(-1);
        Cotangents::from_iter([Some(flowing), None]).emit(cx)
    }

    fn kernel(&self, inputs: &[&Fact], _: &[Fact]) -> Result<Box<dyn Kernel>, OpError> {
        Ok(Box::new(CrossEntropyKernel::new(MadeFor::new(self, inputs)?)))
    }
}

/// Cross-entropies of logits, in nats. The last axis is that of the classes.
impl Tensor {
    /// The cross-entropy of these logits with a class for each example, averaged over all examples.
    ///
    /// # Shape
    /// `[.., classes]`, labels `[..]` of any integer dtype `-> []`
    ///
    /// # Gradient
    /// `(softmax(logits) - one_hot(labels)) / examples`
    ///
    /// # Panics
    /// When the shapes do not fit, the labels are no integers, or a label is out of range.
    ///
    /// # Source
    /// `tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)`.
    ///
    /// ```
    /// use graph_ops::Tensor;
    /// let logits = Tensor::from([[0.0f32, 0.0], [1e4, -1e4]]);
    /// let loss = logits.sparse_cross_entropy(&Tensor::from([1u8, 0]));
    /// assert_eq!(loss.item::<f32>(), 2f32.ln() / 2.0);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn sparse_cross_entropy(&self, labels: &Tensor) -> Tensor {
        self.sparse_cross_entropy_each(labels).mean(..)
    }

    /// The same for each example: `-ln softmax(logits)[label]`.
    ///
    /// # Shape
    /// `[.., classes]`, labels `[..]` of any integer dtype `-> [..]`
    #[must_use]
    #[track_caller]
    pub fn sparse_cross_entropy_each(&self, labels: &Tensor) -> Tensor {
        apply(SparseCrossEntropy, &[self, labels])
    }

    /// The cross-entropy of these logits with a distribution for each example, averaged over all examples.
    ///
    /// # Shape
    /// `[.., classes]`, targets of the same shape `-> []`
    ///
    /// # Gradient
    /// `(softmax(logits) Σ targets - targets) / examples`; to the targets `-log_softmax(logits) / examples`.
    ///
    /// # Panics
    /// When shapes or dtypes differ.
    ///
    /// # Source
    /// `tf.keras.losses.CategoricalCrossentropy(from_logits=True)`.
    ///
    /// ```
    /// use graph_ops::Tensor;
    /// let loss = Tensor::from([[0.0f32, 0.0]]).cross_entropy(&Tensor::from([[0.25f32, 0.75]]));
    /// assert_eq!(loss.item::<f32>(), 2f32.ln());
    /// ```
    #[must_use]
    #[track_caller]
    pub fn cross_entropy(&self, targets: &Tensor) -> Tensor {
        self.cross_entropy_each(targets).mean(..)
    }

    /// The same for each example: `-Σ targets ∘ log_softmax(logits)`.
    ///
    /// # Shape
    /// `[.., classes]`, targets of the same shape `-> [..]`
    #[must_use]
    #[track_caller]
    pub fn cross_entropy_each(&self, targets: &Tensor) -> Tensor {
        let fits = if self.shape() == targets.shape() && self.rank() > 0 {
            Ok(())
        } else {
            Err(OpError::invalid("logits and targets must have one shape, with the classes last"))
        };
        unwrap_or_raise("cross_entropy", fits, &[self, targets]);
        -(targets * self.log_softmax(-1)).sum(-1)
    }
}
