//! A network as a table: layers, output shapes, numbers of parameters.

use std::fmt;

use grafito::Fact;

use super::network::Network;

/// The table that `summary` gives; printing it is what it is for.
///
/// ```
/// use grafito::nn::{BatchNorm, Sequential};
///
/// let summary = Sequential::new().input([3]).add(BatchNorm::new()).summary()?;
/// assert_eq!((summary.parameters(), summary.trainable_parameters()), (12, 6));
/// assert!(summary.to_string().contains("batch_norm (BatchNorm)"));
/// # Ok::<(), grafito::nn::ModelError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    layers: Vec<LayerRow>,
    trainable: Size,
    fixed: Size,
    optimizer: Option<Size>,
}

/// A layer in a [`Summary`].
#[derive(Debug, Clone, PartialEq, Eq)]
struct LayerRow {
    title: String,
    output: String,
    parameters: usize,
}

/// Elements, and the bytes they take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Size {
    elements: usize,
    bytes: usize,
}

impl Size {
    pub(super) fn of<'a>(facts: impl Iterator<Item = &'a Fact>) -> Size {
        facts.fold(Size::default(), |size, fact| Size {
            elements: size.elements + fact.shape.num_elements(),
            bytes: size.bytes + fact.num_bytes(),
        })
    }
}

impl Summary {
    pub(super) fn new(network: &Network, optimizer: Option<Size>) -> Summary {
        let layers = network.layers().iter().map(|layer| {
            let weights = &network.weights()[layer.weights.clone()];
            LayerRow {
                title: format!("{} ({})", layer.named.name, layer.named.layer.kind()),
                output: batch_shape(&layer.output),
                parameters: Size::of(weights.iter().map(|weight| &weight.fact)).elements,
            }
        });
        let of = |is_trainable| {
            let weights = network.weights().iter().filter(move |weight| weight.is_trainable == is_trainable);
            Size::of(weights.map(|weight| &weight.fact))
        };
        Summary { layers: layers.collect(), trainable: of(true), fixed: of(false), optimizer }
    }

    /// Elements of all weights.
    pub fn parameters(&self) -> usize {
        self.trainable.elements + self.fixed.elements
    }

    /// Elements of the weights that are trained.
    pub fn trainable_parameters(&self) -> usize {
        self.trainable.elements
    }
}

/// `[n, 28, 28]` for an example `[28, 28]`.
fn batch_shape(output: &Fact) -> String {
    let axes = output.shape.iter().map(usize::to_string);
    let axes: Vec<String> = std::iter::once("n".to_owned()).chain(axes).collect();
    format!("{}[{}]", output.dtype, axes.join(", "))
}

/// The heads of the columns.
const HEADS: [&str; 3] = ["layer (kind)", "output", "parameters"];

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cells: Vec<[String; 3]> = self
            .layers
            .iter()
            .map(|row| [row.title.clone(), row.output.clone(), grouped(row.parameters)])
            .collect();
        let width = |column: usize| {
            let widths = cells.iter().map(|row| row[column].chars().count());
            widths.chain([HEADS[column].len()]).max().unwrap_or_default()
        };
        let (a, b, c) = (width(0), width(1), width(2));
        let rule = |left: char, middle: char, right: char| {
            let (a, b, c) = ("─".repeat(a + 2), "─".repeat(b + 2), "─".repeat(c + 2));
            format!("{left}{a}{middle}{b}{middle}{c}{right}")
        };
        writeln!(f, "{}", rule('┌', '┬', '┐'))?;
        writeln!(f, "│ {:<a$} │ {:<b$} │ {:>c$} │", HEADS[0], HEADS[1], HEADS[2])?;
        writeln!(f, "{}", rule('├', '┼', '┤'))?;
        for [title, output, parameters] in &cells {
            writeln!(f, "│ {title:<a$} │ {output:<b$} │ {parameters:>c$} │")?;
        }
        writeln!(f, "{}", rule('└', '┴', '┘'))?;
        let all = Size {
            elements: self.trainable.elements + self.fixed.elements,
            bytes: self.trainable.bytes + self.fixed.bytes,
        };
        writeln!(f, "parameters: {all}")?;
        writeln!(f, "  trained:     {}", self.trainable)?;
        write!(f, "  not trained: {}", self.fixed)?;
        if let Some(optimizer) = &self.optimizer {
            write!(f, "\noptimizer: {optimizer}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(&str, usize); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
        write!(f, "{} (", grouped(self.elements))?;
        match UNITS.iter().find(|(_, unit)| self.bytes >= *unit) {
            Some((name, unit)) => write!(f, "{:.2} {name})", self.bytes as f64 / *unit as f64),
            None => write!(f, "{} B)", self.bytes),
        }
    }
}

/// `1234567` as `1,234,567`.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
