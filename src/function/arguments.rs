//! Arguments: how a parameter is passed decides what a traced call may do with it.
//!
//! | parameter | wrapper | leaves are | may be overwritten |
//! | --- | --- | --- | --- |
//! | `&T` | [`ByRef`] | inputs | no |
//! | `T` | [`ByValue`] | inputs | yes |
//! | `&mut T` | [`ByMut`] | inputs and outputs | yes |
//! | `T`, `&T` without tensors | [`FixedValue`], [`FixedRef`] | none: the value is part of the signature | |

use std::any::Any;
use std::borrow::Borrow;
use std::convert::Infallible;
use std::fmt::Debug;
use std::hash::Hash;
use std::marker::PhantomData;

use graph_core::Array;
use graph_ops::{Segment, Tensor, TensorTree, TreeVisitor, visit_sequence};

/// One argument of a traced function.
pub trait Argument {
    /// The copy with symbolic leaves that the body is traced on.
    type Traced;
    /// What a changed `&mut` argument is kept as between calls; `()` for others.
    type State: Any + Send + Sync;
    /// The parameter's type, for people.
    fn type_name() -> String;
    /// Shows leaves and fixed parts.
    fn visit(&self, visitor: &mut dyn TreeVisitor);
    /// The copy to trace on.
    fn traced(&self, f: &mut dyn FnMut(&Tensor) -> Tensor) -> Self::Traced;
    /// Whether the call owns the buffers of the leaves.
    const IS_DONATED: bool;
    /// The leaves' arrays; out of the argument where it is donated, so that nothing else shares them.
    fn take_arrays(&mut self, arrays: &mut Vec<Array>);
    /// Puts arrays back after a failed call.
    fn give_back(&mut self, _arrays: &mut dyn Iterator<Item = Array>) {}
    /// The state after tracing.
    fn state(_traced: &Self::Traced, _f: &mut dyn FnMut(&Tensor) -> Tensor) -> Self::State;
    /// Gives the argument the state that a call left.
    fn write_back(&mut self, _state: &Self::State, _next: &mut dyn FnMut(&Tensor) -> Tensor) {}
}

/// A borrowed tree, possibly unsized: a [`TensorTree`], a slice of them, a `str`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a `#[graph_fn]`",
    note = "arguments are trees of tensors (see `#[derive(TensorTree)]`), or host values that are \
            `Hash + Eq + Clone + Debug`, which become part of the signature"
)]
pub trait RefTree {
    /// The owned form.
    type Owned: Borrow<Self>;
    /// Shows leaves and fixed parts.
    fn visit_ref(&self, visitor: &mut dyn TreeVisitor);
    /// An owned copy with each leaf replaced.
    fn map_ref(&self, f: &mut dyn FnMut(&Tensor) -> Tensor) -> Self::Owned;
}

impl<T: TensorTree> RefTree for T {
    type Owned = T;
    fn visit_ref(&self, visitor: &mut dyn TreeVisitor) {
        self.visit(visitor);
    }
    fn map_ref(&self, f: &mut dyn FnMut(&Tensor) -> Tensor) -> T {
        self.map_leaves(f)
    }
}

impl<T: TensorTree> RefTree for [T] {
    type Owned = Vec<T>;
    fn visit_ref(&self, visitor: &mut dyn TreeVisitor) {
        visit_sequence(self, visitor);
    }
    fn map_ref(&self, f: &mut dyn FnMut(&Tensor) -> Tensor) -> Vec<T> {
        self.iter().map(|tree| tree.map_leaves(f)).collect()
    }
}

impl RefTree for str {
    type Owned = String;
    fn visit_ref(&self, visitor: &mut dyn TreeVisitor) {
        visitor.fixed(&self.to_owned());
    }
    fn map_ref(&self, _: &mut dyn FnMut(&Tensor) -> Tensor) -> String {
        self.to_owned()
    }
}

