//! Variables that an arm may assign: saved, restored and merged by what is in them.

use std::any::Any;

use graph_core::{Error, Origin};
use graph_ops::{Fixed, Path, Segment, Tensor, TensorTree, TreeVisitor, raise};

use super::flow::{Flag, Slot};

/// A variable and its name.
#[derive(Debug)]
pub struct Var<'a, T> {
    name: &'static str,
    value: &'a mut T,
}

impl<'a, T> Var<'a, T> {
    /// The variable `name`.
    pub fn new(name: &'static str, value: &'a mut T) -> Var<'a, T> {
        Var { name, value }
    }
}

/// A variable as a driver sees it.
pub struct Entry<'a> {
    pub(super) name: &'static str,
    pub(super) variable: Box<dyn Variable + 'a>,
    /// Whether the variable is a flag that ends the loop whose driver this is given to.
    pub(super) is_exit: bool,
    /// Whether the loop whose driver this is given to does nothing with it but `push`.
    pub(super) is_pushed: bool,
}

impl std::fmt::Debug for Entry<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entry").field("name", &self.name).field("is_exit", &self.is_exit).finish()
    }
}

/// What can be done with a variable.
pub(super) trait Variable {
    /// A copy of what is in it.
    fn save(&self) -> Saved;
    /// Puts a copy back.
    fn restore(&mut self, saved: &Saved);
    /// Calls `f` with each tensor in it, to change it, in the order of the saved leaves.
    fn change(&mut self, f: &mut dyn FnMut(&mut Tensor));
    /// Takes the form of `other`, with its own value, where the form may change: of what control flow itself keeps.
    fn take_form(&mut self, _other: &Saved) {}
    /// The flag, if it is one.
    fn flag(&self) -> Option<&Flag> {
        None
    }
    /// Whether it holds something of which nothing is known.
    fn is_opaque(&self) -> bool {
        false
    }
    /// It as a vector, if it is one of tensors.
    fn vector(&mut self) -> Option<&mut Vec<Tensor>> {
        None
    }
}

/// A copy of a variable.
pub(super) struct Saved {
    pub(super) value: Box<dyn Any>,
    pub(super) leaves: Vec<Tensor>,
    pub(super) fixed: Vec<(String, Box<dyn Fixed>)>,
    paths: Vec<String>,
}

impl Saved {
    pub(super) fn of<T: TensorTree + 'static>(tree: &T) -> Saved {
        let mut parts = Parts::default();
        tree.visit(&mut parts);
        let Parts { leaves, fixed, paths, .. } = parts;
        Saved { value: Box::new(tree.map_leaves(&mut Tensor::clone)), leaves, fixed, paths }
    }

    /// Whether host values, lengths and variants are the same.
    pub(super) fn has_form_of(&self, other: &Saved) -> bool {
        self.leaves.len() == other.leaves.len()
            && self.fixed.len() == other.fixed.len()
            && self.fixed.iter().zip(&other.fixed).all(|((_, a), (_, b))| a.same_value(&**b))
    }

    /// The first difference in form, in words.
    pub(super) fn difference(&self, other: &Saved) -> (String, String) {
        let pairs = self.fixed.iter().zip(&other.fixed);
        match pairs.into_iter().find(|((_, a), (_, b))| !a.same_value(&**b)) {
            Some(((path, a), (_, b))) => {
                let place = if path.is_empty() { String::new() } else { format!("{path} = ") };
                (format!("{place}{a:?}"), format!("{place}{b:?}"))
            }
            None => (tensors(self.leaves.len()), tensors(other.leaves.len())),
        }
    }

    /// The path of a leaf within the variable.
    pub(super) fn path(&self, leaf: usize) -> &str {
        &self.paths[leaf]
    }
}

fn tensors(count: usize) -> String {
    if count == 1 { "a tensor".to_owned() } else { format!("{count} tensors") }
}

#[derive(Default)]
struct Parts {
    path: Path,
    leaves: Vec<Tensor>,
    fixed: Vec<(String, Box<dyn Fixed>)>,
    paths: Vec<String>,
}

