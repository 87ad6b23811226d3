//! Traced functions: what stands behind `#[graph_fn]`.
//!
//! A [`Function`] keeps one [`ConcreteFunction`] for each [`Signature`] it has been called with. A call collects its
//! arguments' leaves and fixed parts, looks the signature up, and replays the plan found; or traces the body first.

mod arguments;
mod cache;
mod concrete;
mod host_bool;
mod signature;

use std::cell::RefCell;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use graph_core::{Array, Error, Graph, Mode, NodeKind, Origin, Report, Trace, TraceKind, mode};
use graph_ops::{Returned, Tensor, catch, raise, try_apply_many};

pub use arguments::{
    Argument, Arguments, ByMut, ByRef, ByValue, FixedRef, FixedValue, RefTree, Tag, ViaFixed, ViaTree,
};
use cache::Cache;
pub use cache::CacheInfo;
use concrete::ConcreteFunction;
pub use host_bool::{HostBool, host_bool};
use signature::{Signature, Types};

/// A function marked `#[graph_fn]`: its name, its source as emitted, and its traces.
#[derive(Debug)]
pub struct Function {
    name: &'static str,
    parameters: &'static [&'static str],
    expanded: &'static str,
    cache: OnceLock<Mutex<Cache>>,
}

/// How deep functions may call each other while they are traced.
const MAX_DEPTH: usize = 128;

