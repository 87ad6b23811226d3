//! Graphs as TensorBoard draws them: nodes in scopes.
//!
//! Name scopes, a function that is called, a branch and a loop become scopes, which TensorBoard draws as boxes that open.
//! What is in no scope is in that of the graph's function, beside those; where there are none it would be a box around
//! everything. A region's inputs are the operands themselves, so arrows lead from where a value is made to where it is used, through the
//! borders of scopes. What structure needs beside its regions is drawn as nodes of its own:
//!
//! - `If`: takes the condition and what both branches give;
//! - `LoopVariable`: takes the value before the loop and, from an iteration, the one for the next;
//! - `Row` and `RowNumber`: what a `for` hands to an iteration;
//! - `While`, `For`: what the loop gives;
//! - `Return`: takes what the graph gives.

mod attributes;
mod names;

use std::collections::HashMap;

use attributes::{AttrMap, common, set, set_all, set_value};
use graph_core::{CallScopes, Class, DType, Fact, Graph, NameScope, Node, NodeId, NodeKind};
use names::Names;

use super::messages::{AttrKind, GraphDef, NodeDef, Versions};

/// Where everything is computed.
pub(super) const DEVICE: &str = "/device:CPU:0";

/// The regions that a node is in, outermost first: each by the node that holds it, and its number among that node's.
type Path = Vec<(NodeId, usize)>;

/// A graph in TensorFlow's form, and what its nodes are called there.
pub(super) struct Drawn {
    pub(super) graph: GraphDef,
    names: HashMap<(Path, NodeId), String>,
}

impl Drawn {
    /// What a node in these regions is called; `None` where there is no such node.
    pub(super) fn name(&self, regions: &[(NodeId, usize)], id: NodeId) -> Option<&String> {
        self.names.get(&(regions.to_vec(), id))
    }

    pub(super) fn new(graph: &Graph) -> Drawn {
        let mut drawing = Drawing::default();
        let inputs = graph.inputs().iter().map(|&id| drawing.input(graph.node(id))).collect();
        let has_scopes = |id: NodeId| {
            let node = graph.node(id);
            matches!(node.kind(), NodeKind::Call { .. }) || !node.origin().name_scope().is_root()
        };
        let scope = match graph.node_ids().any(has_scopes) {
            true => drawing.names.scope("", graph.name()),
            false => String::new(),
        };
        let outputs = drawing.region(graph, Scope { named: "", rest: &scope }, inputs);
        drawing.add("", "return", "Return", outputs, AttrMap::new());
        let graph = GraphDef { node: drawing.nodes, versions: Some(Versions { producer: 1 }) };
        Drawn { graph, names: drawing.names_of }
    }
}

/// Where the nodes of a region go: those in a name scope, and the rest.
#[derive(Clone, Copy)]
struct Scope<'a> {
    named: &'a str,
    rest: &'a str,
}

impl<'a> From<&'a str> for Scope<'a> {
    fn from(scope: &'a str) -> Scope<'a> {
        Scope { named: scope, rest: scope }
    }
}

/// The nodes so far.
#[derive(Default)]
struct Drawing {
    nodes: Vec<NodeDef>,
    names: Names,
    /// Where the nodes are that are drawn now.
    path: Path,
    names_of: HashMap<(Path, NodeId), String>,
}

impl Drawing {
    /// Adds a node, and tells its name.
    fn add(&mut self, scope: &str, words: &str, op: &str, input: Vec<String>, attr: AttrMap) -> String {
        // Numbered by place: TensorBoard takes nodes of one op whose numbers follow each other for a series, and draws
        // five of them as one.
        let name = self.names.fresh(scope, words, self.nodes.len());
        let device = DEVICE.to_owned();
        self.nodes.push(NodeDef { name: name.clone(), op: op.to_owned(), input, device, attr });
        name
    }

    /// An input of the whole graph. It and constants go by the names that TensorBoard has shapes for.
    fn input(&mut self, node: &Node) -> String {
        let mut attr = common(node.facts(), Some(node.origin()));
        if let NodeKind::Input { donated: true, .. } = node.kind() {
            set(&mut attr, "donated", AttrKind::Bool(true));
        }
        self.add("", input_name(node).unwrap_or("input"), "Placeholder", Vec::new(), attr)
    }

