//! Products with what follows them as one step: the bits are those of the steps apart.

use std::sync::Arc;

use graph_core::{
    Arena, Array, DType, Fact, Facts, Fusion, Kernel, Op, OpError, Plan, PlanOptions, RowKernel, RowOperand,
    RowSpan, Source, View, ViewMut,
};
use graph_ops::ops::matmul::Matmul;
use graph_ops::{Tensor, apply, grad, optimize, scan};

use crate::row_programs::{check, floats, random, run, traced};

#[test]
fn a_dense_layer_is_a_step() {
    let facts = [floats([512, 32]), floats([32, 1024]), floats([1024])];
    let graph = traced(&facts, false, |x| vec![(x[0].matmul(&x[1]) + &x[2]).relu()]);
    let plan = Plan::new(&graph).expect("plans");
    let (text, tiles) = plan.to_string().split_once(", computed with ").map_or_else(
        || panic!("nothing has an epilogue: {plan}"),
        |(text, rest)| (text.to_owned(), rest.to_owned()),
    );
    assert_eq!(
        text,
        "plan: 1 steps, arena 0 bytes (0 alive at once)\n  \
         fresh0: f32[512, 1024] = matmul+add+relu(fresh0, input2, input0, input1), \
         512 rows of 1024 in blocks of 2 by 1024, 1 loop each"
    );
    assert!(tiles.ends_with(" tiles of matmul\n  return fresh0\n"), "{tiles}");
    let inputs: Vec<Array> = facts.iter().zip(1..).map(|(fact, key)| random(fact, key)).collect();
    let profile = plan.profile(&graph, &inputs, 1).expect("runs");
    assert_eq!(profile.steps[0].flop, (2 * 32 + 2) * 512 * 1024);
}

#[test]
fn shapes_around_the_edges_of_tiles() {
    let shapes = [
        (1, 5, 40),
        (1, 700, 5000),
        (7, 3, 1),
        (5000, 300, 1),
        (33, 0, 17),
        (14, 64, 32),
        (15, 65, 33),
        (129, 257, 1030),
        (300, 784, 10),
        (256, 300, 513),
        (1000, 1, 600),
    ];
    for (m, k, n) in shapes {
        let facts = [floats([m, k]), floats([k, n]), floats([n]), floats([m, 1])];
        let steps = check(&facts, |x| vec![((x[0].matmul(&x[1]) + &x[2]) * &x[3]).relu()]);
        assert_eq!(steps, 1, "{m} {k} {n}");
        // Nothing is broadcast: without the product, the rows would be one.
        let steps = check(&[floats([m, k]), floats([k, n]), floats([m, n])], |x| {
            let y = x[0].matmul(&x[1]) - &x[2];
            vec![y.gt(0), y.tanh()]
        });
        assert_eq!(steps, 1, "{m} {k} {n}");
        check(&facts, |x| vec![(x[0].matmul(&x[1]) + &x[2]).softmax(-1), x[0].matmul(&x[1]).argmax(-1)]);
    }
    let facts = [5000, 5000].map(|len| floats([len]));
    assert_eq!(check(&facts, |x| vec![x[0].matmul(&x[1]).exp()]), 2, "a single element");
}

#[test]
fn doubles_and_integers() {
    let facts = |dtype| [Fact::new(dtype, [70, 30]), Fact::new(dtype, [30, 900])];
    assert_eq!(check(&facts(DType::F64), |x| vec![x[0].matmul(&x[1]) * 0.5 + 1.0]), 1);
    assert_eq!(check(&facts(DType::I64), |x| vec![x[0].matmul(&x[1]) * 2 + 1]), 2, "integers have no tiles");
}

#[test]
fn products_of_transposed_matrices() {
    let facts = [floats([65, 300]), floats([65, 40]), floats([70, 40]), floats([40])];
    let function =
        |x: &[Tensor]| vec![(x[0].t().matmul(&x[1]) + &x[3]).relu(), (x[1].matmul(&x[2].t()) - 1).exp()];
    check(&facts, function);
    let mut graph = traced(&facts, false, function);
    optimize(&mut graph).expect("the passes are sound");
    let inputs: Vec<Array> = facts.iter().zip(1..).map(|(fact, key)| random(fact, key)).collect();
    let (plan, outputs) = run(&graph, PlanOptions::default(), &inputs);
    let (_, expected) = run(&graph, PlanOptions { fusion: Fusion::Off, ..PlanOptions::default() }, &inputs);
    assert_eq!(plan.num_steps(), 2, "{plan}");
    assert!(outputs.iter().zip(&expected).all(|(a, b)| a.same_bits(b)), "{plan}");
}

