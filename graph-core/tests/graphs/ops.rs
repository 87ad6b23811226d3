//! The ops of these tests: enough to count, compare, copy, and act on the world.

use std::cell::RefCell;

use graph_core::{
    Attributes, Class, DType, Fact, Facts, Graph, Infallible, Kernel, Op, OpError, OpRef, Shape, Source,
    View, ViewMut,
};
use smallvec::smallvec;

/// Arithmetic and comparison of two `i64` or `f32` tensors of one shape, or a tensor and a scalar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Binary {
    Add,
    Sub,
    Mul,
    /// Fails on a zero divisor.
    Div,
    Less,
}

/// Negation of `i64`, `f32` or `bool`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Neg;

/// A scalar repeated to fill a shape.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Fill {
    pub(crate) shape: Shape,
}

/// A view.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Reshape {
    pub(crate) shape: Shape,
}

/// Sum and difference: an op of two outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct SumDiff;

/// Notes that it was reached: acts on the world. Gives its operand back, or nothing.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Note {
    pub(crate) tag: String,
    pub(crate) silent: bool,
}

thread_local! {
    static NOTES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// The notes of this thread since the last call.
pub(crate) fn notes() -> Vec<String> {
    NOTES.take()
}

pub(crate) fn op_from_text(name: &str, attributes: &Attributes) -> Result<Option<OpRef>, OpError> {
    let shape = || attributes.sizes("shape").map(Shape::from);
    let tag = || match attributes.get("tag") {
        Some(graph_core::Attr::Text(tag)) => Ok(tag.clone()),
        _ => Err(OpError::invalid("`tag` is a word")),
    };
    Ok(Some(match name {
        "add" => Binary::Add.into(),
        "sub" => Binary::Sub.into(),
        "mul" => Binary::Mul.into(),
        "div" => Binary::Div.into(),
        "less" => Binary::Less.into(),
        "neg" => Neg.into(),
        "fill" => Fill { shape: shape()? }.into(),
        "reshape" => Reshape { shape: shape()? }.into(),
        "sum_diff" => SumDiff.into(),
        "note" => Note { tag: tag()?, silent: false }.into(),
        "silent_note" => Note { tag: tag()?, silent: true }.into(),
        _ => return Ok(None),
    }))
}

/// Parses a graph of these ops.
#[track_caller]
pub(crate) fn parse(text: &str) -> Graph {
    match Graph::parse(text, &op_from_text) {
        Ok(graph) => graph,
        Err(error) => panic!("{error}\n{text}"),
    }
}

fn arity(expected: usize, inputs: &[&Fact]) -> Result<(), OpError> {
    if inputs.len() == expected { Ok(()) } else { Err(OpError::Arity { expected, found: inputs.len() }) }
}

fn combined(inputs: &[&Fact]) -> Result<Fact, OpError> {
    arity(2, inputs)?;
    let (a, b) = (inputs[0], inputs[1]);
    if a.dtype != b.dtype {
        return Err(OpError::MixedDTypes { left: a.dtype, right: b.dtype });
    }
    if !matches!(a.dtype, DType::I64 | DType::F32) {
        return Err(OpError::UnsupportedDType { dtype: a.dtype, accepts: "i64 and f32" });
    }
    let shape = if a.shape.rank() == 0 { &b.shape } else { &a.shape };
    if a.shape.rank() > 0 && b.shape.rank() > 0 && a.shape != b.shape {
        return Err(OpError::Broadcast { left: a.shape.clone(), right: b.shape.clone() });
    }
    Ok(Fact { dtype: a.dtype, shape: shape.clone() })
}

/// The elements of an operand, repeated if it is a scalar; of the destination where it is in place.
fn elements<T: graph_core::Element>(source: &Source<'_>, out: &ViewMut<'_>, len: usize) -> Vec<T> {
    let elements = match source {
        Source::View(view) => view.as_slice::<T>().to_vec(),
        Source::InPlace => out.as_view().as_slice::<T>().to_vec(),
    };
    if elements.len() == len { elements } else { vec![elements[0]; len] }
}

impl Op for Binary {
    fn name(&self) -> &'static str {
        match self {
            Binary::Add => "add",
            Binary::Sub => "sub",
            Binary::Mul => "mul",
            Binary::Div => "div",
            Binary::Less => "less",
        }
    }

    fn infer(&self, inputs: &[&Fact]) -> Result<Facts, OpError> {
        let fact = combined(inputs)?;
        let dtype = if *self == Binary::Less { DType::Bool } else { fact.dtype };
        Ok(smallvec![Fact { dtype, ..fact }])
    }

    fn kernel(&self, inputs: &[&Fact], outputs: &[Fact]) -> Result<Box<dyn Kernel>, OpError> {
        let (op, dtype, len) = (*self, inputs[0].dtype, outputs[0].shape.num_elements());
        macro_rules! compute {
            ($ty:ty, $zero:expr, $outs:expr, $ins:expr) => {{
                let (a, b) =
                    (elements::<$ty>(&$ins[0], &$outs[0], len), elements::<$ty>(&$ins[1], &$outs[0], len));
                if op == Binary::Div && b.contains(&$zero) {
                    return Err(OpError::value("division by zero"));
                }
                if op == Binary::Less {
                    let out = $outs[0].as_mut_slice::<bool>();
                    (0..len).for_each(|i| out[i] = a[i] < b[i]);
                    return Ok(());
                }
                let out = $outs[0].as_mut_slice::<$ty>();
                for i in 0..len {
                    out[i] = match op {
                        Binary::Add => a[i] + b[i],
                        Binary::Sub => a[i] - b[i],
                        Binary::Mul => a[i] * b[i],
                        _ => a[i] / b[i],
                    };
                }
                Ok(())
            }};
        }
        let kernel = move |outs: &mut [ViewMut<'_>], ins: &[Source<'_>]| match dtype {
            DType::I64 => compute!(i64, 0, outs, ins),
            _ => compute!(f32, 0.0, outs, ins),
        };
        Ok(match self {
            Binary::Div => Box::new(kernel),
            _ => Box::new(Infallible(move |outs: &mut [ViewMut<'_>], ins: &[Source<'_>]| {
                kernel(outs, ins).expect("only a division fails");
            })),
        })
    }

    fn class(&self) -> Class {
        Class::Pointwise
    }
}

