//! `tril`: the lower triangle of matrices.

use graph_core::{
    Attributes, Error, Fact, Facts, Infallible, Kernel, Op, OpError, Source, Value, ViewMut, Vjp, operands,
    with_element,
};
use smallvec::{SmallVec, smallvec};

use crate::ops::vjp::{Cotangents, VjpExt};
use crate::tensor::{Tensor, apply};

/// Zeros above a diagonal of the last two axes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tril {
    /// The last diagonal that is kept: 0 is the main one, positive ones lie above it.
    pub diagonal: i64,
}

impl Op for Tril {
    fn name(&self) -> &'static str {
        "tril"
    }

    fn attributes(&self) -> Attributes {
        Attributes::default().with("diagonal", self.diagonal)
    }

    fn infer(&self, inputs: &[&Fact]) -> Result<Facts, OpError> {
        let [x] = operands(inputs)?;
        if x.shape.rank() < 2 {
            return Err(OpError::invalid("a matrix is needed"));
        }
        Ok(smallvec![x.clone()])
    }

    fn vjp(&self, cx: &Vjp<'_>) -> Result<SmallVec<[Option<Value>; 4]>, Error> {
        let g = cx.cotangent(0).map(|g| g.tril(self.diagonal));
        Cotangents::from_iter([g]).emit(cx)
    }

    fn kernel(&self, _: &[&Fact], _: &[Fact]) -> Result<Box<dyn Kernel>, OpError> {
        let diagonal = self.diagonal;
        Ok(Box::new(Infallible(move |outs: &mut [ViewMut<'_>], ins: &[Source<'_>]| {
            lower_triangle(&mut outs[0], &ins[0], diagonal);
        })))
    }
}

fn lower_triangle(out: &mut ViewMut<'_>, x: &Source<'_>, diagonal: i64) {
    let [.., rows, columns] = **out.shape() else { unreachable!("infer asks for a matrix") };
    if rows * columns == 0 {
        return;
    }
    with_element!(out.dtype(), T => {
        let x = x.view().as_slice::<T>();
        let both = out.as_mut_slice::<T>().chunks_exact_mut(columns).zip(x.chunks_exact(columns));
        for (i, (out, x)) in both.enumerate() {
            let kept = diagonal.saturating_add((i % rows) as i64 + 1);
            let kept = usize::try_from(kept).unwrap_or(0).min(columns);
            out[..kept].copy_from_slice(&x[..kept]);
            out[kept..].fill(T::default());
        }
    });
}

impl Tensor {
    /// The lower triangle of the last two axes: zeros (`false`) above a diagonal, where 0 is the main one and positive
    /// ones lie above it.
    ///
    /// # Shape
    /// `[.., m, n] -> [.., m, n]`
    ///
    /// # Gradient
    /// The lower triangle of the cotangent.
    ///
    /// # Panics
    /// When the rank is below 2.
    ///
    /// # Source
    /// `numpy.tril`.
    ///
    /// ```
    /// use graph_ops::Tensor;
    /// assert_eq!(Tensor::from([[1, 2], [3, 4]]).tril(0).to_vec::<i32>(), [1, 0, 3, 4]);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn tril(&self, diagonal: i64) -> Tensor {
        apply(Tril { diagonal }, &[self])
    }
}
