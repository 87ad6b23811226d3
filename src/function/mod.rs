//! Traced functions: what stands behind `#[graph_fn]`.
//!
//! A [`Function`] keeps one `ConcreteFunction` for each `Signature` it has been called with. A call collects its
//! arguments' leaves and fixed parts, looks the signature up, and replays the plan found; or traces the body first.

mod arguments;
mod cache;
mod concrete;
mod signature;

use std::any::TypeId;
use std::cell::RefCell;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use graph_core::{Array, Error, Graph, NodeKind, Origin, Plan, Profile, Report, Trace, TraceKind};
use graph_ops::{
    Returned, catch, computes_at_once, eval_all, or_raise, raise, symbolic_trace, try_apply_many,
};

pub use arguments::{
    Argument, Arguments, ByMut, ByRef, ByValue, FixedRef, FixedValue, GraphArgument, MutTree, RefTree,
    Refuse, Refused, Tag, ViaFixed, ViaTree, give, lend,
};
use cache::Cache;
pub use cache::CacheInfo;
use concrete::ConcreteFunction;
use signature::Signature;

/// A function marked `#[graph_fn]`: its name, its source as emitted, and its traces.
#[derive(Debug)]
pub struct Function {
    name: &'static str,
    parameters: &'static [&'static str],
    expanded: &'static str,
    cache: OnceLock<Mutex<Cache>>,
}

/// Runs that a profile averages.
const PROFILED_RUNS: u32 = 10;

/// How deep functions may call each other while they are traced.
const MAX_DEPTH: usize = 128;