impl Op for Neg {
    fn name(&self) -> &'static str {
        "neg"
    }

    fn infer(&self, inputs: &[&Fact]) -> Result<Facts, OpError> {
        arity(1, inputs)?;
        Ok(smallvec![inputs[0].clone()])
    }

    fn kernel(&self, _: &[&Fact], outputs: &[Fact]) -> Result<Box<dyn Kernel>, OpError> {
        let (dtype, len) = (outputs[0].dtype, outputs[0].shape.num_elements());
        Ok(Box::new(Infallible(move |outs: &mut [ViewMut<'_>], ins: &[Source<'_>]| {
            macro_rules! compute {
                ($ty:ty, $f:expr) => {{
                    let x = elements::<$ty>(&ins[0], &outs[0], len);
                    outs[0].as_mut_slice::<$ty>().copy_from_slice(&x.into_iter().map($f).collect::<Vec<_>>());
                }};
            }
            match dtype {
                DType::I64 => compute!(i64, |x: i64| x.wrapping_neg()),
                DType::Bool => compute!(bool, |x: bool| !x),
                _ => compute!(f32, |x: f32| -x),
            }
        })))
    }

    fn class(&self) -> Class {
        Class::Pointwise
    }
}

fn copy(outs: &mut [ViewMut<'_>], ins: &[Source<'_>]) -> Result<(), OpError> {
    if let (Some(out), Source::View(view)) = (outs.first_mut(), ins[0]) {
        out.copy_from(view);
    }
    Ok(())
}