#[test]
fn batches() {
    let bias_and_relu = |x: &[Tensor]| vec![(x[0].matmul(&x[1]) + &x[2]).relu()];
    let shapes: [[&[usize]; 3]; 5] = [
        [&[4, 8, 5], &[4, 5, 6], &[6]],
        [&[3, 1, 20, 30], &[2, 30, 10], &[20, 10]],
        [&[64, 17, 33], &[33, 40], &[40]],
        [&[1000, 3, 4], &[1000, 4, 5], &[3, 1]],
        [&[50, 300, 4], &[50, 4, 1], &[300, 1]],
    ];
    for shapes in shapes {
        let facts = shapes.map(|shape| Fact::new(DType::F32, shape));
        assert_eq!(check(&facts, bias_and_relu), 1, "{shapes:?}");
    }
    // Attention: each tile is a matrix, so that what follows has whole rows.
    let facts = [16, 16].map(|batch| floats([batch, 60, 64]));
    let steps = check(&facts, |x| vec![(x[0].matmul(&x[1].t()) / 8.0).softmax(-1)]);
    assert_eq!(steps, 2, "the transposition, and the rest");
}

#[test]
fn whole_rows_or_none() {
    let plan = |n| {
        let facts = [floats([512, 400]), floats([400, n])];
        let function = |x: &[Tensor]| vec![(x[0].matmul(&x[1]) * 0.1).softmax(-1)];
        check(&facts, function);
        Plan::new(&traced(&facts, false, function)).expect("plans")
    };
    assert_eq!(plan(20).num_steps(), 1, "{}", plan(20));
    let wide = plan(2000);
    assert_eq!(wide.num_steps(), 2, "{wide}");
    assert!(wide.to_string().contains("matmul (what follows needs whole rows)"), "{wide}");
}

#[test]
fn the_product_is_needed_elsewhere_too() {
    let facts = [floats([60, 80]), floats([80, 60]), floats([60])];
    let steps = check(&facts, |x| {
        let y = x[0].matmul(&x[1]);
        vec![(&y + &x[2]).relu(), y]
    });
    assert_eq!(steps, 1);
    let steps = check(&facts, |x| {
        let y = x[0].matmul(&x[1]);
        let z = (&y + &x[2]).relu();
        vec![z.matmul(&y).tanh() + &z]
    });
    assert_eq!(steps, 2);
    // Read before by what is no row work, or by what goes along other rows.
    check(&facts, |x| {
        let y = x[0].matmul(&x[1]);
        vec![y.sum(0), (y.sum(0) + &y).relu(), &y.reshape([3600]) + 1]
    });
    check(&facts, |x| {
        let y = x[0].matmul(&x[1]);
        vec![y.t().relu() + y.relu(), y.reshape([30, 120]).sum(-1) * 2]
    });
}

#[test]
fn through_views() {
    let facts = [floats([12, 30]), floats([30, 20]), floats([3, 4, 20])];
    let steps = check(&facts, |x| vec![(x[0].matmul(&x[1]).reshape([3, 4, 20]) + &x[2]).relu()]);
    assert_eq!(steps, 1);
    let steps = check(&facts, |x| {
        let y = x[0].matmul(&x[1]).reshape([3, 4, 20]);
        vec![(&y + &x[2]).relu(), y]
    });
    assert_eq!(steps, 1);
    check(&facts, |x| vec![x[0].matmul(&x[1]).reshape([3, 80]).softmax(-1).exp()]);
}

#[test]
fn what_other_tiles_read_is_not_overwritten() {
    // The result has the fact of an operand, which dies here, and of which every tile reads all.
    let facts = [floats([1, 800]), floats([800, 800])];
    assert_eq!(check(&facts, |x| vec![(x[0].matmul(&x[1]) + &x[0]).relu()]), 1);
    let facts = [floats([400, 400]), floats([400, 8])];
    assert_eq!(check(&facts, |x| vec![(x[0].matmul(&x[1]) + &x[1]).relu()]), 1);
    // What only the rows read is updated in place.
    let facts = [floats([2000, 20]), floats([20, 100]), floats([2000, 100])];
    let function = |x: &[Tensor]| vec![(x[0].matmul(&x[1]) + &x[2]).relu()];
    assert_eq!(check(&facts, function), 1);
    let plan = Plan::new(&traced(&facts, true, function)).expect("plans");
    assert_eq!(plan.num_in_place_inputs(), 1, "{plan}");
}

