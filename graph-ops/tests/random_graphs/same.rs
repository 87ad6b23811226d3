//! The planner and every pass, against the reference.

use graph_core::{
    Arena, Array, Changed, Element, Fusion, Graph, MachineCode, NodeKind, Plan, PlanOptions, verify,
    with_element,
};
use graph_ops::pipeline;
use graph_ops::registry::op_from_text;
use proptest::prelude::*;

use crate::{generate, naive};

/// Equal to the bit, zeros by sign; any NaN is as good as any other.
fn same(a: &Array, b: &Array) -> bool {
    fn of<T: Element>(a: &Array, b: &Array) -> bool {
        let (a, b) = (a.as_slice::<T>().expect("of this dtype"), b.as_slice::<T>().expect("of this dtype"));
        // `-0` is printed with its sign, and every NaN as `NaN`; floats are printed so that no two numbers look alike.
        let same = |a: &T, b: &T| format!("{a:?}") == format!("{b:?}");
        a.iter().zip(b).all(|(a, b)| same(a, b))
    }
    a.fact() == b.fact() && with_element!(a.fact().dtype, T => of::<T>(a, b))
}

#[track_caller]
fn check_same(what: &str, graph: &Graph, got: &[Array], expected: &[Array]) {
    assert_eq!(got.len(), expected.len());
    for (i, (got, expected)) in got.iter().zip(expected).enumerate() {
        assert!(same(got, expected), "{what}: output {i} is {}, not {}\n{graph}", show(got), show(expected));
    }
}

fn show(array: &Array) -> String {
    with_element!(array.fact().dtype, T => format!("{:?} {:?}", array.fact(), array.as_slice::<T>()))
}

/// The graph with all inputs donated, or none.
fn with_donations(graph: &Graph, donated: bool) -> Graph {
    let text = graph.to_string();
    let (signature, rest) = text.split_once('\n').expect("a line");
    let mut signature = signature.replace(" donated", "");
    if donated {
        for i in 0..graph.inputs().len() {
            signature = signature.replacen(&format!("%{i} "), &format!("%{i} donated "), 1);
        }
    }
    Graph::parse(&format!("{signature}\n{rest}"), &op_from_text).expect("printed")
}

fn has_elided(text: &str) -> bool {
    text.contains("constant ...")
}

/// Runs the graph by its plan, as made with and without fusion, and with all fusion that there can be; inputs that are not donated must not be touched.
#[track_caller]
fn check_run(what: &str, graph: &Graph, inputs: &[Array], expected: &[Array]) {
    let options = [
        PlanOptions::default(),
        PlanOptions { fusion: Fusion::Off, machine_code: MachineCode::Forced },
        PlanOptions { fusion: Fusion::Forced, machine_code: MachineCode::Off },
        PlanOptions { fusion: Fusion::Forced, machine_code: MachineCode::Forced },
    ];
    for options in options {
        check_plan(&format!("{what}, {options:?}"), graph, options, inputs, expected);
    }
}

#[track_caller]
fn check_plan(what: &str, graph: &Graph, options: PlanOptions, inputs: &[Array], expected: &[Array]) {
    let own = |array: &Array| {
        let mut array = array.clone();
        array.make_unique();
        array
    };
    let mut arguments: Vec<Array> = inputs.iter().map(own).collect();
    let plan = Plan::with_options(graph, options).expect("plans");
    let outputs = match plan.run(&mut arguments, &mut Arena::new(&plan)) {
        Ok(outputs) => outputs,
        Err(error) => panic!("{what}: {error}\n{graph}"),
    };
    check_same(what, graph, &outputs, expected);
    let text = graph.to_string();
    for (i, (argument, input)) in arguments.iter().zip(inputs).enumerate() {
        if !text.contains(&format!("%{i} donated x{i}:")) {
            assert!(argument.same_bits(input), "{what}: input {i} was overwritten\n{graph}");
        }
    }
}

/// Applications of ops that compute something, those in regions included.
fn num_ops(graph: &Graph) -> usize {
    let of = |id| match graph.node(id).kind() {
        // The one row of a loop that was unrolled, for instance, which nothing counted where the loop took it.
        kind if kind.is_view() => 0,
        NodeKind::Apply(_) => 1,
        // A call may be in many places, each of which is a computation.
        kind => kind.regions().iter().map(|region| num_ops(region)).sum(),
    };
    graph.node_ids().map(of).sum()
}