impl TreeVisitor for Parts {
    fn leaf(&mut self, tensor: &Tensor) {
        self.leaves.push(tensor.clone());
        self.paths.push(self.path.to_string());
    }
    fn fixed(&mut self, value: &dyn Fixed) {
        self.fixed.push((self.path.to_string(), value.boxed()));
    }
    fn enter(&mut self, segment: Segment<'_>) {
        self.path.enter(segment);
    }
    fn leave(&mut self) {
        self.path.leave();
    }
}

/// A variable that is a tree of tensors.
pub trait TreeVariable<'a> {
    /// The variable as a driver sees it.
    fn entry(self) -> Entry<'a>;
}

impl<'a, T: TensorTree + 'static> TreeVariable<'a> for Var<'a, T> {
    fn entry(self) -> Entry<'a> {
        Entry { name: self.name, variable: Box::new(Tree(self.value)), is_exit: false, is_pushed: false }
    }
}

/// A variable of another type: of which nothing is known.
pub trait OpaqueVariable {
    /// The variable as a driver sees it.
    fn entry(&self) -> Entry<'static>;
}

impl<T> OpaqueVariable for Var<'_, T> {
    fn entry(&self) -> Entry<'static> {
        Entry { name: self.name, variable: Box::new(Opaque), is_exit: false, is_pushed: false }
    }
}

struct Tree<'a, T>(&'a mut T);

impl<T: TensorTree + 'static> Variable for Tree<'_, T> {
    fn save(&self) -> Saved {
        Saved::of(self.0)
    }
    fn restore(&mut self, saved: &Saved) {
        let value: &T = saved.value.downcast_ref().expect("a variable keeps its type");
        *self.0 = value.map_leaves(&mut Tensor::clone);
    }
    fn change(&mut self, f: &mut dyn FnMut(&mut Tensor)) {
        self.0.for_each_leaf_mut(f);
    }
    fn vector(&mut self) -> Option<&mut Vec<Tensor>> {
        (self.0 as &mut dyn Any).downcast_mut()
    }
}

struct Opaque;

impl Variable for Opaque {
    fn save(&self) -> Saved {
        Saved::of(&())
    }
    fn restore(&mut self, _: &Saved) {}
    fn change(&mut self, _: &mut dyn FnMut(&mut Tensor)) {}
    fn is_opaque(&self) -> bool {
        true
    }
}

impl Flag {
    /// The flag as a driver sees it.
    pub fn entry(&mut self) -> Entry<'_> {
        Entry { name: "(control flow)", variable: Box::new(self), is_exit: false, is_pushed: false }
    }

    /// The flag as the driver of a loop sees it that is ended by it.
    pub fn exit(&mut self) -> Entry<'_> {
        Entry { is_exit: true, ..self.entry() }
    }
}

impl Variable for &mut Flag {
    fn save(&self) -> Saved {
        Saved::of(&**self)
    }
    fn restore(&mut self, saved: &Saved) {
        **self = saved.value.downcast_ref::<Flag>().expect("a flag stays one").clone();
    }
    fn change(&mut self, f: &mut dyn FnMut(&mut Tensor)) {
        self.for_each_leaf_mut(f);
    }
    fn take_form(&mut self, _: &Saved) {
        // Flags differ in form where at least one is a tensor, or both are host values that differ.
        if let Flag::Host(set) = **self {
            **self = Flag::Tensor(Tensor::scalar(set));
        }
    }
    fn flag(&self) -> Option<&Flag> {
        Some(self)
    }
}

impl<T: TensorTree + 'static> Slot<T> {
    /// The slot as a driver sees it.
    pub fn entry(&mut self) -> Entry<'_> {
        Entry { name: "the value", variable: Box::new(self), is_exit: false, is_pushed: false }
    }
}