thread_local! {
    /// The functions this thread is tracing, outermost first, with the hashes of their signatures.
    static TRACING: RefCell<Vec<(&'static str, u64)>> = const { RefCell::new(Vec::new()) };
}

impl Function {
    /// A function without traces; emitted by the macro as a `static`.
    pub const fn new(
        name: &'static str,
        parameters: &'static [&'static str],
        expanded: &'static str,
    ) -> Function {
        Function { name, parameters, expanded, cache: OnceLock::new() }
    }

    /// The name in the source.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The source that the macro emitted.
    pub fn expanded(&self) -> &'static str {
        self.expanded
    }

    /// The signatures traced, and what calls found.
    pub fn cache(&self) -> CacheInfo {
        self.lock().info(self.name)
    }

    /// Whether a call runs the body directly, on concrete tensors: eager mode, unless a trace is recording.
    pub fn runs_directly() -> bool {
        match Trace::current() {
            Some(trace) => trace.kind() == TraceKind::Tape,
            None => mode() == Mode::Eager,
        }
    }

    /// Calls the function.
    ///
    /// # Panics
    /// When an operation fails, at the user's line.
    #[track_caller]
    pub fn call<A: Arguments, R: Returned>(&self, arguments: A, body: impl FnOnce(&mut A::Traced) -> R) -> R {
        match self.try_call(arguments, body) {
            Ok(result) => result,
            Err(error) => raise(error),
        }
    }

    #[track_caller]
    fn try_call<A: Arguments, R: Returned>(
        &self,
        mut arguments: A,
        body: impl FnOnce(&mut A::Traced) -> R,
    ) -> Result<R, Error> {
        let origin = Origin::caller();
        let is_nested = Trace::current().is_some();
        if !is_nested {
            arguments.settle()?;
        }
        let concrete = match self.find_or_trace(&arguments, body, origin)? {
            Traced::Concrete(concrete) => concrete,
            Traced::Failed(result) => return Ok(result),
        };
        let outputs = if is_nested {
            let operands = arguments.leaves();
            let call = NodeKind::Call { body: concrete.traced().clone(), vjp: None };
            try_apply_many(call, &operands.iter().collect::<Vec<_>>())?.into_vec()
        } else {
            let mut arrays = arguments.take_arrays(concrete.inputs());
            match concrete.run(&mut arrays) {
                Ok(outputs) => outputs,
                Err(error) => {
                    arguments.give_back(&mut arrays.into_iter());
                    return Err(error);
                }
            }
        };
        Ok(concrete.deliver::<A, R>(outputs, &mut arguments))
    }

    /// The graph for these arguments, as traced.
    ///
    /// # Panics
    /// When tracing fails, at the user's line; or when the body returns an error.
    #[track_caller]
    pub fn graph<A: Arguments, R: Returned>(
        &self,
        arguments: A,
        body: impl FnOnce(&mut A::Traced) -> R,
    ) -> Graph {
        (**self.concrete(arguments, body).traced()).clone()
    }

    /// The graph for these arguments, optimized.
    ///
    /// # Panics
    /// As [`Function::graph`].
    #[track_caller]
    pub fn optimized<A: Arguments, R: Returned>(
        &self,
        arguments: A,
        body: impl FnOnce(&mut A::Traced) -> R,
    ) -> Graph {
        match self.concrete(arguments, body).compiled() {
            Ok(compiled) => compiled.optimized.clone(),
            Err(error) => raise(error),
        }
    }

    /// The plan for these arguments, as text.
    ///
    /// # Panics
    /// As [`Function::graph`].
    #[track_caller]
    pub fn plan<A: Arguments, R: Returned>(
        &self,
        arguments: A,
        body: impl FnOnce(&mut A::Traced) -> R,
    ) -> String {
        match self.concrete(arguments, body).compiled() {
            Ok(compiled) => compiled.plan.to_string(),
            Err(error) => raise(error),
        }
    }

    /// What each pass changed in the graph for these arguments.
    ///
    /// # Panics
    /// As [`Function::graph`].
    #[track_caller]
    pub fn report<A: Arguments, R: Returned>(
        &self,
        arguments: A,
        body: impl FnOnce(&mut A::Traced) -> R,
    ) -> Report {
        match self.concrete(arguments, body).compiled() {
            Ok(compiled) => compiled.report.clone(),
            Err(error) => raise(error),
        }
    }

    #[track_caller]
    fn concrete<A: Arguments, R: Returned>(
        &self,
        arguments: A,
        body: impl FnOnce(&mut A::Traced) -> R,
    ) -> Arc<ConcreteFunction> {
        match self.find_or_trace(&arguments, body, Origin::caller()) {
            Ok(Traced::Concrete(concrete)) => concrete,
            Ok(Traced::Failed(_)) => {
                raise(Error::usage(format!("`{}` returned an error while it was traced", self.name)))
            }
            Err(error) => raise(error),
        }
    }

    fn find_or_trace<A: Arguments, R: Returned>(
        &self,
        arguments: &A,
        body: impl FnOnce(&mut A::Traced) -> R,
        origin: Origin,
    ) -> Result<Traced<R>, Error> {
        let types = Types::of::<A, R>();
        let hash = signature::hash(types, arguments);
        if let Some(found) = self.lock().find(hash, types, arguments) {
            return Ok(Traced::Concrete(found));
        }
        let _tracing = self.enter(hash, origin)?;
        let signature = Signature::new(types, arguments, self.parameters);
        let trace = Trace::new(TraceKind::Function, self.name);
        let traced = {
            let _entered = trace.enter();
            ConcreteFunction::trace(&trace, signature, arguments, self.parameters, body, origin)
        };
        trace.close();
        match traced? {
            Ok(concrete) => Ok(Traced::Concrete(self.lock().insert(self.name, hash, concrete))),
            Err(result) => Ok(Traced::Failed(result)),
        }
    }

    /// Notes that this signature is being traced, so that a function that calls itself without end is found out.
    fn enter(&self, hash: u64, origin: Origin) -> Result<impl Drop + use<>, Error> {
        struct Leave;
        impl Drop for Leave {
            fn drop(&mut self) {
                TRACING.with_borrow_mut(|tracing| tracing.pop());
            }
        }
        let key = (self.name, hash);
        let chain = TRACING.with_borrow_mut(|tracing| {
            let is_endless = tracing.contains(&key) || tracing.len() >= MAX_DEPTH;
            tracing.push(key);
            is_endless.then(|| tracing.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(" -> "))
        });
        let leave = Leave;
        if let Some(chain) = chain {
            let message = format!(
                "tracing would not end: {chain}; a recursion must change a host value on which its end depends"
            );
            return Err(Error::Trace { message, origin });
        }
        Ok(leave)
    }

    fn lock(&self) -> MutexGuard<'_, Cache> {
        let cache = self.cache.get_or_init(Mutex::default);
        cache.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

enum Traced<R> {
    Concrete(Arc<ConcreteFunction>),
    /// The body returned an error instead of tensors.
    Failed(R),
}

/// Runs a call and returns the error with which an operation in it failed; emitted as `f::try_call`.
///
/// # Errors
/// That of the first operation that failed.
pub fn try_call<R>(call: impl FnOnce() -> R) -> Result<R, Error> {
    catch(call)
}

/// Arrays of tensors that are known to be computed.
fn computed(tensor: &Tensor) -> Array {
    tensor.try_array().expect("arguments were settled")
}
