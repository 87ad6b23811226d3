//! Row programs: what is computed together has the bits of what is computed one op after the other.

use graph_core::{
    Arena, Array, DType, Fact, Fusion, Graph, Mode, Origin, Plan, PlanOptions, Trace, TraceKind, with_mode,
};
use graph_ops::{Tensor, grad, scan};

use crate::support::with_threads;

/// The graph of a function of tensors of these facts.
pub(crate) fn traced(facts: &[Fact], donated: bool, function: impl Fn(&[Tensor]) -> Vec<Tensor>) -> Graph {
    let trace = Trace::new(TraceKind::Function, "test");
    let origin = Origin::caller();
    let outputs = {
        let _entered = trace.enter_to_close();
        let inputs: Vec<Tensor> = facts
            .iter()
            .enumerate()
            .map(|(i, fact)| {
                Tensor::from_traced(&trace, trace.add_input(format!("x{i}"), fact.clone(), origin))
            })
            .collect();
        function(&inputs).iter().map(|y| y.value_in(&trace, origin).expect("of this trace")).collect()
    };
    let mut graph = trace.finish(outputs);
    if donated {
        (0..facts.len()).for_each(|index| graph.donate_input(index));
    }
    graph
}

pub(crate) fn run(graph: &Graph, options: PlanOptions, inputs: &[Array]) -> (Plan, Vec<Array>) {
    let plan = Plan::with_options(graph, options).expect("plans");
    let mut inputs: Vec<Array> = inputs.to_vec();
    let outputs = plan.run(&mut inputs, &mut Arena::new(&plan)).expect("runs");
    (plan, outputs)
}

pub(crate) fn random(fact: &Fact, key: i64) -> Array {
    let make = || match fact.dtype {
        dtype if dtype.is_float() => Tensor::random_uniform(&fact.shape, dtype, key) * 4.0 - 2.0,
        dtype => (Tensor::random_uniform(&fact.shape, DType::F32, key) * 7.0).cast(dtype),
    };
    with_mode(Mode::Eager, || make().try_array().expect("computes"))
}

/// Runs it as planned without fusion, with it (forced, too), on one thread and on several, inputs donated or not; gives the number of
/// steps of the fused plan.
#[track_caller]
pub(crate) fn check(facts: &[Fact], function: impl Fn(&[Tensor]) -> Vec<Tensor> + Copy) -> usize {
    let inputs: Vec<Array> = facts.iter().zip(1..).map(|(fact, key)| random(fact, key)).collect();
    let mut steps = 0;
    for donated in [false, true] {
        let graph = traced(facts, donated, function);
        let (_, expected) =
            run(&graph, PlanOptions { fusion: Fusion::Off, ..PlanOptions::default() }, &inputs);
        let (plan, forced) =
            run(&graph, PlanOptions { fusion: Fusion::Forced, ..PlanOptions::default() }, &inputs);
        assert!(forced.iter().zip(&expected).all(|(a, b)| a.same_bits(b)), "forced\n{plan}\n{graph}");
        for threads in [1, 2, 4] {
            let (plan, outputs) = with_threads(threads, || run(&graph, PlanOptions::default(), &inputs));
            steps = plan.num_steps();
            for (i, (output, expected)) in outputs.iter().zip(&expected).enumerate() {
                assert!(output.same_bits(expected), "output {i} with {threads} threads\n{plan}\n{graph}");
            }
        }
    }
    steps
}

pub(crate) fn floats<const N: usize>(shape: [usize; N]) -> Fact {
    Fact::new(DType::F32, shape)
}

#[test]
fn chains_of_any_length() {
    for len in [1, 63, 64, 65, 1000, 4097, 300_001] {
        let steps = check(&[floats([len]), floats([len])], |x| {
            let mut y = x[0].clone();
            for _ in 0..10 {
                y = &y * &x[1] + 0.5;
            }
            vec![y.maximum(0.0) - &x[0]]
        });
        assert_eq!(steps, 1, "{len}");
    }
}

