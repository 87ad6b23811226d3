//! Mermaid flowcharts.

use std::fmt::Write;

use super::picture::{Group, Picture, Role};

pub(super) fn render(picture: &Picture) -> String {
    let mut out = String::from("flowchart TD\n");
    contents(&mut out, picture, "n", 1);
    out.push_str("  classDef input fill:#d6eaf8,stroke:#333\n");
    out.push_str("  classDef constant fill:#eee,stroke:#999\n");
    out.push_str("  classDef op fill:#fff,stroke:#333\n");
    out.push_str("  classDef result fill:#d5f5e3,stroke:#333\n");
    out
}

/// A quoted label: Mermaid reads `#name;` as a character, and would read some others as markup.
fn quoted(text: &str) -> String {
    let mut label = String::from("\"");
    for c in text.chars() {
        match c {
            '#' => label.push_str("#35;"),
            '"' => label.push_str("#quot;"),
            '<' => label.push_str("#lt;"),
            '>' => label.push_str("#gt;"),
            '&' => label.push_str("#amp;"),
            '`' => label.push_str("#96;"),
            '\n' => label.push_str("<br/>"),
            c => label.push(c),
        }
    }
    label.push('"');
    label
}

fn contents(out: &mut String, picture: &Picture, prefix: &str, depth: usize) {
    group(out, picture, &picture.groups(), prefix, &format!("{prefix}s"), depth);
    let indent = "  ".repeat(depth);
    for arrow in &picture.arrows {
        let label =
            if arrow.label.is_empty() { String::new() } else { format!("|{}|", quoted(&arrow.label)) };
        let _ = writeln!(out, "{indent}{prefix}{} -->{label} {prefix}{}", arrow.from, arrow.to);
    }
}

fn group(out: &mut String, picture: &Picture, group: &Group, prefix: &str, name: &str, depth: usize) {
    let indent = "  ".repeat(depth);
    for &index in &group.shapes {
        shape(out, picture, index, prefix, depth);
    }
    for (number, inner) in group.inner.iter().enumerate() {
        let name = format!("{name}{number}_");
        let _ = writeln!(out, "{indent}subgraph s_{name}[{}]", quoted(&inner.name));
        self::group(out, picture, inner, prefix, &name, depth + 1);
        let _ = writeln!(out, "{indent}end");
    }
}

fn shape(out: &mut String, picture: &Picture, index: usize, prefix: &str, depth: usize) {
    let indent = "  ".repeat(depth);
    let shape = &picture.shapes[index];
    let class = match shape.role {
        Role::Input | Role::Donated => "input",
        Role::Constant => "constant",
        Role::Op | Role::Structure => "op",
        Role::Return => "result",
    };
    let id = format!("{prefix}{index}");
    let node = format!("{id}[{}]:::{class}", quoted(&format!("{}\n{}", shape.title, shape.detail)));
    if shape.regions.is_empty() {
        let _ = writeln!(out, "{indent}{node}");
        return;
    }
    let _ = writeln!(out, "{indent}subgraph s_{id}[{}]\n{indent}  {node}", quoted(&shape.title));
    for (number, region) in shape.regions.iter().enumerate() {
        let prefix = format!("{id}_{number}_");
        let _ = writeln!(out, "{indent}  subgraph s_{prefix}[{}]", quoted(&region.title));
        contents(out, region, &prefix, depth + 2);
        let _ = writeln!(out, "{indent}  end");
    }
    let _ = writeln!(out, "{indent}end");
}