thread_local! {
    /// The signatures this thread is tracing, outermost first, with the names of their functions.
    static TRACING: RefCell<Vec<(TypeId, u64, &'static str)>> = const { RefCell::new(Vec::new()) };
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
        computes_at_once(&[])
    }

    /// A call of it: with these arguments and the closure that passes traced copies of them to the body. `lowered` is
    /// the body by name, with its generic parameters (and `Self`) chosen.
    pub fn on<B, A, R, F>(&'static self, _lowered: &B, arguments: A, body: F) -> impl Invoke<R>
    where
        A: Arguments,
        R: Returned,
        F: FnOnce(&mut A::Traced) -> R,
    {
        let instance = Instance { function: self, id: typeid::of::<B>() };
        Invocation { instance, arguments, body, result: PhantomData }
    }

    fn lock(&self) -> MutexGuard<'_, Cache> {
        let cache = self.cache.get_or_init(Mutex::default);
        cache.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// A function of definite types. All instances of a generic function share its cache, none shares another's traces,
/// also where the types do not show in the arguments.
#[derive(Debug, Clone, Copy)]
struct Instance {
    function: &'static Function,
    id: TypeId,
}

/// A call of a function, or an inspection: arguments and body together.
#[derive(Debug)]
struct Invocation<A, R, F> {
    instance: Instance,
    arguments: A,
    body: F,
    result: PhantomData<fn() -> R>,
}

/// What can be done with a call.
pub trait Invoke<R>: Sized {
    /// Calls the function.
    ///
    /// # Panics
    /// When an operation fails, at the user's line.
    fn call(self) -> R;

    /// Calls the function.
    ///
    /// # Errors
    /// That of the first operation that failed.
    fn try_call(self) -> Result<R, Error>;

    /// The graph for these arguments, as traced.
    ///
    /// # Panics
    /// When tracing fails, at the user's line; or when the body returns an error.
    fn graph(self) -> Graph;

    /// The graph for these arguments, optimized.
    ///
    /// # Panics
    /// As [`Invoke::graph`].
    fn optimized(self) -> Graph;

    /// The plan for these arguments; displayed, its steps.
    ///
    /// # Panics
    /// As [`Invoke::graph`].
    fn plan(self) -> Arc<Plan>;

    /// What each pass changed in the graph for these arguments.
    ///
    /// # Panics
    /// As [`Invoke::graph`].
    fn report(self) -> Report;

    /// Where the time goes: the plan run ten times on copies of these arguments, which stay as they are.
    ///
    /// # Panics
    /// As [`Invoke::graph`], and when a run fails.
    fn profile(self) -> Profile;
}

impl<A: Arguments, R: Returned, F: FnOnce(&mut A::Traced) -> R> Invoke<R> for Invocation<A, R, F> {
    #[track_caller]
    fn call(self) -> R {
        or_raise(self.attempt(Origin::caller()))
    }

    #[track_caller]
    fn try_call(self) -> Result<R, Error> {
        let origin = Origin::caller();
        catch(|| self.attempt(origin)).flatten()
    }

    #[track_caller]
    fn graph(self) -> Graph {
        (**self.concrete().traced()).clone()
    }

    #[track_caller]
    fn optimized(self) -> Graph {
        or_raise(self.concrete().compiled()).optimized.clone()
    }

    #[track_caller]
    fn plan(self) -> Arc<Plan> {
        or_raise(self.concrete().compiled()).plan.clone()
    }

    #[track_caller]
    fn report(self) -> Report {
        or_raise(self.concrete().compiled()).report.clone()
    }

    #[track_caller]
    fn profile(self) -> Profile {
        let origin = Origin::caller();
        let leaves = self.arguments.leaves();
        let concrete = self.concrete();
        or_raise(origin.scope(|| {
            eval_all(&leaves)?;
            let arrays: Vec<Array> =
                leaves.iter().map(|leaf| leaf.try_array()).collect::<Result<_, Error>>()?;
            let compiled = concrete.compiled()?;
            compiled.plan.profile(&compiled.optimized, &arrays, PROFILED_RUNS)
        }))
    }
}

impl<A: Arguments, R: Returned, F: FnOnce(&mut A::Traced) -> R> Invocation<A, R, F> {
    fn attempt(self, origin: Origin) -> Result<R, Error> {
        let Invocation { instance, mut arguments, body, .. } = self;
        // Without a trace around, symbolic arguments are values of a graph that is built by hand.
        let by_hand = match Trace::current() {
            Some(_) => None,
            None => symbolic_trace(&arguments.leaves()),
        };
        let _entered = by_hand.as_ref().map(Trace::resume);
        let is_nested = Trace::current().is_some();
        if !is_nested {
            origin.scope(|| eval_all(&arguments.leaves()))?;
        }
        let concrete = match instance.find_or_trace(&arguments, body, origin)? {
            Traced::Concrete(concrete) => concrete,
            Traced::Failed(result) => return Ok(result),
        };
        let outputs = if is_nested {
            let operands = arguments.leaves();
            let call = NodeKind::Call { body: concrete.traced().clone(), vjp: None };
            origin.scope(|| try_apply_many(call, &operands.iter().collect::<Vec<_>>()))?.into_vec()
        } else {
            let arrays = arguments.take_arrays(concrete.inputs());
            let mut taken = Taken { arrays, arguments: &mut arguments };
            let outputs = concrete.run(&mut taken.arrays, origin)?;
            // From here on the arguments take their new values.
            taken.arrays.clear();
            outputs
        };
        Ok(concrete.deliver::<A, R>(outputs, &mut arguments))
    }

    #[track_caller]
    fn concrete(self) -> Arc<ConcreteFunction> {
        match self.instance.find_or_trace(&self.arguments, self.body, Origin::caller()) {
            Ok(Traced::Concrete(concrete)) => concrete,
            Ok(Traced::Failed(_)) => {
                let name = self.instance.function.name;
                raise(Error::usage(format!("`{name}` returned an error while it was traced")))
            }
            Err(error) => raise(error),
        }
    }
}

impl Instance {
    fn find_or_trace<A: Arguments, R: Returned>(
        self,
        arguments: &A,
        body: impl FnOnce(&mut A::Traced) -> R,
        origin: Origin,
    ) -> Result<Traced<R>, Error> {
        let Function { name, parameters, .. } = *self.function;
        let hash = signature::hash(self.id, arguments);
        if let Some(found) = self.function.lock().find(hash, self.id, arguments) {
            return Ok(Traced::Concrete(found));
        }
        let _tracing = self.enter(hash, origin)?;
        let signature = Signature::new(self.id, arguments, parameters);
        let trace = Trace::new(TraceKind::Function, name);
        let traced = {
            let _entered = trace.enter_to_close();
            ConcreteFunction::trace(&trace, signature, arguments, parameters, body, origin)
        };
        match traced? {
            Ok(concrete) => Ok(Traced::Concrete(self.function.lock().insert(name, hash, concrete))),
            Err(result) => Ok(Traced::Failed(result)),
        }
    }

    /// Notes that this signature is being traced, so that a function that calls itself without end is found out.
    fn enter(self, hash: u64, origin: Origin) -> Result<impl Drop + use<>, Error> {
        struct Leave;
        impl Drop for Leave {
            fn drop(&mut self) {
                TRACING.with_borrow_mut(|tracing| tracing.pop());
            }
        }
        let problem = TRACING.with_borrow_mut(|tracing| {
            let is_again = tracing.iter().any(|&(id, other, _)| (id, other) == (self.id, hash));
            let is_deep = tracing.len() >= MAX_DEPTH;
            tracing.push((self.id, hash, self.function.name));
            let names: Vec<&str> = tracing.iter().map(|&(_, _, name)| name).collect();
            match (is_again, is_deep) {
                (true, _) => Some(format!(
                    "tracing would not end: {}; a recursion must change a host value on which its end depends",
                    chain(&names)
                )),
                (false, true) => Some(format!(
                    "traced functions call each other more than {MAX_DEPTH} deep: {}; make the recursion a loop",
                    chain(&names)
                )),
                (false, false) => None,
            }
        });
        let leave = Leave;
        match problem {
            Some(message) => Err(Error::Trace { message, origin }),
            None => Ok(leave),
        }
    }
}

/// Names that call each other, a long chain abbreviated.
fn chain(names: &[&str]) -> String {
    const EDGE: usize = 4;
    if names.len() <= 2 * EDGE {
        return names.join(" -> ");
    }
    format!("{} -> ... -> {}", names[..EDGE].join(" -> "), names[names.len() - EDGE..].join(" -> "))
}

/// The arrays that a call has taken out of its arguments; given back unless the call succeeds, also when a kernel
/// panics.
struct Taken<'a, A: Arguments> {
    arrays: Vec<Array>,
    arguments: &'a mut A,
}

impl<A: Arguments> Drop for Taken<'_, A> {
    fn drop(&mut self) {
        if !self.arrays.is_empty() {
            self.arguments.give_back(&mut std::mem::take(&mut self.arrays).into_iter());
        }
    }
}

enum Traced<R> {
    Concrete(Arc<ConcreteFunction>),
    /// The body returned an error instead of tensors.
    Failed(R),
}
