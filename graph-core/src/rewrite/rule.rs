//! Rules and the table of them.

use std::collections::HashMap;
use std::fmt;

use smallvec::SmallVec;

use super::pattern::{self, Bound, Literal, Matcher, Pattern};
use crate::array::Array;
use crate::attr::Attributes;
use crate::dtype::DType;
use crate::error::OpError;
use crate::fact::Fact;
use crate::graph::Graph;
use crate::ids::Value;
use crate::op::{Op, OpRef};

/// An equation, read from left to right.
pub struct Rule {
    name: &'static str,
    /// Names of the ops that it rewrites.
    roots: Vec<String>,
    rewrite: Rewrite,
    condition: fn(&Bindings<'_>) -> bool,
}

enum Rewrite {
    Patterns(Box<Patterns>),
    Function(fn(&Site<'_>) -> Option<Term>),
}

struct Patterns {
    text: (String, String),
    variables: Vec<String>,
    left: Pattern,
    right: Pattern,
}

impl Rule {
    /// A rule from two patterns; see the docs of the module for the notation.
    ///
    /// # Panics
    /// When the texts are no patterns, the left side is no op, or the right side has a variable that the left has not.
    pub fn new(name: &'static str, left: &str, right: &str) -> Rule {
        let text = (left.to_owned(), right.to_owned());
        let mut variables = Vec::new();
        let left = pattern::parse(left, &mut variables);
        let known = variables.len();
        let right = pattern::parse(right, &mut variables);
        assert_eq!(variables.len(), known, "rule `{name}`: unknown variable on the right");
        let Pattern::Op { name: root, .. } = &left else { panic!("rule `{name}`: the left side is an op") };
        let roots = vec![root.clone()];
        let rewrite = Rewrite::Patterns(Box::new(Patterns { text, variables, left, right }));
        Rule { name, roots, rewrite, condition: |_| true }
    }

    /// A rule that is a function, tried at every application of the ops of these names.
    pub fn function(name: &'static str, roots: &[&str], rewrite: fn(&Site<'_>) -> Option<Term>) -> Rule {
        let roots = roots.iter().map(|&root| root.to_owned()).collect();
        Rule { name, roots, rewrite: Rewrite::Function(rewrite), condition: |_| true }
    }

    /// Restricts a rule from patterns to what the condition accepts.
    #[must_use]
    pub fn when(mut self, condition: fn(&Bindings<'_>) -> bool) -> Rule {
        self.condition = condition;
        self
    }

    /// Restricts a rule from patterns to integers: the dtype of its first variable.
    #[must_use]
    pub fn ints(self) -> Rule {
        self.when(|bindings| bindings.dtype().is_int())
    }

    /// Restricts a rule from patterns to floats: the dtype of its first variable.
    #[must_use]
    pub fn floats(self) -> Rule {
        self.when(|bindings| bindings.dtype().is_float())
    }

    /// Restricts a rule from patterns to integers and truth values: the dtype of its first variable.
    #[must_use]
    pub fn not_floats(self) -> Rule {
        self.when(|bindings| !bindings.dtype().is_float())
    }

    /// The name, in words joined by hyphens.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The two sides, of a rule from patterns.
    pub fn patterns(&self) -> Option<(&str, &str)> {
        match &self.rewrite {
            Rewrite::Patterns(patterns) => Some((&patterns.text.0, &patterns.text.1)),
            Rewrite::Function(_) => None,
        }
    }

    /// What the rule makes of the site; `None` where it does not apply.
    fn apply(&self, site: &Site<'_>, rules: &Rules) -> Option<Term> {
        match &self.rewrite {
            Rewrite::Function(rewrite) => rewrite(site),
            Rewrite::Patterns(patterns) => {
                let Patterns { variables, left, right, .. } = &**patterns;
                let matcher = Matcher { graph: site.graph, commutative: rules.commutative };
                let unbound: Bound = SmallVec::from_elem(None, variables.len());
                let bound = matcher.op(left, site.op, site.operands, unbound)?;
                let bindings = Bindings { graph: site.graph, variables, bound: &bound };
                if (self.condition)(&bindings) { rules.term(right, &bound) } else { None }
            }
        }
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rule({})", self.name)
    }
}

/// What the variables of a pattern stand for; what a condition sees.
pub struct Bindings<'a> {
    graph: &'a Graph,
    variables: &'a [String],
    bound: &'a Bound,
}

impl Bindings<'_> {
    /// The fact of a variable's value.
    ///
    /// # Panics
    /// When the left side has no such variable.
    pub fn fact(&self, variable: &str) -> &Fact {
        let index = self.variables.iter().position(|have| have == variable);
        let value = index.and_then(|index| self.bound[index]).expect("a variable of the left side");
        self.graph.fact(value)
    }

    /// The dtype of the first variable.
    ///
    /// # Panics
    /// When the left side has no variable.
    pub fn dtype(&self) -> DType {
        self.fact(&self.variables[0]).dtype
    }
}

/// An op about to be added, on operands that are in the graph; what a rule that is a function sees.
pub struct Site<'a> {
    pub(super) graph: &'a Graph,
    pub(super) op: &'a OpRef,
    pub(super) operands: &'a [Value],
    pub(super) fact: &'a Fact,
}

