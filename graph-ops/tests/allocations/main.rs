//! What a plan allocates when it is run again: nothing.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use graph_core::{Arena, Array, DType, Fact, Graph, Mode, Origin, Plan, Trace, TraceKind, with_mode};
use graph_ops::{Tensor, optimize, scan, value_and_grad, while_loop};

/// The system's allocator, which counts what it is asked for, on all threads.
struct Counting;

static COUNT: AtomicUsize = AtomicUsize::new(0);

// SAFETY: everything is the system allocator's; counting touches no memory of it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, address: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(address, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The optimized graph of a function of arguments of these facts, which are donated.
fn traced(facts: &[Fact], function: impl Fn(&[Tensor]) -> Vec<Tensor>) -> Graph {
    let trace = Trace::new(TraceKind::Function, "test");
    let origin = Origin::caller();
    let outputs = {
        let _entered = trace.enter_to_close();
        let inputs: Vec<Tensor> = facts
            .iter()
            .map(|fact| Tensor::from_traced(&trace, trace.add_input("x", fact.clone(), origin)))
            .collect();
        function(&inputs).iter().map(|y| y.value_in(&trace, origin).expect("of this trace")).collect()
    };
    let mut graph = trace.finish(outputs);
    (0..facts.len()).for_each(|index| graph.donate_input(index));
    optimize(&mut graph).expect("the passes are sound");
    graph
}

/// Allocations of the tenth run, in the first of several tries in which there are none: helpers of the team come and go.
fn allocations(facts: &[Fact], function: impl Fn(&[Tensor]) -> Vec<Tensor>) -> usize {
    let graph = traced(facts, function);
    let plan = Plan::new(&graph).expect("plans");
    let mut inputs: Vec<Array> = facts.iter().cloned().map(Array::zeros).collect();
    let mut arena = Arena::new(&plan);
    let mut outputs = Vec::with_capacity(graph.outputs().len());
    let mut run = || {
        let before = COUNT.load(Ordering::Relaxed);
        plan.run_into(&mut inputs, &mut arena, &mut outputs).expect("runs");
        outputs.clear();
        COUNT.load(Ordering::Relaxed) - before
    };
    for _ in 0..5 {
        run();
    }
    (0..5).map(|_| run()).min().expect("some runs")
}

/// A network's training step: products, biases, a loss with its gradient, updates in place.
fn training_step(x: &[Tensor]) -> Vec<Tensor> {
    let [w1, b1, w2, b2, images, labels] = x else { unreachable!("six arguments") };
    let parameters = [w1, b1, w2, b2].map(Tensor::clone);
    let (loss, gradients) = value_and_grad(&parameters, |[w1, b1, w2, b2]| {
        let hidden = (images.matmul(w1) + b1).relu();
        (hidden.matmul(w2) + b2).sparse_cross_entropy(labels)
    });
    let updated = parameters.iter().zip(&gradients).map(|(p, g)| p - g * 0.01);
    updated.chain([loss]).collect()
}

#[test]
fn replaying_a_plan_allocates_nothing() {
    let floats = |shape: &[usize]| Fact::new(DType::F32, shape);
    with_mode(Mode::Lazy, || {
        let chain = [floats(&[300, 1000]), floats(&[1000])];
        let count = allocations(&chain, |x| vec![((&x[0] + &x[1]).exp() * 2).softmax(-1).sum(-1)]);
        assert_eq!(count, 0, "a chain");

        let network = [
            floats(&[784, 128]),
            floats(&[128]),
            floats(&[128, 10]),
            floats(&[10]),
            floats(&[32, 784]),
            Fact::new(DType::U8, [32]),
        ];
        assert_eq!(allocations(&network, training_step), 0, "a training step");

        let count = allocations(&[floats(&[50, 8])], |x| {
            let step = |s: Tensor, row: Tensor| {
                let s = (s * 0.5 + row).tanh();
                (s.clone(), s)
            };
            let (last, rows) = scan(Tensor::zeros([8], DType::F32), &x[0], step);
            let steps = while_loop(Tensor::scalar(0i64), |i| i.lt(20), |i| i + 1);
            vec![last, rows, steps]
        });
        assert_eq!(count, 0, "loops");
    });
}