/// The loops of a plan that is one row program.
fn loops(facts: &[Fact], function: impl Fn(&[Tensor]) -> Vec<Tensor> + Copy) -> usize {
    assert_eq!(check(facts, function), 1, "one step");
    let plan = Plan::new(&traced(facts, false, function)).expect("plans").to_string();
    let (before, _) = plan.split_once(" loop").expect("its text says how many loops there are");
    before.rsplit(' ').next().and_then(|number| number.parse().ok()).expect("a number")
}

#[test]
fn ops_that_hand_on_their_result_are_one_loop() {
    let two = [floats([1000]), floats([1000])];
    assert_eq!(loops(&two, |x| vec![(&x[0] * &x[1] + 0.5).sqrt() - &x[0]]), 1);
    // The value is on either side, or on both.
    assert_eq!(loops(&two, |x| vec![1.0 / (2.0 - (&x[0] - &x[1]))]), 1);
    assert_eq!(
        loops(&two, |x| {
            let y = &x[0] + &x[1];
            vec![&y * &y + 1.0]
        }),
        1
    );
    // What is read twice, or is a result, is written.
    assert_eq!(
        loops(&two, |x| {
            let y = &x[0] + &x[1];
            vec![(&y * 2.0).relu() - &y]
        }),
        2
    );
    assert_eq!(
        loops(&two, |x| {
            let y = &x[0] + &x[1];
            vec![&y * 2.0, y]
        }),
        2
    );
    // An op between them that belongs to neither is no obstacle: the sum moves to where it is read.
    assert_eq!(
        loops(&two, |x| {
            let (y, z) = (&x[0] + &x[1], x[0].exp());
            vec![y * 2.0, z]
        }),
        2
    );
    // Of a product of two sums, one is carried.
    assert_eq!(loops(&two, |x| vec![(&x[0] + 1.0) * (&x[1] + 2.0) - 3.0]), 2);
    // Functions of many instructions are loops of their own, and so are other dtypes.
    assert_eq!(loops(&two, |x| vec![(&x[0] * 2.0 + 1.0).tanh() * 3.0 - 1.0]), 3);
    let whole = [Fact::new(DType::I32, [1000])];
    assert_eq!(loops(&whole, |x| vec![(&x[0] + 1).cast(DType::F32) * 2.0 + 1.0]), 3);
    let doubles = [Fact::new(DType::F64, [1000])];
    assert_eq!(loops(&doubles, |x| vec![(&x[0] + 1.0).abs() * 2.0]), 1);
}

#[test]
fn loops_have_no_more_operands_and_ops_than_there_is_room_for() {
    let facts: Vec<Fact> = (0..12).map(|_| floats([500])).collect();
    // Eight operands, then the result and four more.
    assert_eq!(loops(&facts, |x| vec![x[1..].iter().fold(x[0].clone(), |y, x| y * x)]), 2);
    assert_eq!(loops(&facts[..3], |x| vec![(0..20).fold(x[0].clone(), |y, _| y * &x[1] + &x[2])]), 2);
}

#[test]
fn loops_on_values_per_row_and_on_short_rows() {
    for (rows, columns) in [(300, 10), (300, 64), (40, 1000), (5000, 1)] {
        let facts = [floats([rows, columns]), floats([columns]), floats([rows, 1])];
        check(&facts, |x| vec![((&x[0] + &x[1]) * 2.0 - &x[2]).relu() / 3.0]);
        check(&facts, |x| {
            let scale = (x[0].sum_keep(-1) * 0.5 + 1.0).abs();
            vec![(&x[0] / (&scale + &x[2]) - 1.0) * 2.0]
        });
    }
}

#[test]
fn broadcasts_along_rows_and_columns() {
    for (rows, columns) in [(3, 5), (300, 1000), (70_000, 3), (2, 70_001), (5, 1)] {
        let facts = [floats([rows, columns]), floats([columns]), floats([rows, 1]), floats([])];
        let steps = check(&facts, |x| vec![((&x[0] + &x[1]) * &x[2]).relu() - &x[3], (&x[0] * &x[3]).exp()]);
        assert_eq!(steps, 1, "[{rows}, {columns}]");
    }
    let facts = [floats([7, 5, 3]), floats([5, 1]), floats([7, 1, 3])];
    assert_eq!(check(&facts, |x| vec![(&x[0] - &x[1]) * &x[2] + 1]), 1);
}