#[test]
fn several_products_and_several_results() {
    let facts = [floats([90, 500]), floats([500, 70]), floats([90, 60]), floats([60, 70]), floats([70])];
    let steps = check(&facts, |x| {
        let gate = (x[0].matmul(&x[1]) + x[2].matmul(&x[3]) + &x[4]).sigmoid();
        vec![&gate * 2.0, gate.gt(0.5), gate.log()]
    });
    assert_eq!(steps, 2);
    check(&facts, |x| {
        vec![grad(&x[1], |w| ((x[0].matmul(w) + &x[4]).relu().matmul(&x[3].t())).tanh().sum(..))]
    });
}

#[test]
fn in_loops() {
    let facts = [floats([8, 40]), floats([40, 40]), floats([6, 8, 40])];
    check(&facts, |x| {
        let cell = |h: Tensor, row: Tensor| {
            let h = (h.matmul(&x[1]) + row).tanh();
            (h.clone(), h)
        };
        let (last, all) = scan(x[0].clone(), &x[2], cell);
        vec![last, all]
    });
}

#[test]
fn nan_and_infinity() {
    let facts = [floats([40, 30]), floats([30, 50]), floats([50])];
    let graph = traced(&facts, false, |x| {
        let y = x[0].matmul(&x[1]) + &x[2];
        vec![y.relu(), y.softmax(-1), y.gt(0)]
    });
    let mut inputs: Vec<Array> = facts.iter().zip(1..).map(|(fact, key)| random(fact, key)).collect();
    let mut left = inputs[0].as_slice::<f32>().expect("floats").to_vec();
    for (row, x) in [(0, f32::NAN), (13, f32::INFINITY), (14, f32::NEG_INFINITY), (39, f32::NAN)] {
        left[row * 30 + row % 30] = x;
    }
    inputs[0] = Array::from_slice([40, 30], &left).expect("a matrix");
    let (plan, outputs) = run(&graph, PlanOptions::default(), &inputs);
    let (_, expected) = run(&graph, PlanOptions { fusion: Fusion::Off, ..PlanOptions::default() }, &inputs);
    assert_eq!(plan.num_steps(), 1, "{plan}");
    assert!(outputs.iter().zip(&expected).all(|(a, b)| a.same_bits(b)), "{plan}");
    let numbers = outputs[1].as_slice::<f32>().expect("floats");
    assert!(numbers.iter().any(|x| x.is_nan()) && numbers.iter().any(|x| x.is_finite()), "{numbers:?}");
}

#[test]
fn data_is_looked_at_before_the_product() {
    let facts = [floats([30, 20]), floats([20, 10]), Fact::new(DType::U8, [30])];
    let graph = traced(&facts, true, |x| vec![(x[0].matmul(&x[1]) * 2).sparse_cross_entropy(&x[2])]);
    let plan = Plan::new(&graph).expect("plans");
    assert!(plan.to_string().contains("= matmul+mul+sparse_cross_entropy"), "{plan}");
    let mut inputs: Vec<Array> = facts.iter().zip(1..).map(|(fact, key)| random(fact, key)).collect();
    inputs[2] = Array::from_slice([30], &[10u8; 30]).expect("thirty labels");
    let before = inputs.clone();
    let message =
        plan.run(&mut inputs, &mut Arena::new(&plan)).expect_err("there is no class 10").to_string();
    assert!(message.starts_with("sparse_cross_entropy: ") && message.contains("tiles.rs:"), "{message}");
    assert!(inputs.iter().zip(&before).all(|(now, before)| now.same_bits(before)));
}

#[test]
fn narrow_tiles_stay_apart() {
    let facts = [floats([32, 300]), floats([300, 256]), floats([256])];
    let function = |x: &[Tensor]| vec![(x[0].matmul(&x[1]) + &x[2]).relu()];
    assert_eq!(check(&facts, function), 2);
    let plan = Plan::new(&traced(&facts, false, function)).expect("plans");
    assert!(plan.to_string().contains("matmul (its tiles have few columns)"), "{plan}");
}

#[test]
fn what_needs_more_threads_stays_apart() {
    let facts = [floats([100, 2]), floats([2, 200])];
    let function = |x: &[Tensor]| {
        let mut y = x[0].matmul(&x[1]);
        for _ in 0..20 {
            y = y.tanh() * 1.5;
        }
        vec![y]
    };
    assert_eq!(check(&facts, function), 2);
    let plan = Plan::new(&traced(&facts, false, function)).expect("plans");
    assert!(plan.to_string().contains("matmul (too few tiles for what follows)"), "{plan}");
}

