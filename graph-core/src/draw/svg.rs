//! SVG documents.

use std::fmt::Write;

use super::layout::{LINE_HEIGHT, Layout, MAX_CHARS, PADDING, layout, lines};
use super::picture::{Picture, Role};

pub(super) fn render(picture: &Picture) -> String {
    let placed = layout(picture);
    let (width, height) = (placed.width.max(120.0), placed.height + LINE_HEIGHT);
    let mut out = String::new();
    let _ = write!(
        out,
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0}" height="{height:.0}" viewBox="0 0 {width:.0} {height:.0}" font-family="monospace" font-size="12">
<style>
rect {{ stroke: #444; fill: #fff }} path {{ stroke: #777; fill: none }} text {{ fill: #111 }}
.input {{ fill: #dcecf9 }} .donated {{ fill: #b5d8f5 }} .constant {{ fill: #eee; stroke: #aaa }} .return {{ fill: #d8f3dc }}
.structure {{ fill: #fffbe6 }} .region {{ fill: #fff; stroke: #bbb; stroke-dasharray: 4 3 }}
.detail {{ fill: #777; font-size: 11px }} .title {{ fill: #333; font-weight: bold }}
</style>
<defs><marker id="end" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" style="fill:#777;stroke:none"/></marker></defs>
<rect width="100%" height="100%" style="fill:#fff;stroke:none"/>
"##
    );
    text(&mut out, "title", PADDING, LINE_HEIGHT, &picture.title);
    contents(&mut out, picture, &placed, 0.0, LINE_HEIGHT);
    out.push_str("</svg>\n");
    out
}

fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for (i, c) in text.chars().enumerate() {
        match c {
            _ if i >= MAX_CHARS => {
                escaped.push('…');
                break;
            }
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            c => escaped.push(c),
        }
    }
    escaped
}

fn text(out: &mut String, class: &str, x: f64, y: f64, text: &str) {
    let _ = writeln!(out, r#"<text class="{class}" x="{x:.1}" y="{y:.1}">{}</text>"#, escaped(text));
}

fn contents(out: &mut String, picture: &Picture, placed: &Layout, left: f64, top: f64) {
    for (arrow, route) in picture.arrows.iter().zip(&placed.routes) {
        let (from, to) = (&placed.rects[arrow.from], &placed.rects[arrow.to]);
        if route.is_empty() {
            // Too long to be followed: the name of where it comes from stands above where it leads.
            let name = &picture.shapes[arrow.from].title;
            text(out, "detail", left + to.x, top + to.y - 4.0, &format!("↑ {name}"));
            continue;
        }
        let mut path = String::new();
        for (i, &(x, y)) in route.iter().enumerate() {
            let (x, y) = (left + x, top + y);
            if i == 0 {
                let _ = write!(path, "M{x:.1} {y:.1}");
            } else if i % 2 == 1 {
                let _ = write!(path, "L{x:.1} {y:.1}");
            } else {
                let (before_x, before_y) = (left + route[i - 1].0, top + route[i - 1].1);
                let middle = (before_y + y) / 2.0;
                let _ = write!(path, "C{before_x:.1} {middle:.1} {x:.1} {middle:.1} {x:.1} {y:.1}");
            }
        }
        let _ = writeln!(out, r#"<path d="{path}" marker-end="url(#end)"/>"#);
        if !arrow.label.is_empty() {
            let (x, y) = (left + from.center(), top + from.y + from.height);
            text(out, "detail", x + (to.center() - from.center()).signum() * 12.0, y + 11.0, &arrow.label);
        }
    }
    for (index, shape) in picture.shapes.iter().enumerate() {
        let rect = placed.rects[index];
        let (x, y) = (left + rect.x, top + rect.y);
        let class = match shape.role {
            Role::Input => "input",
            Role::Donated => "donated",
            Role::Constant => "constant",
            Role::Op => "op",
            Role::Structure => "structure",
            Role::Return => "return",
        };
        let (width, height) = (rect.width, rect.height);
        let _ = writeln!(
            out,
            r#"<rect class="{class}" x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}" rx="4"/>"#
        );
        for (number, line) in lines(shape).enumerate() {
            let class = if number == 0 { "name" } else { "detail" };
            text(out, class, x + PADDING, y + LINE_HEIGHT * (number as f64 + 1.0), &line);
        }
        for ((region_x, region_y, inner), region) in placed.regions[index].iter().zip(&shape.regions) {
            let (x, y) = (x + region_x, y + region_y);
            text(out, "title", x, y - 4.0, &region.title);
            let (width, height) = (inner.width, inner.height);
            let _ = writeln!(
                out,
                r#"<rect class="region" x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}" rx="4"/>"#
            );
            contents(out, region, inner, x, y);
        }
    }
}
