//! Scalar programs: the same bits as the tensor kernels, for every op that has a scalar function.

use std::sync::Arc;

use graph_core::{
    Arena, Array, Class, DType, Element, Error, Fact, Fusion, Graph, Mode, NodeKind, OpRef, Origin, Plan,
    PlanOptions, compute, with_mode,
};
use graph_ops::ops::pointwise::{Pointwise, ScalarOp};
use graph_ops::registry::{Sample, samples};
use graph_ops::{Tensor, catch, while_loop};

use crate::support::Numbers;

/// Never and wherever it can be done: with the feature `jit`, interpreted and as machine code.
const FUSIONS: [Fusion; 2] = [Fusion::Off, Fusion::Forced];

fn run(graph: &Graph, fusion: Fusion, inputs: &[Array]) -> Result<Vec<Array>, Error> {
    let plan = Plan::with_options(graph, PlanOptions { fusion })?;
    plan.run(&mut inputs.to_vec(), &mut Arena::new(&plan))
}

/// A branch that applies the sample's op, or gives its last operand's like if the output has that fact.
fn branch(sample: &Sample) -> Option<Graph> {
    let origin = Origin::caller();
    let facts: Vec<_> = sample.operands.iter().map(|x| x.fact.clone()).collect();
    let build = |name: &str| {
        let mut graph = Graph::new(name);
        let inputs: Vec<_> = facts.iter().map(|fact| graph.add_input("x", fact.clone(), origin)).collect();
        let outputs = graph.add(NodeKind::Apply(sample.op.clone()), &inputs, origin).ok()?;
        graph.set_outputs(outputs.to_vec());
        Some(Arc::new(graph))
    };
    let mut graph = Graph::new("choice");
    let mut operands = vec![graph.add_input("p", Fact::scalar(DType::Bool), origin)];
    operands.extend(facts.iter().map(|fact| graph.add_input("x", fact.clone(), origin)));
    let kind = NodeKind::If { then_branch: build("then")?, else_branch: build("else")? };
    let outputs = graph.add(kind, &operands, origin).ok()?;
    graph.set_outputs(outputs.to_vec());
    Some(graph)
}

#[test]
fn every_scalar_function_gives_the_bits_of_its_kernel() {
    let mut programs = 0;
    let mut seen = std::collections::HashSet::new();
    for mut sample in samples().into_iter().filter(|sample| sample.op.class() == Class::Pointwise) {
        // The same application, to scalars.
        sample.operands.iter_mut().for_each(|x| x.fact = Fact::scalar(x.fact.dtype));
        let dtypes: Vec<_> = sample.operands.iter().map(|x| x.fact.dtype).collect();
        if !seen.insert(format!("{:?} {dtypes:?}", sample.op)) {
            continue;
        }
        let Some(graph) = branch(&sample) else { continue };
        let plan = Plan::with_options(&graph, PlanOptions { fusion: Fusion::Forced }).unwrap().to_string();
        if graph.outputs().iter().all(|&output| graph.fact(output).shape.rank() == 0) {
            assert!(plan.contains("scalar program"), "{:?}: {plan}", sample.op);
            assert_eq!(plan.contains("as machine code"), cfg!(feature = "jit"), "{plan}");
            programs += 1;
        }
        for seed in 0..20 {
            let mut numbers = Numbers::new(seed);
            let operands: Vec<Array> =
                sample.operands.iter().map(|x| numbers.array(&x.fact, x.from, x.to)).collect();
            let expected = compute(&NodeKind::Apply(sample.op.clone()), &operands.iter().collect::<Vec<_>>());
            let mut inputs = vec![Array::scalar(seed % 2 == 0)];
            inputs.extend(operands.iter().cloned());
            for fusion in FUSIONS {
                match (run(&graph, fusion, &inputs), &expected) {
                    (Ok(found), Ok(expected)) => {
                        assert!(
                            found[0].same_bits(&expected[0]),
                            "{:?} of {operands:?}: {found:?}",
                            sample.op
                        );
                    }
                    (Err(Error::Op(found)), Err(expected)) => {
                        assert!(
                            found.to_string().contains(&expected.to_string()),
                            "{found} is not {expected}"
                        );
                    }
                    (found, expected) => panic!("{:?}: {found:?} is not {expected:?}", sample.op),
                }
            }
        }
    }
    // The rows of the table in each of their dtypes, select, and all casts.
    assert!(programs > 150, "only {programs} samples became scalar programs");
}

/// Divisors that the processor refuses, among them; the least number divided by -1 wraps around.
#[test]
fn integers_divided_by_constants() {
    fn check<T: Element>(numbers: &[T]) {
        let origin = Origin::caller();
        let number = Fact::scalar(T::DTYPE);
        for (op, &divisor) in [ScalarOp::Div, ScalarOp::Rem]
            .into_iter()
            .flat_map(|op| numbers.iter().map(move |divisor| (op, divisor)))
        {
            let op = OpRef::new(Pointwise(op));
            let mut divided = Graph::new("divided");
            let x = divided.add_input("x", number.clone(), origin);
            let by = divided.add_constant(Array::scalar(divisor), origin);
            let quotient = divided.apply(op.clone(), &[x, by], origin).unwrap();
            divided.set_outputs(quotient.to_vec());
            let mut same = Graph::new("same");
            let x = same.add_input("x", number.clone(), origin);
            same.set_outputs(vec![x]);
            let mut graph = Graph::new("choice");
            let inputs = [
                graph.add_input("p", Fact::scalar(DType::Bool), origin),
                graph.add_input("x", number.clone(), origin),
            ];
            let kind = NodeKind::If { then_branch: Arc::new(divided), else_branch: Arc::new(same) };
            let outputs = graph.add(kind, &inputs, origin).unwrap();
            graph.set_outputs(outputs.to_vec());
            for (fusion, &x) in FUSIONS.into_iter().flat_map(|f| numbers.iter().map(move |x| (f, x))) {
                let operands = [&Array::scalar(x), &Array::scalar(divisor)];
                let expected = compute(&NodeKind::Apply(op.clone()), &operands);
                let found = run(&graph, fusion, &[Array::scalar(true), Array::scalar(x)]);
                match (found, expected) {
                    (Ok(found), Ok(expected)) => assert!(found[0].same_bits(&expected[0]), "{found:?}"),
                    (Err(found), Err(_)) => assert!(found.to_string().contains("division by zero")),
                    (found, expected) => panic!("{op:?} {x:?} {divisor:?}: {found:?} is not {expected:?}"),
                }
            }
        }
    }
    check(&[i32::MIN, -7, -1, 0, 1, 2, 10, i32::MAX]);
    check(&[i64::MIN, -7, -1, 0, 1, 2, 10, i64::MAX]);
    check(&[0u8, 1, 2, 10, 127, 128, 255]);
}

