//! Tensor trees: values whose leaves are tensors, such as structs, tuples and vectors of them.
//!
//! A tree consists of its leaves and of *fixed* parts: host values, lengths, enum variants. The leaves may differ from
//! call to call; the fixed parts are what a trace depends on, so they belong to a function's signature.

use std::any::Any;
use std::fmt;
use std::hash::{Hash, Hasher};

use crate::tensor::Tensor;

/// A value whose leaves are tensors. Derive it for structs and enums with `#[derive(TensorTree)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no tree of tensors",
    note = "`#[derive(TensorTree)]` makes a struct or enum of tensors one; a field that holds none takes `#[fixed]`"
)]
pub trait TensorTree: Sized {
    /// Shows every leaf and fixed part to a visitor, in a fixed order.
    fn visit(&self, visitor: &mut dyn TreeVisitor);

    /// The same tree with each leaf replaced by what `f` makes of it, in the order of [`visit`](TensorTree::visit).
    #[must_use]
    fn map_leaves(&self, f: &mut dyn FnMut(&Tensor) -> Tensor) -> Self;

    /// Calls `f` with each leaf, to change it.
    fn for_each_leaf_mut(&mut self, f: &mut dyn FnMut(&mut Tensor));
}

/// What looks at the parts of a tree.
pub trait TreeVisitor {
    /// A leaf.
    fn leaf(&mut self, tensor: &Tensor);
    /// A fixed part.
    fn fixed(&mut self, value: &dyn Fixed);
    /// The parts that follow belong to a field.
    fn enter(&mut self, _segment: Segment<'_>) {}
    /// The field is finished.
    fn leave(&mut self) {}
}

/// A closure looks at the leaves alone.
impl<F: FnMut(&Tensor)> TreeVisitor for F {
    fn leaf(&mut self, tensor: &Tensor) {
        self(tensor);
    }
    fn fixed(&mut self, _: &dyn Fixed) {}
}

/// One step of the path to a part of a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Segment<'a> {
    /// A named field, or an argument.
    Field(&'a str),
    /// A position in a tuple, array or vector.
    Index(usize),
}

/// A host value that can be part of a signature: compared and hashed behind `dyn`, with its type.
pub trait Fixed: Any + fmt::Debug + Send + Sync {
    /// Same type and equal value.
    fn same_value(&self, other: &dyn Fixed) -> bool;
    /// Feeds type and value into a hasher.
    fn hash_value(&self, hasher: &mut dyn Hasher);
    /// A copy to keep.
    fn boxed(&self) -> Box<dyn Fixed>;
}

impl<T: Any + Hash + Eq + Clone + fmt::Debug + Send + Sync> Fixed for T {
    fn same_value(&self, other: &dyn Fixed) -> bool {
        (other as &dyn Any).downcast_ref::<T>().is_some_and(|other| self == other)
    }

    fn hash_value(&self, mut hasher: &mut dyn Hasher) {
        std::any::TypeId::of::<T>().hash(&mut hasher);
        self.hash(&mut hasher);
    }

    fn boxed(&self) -> Box<dyn Fixed> {
        Box::new(self.clone())
    }
}

/// A fixed part of a tree; emitted for fields marked `#[fixed]`.
pub fn fixed<T: Fixed>(value: &T) -> &dyn Fixed {
    value
}

/// A float compared by its bits, so that it can be part of a signature.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Bits<const SIZE: usize>(u64);

impl fmt::Debug for Bits<4> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&f32::from_bits(self.0 as u32), f)
    }
}

impl fmt::Debug for Bits<8> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&f64::from_bits(self.0), f)
    }
}

/// The number of elements of a sequence.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Length(usize);

impl fmt::Debug for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "length {}", self.0)
    }
}

/// Which variant of an enum a value is.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Variant(pub &'static str);

impl fmt::Debug for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// Whether a fixed part is a number, for which a scalar tensor could stand.
pub fn is_number(value: &dyn Fixed) -> bool {
    macro_rules! is_any_of {
        ($($ty:ty)*) => { false $(|| (value as &dyn Any).is::<$ty>())* };
    }
    is_any_of!(Bits<4> Bits<8> i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize)
}

