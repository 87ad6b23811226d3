//! Pictures of digits in a terminal, side by side, with what a model took them for.

use std::env;
use std::fmt::Write;

use crate::datasets::{IMAGE_PIXELS, IMAGE_SIDE};

/// What a terminal can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Palette {
    /// Any colour: half blocks in 256 grays.
    TrueColor,
    /// The 256 colours of xterm: half blocks in 24 grays, black and white.
    Indexed,
    /// Characters only, from ` ` for paper to `@` for ink. Works in files and logs.
    Plain,
}

impl Palette {
    /// Guesses from the environment what the terminal can show; [`Plain`](Palette::Plain) where it is none.
    ///
    /// `NO_COLOR` and `TERM=dumb` ask for no colour, `COLORTERM` and `TERM` tell how many there are.
    ///
    /// ```no_run
    /// use grafito::terminal::Palette;
    /// use std::io::{IsTerminal, stdout};
    ///
    /// let palette = Palette::detect(stdout().is_terminal());
    /// ```
    pub fn detect(is_terminal: bool) -> Palette {
        let variable = |name| env::var(name).unwrap_or_default();
        let (depth, terminal) = (variable("COLORTERM"), variable("TERM"));
        if !is_terminal || !variable("NO_COLOR").is_empty() || terminal == "dumb" {
            Palette::Plain
        } else if depth == "truecolor" || depth == "24bit" || terminal.ends_with("-direct") {
            Palette::TrueColor
        } else if terminal.contains("256color") {
            Palette::Indexed
        } else {
            Palette::Plain
        }
    }
}

/// Draws 28x28 images side by side, as many as fit into `width` columns, then the next row of them.
///
/// Below each stands the prediction; a wrong one is marked and followed by the label. A character shows two pixels,
/// one above the other, so an image takes 28 columns and 14 lines. Each line ends with a line feed.
///
/// ```
/// use grafito::datasets::synthetic_digits;
/// use grafito::terminal::{Palette, draw_digits};
///
/// let digits = synthetic_digits(3, 0, 0).train;
/// let images: Vec<&[u8]> = (0..3).map(|row| digits.image(row)).collect();
/// println!("{}", draw_digits(&images, &[1, 2, 3], &digits.labels, Palette::Plain, 100));
/// ```
///
/// # Panics
///
/// If the three slices differ in length or an image does not have 784 pixels.
pub fn draw_digits(
    images: &[&[u8]],
    predictions: &[u8],
    labels: &[u8],
    palette: Palette,
    width: usize,
) -> String {
    let n_images = images.len();
    assert_eq!(predictions.len(), n_images, "draw_digits: one prediction for each of {n_images} images");
    assert_eq!(labels.len(), n_images, "draw_digits: one label for each of {n_images} images");
    for image in images {
        assert_eq!(image.len(), IMAGE_PIXELS, "draw_digits: an image has 784 pixels");
    }
    let per_row = ((width + GAP.len()) / (IMAGE_SIDE + GAP.len())).max(1);
    let mut text = String::new();
    for first in (0..n_images).step_by(per_row) {
        let shown = first..n_images.min(first + per_row);
        draw_row(&images[shown.clone()], palette, &mut text);
        let captions = predictions[shown.clone()].iter().zip(&labels[shown]);
        text.push_str(&captions.map(|(p, l)| caption(*p, *l, palette)).collect::<Vec<_>>().join(GAP));
        text.truncate(text.trim_end_matches(' ').len());
        text.push('\n');
    }
    text
}

const GAP: &str = "  ";

/// From paper to ink, each about as much darker than the one before.
const SHADES: &[u8; 10] = b" .:-=+*#%@";

fn draw_row(images: &[&[u8]], palette: Palette, text: &mut String) {
    for row in (0..IMAGE_SIDE).step_by(2) {
        for (image_idx, image) in images.iter().enumerate() {
            if image_idx > 0 {
                text.push_str(GAP);
            }
            let (upper, lower) = image[row * IMAGE_SIDE..][..2 * IMAGE_SIDE].split_at(IMAGE_SIDE);
            draw_line(upper, lower, palette, text);
        }
        if palette == Palette::Plain {
            text.truncate(text.trim_end_matches(' ').len());
        }
        text.push('\n');
    }
}

/// Two rows of pixels as one line of characters.
fn draw_line(upper: &[u8], lower: &[u8], palette: Palette, text: &mut String) {
    let mut current = None;
    for pair in upper.iter().copied().zip(lower.iter().copied()) {
        if palette == Palette::Plain {
            let ink = (usize::from(pair.0) + usize::from(pair.1)) / 2;
            text.push(char::from(SHADES[ink * SHADES.len() / 256]));
            continue;
        }
        let colours = (gray(pair.0, palette), gray(pair.1, palette));
        if current.as_ref() != Some(&colours) {
            // 38 sets the colour of the character, its upper half; 48 that of what is behind it.
            let _ = write!(text, "\x1b[38;{};48;{}m", colours.0, colours.1);
            current = Some(colours);
        }
        text.push('▀');
    }
    if current.is_some() {
        text.push_str(RESET);
    }
}

const RESET: &str = "\x1b[0m";

/// A gray as the parameters of an escape sequence.
fn gray(pixel: u8, palette: Palette) -> String {
    if palette == Palette::TrueColor {
        return format!("2;{pixel};{pixel};{pixel}");
    }
    // Colours 232 to 255 are a ramp of grays, without black (16) and white (231).
    match (u32::from(pixel) * 25 + 127) / 255 {
        0 => "5;16".to_owned(),
        25 => "5;231".to_owned(),
        step => format!("5;{}", 231 + step),
    }
}

/// A prediction, centred below its image.
fn caption(prediction: u8, label: u8, palette: Palette) -> String {
    if prediction == label {
        return format!("{:^IMAGE_SIDE$}", format!("predicted {prediction}"));
    }
    let mark = if palette == Palette::Plain { 'x' } else { '✗' };
    let text = format!("{:^IMAGE_SIDE$}", format!("{mark} predicted {prediction}, is {label}"));
    if palette == Palette::Plain { text } else { format!("\x1b[31m{text}{RESET}") }
}
