//! Parsing graphs. Never panics, on any text.

use std::collections::HashMap;
use std::sync::Arc;

use super::element::{self, MAX_BYTES};
use super::lexer::{Token, error, tokens};
use crate::attr::{Attr, Attributes};
use crate::error::{Error, OpError};
use crate::fact::Fact;
use crate::graph::{Graph, NodeKind};
use crate::ids::Value;
use crate::op::OpRef;
use crate::origin::Origin;
use crate::shape::Shape;
use crate::verify::verify;

/// Finds the op of a name and attributes; `None` where the name is unknown.
pub type OpFromText<'a> = dyn Fn(&str, &Attributes) -> Result<Option<OpRef>, OpError> + 'a;

/// Regions within regions beyond this depth are refused: each level is a level of recursion, here and in passes.
const MAX_DEPTH: usize = 64;

impl Graph {
    /// Reads the text form, as printed or written by hand: values may be any words (`%x`), and the facts of nodes may
    /// be left out, except for constants. Every node gets the caller's origin.
    ///
    /// # Errors
    /// [`Error::Parse`], with the line: text outside the grammar, an unknown op, operands that an op does not take, a
    /// fact that is not the inferred one, an elided constant.
    #[track_caller]
    pub fn parse(text: &str, op_from_text: &OpFromText<'_>) -> Result<Graph, Error> {
        let mut parser =
            Parser { tokens: tokens(text)?, next: 0, depth: 0, op_from_text, origin: Origin::caller() };
        parser.word("graph")?;
        let name = parser.name().ok_or_else(|| parser.expected("the name of the graph"))?;
        let graph = parser.graph(&name)?;
        if *parser.peek() != Token::End {
            return Err(parser.expected("the end"));
        }
        verify(&graph).map_err(|violation| error(parser.line(), violation.to_string()))?;
        Ok(graph)
    }
}

struct Parser<'a> {
    tokens: Vec<(Token, usize)>,
    next: usize,
    depth: usize,
    op_from_text: &'a OpFromText<'a>,
    origin: Origin,
}

/// The values defined so far, by their words.
type Scope = HashMap<String, Value>;