/// The leaves of a tree, in order.
///
/// ```
/// use graph_ops::{Tensor, leaves};
///
/// let tree = (Tensor::scalar(1.0f32), vec![Tensor::scalar(2.0f32), Tensor::scalar(3.0f32)]);
/// let values: Vec<f32> = leaves(&tree).iter().map(Tensor::item).collect();
/// assert_eq!(values, [1.0, 2.0, 3.0]);
/// ```
pub fn leaves<T: TensorTree>(tree: &T) -> Vec<Tensor> {
    let mut leaves = Vec::new();
    tree.visit(&mut |leaf: &Tensor| leaves.push(leaf.clone()));
    leaves
}

/// The path of each leaf, such as `layers[0].weight`.
pub fn leaf_paths<T: TensorTree>(tree: &T) -> Vec<String> {
    leaf_paths_in(|visitor| tree.visit(visitor))
}

/// The path of each leaf that `visit` shows: [`leaf_paths`] of what is not one tree.
pub fn leaf_paths_in(visit: impl FnOnce(&mut dyn TreeVisitor)) -> Vec<String> {
    #[derive(Default)]
    struct Paths {
        path: Path,
        leaves: Vec<String>,
    }
    impl TreeVisitor for Paths {
        fn leaf(&mut self, _: &Tensor) {
            self.leaves.push(self.path.to_string());
        }
        fn fixed(&mut self, _: &dyn Fixed) {}
        fn enter(&mut self, segment: Segment<'_>) {
            self.path.enter(segment);
        }
        fn leave(&mut self) {
            self.path.leave();
        }
    }
    let mut visitor = Paths::default();
    visit(&mut visitor);
    visitor.leaves
}

/// The tree with each leaf combined with the leaf of another tree at the same place.
///
/// # Panics
/// When the other tree has another number of leaves.
#[track_caller]
pub fn zip_leaves<T: TensorTree>(tree: &T, other: &T, mut f: impl FnMut(&Tensor, &Tensor) -> Tensor) -> T {
    let others = leaves(other);
    let mut next = 0;
    let mapped = tree.map_leaves(&mut |leaf| {
        let other = others.get(next).expect("both trees have the same leaves");
        next += 1;
        f(leaf, other)
    });
    assert_eq!(next, others.len(), "both trees have the same leaves");
    mapped
}

/// The path to a part of a tree, for visitors that report it.
#[derive(Debug, Clone, Default)]
pub struct Path {
    text: String,
    starts: Vec<usize>,
}

impl Path {
    /// One step deeper.
    pub fn enter(&mut self, segment: Segment<'_>) {
        self.starts.push(self.text.len());
        match segment {
            Segment::Field(name) if self.text.is_empty() => self.text.push_str(name),
            Segment::Field(name) => {
                self.text.push('.');
                self.text.push_str(name);
            }
            Segment::Index(index) => self.text.push_str(&format!("[{index}]")),
        }
    }

