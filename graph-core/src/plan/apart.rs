//! Why an op is a step of its own.

use crate::fact::Fact;
use crate::kernel::{Kernel, Untiled};

/// Why an op is a step apart from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Apart {
    /// It has no row kernel for these operands, nor tiles.
    NotByRows,
    /// It would have tiles, but threads share the terms of its sums.
    SharedSums,
    /// It would have tiles, but copies an operand first.
    CopiesFirst,
    /// It gives a single element, or none.
    Single,
    /// No other op on the same rows could be computed with it.
    Unmatched,
    /// It has tiles, but what follows uses each element many times.
    Broadcast,
    /// What follows goes along other rows than those of its tiles.
    OtherRows,
    /// The rows of what follows are too long to be kept.
    LongRows,
    /// What follows reads it in a shape that is not that of the rows.
    OtherShape,
    /// What follows looks at its data before it computes anything.
    Checked,
    /// What follows reads more than one of it and its views.
    TwoWays,
    /// What follows needs whole rows, and its tiles are none.
    NoWholeRows,
    /// Its tiles have few columns.
    Narrow,
    /// What follows is worth more threads than it has tiles.
    FewTiles,
}

impl Apart {
    /// Why no other op is computed with a kernel of this output, as far as it says itself.
    pub(super) fn of(kernel: &dyn Kernel, output: Option<&Fact>) -> Apart {
        match (kernel.row(), output, kernel.tiled()) {
            (None, _, Err(Untiled::SharedSums)) => Apart::SharedSums,
            (None, _, Err(Untiled::CopiesFirst)) => Apart::CopiesFirst,
            (None, ..) | (_, None, _) => Apart::NotByRows,
            (Some(_), Some(output), _) if output.shape.num_elements() <= 1 => Apart::Single,
            (Some(_), Some(_), _) => Apart::Unmatched,
        }
    }

    pub(super) fn reason(self) -> &'static str {
        match self {
            Apart::NotByRows => "not by rows",
            Apart::SharedSums => "threads share its sums",
            Apart::CopiesFirst => "it copies an operand first",
            Apart::Single => "a single element",
            Apart::Unmatched => "nothing else on its rows",
            Apart::Broadcast => "what follows broadcasts it",
            Apart::OtherRows => "what follows goes along other rows",
            Apart::LongRows => "the rows of what follows are too long",
            Apart::OtherShape => "what follows reads it in another shape",
            Apart::Checked => "what follows looks at its data first",
            Apart::TwoWays => "what follows reads it in two ways",
            Apart::NoWholeRows => "what follows needs whole rows",
            Apart::Narrow => "its tiles have few columns",
            Apart::FewTiles => "too few tiles for what follows",
        }
    }
}
