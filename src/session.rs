//! Graphs built by hand: placeholders, variables and a session that computes what is asked for, as in TensorFlow 1.
//!
//! This is the long way round that `#[graph_fn]` saves; it is here for programs that build their graph from data, and
//! to show what a traced function consists of.

use std::collections::HashMap;

use graph_core::{Arena, Array, DType, Error, Fact, Graph, Origin, Plan, Shape, Trace, TraceKind, Value};
use graph_ops::{Tensor, or_raise, raise};

/// A graph being built by hand.
///
/// ```
/// use grafito::prelude::*;
/// use grafito::session::GraphBuilder;
///
/// let mut graph = GraphBuilder::new("line");
/// let x = graph.placeholder("x", DType::F32, [3]);
/// let slope = graph.variable("slope", &Tensor::scalar(2.0f32));
/// let y = &x * &slope + 1.0;
/// let steeper = graph.assign(&slope, &(&slope * 10.0));
///
/// let mut session = graph.session();
/// let data = Tensor::from([1.0f32, 2.0, 3.0]);
/// assert_eq!(session.run(&[(&x, &data)], &[&y])[0].to_vec::<f32>(), [3.0, 5.0, 7.0]);
/// session.run(&[], &[&steeper]); // needs no x
/// assert_eq!(session.run(&[(&x, &data)], &[&y])[0].to_vec::<f32>(), [21.0, 41.0, 61.0]);
/// ```
#[derive(Debug)]
pub struct GraphBuilder {
    trace: Trace,
    inputs: Vec<InputKind>,
    /// Values whose computation also sets a variable, with that variable's input.
    assignments: HashMap<Value, usize>,
}

#[derive(Debug, Clone)]
enum InputKind {
    Placeholder { name: String },
    Variable { initial: Array },
}

/// Runs parts of a graph built by hand, and holds the values of its variables.
#[derive(Debug)]
pub struct Session {
    graph: Graph,
    trace: Trace,
    inputs: Vec<InputKind>,
    variables: HashMap<usize, Array>,
    assignments: HashMap<Value, usize>,
    /// Compiled parts by what is fetched.
    compiled: HashMap<Vec<Value>, Compiled>,
}

#[derive(Debug)]
struct Compiled {
    plan: Plan,
    arena: Arena,
    /// Which inputs of the whole graph the part takes.
    inputs: Vec<usize>,
}

impl GraphBuilder {
    /// A graph without nodes; the name is for people.
    pub fn new(name: &str) -> GraphBuilder {
        let trace = Trace::new(TraceKind::Function, name);
        GraphBuilder { trace, inputs: Vec::new(), assignments: HashMap::new() }
    }

    /// A value that each run is fed.
    #[track_caller]
    pub fn placeholder(&mut self, name: &str, dtype: DType, shape: impl Into<Shape>) -> Tensor {
        self.inputs.push(InputKind::Placeholder { name: name.to_owned() });
        self.input(name, Fact::new(dtype, shape))
    }

    /// A value that is kept between runs, and what it starts as.
    ///
    /// # Panics
    /// When the initial value cannot be computed.
    #[track_caller]
    pub fn variable(&mut self, name: &str, initial: &Tensor) -> Tensor {
        let initial = or_raise(initial.try_array());
        let fact = initial.fact().clone();
        self.inputs.push(InputKind::Variable { initial });
        self.input(name, fact)
    }

    /// A value known now.
    ///
    /// # Panics
    /// When the value belongs to another trace.
    #[track_caller]
    pub fn constant(&self, value: &Tensor) -> Tensor {
        let origin = Origin::caller();
        Tensor::from_traced(&self.trace, or_raise(value.value_in(&self.trace, origin)))
    }

    /// The new value of a variable: fetching it sets the variable once the run is over.
    ///
    /// # Panics
    /// When `variable` is none of this graph, or the value has another dtype or shape.
    #[track_caller]
    pub fn assign(&mut self, variable: &Tensor, value: &Tensor) -> Tensor {
        let index = match self.own_value(variable).and_then(|v| self.variable_index(v)) {
            Some(index) => index,
            None => raise(Error::usage("assign: the first argument is no variable of this graph")),
        };
        if variable.fact() != value.fact() {
            let (to, from) = (variable.fact(), value.fact());
            raise(Error::usage(format!("assign: the variable is {to}, the value {from}")));
        }
        let assigned = self.constant(value).identity();
        let (_, value) = assigned.traced().expect("a value of the trace");
        self.assignments.insert(value, index);
        assigned
    }

    /// Runs `body` with the graph current, so that operations on nothing but constants belong to it, too.
    pub fn scope<R>(&self, body: impl FnOnce() -> R) -> R {
        let _entered = self.trace.resume();
        body()
    }

    /// The graph so far.
    pub fn graph(&self) -> Graph {
        self.trace.with_graph(Graph::clone)
    }

