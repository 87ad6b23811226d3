//! Traces: graphs under construction, and the stack of them that a thread is in.
//!
//! A trace receives nodes while user code runs. A *symbolic* trace only records; a *tape* computes every node at once
//! and records it, so that eager code can be differentiated by the same graph transformation as traced code.

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use rustc_hash::FxHashMap;
use smallvec::{SmallVec, smallvec};

use crate::array::Array;
use crate::error::OpError;
use crate::exec;
use crate::fact::{Fact, Facts};
use crate::graph::{Graph, NodeKind};
use crate::ids::{NodeId, Value, Values};
use crate::mode::{Mode, mode};
use crate::origin::Origin;
use crate::pending::Pending;
use crate::scope::{InScope, NameScope};

/// What a trace is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TraceKind {
    /// A function's body. Everything from outside is an argument or becomes a constant.
    Function,
    /// A region of an enclosing trace, or of the pending graph: what it uses from outside is captured.
    Region,
    /// A record of eager computation, kept to differentiate it.
    Tape,
}

/// Something from outside that a region uses; it becomes an input after the region's own.
#[derive(Debug, Clone)]
pub enum Captured {
    /// A value of the enclosing trace.
    Outer(Trace, Value),
    /// A value of the pending graph.
    Pending(Pending),
}

/// A graph under construction. Clones are the same trace.
#[derive(Debug, Clone)]
pub struct Trace(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    id: u64,
    kind: TraceKind,
    name: Arc<str>,
    open: AtomicBool,
    /// Whether a tape still records what is computed on it.
    recording: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    graph: Graph,
    /// What each node has computed, by its index; of a tape only.
    arrays: Vec<Arrays>,
    /// Constants already in the graph, by the address of their buffer, so that one array becomes one node.
    constants: FxHashMap<usize, SmallVec<[Value; 1]>>,
    captures: Vec<(Captured, Value)>,
}

/// The outputs of one node, computed.
type Arrays = SmallVec<[Array; 1]>;

/// Nodes that a tape has room for from the start: it is made for each call, and to grow takes longer than the nodes do.
const TAPE_CAPACITY: usize = 64;

thread_local! {
    static STACK: RefCell<Vec<Trace>> = const { RefCell::new(Vec::new()) };
}

/// Keeps a trace current on this thread; dropping it makes the one before current again.
#[derive(Debug)]
#[must_use = "the trace is current only while this lives"]
pub struct Entered {
    /// The trace, if it ends with this.
    closes: Option<Trace>,
    /// What a graph of its own starts with no name scope; a tape goes on where it is.
    _name_scope: Option<InScope>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        STACK.with_borrow_mut(|stack| stack.pop());
        if let Some(trace) = &self.closes {
            trace.close();
        }
    }
}

impl Trace {
    /// An empty trace.
    pub fn new(kind: TraceKind, name: impl Into<Arc<str>>) -> Trace {
        static NEXT_ID: AtomicU64 = AtomicU64::new(0);
        let name = name.into();
        let capacity = if kind == TraceKind::Tape { TAPE_CAPACITY } else { 0 };
        let graph = Graph::with_capacity(name.clone(), capacity);
        let arrays = Vec::with_capacity(capacity);
        let state = State { graph, arrays, constants: FxHashMap::default(), captures: Vec::new() };
        let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
        let (open, recording) = (AtomicBool::new(true), AtomicBool::new(true));
        Trace(Arc::new(Inner { id, kind, name, open, recording, state: Mutex::new(state) }))
    }

    /// Makes the trace current on this thread. Its nodes are in no name scope but those that are entered then.
    pub fn enter(&self) -> Entered {
        let mut entered = self.resume();
        let starts_anew = self.kind() != TraceKind::Tape;
        entered._name_scope = starts_anew.then(|| NameScope::ROOT.enter());
        entered
    }

    /// As [`Trace::enter`], in the name scope that the thread is in: for a graph that is built from outside.
    pub fn resume(&self) -> Entered {
        STACK.with_borrow_mut(|stack| stack.push(self.clone()));
        Entered { closes: None, _name_scope: None }
    }

    /// As [`Trace::enter`], and ends the trace when it is left, also by an error or a panic: whoever has kept a tensor
    /// of it is told so.
    pub fn enter_to_close(&self) -> Entered {
        let mut entered = self.enter();
        entered.closes = Some(self.clone());
        entered
    }

    /// The innermost trace of this thread.
    pub fn current() -> Option<Trace> {
        STACK.with_borrow(|stack| stack.last().cloned())
    }

    /// All traces of this thread, outermost first.
    pub fn stack() -> Vec<Trace> {
        STACK.with_borrow(|stack| stack.clone())
    }

    /// What the trace is for.
    pub fn kind(&self) -> TraceKind {
        self.0.kind
    }

