//! Histories as curves in a terminal.

use std::fmt::Write;

use super::history::History;

/// What the points of each curve are drawn with, in turn.
const MARKS: [char; 6] = ['*', 'o', '+', 'x', '#', '@'];

/// Histories as curves.
impl History {
    /// Some figures as curves over the epochs, of plain characters, `width` columns by `height` lines without the axes.
    /// Where curves cross, the first is on top.
    ///
    /// ```
    /// use grafito::nn::History;
    ///
    /// let history = History::from_csv("epoch,seconds,loss,val_loss\n1,1,4,4\n2,1,2,3\n3,1,1,2.5\n")?;
    /// let plot = history.plot(&["loss", "val_loss"], 20, 5);
    /// println!("{plot}");
    /// assert_eq!(plot.lines().count(), 8);
    /// assert!(plot.ends_with("* loss   o val_loss\n"));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Source
    /// The plot of `history.history["loss"]` that notebooks draw.
    pub fn plot(&self, figures: &[&str], width: usize, height: usize) -> String {
        let (width, height) = (width.max(2), height.max(2));
        let curves: Vec<Vec<f64>> = figures.iter().map(|name| self.series(name)).collect();
        let finite = || curves.iter().flatten().copied().filter(|figure| figure.is_finite());
        let (low, high) =
            (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max));
        if low > high {
            return "nothing to plot\n".to_owned();
        }
        let mut cells = vec![vec![' '; width]; height];
        let last = self.epochs().len() - 1;
        // The first is drawn last.
        for (index, curve) in curves.iter().enumerate().rev() {
            for (column, line) in points(curve, last, width, height, (low, high)) {
                cells[line][column] = MARKS[index % MARKS.len()];
            }
        }
        let (top, bottom) = (format!("{high:.4}"), format!("{low:.4}"));
        let margin = top.len().max(bottom.len());
        let mut text = String::new();
        for (line, cells) in cells.iter().enumerate() {
            let label = match line {
                0 => top.as_str(),
                _ if line == height - 1 => bottom.as_str(),
                _ => "",
            };
            let cells: String = cells.iter().collect();
            let _ = writeln!(text, "{label:>margin$} │{}", cells.trim_end());
        }
        let epochs = (self.epochs()[0].number, self.epochs()[last].number);
        let (first, final_) = (format!("epoch {}", epochs.0), epochs.1.to_string());
        let gap = width.saturating_sub(first.len() + final_.len());
        let _ = writeln!(text, "{:margin$} └{}", "", "─".repeat(width));
        let _ = writeln!(text, "{:margin$}  {first}{}{final_}", "", " ".repeat(gap));
        let legend = figures.iter().zip(MARKS.iter().cycle()).map(|(name, mark)| format!("{mark} {name}"));
        let _ = writeln!(text, "{:margin$}  {}", "", legend.collect::<Vec<_>>().join("   "));
        text
    }
}

/// Where a curve is, column by column, straight between epochs; lines count from the top.
fn points(
    curve: &[f64],
    last: usize,
    width: usize,
    height: usize,
    (low, high): (f64, f64),
) -> impl Iterator<Item = (usize, usize)> {
    (0..width).filter_map(move |column| {
        let at = last as f64 * column as f64 / (width - 1) as f64;
        let (before, after) = (at.floor() as usize, at.ceil() as usize);
        let figure = curve[before] + (curve[after] - curve[before]) * at.fract();
        let share = if high > low { (figure - low) / (high - low) } else { 0.5 };
        figure.is_finite().then(|| (column, ((1.0 - share) * (height - 1) as f64).round() as usize))
    })
}