/// A tree borrowed mutably, possibly unsized: a [`TensorTree`] or a slice of them.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a `&mut` argument of a `#[graph_fn]`",
    note = "a `&mut` argument is written back after the call: it is a tree of tensors (see `#[derive(TensorTree)]`) \
            or a slice of them, without borrowed parts"
)]
pub trait MutTree: RefTree<Owned: Any + Send + Sync> {
    /// Calls `f` with each leaf, to change it.
    fn change(&mut self, f: &mut dyn FnMut(&mut Tensor));
    /// Takes the state that a call left.
    fn set(&mut self, state: Self::Owned);
}

impl<T: TensorTree + Any + Send + Sync> MutTree for T {
    fn change(&mut self, f: &mut dyn FnMut(&mut Tensor)) {
        self.for_each_leaf_mut(f);
    }
    fn set(&mut self, state: T) {
        *self = state;
    }
}

impl<T: TensorTree + Any + Send + Sync> MutTree for [T] {
    fn change(&mut self, f: &mut dyn FnMut(&mut Tensor)) {
        self.iter_mut().for_each(|tree| tree.for_each_leaf_mut(f));
    }
    fn set(&mut self, state: Vec<T>) {
        for (tree, state) in self.iter_mut().zip(state) {
            *tree = state;
        }
    }
}

/// An argument passed by `&`.
#[derive(Debug)]
pub struct ByRef<'a, T: ?Sized>(pub &'a T);

/// An argument passed by value.
#[derive(Debug)]
pub struct ByValue<T>(pub T);

/// An argument passed by `&mut`.
#[derive(Debug)]
pub struct ByMut<'a, T: ?Sized>(pub &'a mut T);

/// A host value passed by value.
#[derive(Debug)]
pub struct FixedValue<T>(pub T);

/// A host value passed by `&`.
#[derive(Debug)]
pub struct FixedRef<'a, T>(pub &'a T);

impl<T: RefTree + ?Sized> Argument for ByRef<'_, T> {
    type Traced = T::Owned;
    type State = ();
    const IS_DONATED: bool = false;
    fn type_name() -> String {
        format!("&{}", short_type_name::<T>())
    }
    fn visit(&self, visitor: &mut dyn TreeVisitor) {
        self.0.visit_ref(visitor);
    }
    fn traced(&self, f: &mut dyn FnMut(&Tensor) -> Tensor) -> T::Owned {
        self.0.map_ref(f)
    }
    fn take_arrays(&mut self, arrays: &mut Vec<Array>) {
        let array = |leaf: &Tensor| leaf.try_array().expect("arguments were settled");
        self.0.visit_ref(&mut |leaf: &Tensor| arrays.push(array(leaf)));
    }
    fn state(_: &T::Owned, _: &mut dyn FnMut(&Tensor) -> Tensor) {}
}

impl<T: TensorTree> Argument for ByValue<T> {
    /// Taken by the body.
    type Traced = Option<T>;
    type State = ();
    const IS_DONATED: bool = true;
    fn type_name() -> String {
        short_type_name::<T>()
    }
    fn visit(&self, visitor: &mut dyn TreeVisitor) {
        self.0.visit(visitor);
    }
    fn traced(&self, f: &mut dyn FnMut(&Tensor) -> Tensor) -> Option<T> {
        Some(self.0.map_leaves(f))
    }
    fn take_arrays(&mut self, arrays: &mut Vec<Array>) {
        self.0.for_each_leaf_mut(&mut |leaf| take_from(leaf, arrays));
    }
    fn state(_: &Option<T>, _: &mut dyn FnMut(&Tensor) -> Tensor) {}
}