    /// Ends the building, and starts with the initial values of the variables.
    pub fn session(self) -> Session {
        let graph = self.trace.finish(Vec::new());
        let initial = |(index, input): (usize, &InputKind)| match input {
            InputKind::Variable { initial } => Some((index, initial.clone())),
            InputKind::Placeholder { .. } => None,
        };
        let variables = self.inputs.iter().enumerate().filter_map(initial).collect();
        Session {
            graph,
            trace: self.trace,
            variables,
            inputs: self.inputs,
            assignments: self.assignments,
            compiled: HashMap::new(),
        }
    }

    #[track_caller]
    fn input(&self, name: &str, fact: Fact) -> Tensor {
        let value = self.trace.add_input(name, fact, Origin::caller());
        Tensor::from_traced(&self.trace, value)
    }

    fn own_value(&self, tensor: &Tensor) -> Option<Value> {
        tensor.traced().filter(|(trace, _)| **trace == self.trace).map(|(_, value)| value)
    }

    fn variable_index(&self, value: Value) -> Option<usize> {
        let index =
            self.trace.with_graph(|graph| graph.inputs().iter().position(|&id| id == value.node()))?;
        matches!(self.inputs[index], InputKind::Variable { .. }).then_some(index)
    }
}

impl Session {
    /// Computes the fetched values, and nothing that they do not need.
    ///
    /// # Panics
    /// As [`Session::try_run`] has errors.
    #[track_caller]
    pub fn run(&mut self, feeds: &[(&Tensor, &Tensor)], fetches: &[&Tensor]) -> Vec<Tensor> {
        or_raise(self.try_run(feeds, fetches))
    }

    /// Computes the fetched values, and nothing that they do not need.
    ///
    /// # Errors
    /// When a placeholder that is needed is not fed, or fed with another dtype or shape; when a feed or fetch is no
    /// value of this graph; when an operation fails on the data. Variables keep their values then.
    #[track_caller]
    pub fn try_run(
        &mut self,
        feeds: &[(&Tensor, &Tensor)],
        fetches: &[&Tensor],
    ) -> Result<Vec<Tensor>, Error> {
        // Whatever is wrong, and whatever comes out, is of the caller's line.
        Origin::caller().scope(|| self.run_here(feeds, fetches))
    }

    fn run_here(&mut self, feeds: &[(&Tensor, &Tensor)], fetches: &[&Tensor]) -> Result<Vec<Tensor>, Error> {
        let fed = self.feeds(feeds)?;
        let values = fetches.iter().map(|fetch| self.own_value(fetch)).collect::<Result<Vec<Value>, _>>()?;
        if !self.compiled.contains_key(&values) {
            let (mut part, inputs) = self.graph.subgraph(&values);
            graph_ops::optimize(&mut part)?;
            let plan = Plan::new(&part)?;
            let arena = Arena::new(&plan);
            self.compiled.insert(values.clone(), Compiled { plan, arena, inputs });
        }
        let compiled = self.compiled.get_mut(&values).expect("compiled above");
        let mut arrays = Vec::with_capacity(compiled.inputs.len());
        for &index in &compiled.inputs {
            let array = match &self.inputs[index] {
                InputKind::Placeholder { name } => fed.get(&index).ok_or_else(|| {
                    Error::usage(format!("run: placeholder `{name}` is needed and not fed"))
                })?,
                // Feeding a variable stands in for its value in this run.
                InputKind::Variable { .. } => fed.get(&index).unwrap_or(&self.variables[&index]),
            };
            arrays.push(array.clone());
        }
        let results = compiled.plan.run(&mut arrays, &mut compiled.arena)?;
        for (value, result) in values.iter().zip(&results) {
            if let Some(&index) = self.assignments.get(value) {
                self.variables.insert(index, result.clone());
            }
        }
        Ok(results.into_iter().map(Tensor::from_array).collect())
    }

    /// The present value of a variable.
    ///
    /// # Panics
    /// When it is no variable of this graph.
    #[track_caller]
    pub fn variable(&self, variable: &Tensor) -> Tensor {
        let index = self.own_value(variable).ok().and_then(|value| self.input_index(value));
        match index.and_then(|index| self.variables.get(&index)) {
            Some(array) => Tensor::from_array(array.clone()),
            None => raise(Error::usage("variable: no variable of this graph")),
        }
    }

    fn feeds(&self, feeds: &[(&Tensor, &Tensor)]) -> Result<HashMap<usize, Array>, Error> {
        let mut fed = HashMap::new();
        for (placeholder, tensor) in feeds {
            let index = self
                .input_index(self.own_value(placeholder)?)
                .ok_or_else(|| Error::usage("run: only placeholders and variables can be fed"))?;
            if placeholder.fact() != tensor.fact() {
                let (takes, given) = (placeholder.fact(), tensor.fact());
                return Err(Error::usage(format!("run: the placeholder takes {takes}, fed with {given}")));
            }
            fed.insert(index, tensor.try_array()?);
        }
        Ok(fed)
    }

    fn own_value(&self, tensor: &Tensor) -> Result<Value, Error> {
        match tensor.traced() {
            Some((trace, value)) if *trace == self.trace => Ok(value),
            _ => Err(Error::usage("run: a feed or fetch is no value of this graph")),
        }
    }

    fn input_index(&self, value: Value) -> Option<usize> {
        self.graph.inputs().iter().position(|&id| id == value.node())
    }
}