fn check(numbers: &[u32]) -> Result<(), TestCaseError> {
    let (graph, inputs) = generate::graph(numbers);
    verify(&graph).unwrap();
    // A graph that fails may not fail any more once it is optimized; the other way round is a defect.
    let Ok(expected) = naive::run(&graph, &inputs) else { return Err(TestCaseError::reject("fails")) };
    check_run("plan", &graph, &inputs, &expected);
    let text = graph.to_string();
    if !has_elided(&text) {
        let parsed = Graph::parse(&text, &op_from_text).unwrap();
        assert_eq!(parsed.to_string(), text);
        check_run("none donated", &with_donations(&graph, false), &inputs, &expected);
        check_run("all donated", &with_donations(&graph, true), &inputs, &expected);
    }
    for pass in pipeline().passes() {
        let mut optimized = graph.clone();
        let _ = pass.run(&mut optimized).unwrap();
        verify(&optimized).unwrap();
        check_run(pass.name(), &optimized, &inputs, &expected);
        let once = optimized.to_string();
        assert_eq!(
            pass.run(&mut optimized).unwrap(),
            Changed::No,
            "{}: twice is once\n{text}{once}",
            pass.name()
        );
    }
    let mut optimized = graph.clone();
    let report = pipeline().run(&mut optimized).unwrap();
    verify(&optimized).unwrap();
    check_run("pipeline", &optimized, &inputs, &expected);
    assert!(num_ops(&optimized) <= num_ops(&graph), "{report}\n{text}{optimized}");
    let again = pipeline().run(&mut optimized).unwrap();
    assert_eq!(again.changed(), Changed::No, "{again}\n{text}{optimized}");
    Ok(())
}

/// `PROPTEST_CASES` looks for longer.
fn config() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(1500);
    ProptestConfig::with_cases(cases)
}

proptest! {
    #![proptest_config(ProptestConfig { max_global_rejects: 1_000_000, ..config() })]

    #[test]
    fn however_it_is_run(numbers in proptest::collection::vec(any::<u32>(), 0..150)) {
        check(&numbers)?;
    }
}

/// What the check above is worth: the graphs have nodes of every kind, most do not fail, and every pass finds work.
#[test]
fn random_graphs_are_not_trivial() {
    let mut counts: std::collections::BTreeMap<String, usize> = std::collections::BTreeMap::new();
    let mut count = |what: &str, by: usize| *counts.entry(what.to_owned()).or_default() += by;
    let mut state = 1u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as u32
    };
    for _ in 0..1000 {
        let numbers: Vec<u32> = (0..100).map(|_| next()).collect();
        let (mut graph, inputs) = generate::graph(&numbers);
        count("graphs", 1);
        count("nodes", graph.total_nodes());
        count("computed", usize::from(naive::run(&graph, &inputs).is_ok()));
        let plan = Plan::new(&graph).unwrap().to_string();
        count("computed in tiles", plan.matches(", computed with ").count());
        for id in graph.node_ids() {
            count(graph.node(id).kind().name(), 1);
        }
        for pass in pipeline().passes() {
            // Alone, as above.
            let changed = pass.run(&mut graph.clone()).unwrap();
            count(&format!("changed by {}", pass.name()), usize::from(changed == Changed::Yes));
        }
        let _ = pipeline().run(&mut graph).unwrap();
        count("nodes left", graph.total_nodes());
    }
    println!("{counts:?}");
    for name in graph_ops::registry::names() {
        let is_left_out = ["pow", "print", "assert"].contains(&name);
        assert!(is_left_out || counts.contains_key(name), "`{name}` is in no graph");
    }
    for kind in ["call", "if", "while", "for"] {
        assert!(counts[kind] > 200, "{kind}: {}", counts[kind]);
    }
    for pass in pipeline().passes() {
        let changed = counts[&format!("changed by {}", pass.name())];
        assert!(changed > 50, "{}: {changed}", pass.name());
    }
    assert!(counts["computed"] > 700, "{}", counts["computed"]);
    assert!(counts["computed in tiles"] > 100, "{}", counts["computed in tiles"]);
}