impl<'a, T: MutTree + ?Sized> ByMut<'a, T> {
    /// Wraps a parameter by `&mut`.
    pub fn new(tree: &'a mut T) -> ByMut<'a, T> {
        ByMut(tree)
    }
}

impl<T: MutTree + ?Sized> Argument for ByMut<'_, T> {
    type Traced = T::Owned;
    type State = T::Owned;
    const IS_DONATED: bool = true;
    fn type_name() -> String {
        format!("&mut {}", short_type_name::<T>())
    }
    fn visit(&self, visitor: &mut dyn TreeVisitor) {
        self.0.visit_ref(visitor);
    }
    fn traced(&self, f: &mut dyn FnMut(&Tensor) -> Tensor) -> T::Owned {
        self.0.map_ref(f)
    }
    fn take_arrays(&mut self, arrays: &mut Vec<Array>) {
        self.0.change(&mut |leaf| take_from(leaf, arrays));
    }
    fn give_back(&mut self, arrays: &mut dyn Iterator<Item = Array>) {
        self.0.change(&mut |leaf| {
            let array = arrays.next().expect("as many as were taken");
            *leaf = Tensor::from_array(array).with_origin(leaf.origin());
        });
    }
    fn state(traced: &T::Owned, f: &mut dyn FnMut(&Tensor) -> Tensor) -> T::Owned {
        traced.borrow().map_ref(f)
    }
    fn write_back(&mut self, state: &T::Owned, next: &mut dyn FnMut(&Tensor) -> Tensor) {
        self.0.set(state.borrow().map_ref(next));
    }
}

fn take_from(leaf: &mut Tensor, arrays: &mut Vec<Array>) {
    arrays.push(leaf.take_array().expect("arguments were settled"));
}

/// What a host value must be to become part of a signature.
pub trait HostValue: Hash + Eq + Clone + Debug + Any + Send + Sync {}
impl<T: Hash + Eq + Clone + Debug + Any + Send + Sync> HostValue for T {}

impl<T: HostValue> Argument for FixedValue<T> {
    type Traced = Option<T>;
    type State = ();
    const IS_DONATED: bool = false;
    fn type_name() -> String {
        short_type_name::<T>()
    }
    fn visit(&self, visitor: &mut dyn TreeVisitor) {
        visitor.fixed(&self.0);
    }
    fn traced(&self, _: &mut dyn FnMut(&Tensor) -> Tensor) -> Option<T> {
        Some(self.0.clone())
    }
    fn take_arrays(&mut self, _: &mut Vec<Array>) {}
    fn state(_: &Option<T>, _: &mut dyn FnMut(&Tensor) -> Tensor) {}
}

impl<T: HostValue> Argument for FixedRef<'_, T> {
    type Traced = T;
    type State = ();
    const IS_DONATED: bool = false;
    fn type_name() -> String {
        format!("&{}", short_type_name::<T>())
    }
    fn visit(&self, visitor: &mut dyn TreeVisitor) {
        visitor.fixed(self.0);
    }
    fn traced(&self, _: &mut dyn FnMut(&Tensor) -> Tensor) -> T {
        self.0.clone()
    }
    fn take_arrays(&mut self, _: &mut Vec<Array>) {}
    fn state(_: &T, _: &mut dyn FnMut(&Tensor) -> Tensor) {}
}

/// Finds out, by the type of an argument, which wrapper it takes: `(&&&Tag::of(&x)).by_value(x)` is [`ByValue`] for a
/// tree of tensors, [`FixedValue`] for any other host value, and refused in words for anything else. Of the traits that
/// apply, the one that is found with the fewest dereferences wins.
#[derive(Debug)]
pub struct Tag<T: ?Sized>(PhantomData<fn(&T)>);

impl<T: ?Sized> Tag<T> {
    /// The tag of a value's type.
    pub fn of(_: &T) -> Tag<T> {
        Tag(PhantomData)
    }
}

/// Wraps trees of tensors.
pub trait ViaTree<T: ?Sized> {
    /// For a parameter by value.
    fn by_value(&self, value: T) -> ByValue<T>
    where
        T: Sized;
    /// For a parameter by reference.
    fn by_ref<'a>(&self, value: &'a T) -> ByRef<'a, T>;
}

