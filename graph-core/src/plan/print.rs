//! Plans as text: what each step does, where from and where to, and why an op is a step apart.

use std::fmt;

use super::Plan;
use super::step::{Action, Argument, Place, Slot, TileProgram};

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
        if !self.apart.is_empty() {
            let apart = self.apart.iter().map(|(name, apart)| format!("{name} ({})", apart.reason()));
            writeln!(f, "  by themselves: {}", apart.collect::<Vec<_>>().join(", "))?;
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
