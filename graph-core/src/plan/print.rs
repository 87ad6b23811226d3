//! Plans as text: what each step does, where from and where to, and why an op is a step of its own.

use std::fmt;

use super::{Action, Argument, Place, Plan, Slot, TileProgram};
use crate::fact::Fact;
use crate::kernel::{Kernel, Untiled};

/// Why an op is computed by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Alone {
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

impl Alone {
    /// Why no other op is computed with a kernel of this output, as far as it says itself.
    pub(super) fn of(kernel: &dyn Kernel, output: Option<&Fact>) -> Alone {
        match (kernel.row(), output, kernel.tiled()) {
            (None, _, Err(Untiled::SharedSums)) => Alone::SharedSums,
            (None, _, Err(Untiled::CopiesFirst)) => Alone::CopiesFirst,
            (None, ..) | (_, None, _) => Alone::NotByRows,
            (Some(_), Some(output), _) if output.shape.num_elements() <= 1 => Alone::Single,
            (Some(_), Some(_), _) => Alone::Unmatched,
        }
    }

    fn reason(self) -> &'static str {
        match self {
            Alone::NotByRows => "not by rows",
            Alone::SharedSums => "threads share its sums",
            Alone::CopiesFirst => "it copies an operand first",
            Alone::Single => "a single element",
            Alone::Unmatched => "nothing else on its rows",
            Alone::Broadcast => "what follows broadcasts it",
            Alone::OtherRows => "what follows goes along other rows",
            Alone::LongRows => "the rows of what follows are too long",
            Alone::OtherShape => "what follows reads it in another shape",
            Alone::Checked => "what follows looks at its data first",
            Alone::TwoWays => "what follows reads it in two ways",
            Alone::NoWholeRows => "what follows needs whole rows",
            Alone::Narrow => "its tiles have few columns",
            Alone::FewTiles => "too few tiles for what follows",
        }
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Plan {
    /// One line a step: what, where from, where to.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (steps, arena, least) = (self.steps.len(), self.arena_bytes, self.least_bytes);
        writeln!(f, "plan: {steps} steps, arena {arena} bytes ({least} alive at once)")?;
        for step in &self.steps {
            let results: Vec<String> = step.results.iter().map(Slot::to_string).collect();
            let arguments: Vec<String> = step
                .arguments
                .iter()
                .map(|argument| match argument {
                    Argument::Slot(slot) => slot.place.to_string(),
                    Argument::InPlace => "in place".to_owned(),
                })
                .collect();
            write!(f, "  {} = {}({})", results.join(", "), step.provenance.op, arguments.join(", "))?;
            match &step.action {
                Action::Scalar { code, .. } => {
                    write!(f, ", a scalar program of {} instructions", code.program.code.len())?;
                    if code.native.is_some() {
                        write!(f, ", as machine code")?;
                    }
                }
                Action::Rows(program) => write!(f, ", {program}")?,
                Action::Tiles(tiles) => {
                    let TileProgram { producer, program, .. } = tiles;
                    let count = tiles.tiled().num_tiles();
                    write!(f, ", {program}, computed with each of {count} tiles of {producer}")?;
                }
                _ => {}
            }
            writeln!(f)?;
        }
        let outputs: Vec<String> = self.outputs.iter().map(|slot| slot.place.to_string()).collect();
        writeln!(f, "  return {}", outputs.join(", "))?;
        if !self.alone.is_empty() {
            let alone = self.alone.iter().map(|(name, alone)| format!("{name} ({})", alone.reason()));
            writeln!(f, "  by themselves: {}", alone.collect::<Vec<_>>().join(", "))?;
        }
        Ok(())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Arena(offset) => write!(f, "arena+{offset}"),
            Place::Input(index) => write!(f, "input{index}"),
            Place::Constant(index) => write!(f, "constant{index}"),
            Place::Fresh(index) => write!(f, "fresh{index}"),
            Place::Stack(index) => write!(f, "stack{index}"),
        }
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.fact)
    }
}