impl<'a> Site<'a> {
    /// The op as a `T`.
    pub fn op<T: Op>(&self) -> Option<&'a T> {
        self.op.downcast()
    }

    /// The op, of whatever type, to apply it again to other operands.
    pub fn op_ref(&self) -> &'a OpRef {
        self.op
    }

    /// The operands.
    pub fn operands(&self) -> &'a [Value] {
        self.operands
    }

    /// The fact of the result.
    pub fn fact(&self) -> &'a Fact {
        self.fact
    }

    /// The fact of a value in the graph.
    pub fn fact_of(&self, value: Value) -> &'a Fact {
        self.graph.fact(value)
    }

    /// The array of a value that is a constant.
    pub fn constant(&self, value: Value) -> Option<&'a Array> {
        self.graph.constant(value)
    }

    /// The op that defines a value, if it is a `T`, and its operands.
    pub fn definition<T: Op>(&self, value: Value) -> Option<(&'a T, &'a [Value])> {
        let (op, operands) = pattern::definition(self.graph, value)?;
        Some((op.downcast()?, operands))
    }
}

/// What a rule makes of a site.
#[derive(Debug, Clone)]
pub enum Term {
    /// A value in the graph.
    Value(Value),
    /// A scalar of the dtype of what is replaced. (Rules write it as a literal.)
    Number(f64),
    /// A truth value.
    Truth(bool),
    /// An op on terms.
    Apply(OpRef, Vec<Term>),
}

impl Term {
    /// An op on values.
    pub fn apply(op: impl Into<OpRef>, operands: &[Value]) -> Term {
        Term::Apply(op.into(), operands.iter().copied().map(Term::Value).collect())
    }
}

/// Finds ops by name and attributes: what the right sides of rules are made with.
pub type FindOp = fn(&str, &Attributes) -> Result<Option<OpRef>, OpError>;

/// A table of rules.
pub struct Rules {
    rules: Vec<Rule>,
    /// Which rules to try for the op of a name.
    by_root: HashMap<String, Vec<usize>>,
    commutative: &'static [&'static str],
    find_op: FindOp,
    pub(super) broadcast: fn(&Fact) -> OpRef,
}

impl Rules {
    /// A table of rules, tried in this order. `commutative` names the ops whose two operands match in either order;
    /// `find_op` finds the ops that patterns name; `broadcast` makes the op that repeats elements to fill a fact.
    ///
    /// # Panics
    /// When the right side of a rule names an op that there is not, or two rules have one name.
    pub fn new(
        rules: Vec<Rule>,
        commutative: &'static [&'static str],
        find_op: FindOp,
        broadcast: fn(&Fact) -> OpRef,
    ) -> Rules {
        let mut by_root: HashMap<String, Vec<usize>> = HashMap::new();
        let mut names = std::collections::HashSet::new();
        for (index, rule) in rules.iter().enumerate() {
            assert!(names.insert(rule.name), "two rules are named `{}`", rule.name);
            for root in &rule.roots {
                by_root.entry(root.clone()).or_default().push(index);
            }
        }
        let rules = Rules { rules, by_root, commutative, find_op, broadcast };
        for rule in &rules.rules {
            if let Rewrite::Patterns(patterns) = &rule.rewrite {
                rules.check_ops(rule.name, &patterns.left);
                rules.check_ops(rule.name, &patterns.right);
            }
        }
        rules
    }

    /// The rules, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter()
    }

    /// The first rule that applies to the site, from the rule at `from` on, and what it makes of it.
    pub(super) fn apply(&self, site: &Site<'_>, from: usize) -> Option<(usize, Term)> {
        let candidates = self.by_root.get(site.op.name())?;
        let mut candidates = candidates.iter().filter(|&&index| index >= from);
        candidates.find_map(|&index| Some((index, self.rules[index].apply(site, self)?)))
    }

    /// The right side of a rule, for these variables.
    fn term(&self, pattern: &Pattern, bound: &Bound) -> Option<Term> {
        Some(match pattern {
            Pattern::Variable(index) => Term::Value(bound[*index]?),
            Pattern::Literal(Literal::Number(number)) => Term::Number(*number),
            Pattern::Literal(Literal::Truth(truth)) => Term::Truth(*truth),
            Pattern::Op { name, attributes, operands } => {
                let op = (self.find_op)(name, attributes).ok()??;
                let operands = operands.iter().map(|o| self.term(o, bound)).collect::<Option<_>>()?;
                Term::Apply(op, operands)
            }
        })
    }

    /// Ops can be looked up at once: a misspelled one is found, instead of never matching.
    fn check_ops(&self, rule: &str, pattern: &Pattern) {
        if let Pattern::Op { name, attributes, operands } = pattern {
            let found = (self.find_op)(name, attributes);
            assert!(!matches!(found, Ok(None)), "rule `{rule}`: there is no op `{name}`");
            operands.iter().for_each(|operand| self.check_ops(rule, operand));
        }
    }
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.rules).finish()
    }
}