impl<T: TensorTree + 'static> Variable for &mut Slot<T> {
    fn save(&self) -> Saved {
        Saved::of(&self.0)
    }
    fn restore(&mut self, saved: &Saved) {
        let value: &Option<T> = saved.value.downcast_ref().expect("a slot keeps its type");
        self.0 = value.as_ref().map(|tree| tree.map_leaves(&mut Tensor::clone));
    }
    fn change(&mut self, f: &mut dyn FnMut(&mut Tensor)) {
        if let Some(tree) = &mut self.0 {
            tree.for_each_leaf_mut(f);
        }
    }
    fn take_form(&mut self, other: &Saved) {
        // Where nothing was put in, there is something that nobody will look at.
        let other: &Option<T> = other.value.downcast_ref().expect("a slot keeps its type");
        if let (None, Some(other)) = (&self.0, other) {
            self.0 = Some(other.map_leaves(&mut zeros));
        }
    }
}

fn zeros(like: &Tensor) -> Tensor {
    let zero = Tensor::from_array(graph_core::Array::zeros(graph_core::Fact::scalar(like.dtype())));
    if like.rank() == 0 { zero } else { zero.broadcast_to(like.shape()) }
}

/// Copies of all variables.
pub(super) fn save(state: &[Entry<'_>]) -> Vec<Saved> {
    state.iter().map(|entry| entry.variable.save()).collect()
}

/// Puts copies of all variables back.
pub(super) fn restore(state: &mut [Entry<'_>], saved: &[Saved]) {
    for (entry, saved) in state.iter_mut().zip(saved) {
        entry.variable.restore(saved);
    }
}

/// Gives the tensors in all variables other values, in order.
pub(super) fn set_leaves(state: &mut [Entry<'_>], values: &mut dyn Iterator<Item = Tensor>) {
    for entry in state {
        entry.variable.change(&mut |leaf| *leaf = values.next().expect("a value for each leaf"));
    }
}

/// Brings two copies of a variable into one form; gives them back if they differed.
pub(super) fn unify(entry: &mut Entry<'_>, a: &Saved, b: &Saved) -> Option<(Saved, Saved)> {
    if a.has_form_of(b) {
        return None;
    }
    let mut reshape = |own: &Saved, other: &Saved| {
        entry.variable.restore(own);
        entry.variable.take_form(other);
        entry.variable.save()
    };
    let (a, b) = (reshape(a, b), reshape(b, a));
    Some((a, b))
}

/// Refuses variables of which nothing is known, once it turns out that a construct is staged.
pub(super) fn refuse_opaque(what: &str, state: &[Entry<'_>], origin: Origin) {
    if let Some(entry) = state.iter().find(|entry| entry.variable.is_opaque()) {
        let name = entry.name;
        let message = format!(
            "`{name}` may change in this `{what}` on tensors, but is no tree of tensors: while it is traced, every \
             arm runs once, whatever the tensors hold; move `{name}` out of it, or make it a tensor"
        );
        raise(Error::Usage { message, origin });
    }
}

impl Entry<'_> {
    /// The same variable, for a while.
    pub(super) fn reborrow(&mut self) -> Entry<'_> {
        let Entry { name, variable, is_exit, is_pushed } = self;
        let (name, is_exit, is_pushed) = (*name, *is_exit, *is_pushed);
        Entry { name, variable: Box::new(Again(&mut **variable)), is_exit, is_pushed }
    }

    /// The same variable, of a loop that does nothing with it but `push`.
    #[must_use]
    pub fn pushed(self) -> Self {
        Entry { is_pushed: true, ..self }
    }
}

/// A variable seen through another entry.
struct Again<'a, 'b>(&'a mut (dyn Variable + 'b));

impl Variable for Again<'_, '_> {
    fn save(&self) -> Saved {
        self.0.save()
    }
    fn restore(&mut self, saved: &Saved) {
        self.0.restore(saved);
    }
    fn change(&mut self, f: &mut dyn FnMut(&mut Tensor)) {
        self.0.change(f);
    }
    fn take_form(&mut self, other: &Saved) {
        self.0.take_form(other);
    }
    fn flag(&self) -> Option<&Flag> {
        self.0.flag()
    }
    fn is_opaque(&self) -> bool {
        self.0.is_opaque()
    }
    fn vector(&mut self) -> Option<&mut Vec<Tensor>> {
        self.0.vector()
    }
}
