//! What eager mode does with memory, and what its tapes record.

use graph_core::{
    Array, DType, Error, Fact, Facts, Kernel, Mode, NodeKind, Op, OpError, Origin, Source, Trace, TraceKind,
    Value, ViewMut, Vjp, backward, with_mode,
};
use graph_ops::{Tensor, TensorAlgebra, apply, catch, checkpoint, grad, with_vjp};
use smallvec::{SmallVec, smallvec};

use crate::support::elements;

fn address(x: &Tensor) -> usize {
    x.try_array().expect("computed").address()
}

#[test]
fn a_result_takes_the_memory_of_what_was_given_by_value() {
    with_mode(Mode::Eager, || {
        let x = Tensor::from([1.0f32, 2.0, 3.0]);
        let (left, right) = (&x * 2.0, &x * 3.0);
        let (left_address, right_address) = (address(&left), address(&right));
        let sum = left + &x;
        assert_eq!(address(&sum), left_address);
        let difference = &x - right;
        assert_eq!(address(&difference), right_address);
        let quotient = 6.0 / difference;
        assert_eq!(address(&quotient), right_address);
        let mut y = sum;
        y -= &quotient;
        assert_eq!(address(&y), left_address);
        assert_eq!(y.to_vec::<f32>(), [6.0, 7.5, 10.0]);
        assert_eq!(quotient.to_vec::<f32>(), [-3.0, -1.5, -1.0]);
        let negated = -quotient;
        assert_eq!((address(&negated), negated.to_vec::<f32>()), (right_address, vec![3.0, 1.5, 1.0]));
        assert_eq!(address(&x.maximum(negated)), right_address);
        assert_eq!(x.to_vec::<f32>(), [1.0, 2.0, 3.0]);
    });
}

#[test]
fn nothing_is_written_that_somebody_holds_or_that_has_another_fact() {
    with_mode(Mode::Eager, || {
        let x = Tensor::from([1.0f32, 2.0]);
        let held = x.clone();
        let y = x + 1.0;
        assert_ne!(address(&y), address(&held));
        let (z, view) = (&y * 2.0, y.reshape([1, 2]));
        let sum = y + &z;
        assert_eq!(view.to_vec::<f32>(), [2.0, 3.0], "a view shares the memory");
        let row = &sum + 0.0;
        let table = row + Tensor::ones([2, 2], DType::F32);
        assert_eq!(table.to_vec::<f32>(), [7.0, 10.0, 7.0, 10.0]);
        let mask = (&z + 0.0).eq(&z) ^ Tensor::from([false, true]);
        assert_eq!(mask.to_vec::<bool>(), [true, false]);
        assert_eq!(held.to_vec::<f32>(), [1.0, 2.0]);
    });
}

#[test]
fn an_assignment_that_fails_leaves_the_tensor_as_it_was() {
    with_mode(Mode::Eager, || {
        let mut x = Tensor::from([5i32, 7]);
        let before = address(&x);
        let error = catch(|| {
            x /= Tensor::from([1i32, 0]);
        });
        assert!(error.expect_err("a division by zero").to_string().contains("i32[2]"));
        assert_eq!((address(&x), x.to_vec::<i32>()), (before, vec![5, 7]));
    });
}

#[test]
fn both_modes_agree_on_temporaries() {
    let found = elements::<f32>(|| {
        let x = Tensor::from([1.0f32, 2.0, 4.0]);
        let mut y = (&x + 1.0) * (&x - 1.0) / (x.sqrt() + &x);
        y += 1.0 - (&x * &x);
        y * -1.0
    });
    assert_eq!(found.len(), 3);
}

/// The nodes that compute something, on a tape of `x · x · x` and of its gradient.
fn recorded(stop: bool) -> (usize, Vec<f64>) {
    with_mode(Mode::Eager, || {
        let (tape, origin) = (Trace::new(TraceKind::Tape, "test"), Origin::caller());
        let _entered = tape.enter_to_close();
        let array = Array::from_slice([2], &[2.0f64, 3.0]).expect("two elements");
        let variable = tape.add_constant(&array, origin);
        let x = Tensor::from_traced(&tape, variable);
        let y = &x * &x * &x;
        let _rest = stop.then(|| tape.recording(false));
        assert!(tape.is_open() && tape.is_recording() != stop);
        let seed = y.ones_like().value_in(&tape, origin).expect("concrete");
        let output = y.value_in(&tape, origin).expect("of this tape");
        let gradient = backward(&tape, &[(output, seed)], &[variable], &TensorAlgebra);
        let gradient = gradient.expect("differentiable")[0].expect("it depends on it");
        let gradient = tape.array(gradient).expect("computed");
        let is_computation =
            |graph: &graph_core::Graph, id| matches!(graph.node(id).kind(), NodeKind::Apply(_));
        let count = tape.with_graph(|graph| graph.node_ids().filter(|&id| is_computation(graph, id)).count());
        (count, gradient.as_slice::<f64>().expect("f64").to_vec())
    })
}

#[test]
fn a_tape_that_has_stopped_recording_gives_the_same_gradient() {
    let (all, nested) = recorded(false);
    let (forward, outermost) = recorded(true);
    assert_eq!((nested, outermost), (vec![12.0, 27.0], vec![12.0, 27.0]));
    assert_eq!(forward, 2, "the two products");
    assert!(all > forward);
}

/// Its operand, with a gradient rule that differentiates something: the cotangent is `3 x²`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Nested;

impl Op for Nested {
    fn name(&self) -> &'static str {
        "nested"
    }

    fn infer(&self, inputs: &[&Fact]) -> Result<Facts, OpError> {
        Ok(smallvec![inputs[0].clone()])
    }

    fn vjp(&self, cx: &Vjp<'_>) -> Result<SmallVec<[Option<Value>; 4]>, Error> {
        let x = Tensor::from_traced(cx.trace(), cx.inputs[0]);
        let slope = grad(&x, |x| (x * x * x).sum(..));
        Ok(smallvec![Some(slope.value_in(cx.trace(), cx.origin)?)])
    }

    fn kernel(&self, _: &[&Fact], _: &[Fact]) -> Result<Box<dyn Kernel>, OpError> {
        Ok(Box::new(|outs: &mut [ViewMut<'_>], ins: &[Source<'_>]| {
            outs[0].copy_from(ins[0].view());
            Ok(())
        }))
    }
}

#[test]
fn a_gradient_rule_may_differentiate() {
    let found = elements::<f64>(|| {
        let x = Tensor::from([1.0f64, 2.0]);
        grad(&x, |x| apply(Nested, &[x]).sum(..))
    });
    assert_eq!(found, [3.0, 12.0]);
}

#[test]
fn what_gives_nothing_can_be_on_a_tape() {
    for mode in [Mode::Eager, Mode::Lazy] {
        with_mode(mode, || {
            let s = Tensor::scalar(3.0f64);
            let ignored = grad(&s, |x| {
                with_vjp(x, |_| (), |x, _, _| x.clone());
                x * x
            });
            assert_eq!(ignored.to_vec::<f64>(), [6.0], "{mode:?}");
            let checkpointed = grad(&s, |x| {
                checkpoint(x, |_| ());
                x * x
            });
            assert_eq!(checkpointed.to_vec::<f64>(), [6.0], "{mode:?}");
        });
    }
}
