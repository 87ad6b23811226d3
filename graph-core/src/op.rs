//! The op trait: everything the engine needs to know of an operation, and nothing about any particular one.

use std::any::Any;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::attr::Attributes;
use crate::error::{Error, OpError};
use crate::fact::{Fact, Facts};
use crate::ids::Value;
use crate::kernel::Kernel;
use crate::vjp::Vjp;

/// How an op's output relates to its operands: what passes and the planner may do with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Each output element is a function of the operands' elements at the same (broadcast) position. May be computed
    /// in place over any operand that has the output's fact.
    Pointwise,
    /// Each output element combines many elements of the first operand.
    Reduction,
    /// The output is the first operand's bytes under another shape: nothing is computed.
    View,
    /// The output is a copy of this operand with some elements changed. May be computed in place over it.
    Update {
        /// Which operand is copied.
        operand: usize,
    },
    /// None of the above; computed as a whole into memory of its own.
    Opaque,
    /// Acts on the world (prints, checks): never removed, merged, folded or reordered.
    Effect,
}

impl Class {
    /// Whether operand `index` may be overwritten by the output, given that their facts are equal.
    pub fn allows_in_place(self, index: usize) -> bool {
        match self {
            Class::Pointwise => true,
            Class::Update { operand } => operand == index,
            Class::Reduction | Class::View | Class::Opaque | Class::Effect => false,
        }
    }
}

/// An operation. Frozen: what a backend or a pass wants beyond this, it finds by downcasting.
///
/// Implementors are plain data (their attributes) with `Eq` and `Hash`, so two nodes can be compared.
pub trait Op: OpIdentity + fmt::Debug + Send + Sync {
    /// The op's name in messages and text: lower case, the field's usual word.
    fn name(&self) -> &'static str;

    /// The attributes, as printed and parsed. An op without attributes keeps the default.
    fn attributes(&self) -> Attributes {
        Attributes::default()
    }

    /// The outputs' facts, given the operands'.
    ///
    /// # Errors
    /// When the op does not take such operands.
    fn infer(&self, inputs: &[&Fact]) -> Result<Facts, OpError>;

    /// Emits the cotangents of the inputs, given those of the outputs: ordinary ops, so that gradients can be
    /// optimized and differentiated again. One entry an input; `None` where no gradient flows.
    ///
    /// # Errors
    /// When the op has no gradient (the default).
    fn vjp(&self, cx: &Vjp<'_>) -> Result<SmallVec<[Option<Value>; 4]>, Error> {
        Err(cx.no_gradient(self.name()))
    }

    /// The kernel for operands of these facts. Called once for each node of a plan.
    ///
    /// # Errors
    /// When there is none.
    fn kernel(&self, inputs: &[&Fact], outputs: &[Fact]) -> Result<Box<dyn Kernel>, OpError>;

    /// How the output relates to the operands.
    fn class(&self) -> Class {
        Class::Opaque
    }
}

/// Equality and hashing of ops behind `dyn`; implemented for every `Op + Eq + Hash`.
pub trait OpIdentity: Any {
    /// Same type and equal attributes.
    fn same_op(&self, other: &dyn Op) -> bool;
    /// Feeds type and attributes into a hasher.
    fn hash_op(&self, hasher: &mut dyn Hasher);
}

impl<T: Op + Any + Eq + Hash> OpIdentity for T {
    fn same_op(&self, other: &dyn Op) -> bool {
        (other as &dyn Any).downcast_ref::<T>().is_some_and(|other| self == other)
    }

    fn hash_op(&self, mut hasher: &mut dyn Hasher) {
        std::any::TypeId::of::<T>().hash(&mut hasher);
        self.hash(&mut hasher);
    }
}

/// A shared op, comparable and hashable.
#[derive(Clone)]
pub struct OpRef(Arc<dyn Op>);

impl OpRef {
    /// Shares an op.
    pub fn new(op: impl Op) -> OpRef {
        OpRef(Arc::new(op))
    }

    /// The op as its own type, if it is a `T`.
    pub fn downcast<T: Op>(&self) -> Option<&T> {
        (&*self.0 as &dyn Any).downcast_ref()
    }

    /// Whether the op is a `T`.
    pub fn is<T: Op>(&self) -> bool {
        self.downcast::<T>().is_some()
    }
}

impl<T: Op> From<T> for OpRef {
    fn from(op: T) -> OpRef {
        OpRef::new(op)
    }
}

impl Deref for OpRef {
    type Target = dyn Op;
    fn deref(&self) -> &dyn Op {
        &*self.0
    }
}

impl PartialEq for OpRef {
    fn eq(&self, other: &OpRef) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.same_op(&*other.0)
    }
}

impl Eq for OpRef {}

impl Hash for OpRef {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash_op(state);
    }
}

impl fmt::Debug for OpRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

/// The facts of exactly `N` operands: how [`Op::infer`] begins where their number is fixed.
///
/// ```
/// use graph_core::{DType, Fact, operands};
/// let (x, y) = (Fact::scalar(DType::F32), Fact::scalar(DType::F64));
/// let [left, right] = operands(&[&x, &y]).unwrap();
/// assert_eq!((left.dtype, right.dtype), (DType::F32, DType::F64));
/// assert!(operands::<1>(&[&x, &y]).is_err());
/// ```
///
/// # Errors
/// When there are more or fewer.
pub fn operands<'f, const N: usize>(inputs: &[&'f Fact]) -> Result<[&'f Fact; N], OpError> {
    inputs.try_into().map_err(|_| OpError::Arity { expected: N, found: inputs.len() })
}

/// Infers an op's facts and checks what the engine relies on: that the results fit in memory, and that a view has the
/// bytes of its operand.
///
/// # Errors
/// What [`Op::infer`] says, or [`OpError::TooLarge`], or that the op is no view.
pub fn infer(op: &dyn Op, inputs: &[&Fact]) -> Result<Facts, OpError> {
    if inputs.iter().any(|fact| fact.is_stack()) {
        return Err(OpError::invalid("a stack is walked along by a loop, and by nothing else"));
    }
    let facts = op.infer(inputs)?;
    if op.class() == Class::View {
        let is_view = |x: &Fact, view: &Fact| {
            x.dtype == view.dtype && x.shape.checked_num_elements() == view.shape.checked_num_elements()
        };
        match (inputs, &*facts) {
            ([x, ..], [view]) if is_view(x, view) => {}
            _ => {
                return Err(OpError::invalid(
                    "a view keeps the dtype and the number of elements of its operand",
                ));
            }
        }
    }
    match facts.iter().find(|fact| fact.checked_num_bytes().is_none()) {
        Some(fact) => Err(OpError::TooLarge { fact: fact.clone() }),
        None => Ok(facts),
    }
}
