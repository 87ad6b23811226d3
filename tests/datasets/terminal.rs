//! Digits as text: their shape, their captions, and no escape sequence where there must be none.

use grafito::datasets::synthetic_digits;
use grafito::terminal::{Palette, draw_digits};

/// Ink in the left half, half-dark in the last column.
fn image() -> Vec<u8> {
    (0..784)
        .map(|pixel| {
            if pixel % 28 < 14 {
                255
            } else if pixel % 28 == 27 {
                128
            } else {
                0
            }
        })
        .collect()
}

#[test]
fn plain_characters() {
    let image = image();
    let text = draw_digits(&[&image, &image], &[3, 4], &[3, 7], Palette::Plain, 80);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 15);
    let digit = format!("{}{}+", "@".repeat(14), " ".repeat(13));
    assert!(lines[..14].iter().all(|line| *line == format!("{digit}  {digit}")), "{text}");
    assert_eq!(lines[14], "        predicted 3               x predicted 4, is 7");
    assert!(text.is_ascii());
}

#[test]
fn as_many_side_by_side_as_fit() {
    let image = image();
    let lines = |n: usize, width| {
        draw_digits(&vec![&image[..]; n], &vec![1; n], &vec![1; n], Palette::Plain, width).lines().count()
    };
    assert_eq!(lines(4, 118), 15, "four images and three gaps are 118 columns");
    assert_eq!(lines(4, 117), 30);
    assert_eq!(lines(3, 0), 45, "at least one");
    assert_eq!(lines(0, 80), 0);
}

#[test]
fn half_blocks() {
    let image = image();
    for (palette, ink, gray, paper) in [
        (Palette::TrueColor, "2;255;255;255", "2;128;128;128", "2;0;0;0"),
        (Palette::Indexed, "5;231", "5;244", "5;16"),
    ] {
        let text = draw_digits(&[&image], &[3], &[7], palette, 80);
        let run = |colour: &str, n: usize| format!("\x1b[38;{colour};48;{colour}m{}", "▀".repeat(n));
        let line = format!("{}{}{}\x1b[0m", run(ink, 14), run(paper, 13), run(gray, 1));
        assert_eq!(text.lines().next(), Some(line.as_str()));
        assert_eq!(text.lines().last(), Some("\x1b[31m    ✗ predicted 3, is 7     \x1b[0m"));
    }
}

#[test]
fn the_upper_pixel_is_the_character_and_the_lower_one_is_behind_it() {
    let mut image = vec![0; 784];
    image[..28].fill(255);
    let text = draw_digits(&[&image], &[3], &[3], Palette::TrueColor, 80);
    let line = format!("\x1b[38;2;255;255;255;48;2;0;0;0m{}\x1b[0m", "▀".repeat(28));
    assert_eq!(text.lines().next(), Some(line.as_str()));
}

#[test]
fn a_drawn_digit() {
    let digits = synthetic_digits(1, 0, 2).train;
    let label = digits.labels[0];
    insta::assert_snapshot!(draw_digits(&[digits.image(0)], &[label], &[label], Palette::Plain, 80));
}

#[test]
fn what_is_not_a_terminal_gets_plain_text() {
    assert_eq!(Palette::detect(false), Palette::Plain);
}

#[test]
#[should_panic(expected = "draw_digits: one label for each of 1 images")]
fn a_label_is_missing() {
    draw_digits(&[&image()], &[1], &[], Palette::Plain, 80);
}

#[test]
#[should_panic(expected = "draw_digits: an image has 784 pixels")]
fn another_image_size() {
    draw_digits(&[&[0; 100]], &[1], &[1], Palette::Plain, 80);
}
