//! Random programs of a user's closures: eager, pending and traced, to the bit.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use grafito::prelude::*;
use proptest::prelude::*;

/// One statement: an operation on variables by number, whose result becomes a new variable.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Step {
    Unary(u8, usize),
    Binary(u8, usize, usize),
    Reduce(u8, usize),
    Scalar(u8, usize, i8),
    /// A closure that is called on a variable, and captures another.
    Closure(Box<Step>, usize),
    /// A traced function around the steps within.
    Nested(Vec<Step>, usize),
    /// The gradient of the steps within.
    Gradient(Vec<Step>, usize),
    /// Steps on the host's condition.
    If(bool, Vec<Step>),
}

/// A program as a host value of a traced function.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Program(Arc<Vec<Step>>);

impl Hash for Program {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

fn pick(variables: &[Tensor], index: usize) -> &Tensor {
    &variables[index % variables.len()]
}

fn run_step(step: &Step, variables: &mut Vec<Tensor>) {
    let result = match step {
        Step::Unary(op, x) => {
            let x = pick(variables, *x);
            match op % 6 {
                0 => -x,
                1 => x.tanh(),
                2 => x.relu(),
                3 => (x * 0.25).exp(),
                4 => x.abs().sqrt(),
                _ => x.sigmoid(),
            }
        }
        Step::Binary(op, x, y) => {
            let (x, y) = (pick(variables, *x), pick(variables, *y));
            match op % 6 {
                0 => x + y,
                1 => x - y,
                2 => x * y,
                3 => x.maximum(y),
                4 => x / (y.abs() + 1.0),
                _ => x.lt(y).select(x, y),
            }
        }
        Step::Reduce(op, x) => {
            let x = pick(variables, *x);
            match op % 4 {
                0 => x.sum_keep(-1),
                1 => x.mean_keep(..),
                2 => x.max_keep(0),
                _ => x.softmax(-1),
            }
        }
        Step::Scalar(op, x, value) => {
            let (x, value) = (pick(variables, *x), f32::from(*value) / 16.0);
            match op % 4 {
                0 => x + value,
                1 => x * value,
                2 => value - x,
                _ => x.minimum(value),
            }
        }
        Step::Closure(inner, captured) => {
            let captured = pick(variables, *captured).clone();
            let apply = |x: Tensor| {
                let mut inside = vec![x, captured];
                run_step(inner, &mut inside);
                inside.pop().expect("a result")
            };
            apply(variables[0].clone())
        }
        Step::Nested(steps, x) => {
            let x = pick(variables, *x).clone();
            nested(&variables[0], x, &Program(Arc::new(steps.clone())))
        }
        Step::Gradient(steps, x) => {
            let first = variables[0].clone();
            grad(pick(variables, *x), |x| {
                let mut inside = vec![x.clone(), first];
                steps.iter().for_each(|step| run_step(step, &mut inside));
                inside.iter().map(|variable| variable.mean(..)).reduce(|a, b| a + b).expect("some")
            })
        }
        Step::If(condition, steps) => {
            if *condition {
                steps.iter().for_each(|step| run_step(step, variables));
                return;
            }
            variables.swap_remove(0)
        }
    };
    variables.push(result);
}

#[graph_fn]
fn nested(x: &Tensor, y: Tensor, program: &Program) -> Tensor {
    let mut variables = vec![x.clone(), y];
    program.0.iter().for_each(|step| run_step(step, &mut variables));
    variables.pop().expect("a result")
}

#[graph_fn]
fn traced(variables: &mut Vec<Tensor>, program: &Program) -> Tensor {
    program.0.iter().for_each(|step| run_step(step, variables));
    variables.iter().map(|variable| variable.sum(..)).reduce(|a, b| a + b).expect("some")
}

fn steps(depth: u32) -> BoxedStrategy<Step> {
    let leaf = prop_oneof![
        (any::<u8>(), 0..8usize).prop_map(|(op, x)| Step::Unary(op, x)),
        (any::<u8>(), 0..8usize, 0..8usize).prop_map(|(op, x, y)| Step::Binary(op, x, y)),
        (any::<u8>(), 0..8usize).prop_map(|(op, x)| Step::Reduce(op, x)),
        (any::<u8>(), 0..8usize, any::<i8>()).prop_map(|(op, x, value)| Step::Scalar(op, x, value)),
    ];
    if depth == 0 {
        return leaf.boxed();
    }
    let some = || prop::collection::vec(steps(depth - 1), 1..4);
    prop_oneof![
        4 => leaf,
        1 => (steps(depth - 1), 0..8usize).prop_map(|(step, x)| Step::Closure(Box::new(step), x)),
        1 => (some(), 0..8usize).prop_map(|(steps, x)| Step::Nested(steps, x)),
        1 => (some(), 0..8usize).prop_map(|(steps, x)| Step::Gradient(steps, x)),
        1 => (any::<bool>(), some()).prop_map(|(condition, steps)| Step::If(condition, steps)),
    ]
    .boxed()
}

/// What a program leaves: the bits of its sum and of each variable, with their shapes.
fn outcome(run: fn(&mut Vec<Tensor>, &Program) -> Tensor, program: &Program) -> Vec<(Vec<usize>, Vec<u32>)> {
    let mut variables = vec![
        Tensor::from([[0.5f32, -1.0, 2.0], [0.25, 3.0, -0.75]]),
        Tensor::from([[1.5f32], [-0.5]]),
        Tensor::scalar(0.75f32),
    ]
    .into_iter()
    .map(|x| x.broadcast_to([2, 3]))
    .collect();
    let sum = run(&mut variables, program);
    let bits = |tensor: &Tensor| {
        let elements = tensor.to_vec::<f32>().into_iter();
        // Any NaN is as good as another.
        let bits = elements.map(|x| if x.is_nan() { f32::NAN.to_bits() } else { x.to_bits() }).collect();
        (tensor.shape().to_vec(), bits)
    };
    variables.iter().chain([&sum]).map(bits).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn eager_pending_and_traced_are_the_same(steps in prop::collection::vec(steps(2), 1..8)) {
        fn plain(variables: &mut Vec<Tensor>, program: &Program) -> Tensor {
            program.0.iter().for_each(|step| run_step(step, variables));
            variables.iter().map(|variable| variable.sum(..)).reduce(|a, b| a + b).expect("some")
        }
        let program = Program(Arc::new(steps));
        let eager = with_mode(Mode::Eager, || outcome(plain, &program));
        let pending = with_mode(Mode::Lazy, || outcome(plain, &program));
        prop_assert_eq!(&eager, &pending, "eager and pending");
        let traced_once = with_mode(Mode::Lazy, || outcome(traced, &program));
        prop_assert_eq!(&eager, &traced_once, "eager and traced");
        let replayed = with_mode(Mode::Lazy, || outcome(traced, &program));
        prop_assert_eq!(&eager, &replayed, "the second call");
    }
}
