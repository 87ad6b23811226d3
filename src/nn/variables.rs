//! Named tensors in a fixed order: what the parameters of a network, and the state of an optimizer, are kept as.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use grafito::{Segment, Tensor, TensorTree, TreeVisitor};

/// Tensors by name, in the order in which they were added: `dense/kernel`, `dense/bias`, …
///
/// It is a tree of tensors, so traced functions take it, and gradients have the same form. The names belong to the
/// signature.
///
/// ```
/// use grafito::nn::Variables;
/// use grafito::prelude::*;
///
/// let mut line = Variables::new();
/// line.insert("slope", Tensor::scalar(2.0f32));
/// line.insert("offset", Tensor::scalar(1.0f32));
/// let gradient = grad(&line, |line| line.get("slope").unwrap() * 3.0 + line.get("offset").unwrap());
/// assert_eq!(gradient.get("slope").unwrap().item::<f32>(), 3.0);
/// assert_eq!(gradient.names(), ["slope", "offset"]);
/// ```
#[derive(Debug, Clone, Default)]
pub struct Variables {
    names: Names,
    tensors: Vec<Tensor>,
}

/// The names, as a part of signatures: shared by all copies, so that comparing them is nearly always one comparison.
#[derive(Debug, Clone, Default)]
struct Names(Arc<Vec<String>>);

impl PartialEq for Names {
    fn eq(&self, other: &Names) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0 == other.0
    }
}

impl Eq for Names {}

impl Hash for Names {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.0.len().hash(hasher);
    }
}

impl Variables {
    /// None yet.
    pub fn new() -> Variables {
        Variables::default()
    }

    /// Adds a tensor, or replaces the one of this name.
    pub fn insert(&mut self, name: impl Into<String>, tensor: Tensor) {
        let name = name.into();
        match self.position(&name) {
            Some(position) => self.tensors[position] = tensor,
            None => {
                Arc::make_mut(&mut self.names.0).push(name);
                self.tensors.push(tensor);
            }
        }
    }

    /// The tensor of this name.
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.position(name).map(|position| &self.tensors[position])
    }

    /// The tensor of this name, to change it.
    ///
    /// ```
    /// use grafito::nn::Variables;
    /// use grafito::prelude::*;
    ///
    /// let mut variables = Variables::from_iter([("w", Tensor::scalar(1.0f32))]);
    /// *variables.get_mut("w").unwrap() += 1.0;
    /// assert!((variables.len(), variables.is_empty()) == (1, false));
    /// assert_eq!(variables.tensors()[0].item::<f32>(), 2.0);
    /// variables.tensors_mut()[0] = Tensor::scalar(5.0f32);
    /// for (name, tensor) in variables.iter() {
    ///     assert_eq!((name, tensor.item::<f32>()), ("w", 5.0));
    /// }
    /// ```
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Tensor> {
        self.position(name).map(|position| &mut self.tensors[position])
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.tensors.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.tensors.is_empty()
    }

    /// The names, in order.
    pub fn names(&self) -> &[String] {
        &self.names.0
    }

    /// The tensors, in order.
    pub fn tensors(&self) -> &[Tensor] {
        &self.tensors
    }

    /// The tensors, in order, to change them.
    pub fn tensors_mut(&mut self) -> &mut [Tensor] {
        &mut self.tensors
    }

    /// Names with their tensors, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.names.0.iter().map(String::as_str).zip(&self.tensors)
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.names.0.iter().position(|own| own == name)
    }
}

impl<N: Into<String>> FromIterator<(N, Tensor)> for Variables {
    fn from_iter<I: IntoIterator<Item = (N, Tensor)>>(named: I) -> Variables {
        let mut variables = Variables::new();
        named.into_iter().for_each(|(name, tensor)| variables.insert(name, tensor));
        variables
    }
}

impl TensorTree for Variables {
    fn visit(&self, visitor: &mut dyn TreeVisitor) {
        visitor.fixed(&self.names);
        for (name, tensor) in self.iter() {
            visitor.enter(Segment::Field(name));
            visitor.leaf(tensor);
            visitor.leave();
        }
    }

    fn map_leaves(&self, f: &mut dyn FnMut(&Tensor) -> Tensor) -> Variables {
        Variables { names: self.names.clone(), tensors: self.tensors.iter().map(f).collect() }
    }

    fn for_each_leaf_mut(&mut self, f: &mut dyn FnMut(&mut Tensor)) {
        self.tensors.iter_mut().for_each(f);
    }
}