#[test]
fn whole_rows() {
    for (rows, columns) in [(3, 5), (300, 1000), (7000, 3), (2, 30_001)] {
        let facts = [floats([rows, columns]), floats([columns])];
        // A norm of each row: its mean and variance, and the row by them.
        let steps = check(&facts, |x| {
            let x0 = &x[0] * 2.0;
            let centered = &x0 - x0.mean_keep(-1);
            let variance = (&centered * &centered).mean_keep(-1);
            vec![centered / (variance + 1e-5).sqrt() * &x[1]]
        });
        assert_eq!(steps, 1, "[{rows}, {columns}]");
        check(&facts, |x| vec![(&x[0] + &x[1]).softmax(-1).log(), (&x[0] + &x[1]).max(-1).exp()]);
        check(&facts, |x| vec![grad(&x[0], |y| (y.log_softmax(-1) * &x[1]).sum(..))]);
    }
}

/// A mask that several axes share, so that it is not equally far from each row to the next: short rows are taken several at a
/// time up to where an axis ends.
#[test]
fn short_rows_with_several_axes_around_them() {
    for (len, columns) in [(1, 5), (3, 10), (15, 15), (16, 3), (17, 8), (40, 10), (1000, 10)] {
        let facts = [floats([3, 2, len, columns]), floats([3, 1, len, columns])];
        check(&facts, |x| {
            let y = &x[0] * 0.3 + &x[1];
            vec![y.softmax(-1), y.log_softmax(-1), y.logsumexp(-1)]
        });
        let facts = [floats([3, 2, len, columns]), floats([2, 1, columns])];
        check(&facts, |x| vec![(&x[0] + &x[1]).softmax(-1), &x[0] * 2.0]);
    }
}

/// Rows that are longer than what is kept of one, whose totals end a chain: of lengths around those of blocks and chunks.
#[test]
fn totals_of_long_rows() {
    for len in [5000, 1 << 16, (1 << 16) + 1, (1 << 17) + 511, 300_001] {
        for rows in [1, 3] {
            let facts = [floats([rows, len]), floats([len]), floats([rows, 1])];
            let steps = check(&facts, |x| {
                let difference = &x[0] - &x[1];
                vec![
                    (&difference * &difference).sum(-1),
                    (&difference * &x[2]).max_keep(-1),
                    difference.exp(),
                ]
            });
            assert_eq!(steps, 1, "[{rows}, {len}]");
        }
    }
    // A mean over all axes: the sum, and a division of one element.
    assert_eq!(check(&[floats([300, 500])], |x| vec![(&x[0] * &x[0]).mean(..)]), 2);
    for dtype in [DType::F64, DType::I32, DType::I64, DType::U8] {
        check(&[Fact::new(dtype, [70_000])], |x| {
            let y = &x[0] * 3;
            vec![y.sum(0), y.min(0), y.prod(0), y.gt(2).any(0), y.le(2).all(0)]
        });
    }
    // What a total becomes is not known while there are chunks to come.
    let steps = check(&[floats([2, 70_000])], |x| {
        let y = &x[0] * 2.0;
        vec![&y / y.sum_keep(-1), y.softmax(-1), &y + 1.0]
    });
    assert!(steps > 1, "{steps} steps");
    // Updated in place, element by element, while it is added up.
    let graph = traced(&[floats([100_000])], true, |x| {
        let y = &x[0] * 0.5;
        vec![y.sum(0), y]
    });
    let plan = Plan::new(&graph).expect("plans");
    assert_eq!((plan.num_steps(), plan.num_in_place_inputs(), plan.arena_bytes()), (1, 1, 0), "{plan}");
}

#[test]
fn a_classifier_s_loss_with_its_gradient_and_hits() {
    for labels in [DType::U8, DType::I32, DType::I64] {
        let facts = [floats([32, 10]), floats([10]), Fact::new(labels, [32])];
        let steps = check(&facts, |x| {
            let logits = &x[0] + &x[1];
            let labels = &x[2];
            let loss = logits.sparse_cross_entropy(labels);
            let hits = logits.argmax(-1).eq(labels.cast(DType::I64)).cast(DType::I64).sum(..);
            let flowing = grad(&logits, |logits| logits.sparse_cross_entropy(labels));
            vec![loss, hits, flowing]
        });
        assert!(steps <= 6, "{steps} steps");
    }
}