    /// Draws the nodes of a graph whose inputs are the values named. Tells where its outputs are.
    fn region<'a>(&mut self, graph: &Graph, scope: impl Into<Scope<'a>>, inputs: Vec<String>) -> Vec<String> {
        let scope = scope.into();
        let mut places: Vec<Vec<String>> = vec![Vec::new(); graph.index_bound()];
        for (id, input) in graph.inputs().iter().zip(inputs) {
            places[id.index()].push(input);
        }
        let mut last_effect: Option<String> = None;
        let mut calls = CallScopes::default();
        let mut opened: HashMap<NameScope, String> = HashMap::new();
        for id in graph.topological_order() {
            let node = graph.node(id);
            if let NodeKind::Input { .. } = node.kind() {
                continue;
            }
            let value = |value: &graph_core::Value| places[value.node().index()][value.output()].clone();
            let mut operands: Vec<String> = node.inputs().iter().map(value).collect();
            let acts = matches!(node.kind(), NodeKind::Apply(op) if op.class() == Class::Effect);
            if acts {
                operands.extend(last_effect.take().map(|before| format!("^{before}")));
            }
            let name_scope = match node.kind() {
                NodeKind::Call { body, .. } => calls.fresh(node.origin().name_scope(), body.name()),
                _ => node.origin().name_scope(),
            };
            let scope = match name_scope.is_root() {
                true => scope.rest,
                false => self.open(&mut opened, scope.named, name_scope),
            };
            places[id.index()] = self.node(id, node, scope, operands);
            if acts {
                last_effect = self.nodes.last().map(|node| node.name.clone());
            }
        }
        graph.outputs().iter().map(|value| places[value.node().index()][value.output()].clone()).collect()
    }

    /// The path of a name scope within a scope.
    fn open<'a>(
        &mut self,
        opened: &'a mut HashMap<NameScope, String>,
        scope: &str,
        name_scope: NameScope,
    ) -> &'a str {
        opened.entry(name_scope).or_insert_with(|| {
            name_scope.names().fold(scope.to_owned(), |scope, name| self.names.scope(&scope, name))
        })
    }

    /// Draws the region of this number of a node.
    fn inside(
        &mut self,
        id: NodeId,
        number: usize,
        graph: &Graph,
        scope: &str,
        inputs: Vec<String>,
    ) -> Vec<String> {
        self.path.push((id, number));
        let outputs = self.region(graph, scope, inputs);
        self.path.pop();
        outputs
    }

    /// Draws a node; a call in a scope of its own. Tells where its outputs are.
    fn node(&mut self, id: NodeId, node: &Node, scope: &str, operands: Vec<String>) -> Vec<String> {
        let mut attr = common(node.facts(), Some(node.origin()));
        let word = node.kind().name();
        let name = match node.kind() {
            NodeKind::Input { .. } => self.input(node),
            NodeKind::Constant(array) => {
                set_value(&mut attr, array);
                self.add(scope, word, "Const", operands, attr)
            }
            NodeKind::Apply(op) => {
                set_all(&mut attr, &op.attributes());
                self.add(scope, word, op.name(), operands, attr)
            }
            NodeKind::Call { body, .. } => return self.inside(id, 0, body, scope, operands),
            NodeKind::If { then_branch, else_branch } => {
                let scope = self.names.fresh_scope(scope, word);
                let mut given = operands[..1].to_vec();
                for (number, (word, branch)) in
                    [("then", then_branch), ("else", else_branch)].into_iter().enumerate()
                {
                    let scope = self.names.fresh_scope(&scope, word);
                    given.extend(self.inside(id, number, branch, &scope, operands[1..].to_vec()));
                }
                self.add(&scope, word, "If", given, attr)
            }
            NodeKind::While { condition, body, carried } => {
                let scope = self.names.fresh_scope(scope, word);
                let variables = self.variables(body, 0, &scope, &operands[..*carried]);
                let mut given = self.names_of(&variables);
                let inputs: Vec<String> = given.iter().chain(&operands[*carried..]).cloned().collect();
                let inside = self.names.fresh_scope(&scope, "condition");
                given.extend(self.inside(id, 0, condition, &inside, inputs.clone()));
                let inside = self.names.fresh_scope(&scope, "body");
                let next = self.inside(id, 1, body, &inside, inputs);
                self.feed_back(&variables, &next);
                given.extend_from_slice(&next[*carried..]);
                self.add(&scope, word, "While", given, attr)
            }
            NodeKind::For { body, trips, reverse, carried, scanned } => {
                let scope = self.names.fresh_scope(scope, word);
                let number = common(&[Fact::scalar(DType::I64)], None);
                let number = self.add(&scope, "row_number", "RowNumber", Vec::new(), number);
                let variables = self.variables(body, 1, &scope, &operands[..*carried]);
                let (sequences, invariants) = operands[*carried..].split_at(*scanned);
                let mut inputs = vec![number];
                inputs.extend(self.names_of(&variables));
                for (index, sequence) in sequences.iter().enumerate() {
                    let row = body.node(body.inputs()[1 + carried + index]);
                    let attr = common(row.facts(), None);
                    inputs.push(self.add(&scope, "row", "Row", vec![sequence.clone()], attr));
                }
                inputs.extend_from_slice(invariants);
                let inside = self.names.fresh_scope(&scope, "body");
                let next = self.inside(id, 0, body, &inside, inputs);
                self.feed_back(&variables, &next);
                if let Some(trips) = trips {
                    set(&mut attr, "trips", AttrKind::Int(*trips as i64));
                }
                set(&mut attr, "reverse", AttrKind::Bool(*reverse));
                self.add(&scope, word, "For", next, attr)
            }
        };
        self.names_of.insert((self.path.clone(), id), name.clone());
        let output = |index: usize| if index == 0 { name.clone() } else { format!("{name}:{index}") };
        (0..node.facts().len()).map(output).collect()
    }

    /// Adds a loop's variables, which are the inputs of its body from `first` on. Tells their indices.
    fn variables(&mut self, body: &Graph, first: usize, scope: &str, initial: &[String]) -> Vec<usize> {
        let inputs = body.inputs()[first..].iter().map(|&id| body.node(id));
        let mut variables = Vec::with_capacity(initial.len());
        for (initial, input) in initial.iter().zip(inputs) {
            variables.push(self.nodes.len());
            let words = input_name(input).unwrap_or("variable");
            self.add(scope, words, "LoopVariable", vec![initial.clone()], common(input.facts(), None));
        }
        variables
    }

    fn names_of(&self, indices: &[usize]) -> Vec<String> {
        indices.iter().map(|&index| self.nodes[index].name.clone()).collect()
    }

    /// Leads what an iteration gives back to the variables.
    fn feed_back(&mut self, variables: &[usize], next: &[String]) {
        for (&variable, next) in variables.iter().zip(next) {
            self.nodes[variable].input.push(next.clone());
        }
    }
}

fn input_name(node: &Node) -> Option<&str> {
    match node.kind() {
        NodeKind::Input { name, .. } if !name.is_empty() => Some(name),
        _ => None,
    }
}
