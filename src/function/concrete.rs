//! Concrete functions: one signature's graph, and its plan once it is called from outside.

use std::any::Any;
use std::sync::{Arc, Mutex, OnceLock};

use graph_core::{Arena, Array, Error, Graph, Origin, Plan, Report, Trace, Value, verify_after};
use graph_ops::{Returned, Tensor, TensorTree, leaf_paths_in, leaves};

use super::Arguments;
use super::signature::Signature;

/// A traced function: graph, and the form of its results.
#[derive(Debug)]
pub(super) struct ConcreteFunction {
    signature: Signature,
    traced: Arc<Graph>,
    /// Which inputs are donated by a call from outside.
    donated: Vec<bool>,
    /// The result's and the `&mut` arguments' trees, with leaves to be replaced: `(A::State, R::Tree)`.
    templates: Box<dyn Any + Send + Sync>,
    compiled: OnceLock<Result<Compiled, Error>>,
}

/// What a call from outside runs.
#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) optimized: Graph,
    pub(super) report: Report,
    pub(super) plan: Arc<Plan>,
    /// Arenas not in use: one call takes one.
    arenas: Mutex<Vec<Arena>>,
}

impl ConcreteFunction {
    /// Traces a body. The inner error is what the body returned in place of tensors.
    pub(super) fn trace<A: Arguments, R: Returned>(
        trace: &Trace,
        signature: Signature,
        arguments: &A,
        names: &'static [&'static str],
        body: impl FnOnce(&mut A::Traced) -> R,
        origin: Origin,
    ) -> Result<Result<ConcreteFunction, R>, Error> {
        let mut paths = leaf_paths_in(|visitor| arguments.visit(names, visitor)).into_iter();
        let mut donated = Vec::new();
        let mut copies = arguments.traced(&mut |leaf, is_donated| {
            donated.push(is_donated);
            let name = paths.next().expect("a path for each leaf");
            let value = trace.add_input(name, leaf.fact().clone(), leaf.origin());
            Tensor::from_traced(trace, value).with_origin(leaf.origin())
        });
        let tree = match body(&mut copies).into_tree() {
            Ok(tree) => tree,
            Err(failed) => return Ok(Err(failed)),
        };
        let mut outputs: Vec<Value> = Vec::new();
        for leaf in leaves(&tree) {
            outputs.push(leaf.value_in(trace, origin)?);
        }
        let mut failure = None;
        let state = A::state(&copies, &mut |leaf| {
            match leaf.value_in(trace, origin) {
                Ok(value) => outputs.push(value),
                Err(error) => failure = Some(error),
            }
            placeholder()
        });
        if let Some(error) = failure {
            return Err(error);
        }
        let template = tree.map_leaves(&mut |_| placeholder());
        let traced = trace.finish(outputs);
        verify_after("trace", &traced)?;
        Ok(Ok(ConcreteFunction {
            signature,
            traced: Arc::new(traced),
            donated,
            templates: Box::new((state, template)),
            compiled: OnceLock::new(),
        }))
    }

    pub(super) fn signature(&self) -> &Signature {
        &self.signature
    }

    /// Number of inputs.
    pub(super) fn inputs(&self) -> usize {
        self.donated.len()
    }

    pub(super) fn traced(&self) -> &Arc<Graph> {
        &self.traced
    }

    /// The optimized graph and its plan; made on first use.
    pub(super) fn compiled(&self) -> Result<&Compiled, Error> {
        let compiled = self.compiled.get_or_init(|| {
            let mut optimized = (*self.traced).clone();
            for (index, _) in self.donated.iter().enumerate().filter(|(_, donated)| **donated) {
                optimized.donate_input(index);
            }
            let report = graph_ops::optimize(&mut optimized)?;
            let plan = Arc::new(Plan::new(&optimized)?);
            Ok(Compiled { optimized, report, plan, arenas: Mutex::default() })
        });
        compiled.as_ref().map_err(Error::clone)
    }

    /// Runs the plan; `origin` is where the results are made.
    pub(super) fn run(&self, arrays: &mut [Array], origin: Origin) -> Result<Vec<Tensor>, Error> {
        let compiled = self.compiled()?;
        let idle = compiled.lock_arenas().pop();
        let mut arena = idle.unwrap_or_else(|| Arena::new(&compiled.plan));
        let outputs = compiled.plan.run(arrays, &mut arena);
        compiled.lock_arenas().push(arena);
        Ok(outputs?.into_iter().map(|array| Tensor::from_array(array).with_origin(origin)).collect())
    }

    /// Writes the new states of `&mut` arguments back and builds the result.
    pub(super) fn deliver<A: Arguments, R: Returned>(&self, outputs: Vec<Tensor>, arguments: &mut A) -> R {
        let (state, template) = self
            .templates
            .downcast_ref::<(A::State, R::Tree)>()
            .expect("the signature names the types of arguments and result");
        let mut outputs = outputs.into_iter();
        let mut next = |_: &Tensor| outputs.next().expect("an output for each leaf");
        let tree = template.map_leaves(&mut next);
        arguments.write_back(state, &mut next);
        R::from_tree(tree)
    }
}

impl Compiled {
    fn lock_arenas(&self) -> std::sync::MutexGuard<'_, Vec<Arena>> {
        self.arenas.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// A leaf of a template.
fn placeholder() -> Tensor {
    Tensor::from_array(Array::scalar(false))
}