impl<T: RefTree + ?Sized> ViaTree<T> for &&Tag<T> {
    fn by_value(&self, value: T) -> ByValue<T>
    where
        T: Sized,
    {
        ByValue(value)
    }
    fn by_ref<'a>(&self, value: &'a T) -> ByRef<'a, T> {
        ByRef(value)
    }
}

/// Wraps host values.
pub trait ViaFixed<T> {
    /// For a parameter by value.
    fn by_value(&self, value: T) -> FixedValue<T>;
    /// For a parameter by reference.
    fn by_ref<'a>(&self, value: &'a T) -> FixedRef<'a, T>;
}

impl<T: HostValue> ViaFixed<T> for &Tag<T> {
    fn by_value(&self, value: T) -> FixedValue<T> {
        FixedValue(value)
    }
    fn by_ref<'a>(&self, value: &'a T) -> FixedRef<'a, T> {
        FixedRef(value)
    }
}

/// Refuses everything else.
pub trait Refuse<T: ?Sized> {
    /// For a parameter by value.
    fn by_value(&self, value: T) -> Refused<Option<T>>
    where
        T: GraphArgument + Sized;
    /// For a parameter by reference.
    fn by_ref(&self, value: &T) -> Refused<Box<T>>
    where
        T: GraphArgument;
}

impl<T: ?Sized> Refuse<T> for Tag<T> {
    fn by_value(&self, _: T) -> Refused<Option<T>>
    where
        T: GraphArgument + Sized,
    {
        unreachable!("nothing implements the bound")
    }
    fn by_ref(&self, _: &T) -> Refused<Box<T>>
    where
        T: GraphArgument,
    {
        unreachable!("nothing implements the bound")
    }
}

/// What nothing implements: only its message is of use.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a `#[graph_fn]`",
    label = "neither a tree of tensors nor a host value",
    note = "`#[derive(TensorTree)]` makes a struct or enum of tensors an argument; a host value that is \
            `Hash + Eq + Clone + Debug + Send + Sync` becomes part of the signature"
)]
pub trait GraphArgument {}

/// Stands for an argument that is none, so that there is one error and not several.
#[derive(Debug)]
pub struct Refused<T>(Infallible, PhantomData<T>);

impl<T> Argument for Refused<T> {
    type Traced = T;
    type State = ();
    const IS_DONATED: bool = false;
    fn type_name() -> String {
        short_type_name::<T>()
    }
    fn visit(&self, _: &mut dyn TreeVisitor) {
        match self.0 {}
    }
    fn traced(&self, _: &mut dyn FnMut(&Tensor) -> Tensor) -> T {
        match self.0 {}
    }
    fn take_arrays(&mut self, _: &mut Vec<Array>) {
        match self.0 {}
    }
    fn state(_: &T, _: &mut dyn FnMut(&Tensor) -> Tensor) {}
}

/// What a parameter by reference is passed: the traced copy, borrowed.
pub fn lend<T: ?Sized, O: Borrow<T>>(traced: &O) -> &T {
    traced.borrow()
}

/// What a parameter by value is passed: the traced copy itself.
///
/// # Panics
/// The second time.
pub fn give<T>(traced: &mut Option<T>) -> T {
    traced.take().expect("a body is traced once")
}

/// All arguments of a call: a tuple of [`Argument`]s.
pub trait Arguments {
    /// The copies that the body is traced on.
    type Traced;
    /// The states of all arguments.
    type State: Any + Send + Sync;
    /// The types of all parameters, for people.
    fn type_names() -> Vec<String>;
    /// Shows all leaves and fixed parts, each argument under its name.
    fn visit(&self, names: &[&str], visitor: &mut dyn TreeVisitor);
    /// The copies to trace on; `f` also learns whether the argument is donated.
    fn traced(&self, f: &mut dyn FnMut(&Tensor, bool) -> Tensor) -> Self::Traced;
    /// The arrays of all leaves.
    fn take_arrays(&mut self, expected: usize) -> Vec<Array>;
    /// Puts the arrays back after a failed call.
    fn give_back(&mut self, arrays: &mut dyn Iterator<Item = Array>);
    /// The states after tracing.
    fn state(traced: &Self::Traced, f: &mut dyn FnMut(&Tensor) -> Tensor) -> Self::State;
    /// Gives the arguments the states that a call left.
    fn write_back(&mut self, state: &Self::State, next: &mut dyn FnMut(&Tensor) -> Tensor);

