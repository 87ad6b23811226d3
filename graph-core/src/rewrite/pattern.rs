//! Patterns: the notation of rules, parsed once, and matched against values.

use smallvec::SmallVec;

use crate::array::Array;
use crate::attr::{Attr, Attributes};
use crate::dtype::{DType, Element};
use crate::graph::{Graph, NodeKind};
use crate::ids::Value;
use crate::op::OpRef;
use crate::with_element;

/// One side of a rule.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Pattern {
    /// The variable of this index in the rule's list of names.
    Variable(usize),
    Literal(Literal),
    Op {
        name: String,
        attributes: Attributes,
        operands: Vec<Pattern>,
    },
}

/// A number or truth value that a pattern names.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Literal {
    Number(f64),
    Truth(bool),
}

/// What the variables stand for, by index.
pub(super) type Bound = SmallVec<[Option<Value>; 4]>;

impl Literal {
    /// Whether all elements of the constant are this number, to the bit.
    pub(super) fn matches(self, array: &Array) -> bool {
        // A rule must not cost a sweep over every large weight of a network.
        const MAX_BYTES: usize = 1 << 20;
        if array.fact().num_bytes() > MAX_BYTES || array.fact().shape.num_elements() == 0 {
            return false;
        }
        match self.splat(array.fact().dtype) {
            None => false,
            Some(scalar) => {
                let element = scalar.view().as_bytes();
                array.view().as_bytes().chunks_exact(element.len()).all(|bytes| bytes == element)
            }
        }
    }

    /// The scalar of this dtype; `None` where the dtype has no such number.
    pub(super) fn splat(self, dtype: DType) -> Option<Array> {
        trait Exact: Sized {
            fn exact(literal: Literal) -> Option<Self>;
        }
        macro_rules! exact {
            ($($ty:ty),*) => {$(
                impl Exact for $ty {
                    fn exact(literal: Literal) -> Option<$ty> {
                        let Literal::Number(number) = literal else { return None };
                        let element = number as $ty;
                        let negative_zero = number == 0.0 && number.is_sign_negative();
                        let exact = element as f64 == number;
                        (exact && (!negative_zero || <$ty>::DTYPE.is_float())).then_some(element)
                    }
                }
            )*};
        }
        exact!(f32, f64, i32, i64, u8);
        impl Exact for bool {
            fn exact(literal: Literal) -> Option<bool> {
                match literal {
                    Literal::Truth(truth) => Some(truth),
                    Literal::Number(_) => None,
                }
            }
        }
        with_element!(dtype, T => T::exact(self).map(Array::scalar))
    }
}

/// The definition of a value that is an op's only output.
pub(super) fn definition(graph: &Graph, value: Value) -> Option<(&OpRef, &[Value])> {
    let node = graph.node(value.node());
    match node.kind() {
        NodeKind::Apply(op) if node.facts().len() == 1 => Some((op, node.inputs())),
        _ => None,
    }
}

/// Matches patterns against a graph.
pub(super) struct Matcher<'a> {
    pub(super) graph: &'a Graph,
    pub(super) commutative: &'a [&'static str],
}

impl Matcher<'_> {
    /// Extends `bound` so that the pattern is the value; `None` where there is no way.
    fn value(&self, pattern: &Pattern, value: Value, mut bound: Bound) -> Option<Bound> {
        match pattern {
            Pattern::Variable(index) => match bound[*index] {
                None => {
                    bound[*index] = Some(value);
                    Some(bound)
                }
                Some(have) => (have == value).then_some(bound),
            },
            Pattern::Literal(literal) => literal.matches(self.graph.constant(value)?).then_some(bound),
            Pattern::Op { .. } => {
                let (op, operands) = definition(self.graph, value)?;
                self.op(pattern, op, operands, bound)
            }
        }
    }

    /// The same for an op, which need not be in the graph yet, on operands.
    pub(super) fn op(
        &self,
        pattern: &Pattern,
        op: &OpRef,
        operands: &[Value],
        bound: Bound,
    ) -> Option<Bound> {
        let Pattern::Op { name, attributes, operands: patterns } = pattern else { return None };
        if op.name() != name || operands.len() != patterns.len() {
            return None;
        }
        if !attributes.is_empty() {
            let have = op.attributes();
            if attributes.iter().any(|(name, value)| have.get(name) != Some(value)) {
                return None;
            }
        }
        let in_order = |bound: Bound, values: &mut dyn Iterator<Item = &Value>| {
            patterns.iter().zip(values).try_fold(bound, |bound, (pattern, &v)| self.value(pattern, v, bound))
        };
        if operands.len() == 2 && self.commutative.contains(&op.name()) {
            return in_order(bound.clone(), &mut operands.iter())
                .or_else(|| in_order(bound, &mut operands.iter().rev()));
        }
        in_order(bound, &mut operands.iter())
    }
}

/// Parses one side of a rule; new variables are added to `variables`.
///
/// # Panics
/// When the text is no pattern: rules are part of the program.
pub(super) fn parse(text: &str, variables: &mut Vec<String>) -> Pattern {
    let mut parser = Parser { text, rest: text.trim(), variables };
    let pattern = parser.pattern();
    assert!(parser.rest.is_empty(), "`{text}` goes on after the pattern");
    pattern
}

struct Parser<'t> {
    text: &'t str,
    rest: &'t str,
    variables: &'t mut Vec<String>,
}

impl<'t> Parser<'t> {
    fn pattern(&mut self) -> Pattern {
        if self.accepts("?") {
            let name = self.word().to_owned();
            let known = self.variables.iter().position(|have| *have == name);
            return Pattern::Variable(known.unwrap_or_else(|| {
                self.variables.push(name);
                self.variables.len() - 1
            }));
        }
        let word = self.word();
        match word {
            "true" | "false" => return Pattern::Literal(Literal::Truth(word == "true")),
            _ => {
                if let Ok(number) = word.parse() {
                    return Pattern::Literal(Literal::Number(number));
                }
            }
        }
        assert!(self.accepts("("), "`{}`: `{word}` is neither an op nor a literal", self.text);
        let mut operands = Vec::new();
        while !self.accepts(")") {
            if !operands.is_empty() {
                assert!(self.accepts(","), "`{}`: expected `,` before `{}`", self.text, self.rest);
            }
            operands.push(self.pattern());
        }
        Pattern::Op { name: word.to_owned(), attributes: self.attributes(), operands }
    }

    fn attributes(&mut self) -> Attributes {
        let mut attributes = Attributes::default();
        while self.rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
            let name = self.word();
            assert!(self.accepts("="), "`{}`: expected `=` after `{name}`", self.text);
            let value = self.word();
            let value = match value {
                "true" | "false" => Attr::Bool(value == "true"),
                _ => match (value.parse(), DType::from_name(value)) {
                    (Ok(int), _) => Attr::Int(int),
                    (_, Some(dtype)) => Attr::DType(dtype),
                    _ => panic!("`{}`: `{value}` is no attribute", self.text),
                },
            };
            attributes = attributes.with(name, value);
        }
        attributes
    }

    fn word(&mut self) -> &'t str {
        let belongs = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        let end = self.rest.find(|c| !belongs(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        assert!(!word.is_empty(), "`{}`: expected a word before `{}`", self.text, self.rest);
        self.rest = rest.trim_start();
        word
    }

    fn accepts(&mut self, sign: &str) -> bool {
        match self.rest.strip_prefix(sign) {
            Some(rest) => {
                self.rest = rest.trim_start();
                true
            }
            None => false,
        }
    }
}
