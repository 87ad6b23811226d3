//! Printing graphs.

use std::fmt::{self, Formatter, Write};

use super::{element, lexer};
use crate::graph::{Graph, NodeKind};
use crate::ids::{NodeId, Value};
use crate::origin::Origin;

/// A graph printed with a comment after each node: where the user wrote it, and in which name scope.
#[derive(Debug, Clone, Copy)]
pub struct WithOrigins<'a>(&'a Graph);

impl Graph {
    /// The text form with a comment `// file:line:column` after each node, or `// in encoder/attention, file:line:column`
    /// where that is its name scope.
    pub fn with_origins(&self) -> WithOrigins<'_> {
        WithOrigins(self)
    }
}

impl fmt::Display for Graph {
    /// The text form; the grammar is in the docs of the module `text`. [`Graph::parse`] reads it back.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        print(self, f, false)
    }
}

impl fmt::Display for WithOrigins<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        print(self.0, f, true)
    }
}

fn print(graph: &Graph, f: &mut Formatter<'_>, origins: bool) -> fmt::Result {
    write!(f, "graph {}", Name(graph.name()))?;
    Printer { out: f, indent: 0, origins }.graph(graph)
}

/// A name, quoted where it is no word.
struct Name<'a>(&'a str);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            "donated" => f.write_str("\"donated\""),
            name if lexer::is_word(name) => f.write_str(name),
            name => write!(f, "{name:?}"),
        }
    }
}

struct Printer<'a, 'f> {
    out: &'a mut Formatter<'f>,
    indent: usize,
    origins: bool,
}

/// The numbers of a graph's values: for each node that of its first output.
struct Numbers(Vec<usize>);

impl Numbers {
    fn new(graph: &Graph, order: &[NodeId]) -> Numbers {
        let mut first = vec![0; graph.index_bound()];
        let is_input = |id: &NodeId| matches!(graph.node(*id).kind(), NodeKind::Input { .. });
        let mut next = 0;
        for id in graph.inputs().iter().chain(order.iter().filter(|id| !is_input(id))) {
            first[id.index()] = next;
            next += graph.node(*id).facts().len();
        }
        Numbers(first)
    }

    fn of(&self, value: Value) -> usize {
        self.0[value.node().index()] + value.output()
    }
}

impl Printer<'_, '_> {
    /// Signature and block of a graph, after its name.
    fn graph(&mut self, graph: &Graph) -> fmt::Result {
        let order = graph.topological_order();
        let numbers = Numbers::new(graph, &order);
        self.out.write_char('(')?;
        for (index, &id) in graph.inputs().iter().enumerate() {
            let node = graph.node(id);
            if index > 0 {
                self.out.write_str(", ")?;
            }
            write!(self.out, "%{index}")?;
            if let NodeKind::Input { name, donated } = node.kind() {
                if *donated {
                    self.out.write_str(" donated")?;
                }
                if !name.is_empty() {
                    write!(self.out, " {}", Name(name))?;
                }
            }
            write!(self.out, ": {}", node.facts()[0])?;
        }
        self.out.write_str(") {\n")?;
        self.indent += 1;
        for id in order {
            self.node(graph, id, &numbers)?;
        }
        self.line_start()?;
        self.out.write_str("return")?;
        self.values(" ", graph.outputs().iter().copied(), &numbers)?;
        self.out.write_char('\n')?;
        self.indent -= 1;
        self.line_start()?;
        self.out.write_str("}\n")
    }

    fn node(&mut self, graph: &Graph, id: NodeId, numbers: &Numbers) -> fmt::Result {
        let node = graph.node(id);
        if let NodeKind::Input { .. } = node.kind() {
            return Ok(());
        }
        self.line_start()?;
        self.values("", (0..node.facts().len()).map(|output| Value::new(id, output)), numbers)?;
        if !node.facts().is_empty() {
            self.out.write_str(" = ")?;
        }
        self.out.write_str(node.kind().name())?;
        match node.kind() {
            NodeKind::Constant(array) => match element::print(array) {
                Some(elements) => write!(self.out, " {elements}")?,
                None => self.out.write_str(" ...")?,
            },
            _ => {
                self.out.write_char('(')?;
                self.values("", node.inputs().iter().copied(), numbers)?;
                self.out.write_char(')')?;
            }
        }
        match node.kind() {
            NodeKind::Apply(op) => {
                for (name, value) in op.attributes().iter() {
                    write!(self.out, " {name}={value}")?;
                }
            }
            NodeKind::While { carried, .. } => write!(self.out, " carried={carried}")?,
            NodeKind::For { trips, reverse, carried, scanned, .. } => {
                if let Some(trips) = trips {
                    write!(self.out, " trips={trips}")?;
                }
                if *reverse {
                    write!(self.out, " reverse=true")?;
                }
                write!(self.out, " carried={carried} scanned={scanned}")?;
            }
            _ => {}
        }
        for (index, fact) in node.facts().iter().enumerate() {
            write!(self.out, "{}{fact}", if index == 0 { " : " } else { ", " })?;
        }
        self.origin(node.origin())?;
        self.out.write_char('\n')?;
        self.regions(node.kind())
    }

    fn regions(&mut self, kind: &NodeKind) -> fmt::Result {
        match kind {
            NodeKind::Input { .. } | NodeKind::Constant(_) | NodeKind::Apply(_) => Ok(()),
            NodeKind::Call { body, vjp } => {
                self.region("body", body)?;
                vjp.iter().try_for_each(|vjp| self.region("vjp", vjp))
            }
            NodeKind::If { then_branch, else_branch } => {
                self.region("then", then_branch)?;
                self.region("else", else_branch)
            }
            NodeKind::While { condition, body, .. } => {
                self.region("condition", condition)?;
                self.region("body", body)
            }
            NodeKind::For { body, .. } => self.region("body", body),
        }
    }

    fn region(&mut self, word: &str, region: &Graph) -> fmt::Result {
        self.indent += 1;
        self.line_start()?;
        self.out.write_str(word)?;
        if **region.name() != *word {
            write!(self.out, " {}", Name(region.name()))?;
        }
        self.graph(region)?;
        self.indent -= 1;
        Ok(())
    }

    fn values(
        &mut self,
        before: &str,
        values: impl Iterator<Item = Value>,
        numbers: &Numbers,
    ) -> fmt::Result {
        for (index, value) in values.enumerate() {
            write!(self.out, "{}%{}", if index == 0 { before } else { ", " }, numbers.of(value))?;
        }
        Ok(())
    }

    fn origin(&mut self, origin: Origin) -> fmt::Result {
        if !self.origins {
            return Ok(());
        }
        match origin.name_scope() {
            scope if scope.is_root() => write!(self.out, "  // {origin}"),
            scope => write!(self.out, "  // in {scope}, {origin}"),
        }
    }

    fn line_start(&mut self) -> fmt::Result {
        (0..self.indent).try_for_each(|_| self.out.write_str("  "))
    }
}
