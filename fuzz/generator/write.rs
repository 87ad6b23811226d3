//! The file of all programs.

use std::fmt::Write as _;

use crate::grow::program;

/// The programs of so many seeds, and a table of them.
pub(crate) fn programs(seed: u64, count: u64) -> String {
    let (mut on_numbers, mut on_tensors, mut table) = (String::new(), String::new(), String::new());
    for seed in seed..seed + count {
        let body = program(seed);
        let (plain, graph) = (indented(&body.plain), indented(&body.graph));
        let plain = format!(
            "pub(super) fn program_{seed}<F: Real>(mut a: i64, mut b: i64, mut x: F, mut y: F, n: i64) -> (i64, F) {{{plain}}}"
        );
        let graph = format!(
            "#[graph_fn]\npub(super) fn program_{seed}(mut a: Tensor, mut b: Tensor, mut x: Tensor, mut y: Tensor, n: i64) -> \
             (Tensor, Tensor) {{{graph}}}"
        );
        write!(on_numbers, "{plain}\n\n").expect("a string");
        write!(on_tensors, "{graph}\n\n").expect("a string");
        let source = format!("{plain}\n\n{graph}\n");
        writeln!(
            table,
            "    Program {{ seed: {seed}, source: {source:?}, plain: plain::program_{seed}::<f64>, \
             dual: plain::program_{seed}::<Dual>, graph: graph::program_{seed} }},"
        )
        .expect("a string");
    }
    format!(
        "#[allow(warnings)]\nmod plain {{\nuse super::on_numbers::*;\n\n{on_numbers}}}\n\n\
         #[allow(warnings)]\nmod graph {{\nuse super::on_tensors::*;\n\n{on_tensors}}}\n\n\
         const PROGRAMS: &[Program] = &[\n{table}];\n"
    )
}

/// The lines of a body, indented by the braces around them.
fn indented(body: &str) -> String {
    let mut text = String::from("\n");
    let mut depth = 1;
    for line in body.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let opened = line.matches('{').count();
        let closed = line.matches('}').count();
        let leading = line.chars().take_while(|c| *c == '}').count();
        text.push_str(&"    ".repeat(depth - leading.min(depth)));
        text.push_str(line);
        text.push('\n');
        depth = depth + opened - closed;
    }
    text
}