impl Op for Fill {
    fn name(&self) -> &'static str {
        "fill"
    }

    fn attributes(&self) -> Attributes {
        Attributes::default().with("shape", &*self.shape)
    }

    fn infer(&self, inputs: &[&Fact]) -> Result<Facts, OpError> {
        arity(1, inputs)?;
        if inputs[0].shape.rank() != 0 || inputs[0].dtype != DType::F32 {
            return Err(OpError::invalid(format!("fills with an f32 scalar, not {}", inputs[0])));
        }
        Ok(smallvec![Fact { dtype: inputs[0].dtype, shape: self.shape.clone() }])
    }

    fn kernel(&self, _: &[&Fact], _: &[Fact]) -> Result<Box<dyn Kernel>, OpError> {
        Ok(Box::new(|outs: &mut [ViewMut<'_>], ins: &[Source<'_>]| {
            let value = ins[0].view().as_slice::<f32>()[0];
            outs[0].as_mut_slice::<f32>().fill(value);
            Ok(())
        }))
    }
}

impl Op for Reshape {
    fn name(&self) -> &'static str {
        "reshape"
    }

    fn attributes(&self) -> Attributes {
        Attributes::default().with("shape", &*self.shape)
    }

    fn infer(&self, inputs: &[&Fact]) -> Result<Facts, OpError> {
        arity(1, inputs)?;
        if self.shape.checked_num_elements() != Some(inputs[0].shape.num_elements()) {
            return Err(OpError::invalid("the number of elements differs"));
        }
        Ok(smallvec![Fact { dtype: inputs[0].dtype, shape: self.shape.clone() }])
    }

    fn kernel(&self, _: &[&Fact], _: &[Fact]) -> Result<Box<dyn Kernel>, OpError> {
        Ok(Box::new(copy))
    }

    fn class(&self) -> Class {
        Class::View
    }
}

impl Op for SumDiff {
    fn name(&self) -> &'static str {
        "sum_diff"
    }

    fn infer(&self, inputs: &[&Fact]) -> Result<Facts, OpError> {
        let fact = combined(inputs)?;
        if fact.dtype != DType::I64 {
            return Err(OpError::UnsupportedDType { dtype: fact.dtype, accepts: "i64" });
        }
        Ok(smallvec![fact.clone(), fact])
    }

    fn kernel(&self, _: &[&Fact], outputs: &[Fact]) -> Result<Box<dyn Kernel>, OpError> {
        let len = outputs[0].shape.num_elements();
        Ok(Box::new(move |outs: &mut [ViewMut<'_>], ins: &[Source<'_>]| {
            let (a, b) = (elements::<i64>(&ins[0], &outs[0], len), elements::<i64>(&ins[1], &outs[0], len));
            for i in 0..len {
                outs[0].as_mut_slice::<i64>()[i] = a[i] + b[i];
                outs[1].as_mut_slice::<i64>()[i] = a[i] - b[i];
            }
            Ok(())
        }))
    }
}

impl Op for Note {
    fn name(&self) -> &'static str {
        if self.silent { "silent_note" } else { "note" }
    }

    fn attributes(&self) -> Attributes {
        Attributes::default().with("tag", &*self.tag)
    }

    fn infer(&self, inputs: &[&Fact]) -> Result<Facts, OpError> {
        arity(1, inputs)?;
        Ok(if self.silent { smallvec![] } else { smallvec![inputs[0].clone()] })
    }

    fn kernel(&self, _: &[&Fact], _: &[Fact]) -> Result<Box<dyn Kernel>, OpError> {
        let tag = self.tag.clone();
        Ok(Box::new(move |outs: &mut [ViewMut<'_>], ins: &[Source<'_>]| {
            let view: View<'_> = ins[0].view();
            let value = view.as_slice::<i64>().iter().map(i64::to_string).collect::<Vec<_>>().join(" ");
            NOTES.with_borrow_mut(|notes| notes.push(format!("{tag} {value}")));
            copy(outs, ins)
        }))
    }

    fn class(&self) -> Class {
        Class::Effect
    }
}