    /// The name: a function's, mostly.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Whether nodes can still be added.
    pub fn is_open(&self) -> bool {
        self.0.open.load(Ordering::Acquire)
    }

    /// Ends the trace: tensors of it can no longer be used.
    pub fn close(&self) {
        self.0.open.store(false, Ordering::Release);
    }

    /// Says whether a tape records, until the guard is dropped. Where it does not, its values stay what they are, and what
    /// is computed from them is not added: for whoever knows that nobody will differentiate it.
    #[must_use = "it is as before once the guard is dropped"]
    pub fn recording(&self, recording: bool) -> Recording<'_> {
        Recording { trace: self, before: self.0.recording.swap(recording, Ordering::AcqRel) }
    }

    /// Whether operations on the trace's values are added to it.
    pub fn is_recording(&self) -> bool {
        self.is_open() && self.0.recording.load(Ordering::Acquire)
    }

    /// Adds an input.
    pub fn add_input(&self, name: impl Into<Arc<str>>, fact: Fact, origin: Origin) -> Value {
        self.state().graph.add_input(name, fact, origin)
    }

    /// Adds a constant; the same array twice is one node.
    pub fn add_constant(&self, array: &Array, origin: Origin) -> Value {
        let mut state = self.state();
        let state = &mut *state;
        // An empty array has no address of its own.
        let mut known =
            (array.fact().num_bytes() > 0).then(|| state.constants.entry(array.address()).or_default());
        let same = |&&value: &&Value| state.graph.fact(value) == array.fact();
        if let Some(&value) = known.iter().flat_map(|known| known.iter()).find(same) {
            return value;
        }
        let value = state.graph.add_constant(array.clone(), origin);
        if let Some(known) = &mut known {
            known.push(value);
        }
        if self.kind() == TraceKind::Tape {
            state.keep(value.node(), smallvec![array.clone()]);
        }
        value
    }

    /// Adds a node; a tape computes it, too.
    ///
    /// # Errors
    /// When the node does not take these operands or, on a tape, cannot be computed.
    pub fn add(&self, kind: NodeKind, inputs: &[Value], origin: Origin) -> Result<Values, OpError> {
        if self.kind() != TraceKind::Tape {
            return self.state().graph.add(kind, inputs, origin);
        }
        // Computed before it is added, and without the lock: a failed op leaves no node.
        let operands: SmallVec<[Array; 4]> = {
            let state = self.state();
            let array = |&value: &Value| state.array(value).expect("a tape has computed its values").clone();
            inputs.iter().map(array).collect()
        };
        let operand_refs: SmallVec<[&Array; 4]> = operands.iter().collect();
        let results = exec::compute(&kind, &operand_refs)?;
        Ok(self.add_computed(kind, inputs, results, origin))
    }

    /// Adds a node that has been computed from these operands, with its results; to a tape.
    ///
    /// # Panics
    /// On a trace that is no tape.
    pub fn add_computed(
        &self,
        kind: NodeKind,
        inputs: &[Value],
        results: SmallVec<[Array; 1]>,
        origin: Origin,
    ) -> Values {
        assert_eq!(self.kind(), TraceKind::Tape, "other traces compute nothing");
        let mut state = self.state();
        let facts = results.iter().map(|array| array.fact().clone()).collect();
        let values = state.graph.add_inferred(kind, inputs, facts, origin);
        if let Some(value) = values.first() {
            state.keep(value.node(), results);
        }
        values
    }

    /// Adds the nodes of a graph, with `arguments` for its inputs, and returns what its outputs have become. Their name
    /// scopes lie in `name_scope`.
    ///
    /// # Errors
    /// As [`Trace::add`].
    pub fn inline(
        &self,
        graph: &Graph,
        arguments: &[Value],
        name_scope: NameScope,
    ) -> Result<Vec<Value>, OpError> {
        let mut renamed: FxHashMap<Value, Value> = FxHashMap::default();
        renamed.reserve(graph.num_nodes());
        renamed.extend(graph.inputs().iter().map(|&id| Value::new(id, 0)).zip(arguments.iter().copied()));
        for id in graph.topological_order() {
            let node = graph.node(id);
            let origin = node.origin().moved_to(name_scope);
            let values = match node.kind() {
                NodeKind::Input { .. } => continue,
                NodeKind::Constant(array) => SmallVec::from_elem(self.add_constant(array, origin), 1),
                kind => {
                    let inputs: SmallVec<[Value; 4]> = node.inputs().iter().map(|v| renamed[v]).collect();
                    self.add(kind.clone(), &inputs, origin)?
                }
            };
            renamed.extend(values.iter().enumerate().map(|(output, &value)| (Value::new(id, output), value)));
        }
        Ok(graph.outputs().iter().map(|output| renamed[output]).collect())
    }

    /// Gives a node more outputs: `kind` has the outputs that the node has, and others after them.
    ///
    /// # Errors
    /// When the new kind does not take the node's operands.
    pub(crate) fn extend(&self, id: NodeId, kind: NodeKind) -> Result<Values, OpError> {
        self.state().graph.extend_node(id, kind)
    }

    /// The input that stands for something from outside; made on first use.
    pub fn capture(&self, captured: Captured, fact: Fact, origin: Origin) -> Value {
        let mut state = self.state();
        if let Some((_, value)) = state.captures.iter().find(|(have, _)| have.is(&captured)) {
            return *value;
        }
        let name = format!("captured.{}", state.captures.len());
        let value = state.graph.add_input(name, fact, origin);
        state.captures.push((captured, value));
        value
    }

    /// What has been captured, in the order of the inputs that stand for it.
    pub fn captures(&self) -> Vec<Captured> {
        self.state().captures.iter().map(|(captured, _)| captured.clone()).collect()
    }

    /// DType and shape of a value.
    pub fn fact(&self, value: Value) -> Fact {
        self.state().graph.fact(value).clone()
    }

    /// The array of a value, on a tape.
    pub fn array(&self, value: Value) -> Option<Array> {
        self.state().array(value).cloned()
    }

    /// Where a value was made.
    pub fn origin(&self, value: Value) -> Origin {
        self.state().graph.node(value.node()).origin()
    }

    /// A node's parts, copied out so that the trace is free to grow meanwhile.
    pub fn node(&self, id: NodeId) -> (NodeKind, SmallVec<[Value; 4]>, Facts, Origin) {
        let state = self.state();
        let node = state.graph.node(id);
        (node.kind().clone(), node.inputs().into(), node.facts().into(), node.origin())
    }

    /// Reads the graph as it stands.
    pub fn with_graph<R>(&self, read: impl FnOnce(&Graph) -> R) -> R {
        read(&self.state().graph)
    }

    /// Ends the trace and returns its graph with these outputs.
    pub fn finish(&self, outputs: Vec<Value>) -> Graph {
        self.close();
        let mut state = self.state();
        let mut graph = std::mem::replace(&mut state.graph, Graph::new(self.0.name.clone()));
        graph.set_outputs(outputs);
        graph
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// Runs `body`, whose operations are recorded as belonging to this part of the program, within the one that the caller is
/// in. A name with slashes is a path. The same name again is the same scope.
///
/// TensorBoard draws scopes as boxes that open, and a graph's drawings and `with_origins` tell them. Gradients of what is
/// in `encoder` are in `gradient/encoder`. A traced function is a scope by itself, in the one that it is called in.
///
/// Where operations are computed at once, in eager mode, nothing is recorded and `body` is called, that is all. Nothing
/// else depends on a scope: no result, no signature, no time of a traced function once it is traced. Names are kept for
/// the life of the program, so they should not be numbered without end.
///
/// ```
/// use graph_core::{Mode, Origin, name_scope, with_mode};
///
/// let nested = || name_scope("encoder", || name_scope("query", Origin::caller));
/// assert_eq!(with_mode(Mode::Lazy, nested).name_scope().to_string(), "encoder/query");
/// assert!(with_mode(Mode::Eager, nested).name_scope().is_root());
/// ```
///
/// # Source
/// `tf.name_scope`.
pub fn name_scope<R>(name: &str, body: impl FnOnce() -> R) -> R {
    let is_recorded = match STACK.with_borrow(|stack| stack.last().map(Trace::kind)) {
        Some(kind) => kind != TraceKind::Tape,
        None => mode() == Mode::Lazy,
    };
    let _within = is_recorded.then(|| NameScope::current().within(name).enter());
    body()
}

/// While it lives, a tape records or does not.
#[derive(Debug)]
pub struct Recording<'a> {
    trace: &'a Trace,
    before: bool,
}

impl Drop for Recording<'_> {
    fn drop(&mut self) {
        self.trace.0.recording.store(self.before, Ordering::Release);
    }
}

impl State {
    /// The array of a value, on a tape.
    fn array(&self, value: Value) -> Option<&Array> {
        self.arrays.get(value.node().index())?.get(value.output())
    }

    /// Keeps what a node that was just added has computed.
    fn keep(&mut self, node: NodeId, results: Arrays) {
        debug_assert!(self.arrays.len() <= node.index(), "each node is computed once");
        self.arrays.resize_with(node.index(), Arrays::new);
        self.arrays.push(results);
    }
}

impl PartialEq for Trace {
    fn eq(&self, other: &Trace) -> bool {
        self.0.id == other.0.id
    }
}

impl Eq for Trace {}

impl Captured {
    /// Whether both are the same thing.
    pub fn is(&self, other: &Captured) -> bool {
        match (self, other) {
            (Captured::Outer(t, a), Captured::Outer(u, b)) => t == u && a == b,
            (Captured::Pending(a), Captured::Pending(b)) => a.is(b),
            _ => false,
        }
    }
}