#[test]
fn an_error_in_a_scalar_loop_names_the_op_and_the_line() {
    let result = with_mode(Mode::Lazy, || {
        catch(|| {
            let n = Tensor::scalar(3i64);
            while_loop(n, |n| n.gt(-5), |n| (&n - 1).minimum(Tensor::scalar(12i64) / n)).item::<i64>()
        })
    });
    let message = result.unwrap_err().to_string();
    assert!(message.contains("division by zero") && message.contains("scalar_programs.rs"), "{message}");
}

#[test]
fn variables_that_change_places() {
    for mode in [Mode::Eager, Mode::Lazy] {
        let state = (Tensor::scalar(1i64), Tensor::scalar(2i64), Tensor::scalar(3i64), Tensor::scalar(0i64));
        let (a, b, c, _) = with_mode(mode, || {
            while_loop(state.clone(), |(_, _, _, i)| i.lt(4), |(a, b, c, i)| (b, c, &a * 10, i + 1))
        });
        assert_eq!([a, b, c].map(|x| with_mode(mode, || x.item::<i64>())), [20, 30, 100]);
    }
}

/// A loop of three counters, by what their condition compares, in both modes.
fn counted(
    from: i64,
    condition: impl Fn(&[Tensor; 3]) -> Tensor,
    body: impl Fn(&[Tensor; 3]) -> [Tensor; 3],
) {
    let run = |mode| {
        with_mode(mode, || {
            let state = [from, 2, 3].map(Tensor::scalar);
            while_loop(state, |x| condition(x), |x| body(&x)).map(|x| x.item::<i64>())
        })
    };
    assert_eq!(run(Mode::Lazy), run(Mode::Eager));
}

#[test]
fn the_counter_goes_on_where_it_is_compared() {
    for from in [0, 4, 5, 9] {
        // At the end of the body, at its beginning, in its middle; on either side of the comparison; compared with what the
        // body changes.
        counted(from, |[i, ..]| i.lt(5), |[i, a, b]| [i + 1, a * b, b.clone()]);
        counted(from, |[i, ..]| Tensor::scalar(5i64).gt(i), |[i, a, b]| [i + 1, a + i, b * i]);
        counted(from, |[i, a, _]| i.lt(a), |[i, a, b]| [i + 2, a + 1, b + i]);
        counted(from, |[i, a, _]| a.gt(i), |[i, a, b]| [i + a, a.clone(), b - a]);
        counted(
            from,
            |[i, ..]| i.ne(10),
            |[i, a, b]| {
                let next = i + 1;
                [next.clone(), b + &next, a * &next]
            },
        );
        // The comparison is of one counter, and the loop ends with another.
        counted(from, |[i, ..]| i.lt(5), |[i, a, b]| [b.clone(), a + 1, i + a]);
        counted(from, |[i, ..]| (i * i).lt(i + 20), |[i, a, b]| [i + 1, a + b, b + 1]);
    }
}

#[test]
fn loops_of_known_length() {
    let origin = Origin::caller();
    let number = Fact::scalar(DType::I64);
    let apply = |op| NodeKind::Apply(OpRef::new(Pointwise(op)));
    let mut body = Graph::new("body");
    let [i, a, b] = ["i", "a", "b"].map(|name| body.add_input(name, number.clone(), origin));
    let product = body.add(apply(ScalarOp::Mul), &[a, b], origin).unwrap()[0];
    let sum = body.add(apply(ScalarOp::Add), &[product, i], origin).unwrap()[0];
    body.set_outputs(vec![sum]);
    let body = Arc::new(body);
    for trips in [0, 1, 2, 7] {
        let mut graph = Graph::new("loop");
        let [a, b] = ["a", "b"].map(|name| graph.add_input(name, number.clone(), origin));
        let kind =
            NodeKind::For { body: body.clone(), trips: Some(trips), reverse: false, carried: 1, scanned: 0 };
        let outputs = graph.add(kind, &[a, b], origin).unwrap();
        graph.set_outputs(outputs.to_vec());
        assert!(Plan::new(&graph).unwrap().to_string().contains("scalar program"));
        let expected = (0..trips as i64).fold(5, |a, i| a * 3 + i);
        for fusion in FUSIONS {
            let found = run(&graph, fusion, &[Array::scalar(5i64), Array::scalar(3i64)]).unwrap();
            assert!(found[0].same_bits(&Array::scalar(expected)), "{trips} iterations: {found:?}");
        }
    }
}