/// Each op that is a step of its own, as the plan says it.
#[test]
fn why_a_product_stays_apart() {
    type Function = fn(&[Tensor]) -> Vec<Tensor>;
    let (tall, wide) = (floats([60, 5]), floats([5, 80]));
    let cases: [(&str, Vec<Fact>, Function); 9] = [
        ("a single element", vec![floats([1, 5]), floats([5, 1])], |x| vec![x[0].matmul(&x[1]).relu()]),
        ("what follows broadcasts it", vec![floats([1, 5]), wide.clone(), floats([60, 80])], |x| {
            vec![x[0].matmul(&x[1]) + &x[2]]
        }),
        ("what follows goes along other rows", vec![tall.clone(), wide.clone()], |x| {
            vec![x[0].matmul(&x[1]).reshape([30, 160]).sum(-1)]
        }),
        ("the rows of what follows are too long", vec![floats([2, 5]), floats([5, 70_000])], |x| {
            vec![x[0].matmul(&x[1]).sum(-1)]
        }),
        (
            "what follows reads it in another shape",
            vec![tall.clone(), wide.clone(), floats([1, 60, 80])],
            |x| vec![x[0].matmul(&x[1]) + &x[2]],
        ),
        ("what follows reads it in two ways", vec![tall.clone(), wide.clone()], |x| {
            let y = x[0].matmul(&x[1]);
            vec![y.reshape([60, 1, 80]).reshape([60, 80]) + y]
        }),
        ("not by rows", vec![tall, wide], |x| vec![x[0].matmul(&x[1])]),
        ("threads share its sums", vec![floats([32, 784]), floats([784, 128])], |x| {
            vec![x[0].matmul(&x[1]).relu()]
        }),
        ("it copies an operand first", vec![floats([3, 20, 10]), floats([20, 8])], |x| {
            let product = Matmul { transpose_left: true, transpose_right: false };
            vec![apply(product, &[&x[0], &x[1]]).relu()]
        }),
    ];
    for (reason, facts, function) in cases {
        check(&facts, function);
        let plan = Plan::new(&traced(&facts, false, function)).expect("plans");
        assert!(plan.to_string().contains(&format!("matmul ({reason})")), "{reason}: {plan}");
    }
}

/// The negative of numbers; looks for what is none before it computes anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct NegNumbers;

fn check_numbers(view: View<'_>) -> Result<(), OpError> {
    let are_numbers = view.as_slice::<f32>().iter().all(|x| !x.is_nan());
    if are_numbers { Ok(()) } else { Err(OpError::value("no number")) }
}

/// # Safety
/// As for a row loop, of f32.
unsafe fn neg_row(to: *mut u8, from: &[RowOperand], len: usize) {
    for i in 0..len {
        // SAFETY: the caller's promise; a splat has one element.
        unsafe {
            let x = *from[0].address.cast::<f32>().add(if from[0].is_splat { 0 } else { i });
            to.cast::<f32>().add(i).write(-x);
        }
    }
}

impl Kernel for NegNumbers {
    fn run(&self, outs: &mut [ViewMut<'_>], ins: &[Source<'_>]) -> Result<(), OpError> {
        let x = ins[0].view();
        check_numbers(x)?;
        for (to, x) in outs[0].as_mut_slice::<f32>().iter_mut().zip(x.as_slice::<f32>()) {
            *to = -x;
        }
        Ok(())
    }

    fn row(&self) -> Option<RowKernel> {
        // SAFETY: it writes each element from the one at its position.
        let row = unsafe { RowKernel::new(neg_row, RowSpan::Elements) };
        Some(row.with_check(0, Arc::new(check_numbers)))
    }
}

impl Op for NegNumbers {
    fn name(&self) -> &'static str {
        "neg_numbers"
    }
    fn infer(&self, inputs: &[&Fact]) -> Result<Facts, OpError> {
        Ok(Facts::from_iter([inputs[0].clone()]))
    }
    fn kernel(&self, _: &[&Fact], _: &[Fact]) -> Result<Box<dyn Kernel>, OpError> {
        Ok(Box::new(NegNumbers))
    }
}

#[test]
fn what_is_looked_at_is_there_before() {
    let facts = [floats([60, 5]), floats([5, 80])];
    let function = |x: &[Tensor]| vec![apply(NegNumbers, &[&x[0].matmul(&x[1])])];
    check(&facts, function);
    let graph = traced(&facts, false, function);
    let plan = Plan::with_options(&graph, PlanOptions { fusion: Fusion::Forced, ..PlanOptions::default() })
        .expect("plans");
    assert!(plan.to_string().contains("matmul (what follows looks at its data first)"), "{plan}");
}