impl Parser<'_> {
    /// Signature and block, after the name.
    fn graph(&mut self, name: &str) -> Result<Graph, Error> {
        let mut graph = Graph::new(name);
        let mut scope = Scope::new();
        self.sign('(')?;
        while !self.accepts(')') {
            if !scope.is_empty() {
                self.sign(',')?;
            }
            self.input(&mut graph, &mut scope)?;
        }
        self.sign('{')?;
        while !self.accepts_word("return") {
            self.node(&mut graph, &mut scope)?;
        }
        let outputs = if *self.peek() == Token::Sign('}') { Vec::new() } else { self.values(&scope)? };
        graph.set_outputs(outputs);
        self.sign('}')?;
        Ok(graph)
    }

    fn input(&mut self, graph: &mut Graph, scope: &mut Scope) -> Result<(), Error> {
        let line = self.line();
        let value = self.value_name()?;
        let donated = self.accepts_word("donated");
        let name = self.name().unwrap_or_default();
        self.sign(':')?;
        let fact = self.fact()?;
        let defined = graph.add_input(name, fact, self.origin);
        if donated {
            graph.donate_input(graph.inputs().len() - 1);
        }
        define(scope, value, defined, line)
    }

    fn node(&mut self, graph: &mut Graph, scope: &mut Scope) -> Result<(), Error> {
        let mut names = Vec::new();
        if let Token::Value(_) = self.peek() {
            names.push(self.value_name()?);
            while self.accepts(',') {
                names.push(self.value_name()?);
            }
            self.sign('=')?;
        }
        let line = self.line();
        let Token::Word(op) = self.take() else {
            self.next -= 1;
            return Err(self.expected("an op"));
        };
        let defined: Vec<Value> = if op == "constant" {
            vec![self.constant(graph)?]
        } else {
            self.application(&op, line, graph, scope)?
        };
        if defined.len() != names.len() {
            return Err(error(
                line,
                format!("`{op}` gives {} values, {} are named", defined.len(), names.len()),
            ));
        }
        names.into_iter().zip(defined).try_for_each(|(name, value)| define(scope, name, value, line))
    }

    fn constant(&mut self, graph: &mut Graph) -> Result<Value, Error> {
        let line = self.line();
        let mut words = Vec::new();
        let mut splat = false;
        if *self.peek() == Token::Ellipsis {
            return Err(error(line, "the constant was elided when the graph was printed"));
        }
        if self.accepts('[') {
            while !self.accepts(']') {
                if !words.is_empty() {
                    self.sign(',')?;
                }
                words.push(self.element()?);
            }
        } else {
            splat = self.accepts_word("splat");
            words.push(self.element()?);
        }
        self.sign(':')?;
        let fact = self.fact()?;
        // A stack, whose length is not known, is no constant.
        if fact.checked_num_bytes().is_none_or(|bytes| bytes > MAX_BYTES) {
            return Err(error(line, format!("{fact} is too large for text")));
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let array = element::parse(&fact, &words, splat).map_err(|message| error(line, message))?;
        Ok(graph.add_constant(array, self.origin))
    }

    fn element(&mut self) -> Result<String, Error> {
        match self.take() {
            Token::Word(word) | Token::Number(word) => Ok(word),
            _ => {
                self.next -= 1;
                Err(self.expected("an element"))
            }
        }
    }

    fn application(
        &mut self,
        op: &str,
        line: usize,
        graph: &mut Graph,
        scope: &Scope,
    ) -> Result<Vec<Value>, Error> {
        self.sign('(')?;
        let inputs = if *self.peek() == Token::Sign(')') { Vec::new() } else { self.values(scope)? };
        self.sign(')')?;
        let attributes = self.attributes()?;
        let mut facts = Vec::new();
        let has_facts = self.accepts(':');
        if has_facts {
            facts.push(self.fact()?);
            while self.accepts(',') {
                facts.push(self.fact()?);
            }
        }
        let kind = self.kind(op, line, &attributes)?;
        let failed = |reason: OpError| error(line, format!("{op}: {reason}"));
        let defined = graph.add(kind, &inputs, self.origin).map_err(failed)?;
        let inferred: Vec<&Fact> = defined.iter().map(|&value| graph.fact(value)).collect();
        if has_facts && !facts.iter().eq(inferred.iter().copied()) {
            return Err(error(
                line,
                format!("`{op}` is written as {facts:?}, its operands imply {inferred:?}"),
            ));
        }
        Ok(defined.to_vec())
    }

    fn attributes(&mut self) -> Result<Attributes, Error> {
        let mut attributes = Attributes::default();
        while let (Token::Word(_), Some((Token::Sign('='), _))) =
            (self.peek(), self.tokens.get(self.next + 1))
        {
            let Token::Word(name) = self.take() else { unreachable!("just seen") };
            self.sign('=')?;
            attributes = attributes.with(&name, self.attribute()?);
        }
        Ok(attributes)
    }

    fn attribute(&mut self) -> Result<Attr, Error> {
        if self.accepts('[') {
            let mut values: Vec<i64> = Vec::new();
            while !self.accepts(']') {
                if !values.is_empty() {
                    self.sign(',')?;
                }
                values.push(self.number()?);
            }
            return Ok(Attr::Ints(values));
        }
        let attribute = match self.peek() {
            Token::Text(text) => Some(Attr::Text(text.clone())),
            Token::Word(word) => match word.as_str() {
                "true" => Some(Attr::Bool(true)),
                "false" => Some(Attr::Bool(false)),
                "inf" | "NaN" => word.parse().ok().map(Attr::Float),
                dtype => element::dtype(dtype).map(Attr::DType),
            },
            Token::Number(number) => {
                let int = number.parse().ok().map(Attr::Int);
                int.or_else(|| number.parse().ok().map(Attr::Float))
            }
            _ => None,
        };
        let attribute = attribute.ok_or_else(|| self.expected("the value of an attribute"))?;
        self.take();
        Ok(attribute)
    }

    /// The kind of a node, its regions included.
    fn kind(&mut self, op: &str, line: usize, attributes: &Attributes) -> Result<NodeKind, Error> {
        let number = |name: &str| {
            let value = attributes.int(name).map_err(|reason| error(line, reason.to_string()))?;
            usize::try_from(value).map_err(|_| error(line, format!("`{name}` is negative")))
        };
        Ok(match op {
            "call" => {
                let body = self.region("body")?;
                let has_vjp = matches!(self.peek(), Token::Word(word) if word == "vjp");
                let vjp = if has_vjp { Some(self.region("vjp")?) } else { None };
                NodeKind::Call { body, vjp }
            }
            "if" => NodeKind::If { then_branch: self.region("then")?, else_branch: self.region("else")? },
            "while" => NodeKind::While {
                carried: number("carried")?,
                condition: self.region("condition")?,
                body: self.region("body")?,
            },
            "for" => NodeKind::For {
                trips: attributes.get("trips").map(|_| number("trips")).transpose()?,
                reverse: attributes.flag("reverse").map_err(|reason| error(line, reason.to_string()))?,
                carried: number("carried")?,
                scanned: number("scanned")?,
                body: self.region("body")?,
            },
            _ => match (self.op_from_text)(op, attributes) {
                Ok(Some(op)) => NodeKind::Apply(op),
                Ok(None) => return Err(error(line, format!("there is no op `{op}`"))),
                Err(reason) => return Err(error(line, format!("{op}: {reason}"))),
            },
        })
    }

    fn region(&mut self, word: &str) -> Result<Arc<Graph>, Error> {
        self.word(word)?;
        let name = self.name().unwrap_or_else(|| word.to_owned());
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(error(self.line(), format!("regions are nested more than {MAX_DEPTH} deep")));
        }
        let region = self.graph(&name)?;
        self.depth -= 1;
        Ok(Arc::new(region))
    }

    fn fact(&mut self) -> Result<Fact, Error> {
        let dtype = match self.peek() {
            Token::Word(word) => element::dtype(word),
            _ => None,
        };
        let dtype = dtype.ok_or_else(|| self.expected("a dtype"))?;
        self.take();
        self.sign('[')?;
        let mut lengths: Vec<usize> = Vec::new();
        while !self.accepts(']') {
            if !lengths.is_empty() {
                self.sign(',')?;
            }
            if lengths.is_empty() && self.accepts('?') {
                lengths.push(Shape::UNKNOWN);
            } else {
                lengths.push(self.number()?);
            }
        }
        let fact = Fact { dtype, shape: Shape::from(lengths) };
        if fact.is_stack() && fact.row().is_some_and(|row| row.checked_num_bytes().is_some()) {
            return Ok(fact);
        }
        match fact.checked_num_bytes() {
            Some(_) => Ok(fact),
            None => Err(error(self.line(), format!("{fact} is too large"))),
        }
    }

    fn number<T: std::str::FromStr>(&mut self) -> Result<T, Error> {
        let number = match self.peek() {
            Token::Number(number) => number.parse().ok(),
            _ => None,
        };
        let number = number.ok_or_else(|| self.expected("a whole number"))?;
        self.take();
        Ok(number)
    }

    fn values(&mut self, scope: &Scope) -> Result<Vec<Value>, Error> {
        let mut values = Vec::new();
        loop {
            let line = self.line();
            let name = self.value_name()?;
            let value = scope.get(&name).ok_or_else(|| error(line, format!("`%{name}` is not defined")))?;
            values.push(*value);
            if !self.accepts(',') {
                return Ok(values);
            }
        }
    }

    fn value_name(&mut self) -> Result<String, Error> {
        match self.take() {
            Token::Value(name) => Ok(name),
            _ => {
                self.next -= 1;
                Err(self.expected("a value"))
            }
        }
    }

    /// A name, if there is one.
    fn name(&mut self) -> Option<String> {
        match self.peek() {
            Token::Word(name) | Token::Text(name) => {
                let name = name.clone();
                self.take();
                Some(name)
            }
            _ => None,
        }
    }

    // -- tokens --------------------------------------------------------------------------------------------------

    fn peek(&self) -> &Token {
        &self.tokens[self.next].0
    }

    fn line(&self) -> usize {
        self.tokens[self.next].1
    }

    /// The next token; the end is never passed.
    fn take(&mut self) -> Token {
        let token = self.tokens[self.next].0.clone();
        self.next += 1;
        if self.next == self.tokens.len() {
            self.tokens.push((Token::End, self.tokens[self.next - 1].1));
        }
        token
    }

    fn accepts(&mut self, sign: char) -> bool {
        let found = *self.peek() == Token::Sign(sign);
        self.next += usize::from(found);
        found
    }

    fn accepts_word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Token::Word(found) if found == word);
        self.next += usize::from(found);
        found
    }

    fn sign(&mut self, sign: char) -> Result<(), Error> {
        if self.accepts(sign) { Ok(()) } else { Err(self.expected(&format!("`{sign}`"))) }
    }

    fn word(&mut self, word: &str) -> Result<(), Error> {
        if self.accepts_word(word) { Ok(()) } else { Err(self.expected(&format!("`{word}`"))) }
    }

    fn expected(&self, what: &str) -> Error {
        error(self.line(), format!("expected {what}, found {}", self.peek()))
    }
}

fn define(scope: &mut Scope, name: String, value: Value, line: usize) -> Result<(), Error> {
    match scope.insert(name.clone(), value) {
        None => Ok(()),
        Some(_) => Err(error(line, format!("`%{name}` is defined twice"))),
    }
}
