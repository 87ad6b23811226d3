//! Signatures: what a call is keyed on. The facts of the leaves, and the fixed parts by type and value.

use std::any::TypeId;
use std::collections::hash_map::DefaultHasher;
use std::fmt;
use std::hash::{Hash, Hasher};

use graph_core::Fact;
use graph_ops::{Fixed, Path, Segment, Tensor, TreeVisitor, is_number};

use super::Arguments;

/// The key of a trace, with the path of each part so that a miss can be explained.
#[derive(Debug)]
pub(super) struct Signature {
    /// The function with its generic parameters, as [`Function::of`](super::Function::of) tells them apart.
    id: TypeId,
    /// The types of the parameters, for people.
    types: Vec<String>,
    names: &'static [&'static str],
    parts: Vec<(String, Part)>,
}

#[derive(Debug)]
enum Part {
    Leaf(Fact),
    Fixed(Box<dyn Fixed>),
}

impl Signature {
    pub(super) fn new<A: Arguments>(id: TypeId, arguments: &A, names: &'static [&'static str]) -> Signature {
        #[derive(Default)]
        struct Collect {
            path: Path,
            parts: Vec<(String, Part)>,
        }
        impl TreeVisitor for Collect {
            fn leaf(&mut self, tensor: &Tensor) {
                self.parts.push((self.path.to_string(), Part::Leaf(tensor.fact().clone())));
            }
            fn fixed(&mut self, value: &dyn Fixed) {
                self.parts.push((self.path.to_string(), Part::Fixed(value.boxed())));
            }
            fn enter(&mut self, segment: Segment<'_>) {
                self.path.enter(segment);
            }
            fn leave(&mut self) {
                self.path.leave();
            }
        }
        let mut visitor = Collect::default();
        arguments.visit(names, &mut visitor);
        Signature { id, types: A::type_names(), names, parts: visitor.parts }
    }

    /// Whether these arguments have this signature.
    pub(super) fn matches(&self, id: TypeId, arguments: &impl Arguments) -> bool {
        struct Compare<'a> {
            parts: std::slice::Iter<'a, (String, Part)>,
            is_equal: bool,
        }
        impl TreeVisitor for Compare<'_> {
            fn leaf(&mut self, tensor: &Tensor) {
                self.is_equal &=
                    matches!(self.parts.next(), Some((_, Part::Leaf(fact))) if fact == tensor.fact());
            }
            fn fixed(&mut self, value: &dyn Fixed) {
                self.is_equal &=
                    matches!(self.parts.next(), Some((_, Part::Fixed(own))) if own.same_value(value));
            }
        }
        if self.id != id {
            return false;
        }
        let mut visitor = Compare { parts: self.parts.iter(), is_equal: true };
        arguments.visit(&[], &mut visitor);
        visitor.is_equal && visitor.parts.next().is_none()
    }

    /// Whether both are the same key.
    pub(super) fn same(&self, other: &Signature) -> bool {
        self.id == other.id
            && self.parts.len() == other.parts.len()
            && self.parts.iter().zip(&other.parts).all(|((_, own), (_, other))| own.same(other))
    }

    /// In words, the first difference between the signature of an earlier call and this one.
    pub(super) fn difference_from(&self, earlier: &Signature) -> String {
        for ((name, now), before) in self.names.iter().zip(&self.types).zip(&earlier.types) {
            if now != before {
                return format!("argument `{name}`: {before} -> {now}");
            }
        }
        if self.id != earlier.id {
            return "another choice of generic parameters".to_owned();
        }
        for ((path, part), (earlier_path, earlier_part)) in self.parts.iter().zip(&earlier.parts) {
            if path != earlier_path {
                return format!("argument `{earlier_path}` is followed by another structure: `{path}`");
            }
            if !part.same(earlier_part) {
                let hint = match part {
                    Part::Fixed(value) if is_number(&**value) => "; pass a Tensor to avoid retracing",
                    _ => "",
                };
                return format!("argument `{path}`: {earlier_part} -> {part}{hint}");
            }
        }
        let (now, before) = (self.parts.len(), earlier.parts.len());
        if now == before {
            return "the same arguments again, whose trace had been dropped".to_owned();
        }
        format!("the arguments have {before} -> {now} parts")
    }
}

impl Part {
    fn same(&self, other: &Part) -> bool {
        match (self, other) {
            (Part::Leaf(a), Part::Leaf(b)) => a == b,
            (Part::Fixed(a), Part::Fixed(b)) => a.same_value(&**b),
            _ => false,
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Part::Leaf(fact) => write!(f, "{fact}"),
            Part::Fixed(value) => write!(f, "{value:?}"),
        }
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (path, part)) in self.parts.iter().enumerate() {
            let separator = if i > 0 { ", " } else { "" };
            write!(f, "{separator}{path}: {part}")?;
        }
        Ok(())
    }
}

/// The hash of a call's signature, without building it.
pub(super) fn hash(id: TypeId, arguments: &impl Arguments) -> u64 {
    struct Hashing(DefaultHasher);
    impl TreeVisitor for Hashing {
        fn leaf(&mut self, tensor: &Tensor) {
            tensor.fact().hash(&mut self.0);
        }
        fn fixed(&mut self, value: &dyn Fixed) {
            value.hash_value(&mut self.0);
        }
    }
    let mut visitor = Hashing(DefaultHasher::new());
    id.hash(&mut visitor.0);
    arguments.visit(&[], &mut visitor);
    visitor.0.finish()
}