    /// The leaves of all arguments.
    fn leaves(&self) -> Vec<Tensor> {
        let mut leaves = Vec::new();
        self.visit(&[], &mut |leaf: &Tensor| leaves.push(leaf.clone()));
        leaves
    }
}

macro_rules! arguments {
    ($($name:ident $index:tt),*) => {
        #[allow(clippy::unused_unit, reason = "a function may have no arguments")]
        impl<$($name: Argument),*> Arguments for ($($name,)*) {
            type Traced = ($($name::Traced,)*);
            type State = ($($name::State,)*);
            fn type_names() -> Vec<String> {
                vec![$($name::type_name()),*]
            }
            fn visit(&self, names: &[&str], visitor: &mut dyn TreeVisitor) {
                let _ = (&names, &visitor);
                $(
                    if let Some(name) = names.get($index) {
                        visitor.enter(Segment::Field(name));
                    }
                    self.$index.visit(visitor);
                    if names.len() > $index {
                        visitor.leave();
                    }
                )*
            }
            fn traced(&self, f: &mut dyn FnMut(&Tensor, bool) -> Tensor) -> Self::Traced {
                let _ = &f;
                ($(self.$index.traced(&mut |leaf| f(leaf, $name::IS_DONATED)),)*)
            }
            fn take_arrays(&mut self, expected: usize) -> Vec<Array> {
                #[allow(unused_mut, reason = "a function may have no arguments")]
                let mut arrays = Vec::with_capacity(expected);
                $(self.$index.take_arrays(&mut arrays);)*
                arrays
            }
            fn give_back(&mut self, arrays: &mut dyn Iterator<Item = Array>) {
                let _ = &arrays;
                $(
                    if $name::IS_DONATED {
                        self.$index.give_back(arrays);
                    } else {
                        skip_leaves(&self.$index, arrays);
                    }
                )*
            }
            fn state(traced: &Self::Traced, f: &mut dyn FnMut(&Tensor) -> Tensor) -> Self::State {
                let _ = (traced, &f);
                ($($name::state(&traced.$index, f),)*)
            }
            fn write_back(&mut self, state: &Self::State, next: &mut dyn FnMut(&Tensor) -> Tensor) {
                let _ = (state, &next);
                $(self.$index.write_back(&state.$index, next);)*
            }
        }
    };
}

/// A type without the paths to what it names.
fn short_type_name<T: ?Sized>() -> String {
    let full = std::any::type_name::<T>();
    let mut short = String::new();
    let mut word = 0;
    for (i, c) in full.char_indices() {
        if !(c.is_alphanumeric() || c == '_' || c == ':') {
            short.push_str(last_segment(&full[word..i]));
            short.push(c);
            word = i + c.len_utf8();
        }
    }
    short + last_segment(&full[word..])
}

fn last_segment(path: &str) -> &str {
    path.rsplit("::").next().unwrap_or(path)
}

/// Passes over the arrays of an argument that kept its own.
fn skip_leaves(argument: &impl Argument, arrays: &mut dyn Iterator<Item = Array>) {
    argument.visit(&mut |_: &Tensor| drop(arrays.next()));
}

arguments!();
arguments!(A 0);
arguments!(A 0, B 1);
arguments!(A 0, B 1, C 2);
arguments!(A 0, B 1, C 2, D 3);
arguments!(A 0, B 1, C 2, D 3, E 4);
arguments!(A 0, B 1, C 2, D 3, E 4, F 5);
arguments!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
arguments!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
arguments!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8);
arguments!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9);
arguments!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10);
arguments!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11);
