//! Scalar programs: the same bits as the tensor kernels, for every op that has a scalar function.

use std::sync::Arc;

use graph_core::{
    Arena, Array, Class, DType, Element, Error, Fact, Graph, MachineCode, Mode, NodeKind, OpRef, Origin,
    Plan, PlanOptions, compute, with_mode,
};
use graph_ops::ops::pointwise::{Pointwise, ScalarOp};
use graph_ops::registry::{Sample, samples};
use graph_ops::{Tensor, catch, while_loop};
use smallvec::smallvec;

use crate::support::Numbers;

/// Interpreted and, with the feature `jit`, as machine code.
const BOTH: [MachineCode; 2] = [MachineCode::Off, MachineCode::Forced];

fn plan(graph: &Graph, machine_code: MachineCode) -> Result<Plan, Error> {
    Plan::with_options(graph, PlanOptions { machine_code, ..PlanOptions::default() })
}

fn run(graph: &Graph, machine_code: MachineCode, inputs: &[Array]) -> Result<Vec<Array>, Error> {
    let plan = plan(graph, machine_code)?;
    plan.run(&mut inputs.to_vec(), &mut Arena::new(&plan))
}

/// A branch that applies the sample's op, or gives zero.
fn branch(sample: &Sample) -> Option<Graph> {
    let origin = Origin::caller();
    let facts: Vec<_> = sample.operands.iter().map(|x| x.fact.clone()).collect();
    let output = sample.op.infer(&facts.iter().collect::<Vec<_>>()).ok()?.swap_remove(0);
    let build = |name: &str| {
        let mut graph = Graph::new(name);
        let inputs: Vec<_> = facts.iter().map(|fact| graph.add_input("x", fact.clone(), origin)).collect();
        let outputs = match name {
            "then" => graph.add(NodeKind::Apply(sample.op.clone()), &inputs, origin).ok()?.to_vec(),
            _ => vec![graph.add_constant(Array::zeros(output.clone()), origin)],
        };
        graph.set_outputs(outputs);
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
        let plan = plan(&graph, MachineCode::Forced).unwrap().to_string();
        if graph.outputs().iter().all(|&output| graph.fact(output).shape.rank() == 0) {
            assert!(plan.contains("scalar program"), "{:?}: {plan}", sample.op);
            assert_eq!(plan.contains("as machine code"), cfg!(feature = "jit"), "{plan}");
            programs += 1;
        }
        for seed in 0..20 {
            let mut numbers = Numbers::new(seed);
            let operands: Vec<Array> =
                sample.operands.iter().map(|x| numbers.array(&x.fact, x.from, x.to)).collect();
            let is_applied = seed % 4 != 3;
            let expected = match is_applied {
                true => compute(&NodeKind::Apply(sample.op.clone()), &operands.iter().collect::<Vec<_>>()),
                false => Ok(smallvec![Array::zeros(graph.fact(graph.outputs()[0]).clone())]),
            };
            let mut inputs = vec![Array::scalar(is_applied)];
            inputs.extend(operands.iter().cloned());
            for code in BOTH {
                match (run(&graph, code, &inputs), &expected) {
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

/// What rounding, wrapping around, saturation and comparisons treat in their own ways.
fn special(dtype: DType) -> Vec<Array> {
    match dtype {
        DType::F32 => [
            0.0,
            -0.0,
            1.0,
            -1.5,
            255.5,
            300.0,
            f32::MIN_POSITIVE / 8.0,
            2f32.powi(31),
            -(2f32.powi(63)),
            f32::MAX,
            f32::NEG_INFINITY,
            f32::INFINITY,
            f32::NAN,
        ]
        .map(Array::scalar)
        .to_vec(),
        DType::F64 => [
            0.0,
            -0.0,
            1.0,
            -1.5,
            255.5,
            1e-40,
            2f64.powi(31),
            -(2f64.powi(63)),
            1e300,
            f64::NEG_INFINITY,
            f64::INFINITY,
            f64::NAN,
        ]
        .map(Array::scalar)
        .to_vec(),
        DType::I32 => [i32::MIN, -256, -1, 0, 1, 2, 255, i32::MAX].map(Array::scalar).to_vec(),
        DType::I64 => [i64::MIN, 1 << 32, -1, 0, 1, 2, 255, i64::MAX].map(Array::scalar).to_vec(),
        DType::U8 => [0u8, 1, 2, 127, 128, 255].map(Array::scalar).to_vec(),
        DType::Bool => [false, true].map(Array::scalar).to_vec(),
    }
}

/// Which NaN a NaN is, nobody promises.
fn same(found: &Array, expected: &Array) -> bool {
    fn is_nan<T: Element>(x: &Array) -> bool {
        x.as_slice::<T>().is_some_and(|x| x[0].partial_cmp(&x[0]).is_none())
    }
    let is_nan = |x| is_nan::<f32>(x) || is_nan::<f64>(x);
    found.same_bits(expected) || (found.fact() == expected.fact() && is_nan(found) && is_nan(expected))
}

#[test]
fn special_values_in_every_scalar_function() {
    let mut seen = std::collections::HashSet::new();
    for mut sample in samples().into_iter().filter(|sample| sample.op.class() == Class::Pointwise) {
        sample.operands.iter_mut().for_each(|x| x.fact = Fact::scalar(x.fact.dtype));
        let dtypes: Vec<_> = sample.operands.iter().map(|x| x.fact.dtype).collect();
        let Some(graph) = branch(&sample) else { continue };
        if !seen.insert(format!("{:?} {dtypes:?}", sample.op)) {
            continue;
        }
        let plans = BOTH.map(|code| plan(&graph, code).unwrap());
        let all: Vec<Vec<Array>> = dtypes.iter().map(|&dtype| special(dtype)).collect();
        let count: usize = all.iter().map(Vec::len).product();
        for mut number in 0..count {
            let operands: Vec<Array> = all
                .iter()
                .map(|values| {
                    let value = values[number % values.len()].clone();
                    number /= values.len();
                    value
                })
                .collect();
            let expected = compute(&NodeKind::Apply(sample.op.clone()), &operands.iter().collect::<Vec<_>>());
            for plan in &plans {
                let mut inputs = vec![Array::scalar(true)];
                inputs.extend(operands.iter().cloned());
                match (plan.run(&mut inputs, &mut Arena::new(plan)), &expected) {
                    (Ok(found), Ok(expected)) => {
                        let op = &sample.op;
                        assert!(
                            same(&found[0], &expected[0]),
                            "{op:?} of {operands:?}: {found:?} {expected:?}"
                        );
                    }
                    (Err(found), Err(expected)) => {
                        assert!(found.to_string().contains(&expected.to_string()), "{found} {expected}");
                    }
                    (found, expected) => panic!("{:?}: {found:?} is not {expected:?}", sample.op),
                }
            }
        }
    }
}

/// A choice between a function of a number and the number itself.
fn choice(then_branch: Graph, number: &Fact) -> Graph {
    let origin = Origin::caller();
    let mut same = Graph::new("same");
    let x = same.add_input("x", number.clone(), origin);
    same.set_outputs(vec![x]);
    let mut graph = Graph::new("choice");
    let inputs = [
        graph.add_input("p", Fact::scalar(DType::Bool), origin),
        graph.add_input("x", number.clone(), origin),
    ];
    let kind = NodeKind::If { then_branch: Arc::new(then_branch), else_branch: Arc::new(same) };
    let outputs = graph.add(kind, &inputs, origin).unwrap();
    graph.set_outputs(outputs.to_vec());
    graph
}

/// More values at once than a page of the stack has room for.
#[test]
fn many_values_at_once() {
    let origin = Origin::caller();
    let number = Fact::scalar(DType::F64);
    let apply = |op| NodeKind::Apply(OpRef::new(Pointwise(op)));
    let mut body = Graph::new("body");
    let x = body.add_input("x", number.clone(), origin);
    let mut values = vec![x];
    for i in 0..1500 {
        let last = values[values.len() - 1];
        let op = if i % 3 == 0 { ScalarOp::Sin } else { ScalarOp::Add };
        let operands = if i % 3 == 0 { vec![last] } else { vec![last, x] };
        values.push(body.add(apply(op), &operands, origin).unwrap()[0]);
    }
    let sum = values
        .iter()
        .rev()
        .copied()
        .reduce(|sum, x| body.add(apply(ScalarOp::Add), &[sum, x], origin).unwrap()[0]);
    body.set_outputs(vec![sum.unwrap()]);
    let graph = choice(body, &number);
    let compiled = plan(&graph, MachineCode::Forced).unwrap().to_string();
    assert!(compiled.contains("scalar program"), "{compiled}");
    assert_eq!(compiled.contains("as machine code"), cfg!(feature = "jit"), "{compiled}");
    let inputs = [Array::scalar(true), Array::scalar(0.25f64)];
    let [interpreted, compiled] = BOTH.map(|code| run(&graph, code, &inputs).unwrap());
    assert!(interpreted[0].same_bits(&compiled[0]), "{interpreted:?} {compiled:?}");
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
            let graph = choice(divided, &number);
            for (code, &x) in BOTH.into_iter().flat_map(|f| numbers.iter().map(move |x| (f, x))) {
                let operands = [&Array::scalar(x), &Array::scalar(divisor)];
                let expected = compute(&NodeKind::Apply(op.clone()), &operands);
                let found = run(&graph, code, &[Array::scalar(true), Array::scalar(x)]);
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
        for code in BOTH {
            let found = run(&graph, code, &[Array::scalar(5i64), Array::scalar(3i64)]).unwrap();
            assert!(found[0].same_bits(&Array::scalar(expected)), "{trips} iterations: {found:?}");
        }
    }
}
