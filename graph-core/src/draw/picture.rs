//! Pictures: graphs as boxes and arrows, for every format to draw.

use std::collections::{HashMap, HashSet};

use crate::graph::{Graph, NodeKind};
use crate::ids::{NodeId, Value};
use crate::text::short_constant;

/// What a box stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Input,
    /// An input that is given up.
    Donated,
    Constant,
    Op,
    /// A node with regions.
    Structure,
    /// The outputs of the graph.
    Return,
}

/// A box.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) role: Role,
    /// What it is: name, attributes.
    pub(super) title: String,
    /// What it gives: facts.
    pub(super) detail: String,
    /// The name scope that it is in, outermost name first.
    pub(super) scope: Vec<String>,
    pub(super) regions: Vec<Picture>,
}

/// An arrow between two boxes, by index.
#[derive(Debug, PartialEq, Eq, Hash, Clone)]
pub(super) struct Arrow {
    pub(super) from: usize,
    pub(super) to: usize,
    /// Which outputs, of a node that has several.
    pub(super) label: String,
}

/// A graph as boxes and arrows. Boxes come before those that their arrows lead to.
#[derive(Debug)]
pub(super) struct Picture {
    pub(super) title: String,
    pub(super) shapes: Vec<Shape>,
    pub(super) arrows: Vec<Arrow>,
}

/// Shapes by name scope: those in it, and the scopes in it.
#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) name: String,
    pub(super) shapes: Vec<usize>,
    pub(super) inner: Vec<Group>,
}

impl Group {
    fn add(&mut self, scope: &[String], shape: usize) {
        let Some((name, rest)) = scope.split_first() else { return self.shapes.push(shape) };
        let known = self.inner.iter().position(|group| group.name == *name);
        let index = known.unwrap_or_else(|| {
            self.inner.push(Group { name: name.clone(), ..Group::default() });
            self.inner.len() - 1
        });
        self.inner[index].add(rest, shape);
    }
}

impl Picture {
    /// The shapes, by their name scopes.
    pub(super) fn groups(&self) -> Group {
        let mut all = Group::default();
        for (index, shape) in self.shapes.iter().enumerate() {
            all.add(&shape.scope, index);
        }
        all
    }

    pub(super) fn new(graph: &Graph) -> Picture {
        let is_input = |id: &NodeId| matches!(graph.node(*id).kind(), NodeKind::Input { .. });
        let order = graph.topological_order().into_iter().filter(|id| !is_input(id));
        let order: Vec<NodeId> = graph.inputs().iter().copied().chain(order).collect();
        let mut index = vec![0; graph.index_bound()];
        let mut picture = Picture { title: printable(graph.name()), shapes: Vec::new(), arrows: Vec::new() };
        for (to, &id) in order.iter().enumerate() {
            index[id.index()] = to;
            picture.shapes.push(Shape::new(graph, id));
            picture.add_arrows(graph, graph.node(id).inputs(), &index, to);
        }
        let facts: Vec<String> = graph.output_facts().map(|fact| fact.to_string()).collect();
        let to = picture.shapes.len();
        let detail = facts.join(", ");
        picture.shapes.push(Shape {
            role: Role::Return,
            title: "return".into(),
            detail,
            scope: Vec::new(),
            regions: Vec::new(),
        });
        picture.add_arrows(graph, graph.outputs(), &index, to);
        picture
    }

    fn add_arrows(&mut self, graph: &Graph, values: &[Value], index: &[usize], to: usize) {
        let start = self.arrows.len();
        let mut seen = HashSet::new();
        let mut arrow_from = HashMap::new();
        for value in values.iter().filter(|&&value| seen.insert(value)) {
            let outputs = graph.node(value.node()).facts().len();
            let label = if outputs > 1 { value.output().to_string() } else { String::new() };
            let from = index[value.node().index()];
            let arrow = *arrow_from.entry(from).or_insert(self.arrows.len());
            if arrow == self.arrows.len() {
                self.arrows.push(Arrow { from, to, label });
            } else {
                self.arrows[arrow].label += &format!(", {label}");
            }
        }
        debug_assert!(self.arrows[start..].iter().all(|arrow| arrow.from < to), "operands come first");
    }
}

impl Shape {
    fn new(graph: &Graph, id: NodeId) -> Shape {
        let node = graph.node(id);
        let kind = node.kind();
        let (role, title) = match kind {
            NodeKind::Input { name, donated } => {
                let role = if *donated { Role::Donated } else { Role::Input };
                (role, if name.is_empty() { "input".to_owned() } else { name.to_string() })
            }
            NodeKind::Constant(array) => (Role::Constant, short_constant(array)),
            NodeKind::Apply(op) => {
                let words = op.attributes();
                let words = words.iter().map(|(name, value)| format!(" {name}={value}"));
                (Role::Op, std::iter::once(op.name().to_owned()).chain(words).collect())
            }
            NodeKind::For { trips: Some(trips), .. } => (Role::Structure, format!("for, {trips} trips")),
            NodeKind::For { trips: None, .. } => (Role::Structure, "for, along stacks".to_owned()),
            NodeKind::Call { .. } | NodeKind::If { .. } | NodeKind::While { .. } => {
                (Role::Structure, kind.name().to_owned())
            }
        };
        let facts: Vec<String> = node.facts().iter().map(|fact| fact.to_string()).collect();
        let words: &[&str] = match kind {
            NodeKind::If { .. } => &["then", "else"],
            NodeKind::While { .. } => &["condition", "body"],
            _ => &["body"],
        };
        let regions = kind.regions().into_iter().zip(words).map(|(region, word)| {
            let mut picture = Picture::new(region);
            if picture.title != *word {
                picture.title = format!("{word}: {}", picture.title);
            }
            picture
        });
        let scope = node.origin().name_scope().names().map(printable).collect();
        Shape { role, title: printable(&title), detail: facts.join(", "), scope, regions: regions.collect() }
    }
}

/// A name on one line, without the characters that no format can carry.
fn printable(name: &str) -> String {
    let is_bad = |c: char| c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}');
    name.chars().map(|c| if is_bad(c) { ' ' } else { c }).collect()
}
