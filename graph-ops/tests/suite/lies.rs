//! Ops are open, so some lie: about being a view, or with a kernel made for other facts. None reaches memory that is not
//! its own.

use std::panic::{AssertUnwindSafe, catch_unwind};

use graph_core::{
    Array, Class, DType, Fact, Facts, Graph, Kernel, Mode, NodeKind, Op, OpError, OpRef, Origin, Source,
    run_with, with_mode,
};
use graph_ops::ops::cross_entropy::SparseCrossEntropy;
use graph_ops::ops::pointwise::{BroadcastTo, Cast, Pointwise, ScalarOp, Select};
use graph_ops::ops::softmax::{LogSoftmax, LogSumExp, Softmax};
use graph_ops::registry::samples;
use graph_ops::{Tensor, apply, catch};

/// Says that it is a view, of another dtype or size than its operand's.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct NoView(Fact);

impl Op for NoView {
    fn name(&self) -> &'static str {
        "no_view"
    }
    fn infer(&self, _: &[&Fact]) -> Result<Facts, OpError> {
        Ok(Facts::from_iter([self.0.clone()]))
    }
    fn kernel(&self, _: &[&Fact], _: &[Fact]) -> Result<Box<dyn Kernel>, OpError> {
        Err(OpError::invalid("none"))
    }
    fn class(&self) -> Class {
        Class::View
    }
}

#[test]
fn a_view_has_the_bytes_of_its_operand() {
    for mode in [Mode::Eager, Mode::Lazy] {
        with_mode(mode, || {
            for fact in [Fact::new(DType::F32, [100_000]), Fact::new(DType::I32, [2])] {
                let error = catch(|| apply(NoView(fact), &[&Tensor::from([1.0f32, 2.0])])).unwrap_err();
                assert!(error.to_string().contains("a view keeps the dtype"), "{error}");
            }
            let error = catch(|| apply(NoView(Fact::new(DType::Bool, [1])), &[&Tensor::from([7u8])]));
            assert!(error.is_err(), "7 is no bool");
        });
    }
}

/// A fact of smaller elements, or one with fewer of them.
fn smaller(fact: &Fact, fewer: bool) -> Fact {
    let dtype = match fact.dtype {
        _ if fewer => fact.dtype,
        DType::F64 => DType::F32,
        DType::I64 => DType::I32,
        _ => DType::U8,
    };
    let mut lengths: Vec<usize> = fact.shape.iter().copied().collect();
    if let Some(len) = lengths.last_mut().filter(|len| fewer && **len > 0) {
        *len -= 1;
    }
    Fact::new(dtype, lengths)
}

/// Whether an op's kernel goes through memory by address, so that it must not believe what it is given.
fn goes_by_address(op: &OpRef) -> bool {
    op.is::<Pointwise>()
        || op.is::<Select>()
        || op.is::<Cast>()
        || op.is::<BroadcastTo>()
        || op.is::<Softmax>()
        || op.is::<LogSoftmax>()
        || op.is::<LogSumExp>()
        || op.is::<SparseCrossEntropy>()
}

/// Runs a kernel of this op, made for these facts, on arrays of others; gives whether it refused.
fn is_refused(op: &OpRef, made_for: &[&Fact], output: &Fact, ins: &[Fact], out: &Fact) -> bool {
    let Ok(kernel) = op.kernel(made_for, std::slice::from_ref(output)) else { return true };
    let ins: Vec<Array> = ins.iter().map(|fact| Array::zeros(fact.clone())).collect();
    let mut out = Array::zeros(out.clone());
    let run = || {
        let ins: Vec<Source<'_>> = ins.iter().map(|x| Source::View(x.view())).collect();
        kernel.run(&mut [out.view_mut()], &ins).is_err()
    };
    catch_unwind(AssertUnwindSafe(run)).unwrap_or(true)
}

#[test]
fn no_kernel_reaches_beyond_other_arrays_than_it_was_made_for() {
    let mut by_address = 0;
    for sample in samples() {
        let facts: Vec<&Fact> = sample.operands.iter().map(|x| &x.fact).collect();
        let output = &sample.op.infer(&facts).expect("a sample fits its op")[0];
        let as_made: Vec<Fact> = facts.iter().copied().cloned().collect();
        for fewer in [false, true] {
            let others: Vec<Fact> = facts.iter().map(|fact| smaller(fact, fewer)).collect();
            for (ins, out) in
                [(&others, &smaller(output, fewer)), (&others, output), (&as_made, &smaller(output, fewer))]
            {
                if *ins == as_made && out == output {
                    continue; // A fact without anything smaller.
                }
                let refused = is_refused(&sample.op, &facts, output, ins, out);
                if goes_by_address(&sample.op) {
                    by_address += 1;
                    assert!(refused, "{:?} of {facts:?} on {ins:?} to {out}", sample.op);
                }
            }
            // Asked for with another result than follows from the operands.
            let lie = smaller(output, fewer);
            let is_lie = lie != *output && goes_by_address(&sample.op);
            let refused = is_refused(&sample.op, &facts, &lie, &as_made, &lie);
            assert!(refused || !is_lie, "{:?} of {facts:?} for {lie}", sample.op);
        }
    }
    assert!(by_address > 500, "only {by_address} of these kernels were tried");
}

#[test]
fn a_graph_is_verified_before_it_runs() {
    let mut graph = Graph::new("changed");
    let large = graph.add_constant(Array::zeros(Fact::new(DType::F32, [1000])), Origin::caller());
    let negated = graph.apply(OpRef::new(Pointwise(ScalarOp::Neg)), &[large], Origin::caller()).unwrap();
    graph.set_outputs(negated.to_vec());
    graph.set_kind(large.node(), NodeKind::Constant(Array::scalar(1.0f32)));
    let error = run_with(&graph, &mut []).unwrap_err();
    assert!(error.to_string().contains("before planning"), "{error}");
}
