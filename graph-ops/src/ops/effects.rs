//! Effects: text printed, and conditions checked, when a graph runs.

use std::fmt::Write as _;

use graph_core::{
    Attributes, Class, DType, Error, Fact, Facts, Kernel, NodeKind, Op, OpError, Origin, Source, ViewMut,
};
use smallvec::smallvec;

use crate::tensor::shown::{CLOSE, OPEN, captured};
use crate::tensor::{Elements, Tensor, apply_many, computes_at_once, raise};

/// Prints its operands within a text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Print {
    /// The text; where operand `i` is shown stands `{i}`, or `{i:?}` for its debug form.
    pub text: String,
    /// Whether it goes to standard error.
    pub is_error: bool,
}

/// Fails unless every element of its first operand is true; the further ones are shown in the message.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Check {
    /// The message, as [`Print::text`]; operand 0 is the condition.
    pub text: String,
}

impl Op for Print {
    fn name(&self) -> &'static str {
        "print"
    }

    fn attributes(&self) -> Attributes {
        let attributes = Attributes::default().with("text", self.text.as_str());
        if self.is_error { attributes.with("is_error", true) } else { attributes }
    }

    fn infer(&self, _: &[&Fact]) -> Result<Facts, OpError> {
        Ok(smallvec![])
    }

    fn kernel(&self, _: &[&Fact], _: &[Fact]) -> Result<Box<dyn Kernel>, OpError> {
        let this = self.clone();
        Ok(Box::new(move |_: &mut [ViewMut<'_>], ins: &[Source<'_>]| {
            write_out(this.is_error, &filled(&this.text, ins));
            Ok(())
        }))
    }

    fn class(&self) -> Class {
        Class::Effect
    }
}

impl Op for Check {
    fn name(&self) -> &'static str {
        "assert"
    }

    fn attributes(&self) -> Attributes {
        Attributes::default().with("text", self.text.as_str())
    }

    fn infer(&self, inputs: &[&Fact]) -> Result<Facts, OpError> {
        match inputs.first() {
            Some(condition) if condition.dtype == DType::Bool => Ok(smallvec![]),
            Some(condition) => {
                Err(OpError::UnsupportedDType { dtype: condition.dtype, accepts: "a bool condition" })
            }
            None => Err(OpError::Arity { expected: 1, found: 0 }),
        }
    }

    fn kernel(&self, _: &[&Fact], _: &[Fact]) -> Result<Box<dyn Kernel>, OpError> {
        let text = self.text.clone();
        Ok(Box::new(move |_: &mut [ViewMut<'_>], ins: &[Source<'_>]| {
            match ins[0].view().as_slice::<bool>().iter().all(|&holds| holds) {
                true => Ok(()),
                false => Err(OpError::value(filled(&text, ins))),
            }
        }))
    }

    fn class(&self) -> Class {
        Class::Effect
    }
}

/// To standard output or error, through the macros that test runners capture; a closed pipe is nobody's error.
fn write_out(is_error: bool, text: &str) {
    let _ = std::panic::catch_unwind(|| match is_error {
        true => eprint!("{text}"),
        false => print!("{text}"),
    });
}

/// The text with the operands' values in it.
fn filled(text: &str, operands: &[Source<'_>]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(OPEN) {
        out.push_str(&rest[..start]);
        let inner = &rest[start + OPEN.len_utf8()..];
        let Some(end) = inner.find(CLOSE) else { break };
        let (number, form) = inner[..end].split_once(':').unwrap_or((&inner[..end], ""));
        if let Some(operand) = number.parse().ok().and_then(|i: usize| operands.get(i)) {
            let view = operand.view();
            let _ = match form {
                "?" => write!(out, "Tensor({}, {})", Elements::new(view), view.fact()),
                _ => write!(out, "{}", Elements::new(view)),
            };
        }
        rest = &inner[end + CLOSE.len_utf8()..];
    }
    out.push_str(rest);
    out
}

/// Prints a text, in which tensors may be shown that have no values yet: at once where they have, or whenever the graph
/// runs that is being traced.
#[track_caller]
pub fn print_text(is_error: bool, f: impl FnOnce() -> String) {
    if computes_at_once(&[]) || graph_core::Trace::current().is_none() {
        return write_out(is_error, &f());
    }
    let (text, tensors) = captured(None, f);
    apply_many(NodeKind::Apply(Print { text, is_error }.into()), &tensors.iter().collect::<Vec<_>>());
}

/// Fails with a message unless every element of a condition is true: at once where it has a value, or when the graph
/// runs that is being traced.
///
/// # Panics
/// When it does not hold, with the message, at the caller's line.
#[track_caller]
pub fn check(condition: &Tensor, message: impl FnOnce() -> String) {
    if computes_at_once(&[condition]) || graph_core::Trace::current().is_none() {
        if !condition.to_vec::<bool>().iter().all(|&holds| holds) {
            let origin = Origin::caller();
            raise(Error::op("assert", OpError::value(message()), Vec::new(), origin));
        }
        return;
    }
    let (text, tensors) = captured(Some(condition), message);
    apply_many(NodeKind::Apply(Check { text }.into()), &tensors.iter().collect::<Vec<_>>());
}
