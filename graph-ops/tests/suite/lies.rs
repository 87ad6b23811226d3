//! Ops are open, so some lie: about being a view, or with a kernel made for other facts. None reaches memory that is not
//! its own.

use graph_core::{
    Array, Class, DType, Fact, Facts, Graph, Kernel, Mode, NodeKind, Op, OpError, OpRef, Origin, Source,
    run_with, with_mode,
};
use graph_ops::ops::pointwise::{Pointwise, ScalarOp};
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

#[test]
#[should_panic(expected = "the facts it was made for")]
fn a_kernel_does_not_run_on_other_facts() {
    let wide = Fact::new(DType::F64, [4]);
    let kernel = Pointwise(ScalarOp::Neg).kernel(&[&wide], std::slice::from_ref(&wide)).unwrap();
    let x = Array::from_slice([4], &[1.0f32; 4]).unwrap();
    let mut out = Array::from_slice([4], &[1.0f32; 4]).unwrap();
    let _ = kernel.run(&mut [out.view_mut()], &[Source::View(x.view())]);
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