    /// One step back.
    pub fn leave(&mut self) {
        let start = self.starts.pop().expect("as many leaves as enters");
        self.text.truncate(start);
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl TensorTree for Tensor {
    fn visit(&self, visitor: &mut dyn TreeVisitor) {
        visitor.leaf(self);
    }
    fn map_leaves(&self, f: &mut dyn FnMut(&Tensor) -> Tensor) -> Tensor {
        f(self)
    }
    fn for_each_leaf_mut(&mut self, f: &mut dyn FnMut(&mut Tensor)) {
        f(self);
    }
}

/// Host values: no leaves, one fixed part.
macro_rules! fixed_trees {
    ($($ty:ty => |$x:ident| $key:expr;)*) => {$(
        impl TensorTree for $ty {
            fn visit(&self, visitor: &mut dyn TreeVisitor) {
                let $x = self;
                visitor.fixed(&$key);
            }
            fn map_leaves(&self, _: &mut dyn FnMut(&Tensor) -> Tensor) -> $ty {
                self.clone()
            }
            fn for_each_leaf_mut(&mut self, _: &mut dyn FnMut(&mut Tensor)) {}
        }
    )*};
}

fixed_trees! {
    f32 => |x| Bits::<4>(u64::from(x.to_bits()));
    f64 => |x| Bits::<8>(x.to_bits());
    bool => |x| *x;
    char => |x| *x;
    i8 => |x| *x;
    i16 => |x| *x;
    i32 => |x| *x;
    i64 => |x| *x;
    i128 => |x| *x;
    isize => |x| *x;
    u8 => |x| *x;
    u16 => |x| *x;
    u32 => |x| *x;
    u64 => |x| *x;
    u128 => |x| *x;
    usize => |x| *x;
    String => |x| x.clone();
    &'static str => |x| *x;
    graph_core::DType => |x| *x;
    graph_core::Shape => |x| x.clone();
}

impl TensorTree for () {
    fn visit(&self, _: &mut dyn TreeVisitor) {}
    fn map_leaves(&self, _: &mut dyn FnMut(&Tensor) -> Tensor) {}
    fn for_each_leaf_mut(&mut self, _: &mut dyn FnMut(&mut Tensor)) {}
}

impl<T: ?Sized> TensorTree for std::marker::PhantomData<T> {
    fn visit(&self, _: &mut dyn TreeVisitor) {}
    fn map_leaves(&self, _: &mut dyn FnMut(&Tensor) -> Tensor) -> Self {
        std::marker::PhantomData
    }
    fn for_each_leaf_mut(&mut self, _: &mut dyn FnMut(&mut Tensor)) {}
}

impl<T: TensorTree> TensorTree for Option<T> {
    fn visit(&self, visitor: &mut dyn TreeVisitor) {
        visitor.fixed(&Variant(if self.is_some() { "Some" } else { "None" }));
        if let Some(tree) = self {
            tree.visit(visitor);
        }
    }
    fn map_leaves(&self, f: &mut dyn FnMut(&Tensor) -> Tensor) -> Self {
        self.as_ref().map(|tree| tree.map_leaves(f))
    }
    fn for_each_leaf_mut(&mut self, f: &mut dyn FnMut(&mut Tensor)) {
        if let Some(tree) = self {
            tree.for_each_leaf_mut(f);
        }
    }
}

impl<T: TensorTree> TensorTree for Box<T> {
    fn visit(&self, visitor: &mut dyn TreeVisitor) {
        (**self).visit(visitor);
    }
    fn map_leaves(&self, f: &mut dyn FnMut(&Tensor) -> Tensor) -> Self {
        Box::new((**self).map_leaves(f))
    }
    fn for_each_leaf_mut(&mut self, f: &mut dyn FnMut(&mut Tensor)) {
        (**self).for_each_leaf_mut(f);
    }
}

/// Shows the elements of a sequence, each under its index.
pub fn visit_sequence<T: TensorTree>(sequence: &[T], visitor: &mut dyn TreeVisitor) {
    visitor.fixed(&Length(sequence.len()));
    for (index, tree) in sequence.iter().enumerate() {
        visitor.enter(Segment::Index(index));
        tree.visit(visitor);
        visitor.leave();
    }
}

impl<T: TensorTree> TensorTree for Vec<T> {
    fn visit(&self, visitor: &mut dyn TreeVisitor) {
        visit_sequence(self, visitor);
    }
    fn map_leaves(&self, f: &mut dyn FnMut(&Tensor) -> Tensor) -> Self {
        self.iter().map(|tree| tree.map_leaves(f)).collect()
    }
    fn for_each_leaf_mut(&mut self, f: &mut dyn FnMut(&mut Tensor)) {
        self.iter_mut().for_each(|tree| tree.for_each_leaf_mut(f));
    }
}

impl<T: TensorTree, const N: usize> TensorTree for [T; N] {
    fn visit(&self, visitor: &mut dyn TreeVisitor) {
        visit_sequence(self, visitor);
    }
    fn map_leaves(&self, f: &mut dyn FnMut(&Tensor) -> Tensor) -> Self {
        self.each_ref().map(|tree| tree.map_leaves(f))
    }
    fn for_each_leaf_mut(&mut self, f: &mut dyn FnMut(&mut Tensor)) {
        self.iter_mut().for_each(|tree| tree.for_each_leaf_mut(f));
    }
}

macro_rules! tuples {
    ($($name:ident $index:tt),*) => {
        impl<$($name: TensorTree),*> TensorTree for ($($name,)*) {
            fn visit(&self, visitor: &mut dyn TreeVisitor) {
                $(
                    visitor.enter(Segment::Index($index));
                    self.$index.visit(visitor);
                    visitor.leave();
                )*
            }
            fn map_leaves(&self, f: &mut dyn FnMut(&Tensor) -> Tensor) -> Self {
                ($(self.$index.map_leaves(f),)*)
            }
            fn for_each_leaf_mut(&mut self, f: &mut dyn FnMut(&mut Tensor)) {
                $(self.$index.for_each_leaf_mut(f);)*
            }
        }
    };
}

tuples!(A 0);
tuples!(A 0, B 1);
tuples!(A 0, B 1, C 2);
tuples!(A 0, B 1, C 2, D 3);
tuples!(A 0, B 1, C 2, D 3, E 4);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