#[test]
fn square_spaces_do_not_mix_rows_with_columns() {
    // The sums of the rows, [4], broadcast along the columns.
    check(&[floats([4, 4])], |x| {
        let sums = (&x[0] + 1).sum(-1);
        vec![&x[0] * &sums, sums.exp()]
    });
    check(&[floats([4, 4]), floats([4])], |x| {
        let sums = (&x[0] + 1).sum(-1) * &x[1];
        vec![(&x[0] - 1) * sums.unsqueeze(-1), &x[0] * &x[1]]
    });
    // A column has no rows to be added up.
    check(&[floats([4, 6]), floats([4, 1])], |x| {
        let sums = x[0].sum_keep(-1);
        vec![(&sums * &x[1]).sum(-1) + x[1].sum(-1), &x[0] * &sums]
    });
}

#[test]
fn a_failed_check_names_the_op_and_leaves_inputs_alone() {
    let facts = [Fact::new(DType::I64, [8]), Fact::new(DType::I64, [8])];
    let graph = traced(&facts, true, |x| vec![(&x[0] + 1) / &x[1] * 2]);
    let ones = with_mode(Mode::Eager, || Tensor::ones([8], DType::I64).try_array().expect("computes"));
    let zeros = Array::zeros(facts[1].clone());
    let plan = Plan::new(&graph).expect("plans");
    assert_eq!(plan.num_steps(), 1, "{plan}");
    let mut inputs = [ones.clone(), zeros];
    let message = plan.run(&mut inputs, &mut Arena::new(&plan)).expect_err("divides by zero").to_string();
    assert!(message.starts_with("div: division by zero"), "{message}");
    assert!(message.contains("row_programs.rs:"), "{message}");
    assert!(inputs[0].same_bits(&ones));
}

#[test]
fn updates_take_the_place_of_what_they_update() {
    let facts = [floats([100]), floats([30, 4]), floats([100]), floats([30, 4])];
    let graph = traced(&facts, true, |x| vec![&x[0] - &x[2] * 0.1 - 1, (&x[1] * 0.9 + &x[3]) * 2]);
    let plan = Plan::new(&graph).expect("plans");
    assert_eq!((plan.num_in_place_inputs(), plan.arena_bytes()), (2, 0), "{plan}");
}

#[test]
fn loop_variables_that_nothing_else_needs_stay_where_they_are() {
    let bytes = |function: fn(&[Tensor]) -> Vec<Tensor>| {
        let facts = [floats([1000]), floats([50, 1000])];
        let inputs = [random(&facts[0], 1), random(&facts[1], 2)];
        let graph = traced(&facts, false, function);
        let (plan, outputs) = run(&graph, PlanOptions::default(), &inputs);
        let expected = with_mode(Mode::Eager, || {
            let tensors: Vec<Tensor> = inputs.iter().cloned().map(Tensor::from_array).collect();
            function(&tensors).iter().map(|y| y.try_array().expect("computes")).collect::<Vec<_>>()
        });
        assert!(outputs.iter().zip(&expected).all(|(a, b)| a.same_bits(b)), "{plan}");
        plan.arena_bytes()
    };
    let stays = bytes(|x| vec![scan(x[0].clone(), &x[1], |s, row| (s * 0.5 + row, Tensor::scalar(0i64))).0]);
    assert!(stays < 1000, "{stays}: no second home");
    let moves = bytes(|x| {
        let state = (x[0].clone(), &x[0] * 2.0);
        let ((a, b), _) = scan(state, &x[1], |(a, b), row| ((b, a + row), Tensor::scalar(0i64)));
        vec![a, b]
    });
    assert!(moves >= 8000, "{moves}: variables that change places have two homes");
}

#[test]
fn rows_of_bools() {
    let facts = [Fact::new(DType::U8, [40])];
    check(&facts, |x| {
        let rows = (&x[0] % 7).one_hot(9, DType::Bool);
        vec![rows.not(), rows.any(-1), rows.cast(DType::F32) * 2.0]
    });
}
