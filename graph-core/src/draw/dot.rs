//! Graphviz.

use std::fmt::Write;

use super::picture::{Group, Picture, Role};

pub(super) fn render(picture: &Picture) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "digraph {} {{", quoted(&picture.title));
    out.push_str("  node [shape=box, style=\"rounded,filled\", fillcolor=white, fontname=monospace];\n");
    out.push_str("  edge [fontname=monospace, fontsize=10];\n");
    contents(&mut out, picture, "n", 1);
    out.push_str("}\n");
    out
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

fn contents(out: &mut String, picture: &Picture, prefix: &str, depth: usize) {
    group(out, picture, &picture.groups(), prefix, &format!("{prefix}s"), depth);
    let indent = "  ".repeat(depth);
    for arrow in &picture.arrows {
        let _ = write!(out, "{indent}{prefix}{} -> {prefix}{}", arrow.from, arrow.to);
        if !arrow.label.is_empty() {
            let _ = write!(out, " [label={}]", quoted(&arrow.label));
        }
        out.push_str(";\n");
    }
}

fn group(out: &mut String, picture: &Picture, group: &Group, prefix: &str, name: &str, depth: usize) {
    let indent = "  ".repeat(depth);
    for &index in &group.shapes {
        shape(out, picture, index, prefix, depth);
    }
    for (number, inner) in group.inner.iter().enumerate() {
        let (name, title) = (format!("{name}{number}_"), quoted(&inner.name));
        let _ = writeln!(out, "{indent}subgraph cluster_{name} {{\n{indent}  label={title};");
        self::group(out, picture, inner, prefix, &name, depth + 1);
        let _ = writeln!(out, "{indent}}}");
    }
}

fn shape(out: &mut String, picture: &Picture, index: usize, prefix: &str, depth: usize) {
    let indent = "  ".repeat(depth);
    let shape = &picture.shapes[index];
    let color = match shape.role {
        Role::Input => "lightblue",
        Role::Donated => "lightskyblue",
        Role::Constant => "gray92",
        Role::Op => "white",
        Role::Structure => "lightyellow",
        Role::Return => "palegreen",
    };
    let id = format!("{prefix}{index}");
    let label = quoted(&format!("{}\n{}", shape.title, shape.detail));
    let node = format!("{id} [label={label}, fillcolor={color}];");
    if shape.regions.is_empty() {
        let _ = writeln!(out, "{indent}{node}");
        return;
    }
    let _ = writeln!(out, "{indent}subgraph cluster_{id} {{\n{indent}  {node}");
    for (number, region) in shape.regions.iter().enumerate() {
        let prefix = format!("{id}_{number}_");
        let title = quoted(&region.title);
        let _ = writeln!(out, "{indent}  subgraph cluster_{prefix} {{\n{indent}    label={title};");
        contents(out, region, &prefix, depth + 2);
        let _ = writeln!(out, "{indent}  }}");
    }
    let _ = writeln!(out, "{indent}}}");
}
