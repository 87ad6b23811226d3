//! Graphs in TensorFlow's form: operands, scopes, shapes, attributes, places in the source.

use std::collections::BTreeMap;

use grafito::prelude::*;
use grafito::session::GraphBuilder;
use grafito::{Graph, NodeKind, name_scope};

use crate::reader::{Message, value};
use crate::support::logged;

/// The nodes of a graph, as logged, by name.
fn nodes(graph: &Graph) -> BTreeMap<String, Message> {
    let events = logged(|log| log.graph("f", graph));
    let run_graph = events[0].message(4);
    let (_, value) = value(&events[1]);
    assert_eq!(value.text(1), "f");
    assert_eq!(value.message(9).message(1).text(1), "graph_run_metadata_graph");
    assert_eq!(value.message(9).message(1).text(2), "1");
    let tagged = Message::parse(&value.message(8).bytes(8)).message(4).message(2);
    assert_eq!(tagged, run_graph, "the graph under its tag, and that of the run");
    let nodes = run_graph.messages(1);
    let count = nodes.len();
    let nodes: BTreeMap<String, Message> = nodes.into_iter().map(|node| (node.text(1), node)).collect();
    assert_eq!(nodes.len(), count, "names are given once");
    for (name, node) in &nodes {
        assert_eq!(node.text(4), "/device:CPU:0");
        for operand in node.texts(3) {
            let (operand, _) = operand.split_once(':').unwrap_or((&operand, ""));
            let operand = operand.trim_start_matches('^');
            assert!(nodes.contains_key(operand), "`{name}` takes `{operand}`, which is not there");
        }
        assert!(
            !nodes.keys().any(|other| other.starts_with(&format!("{name}/"))),
            "`{name}` is a scope, too"
        );
    }
    nodes
}

/// One line a node: name, op, operands.
fn listing(graph: &Graph) -> String {
    let line = |(name, node): (&String, &Message)| {
        format!("{name} = {}({})", node.text(2), node.texts(3).join(", "))
    };
    nodes(graph).iter().map(line).collect::<Vec<_>>().join("\n")
}

#[derive(Clone, TensorTree)]
struct Net {
    layers: Vec<Tensor>,
    scale: Tensor,
}

#[graph_fn]
fn layer(x: &Tensor, w: &Tensor) -> Tensor {
    x.matmul(w).relu()
}

#[graph_fn]
fn forward(net: &Net, x: &Tensor) -> Tensor {
    let mut x = x.clone();
    for w in &net.layers {
        x = layer(&x, w);
    }
    x * &net.scale
}

fn net() -> Net {
    let layers = vec![Tensor::ones([3, 3], DType::F32), Tensor::ones([3, 3], DType::F32)];
    Net { layers, scale: Tensor::scalar(2.0f32) }
}

#[test]
fn functions_and_paths_are_scopes() {
    insta::assert_snapshot!(listing(&forward::graph(&net(), &Tensor::ones([2, 3], DType::F32))));
}

/// The name and op of each node but inputs, constants and what is returned.
fn ops(graph: &Graph) -> Vec<(String, String)> {
    let is_op = |(_, op): &(String, String)| !["Placeholder", "Const", "Return"].contains(&op.as_str());
    nodes(graph).into_iter().map(|(name, node)| (name, node.text(2))).filter(is_op).collect()
}

/// The boxes that ops are in, each with its ops.
fn boxes(graph: &Graph) -> BTreeMap<String, Vec<String>> {
    let mut boxes: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, op) in ops(graph) {
        let scope = name.rsplit_once('/').map_or("", |(scope, _)| scope);
        boxes.entry(scope.to_owned()).or_default().push(op);
    }
    boxes.values_mut().for_each(|ops| ops.sort());
    boxes
}

fn listed(boxes: &[(&str, &[&str])]) -> BTreeMap<String, Vec<String>> {
    let owned = |ops: &[&str]| ops.iter().map(|&op| op.to_owned()).collect();
    boxes.iter().map(|&(scope, ops)| (scope.to_owned(), owned(ops))).collect()
}

#[test]
fn what_is_inlined_is_in_a_scope_for_each_call() {
    let graph = forward::optimized(&net(), &Tensor::ones([2, 3], DType::F32));
    let expected =
        [("forward", &["mul"][..]), ("layer", &["matmul", "relu"]), ("layer_1", &["matmul", "relu"])];
    assert_eq!(boxes(&graph), listed(&expected));
}

#[graph_fn]
fn encoded(x: &Tensor, w: &Tensor) -> Tensor {
    let x = name_scope("encoder", || {
        let x = name_scope("attention/query", || x.exp());
        layer(&x, w)
    });
    name_scope("decoder", || x.sin()) + name_scope("encoder", || x.cos())
}

#[test]
fn name_scopes_nest_and_calls_are_in_the_one_that_they_are_made_in() {
    let (x, w) = (Tensor::ones([2, 3], DType::F32), Tensor::ones([3, 3], DType::F32));
    let expected = [
        ("decoder", &["sin"][..]),
        ("encoded", &["add"]),
        ("encoder", &["cos"]),
        ("encoder/attention/query", &["exp"]),
        ("encoder/layer", &["matmul", "relu"]),
    ];
    assert_eq!(boxes(&encoded::graph(&x, &w)), listed(&expected), "as traced");
    assert_eq!(boxes(&encoded::optimized(&x, &w)), listed(&expected), "optimized");
    // A function traced first, and one traced within another, have one graph, wherever they are called.
    let inner = layer::graph(&x, &w);
    assert!(inner.node_ids().all(|id| inner.node(id).origin().name_scope().is_root()));
}

#[graph_fn]
fn slope_of_encoded(x: &Tensor, w: &Tensor) -> Tensor {
    name_scope("training", || grad(w, |w| encoded(x, w).sum(..)))
}

#[test]
fn gradients_are_in_the_scopes_of_what_they_are_gradients_of() {
    let (x, w) = (Tensor::ones([2, 3], DType::F32), Tensor::ones([3, 3], DType::F32));
    let backward = |boxes: &BTreeMap<String, Vec<String>>| -> Vec<String> {
        let inner = boxes.keys().filter_map(|scope| scope.strip_prefix("gradient/training/encoded/"));
        inner.map(str::to_owned).collect()
    };
    let traced = boxes(&slope_of_encoded::graph(&x, &w));
    assert_eq!(backward(&traced), ["decoder", "encoder", "encoder/layer"], "{traced:?}");
    let optimized = boxes(&slope_of_encoded::optimized(&x, &w));
    // The slopes of sine and cosine become one difference, in the scope of the first.
    assert_eq!(backward(&optimized), ["decoder", "encoder/layer"], "{optimized:?}");
    for boxes in [traced, optimized] {
        assert!(boxes["gradient/training/encoded/encoder/layer"].contains(&"matmul".to_owned()), "{boxes:?}");
    }
}

#[graph_fn]
fn scopes_in_control_flow(x: &Tensor) -> Tensor {
    let mut x = x.clone();
    name_scope("loop", || {
        while x.sum(..) < 100.0 {
            name_scope("step", || {
                x = &x + &x;
                let once = x.exp();
                if once.sum(..) > 1e9 {
                    x = name_scope("clip", || x.minimum(3.0));
                }
            });
        }
    });
    x
}

#[test]
fn scopes_in_loops_and_branches_lie_in_their_boxes() {
    let boxes = boxes(&scopes_in_control_flow::optimized(&Tensor::ones([3], DType::F32)));
    assert_eq!(boxes["loop/while/condition"], ["lt", "sum"]);
    assert_eq!(boxes["loop/while/body/step"], ["add", "exp", "gt", "sum"]);
    assert_eq!(boxes["loop/while/body/step/if/then/clip"], ["minimum"]);
}

#[graph_fn]
fn leaves_its_region(xs: &Tensor, y: &Tensor) -> Tensor {
    let mut sum = Tensor::zeros([3], DType::F32);
    name_scope("loop", || {
        for x in xs {
            sum = &sum + x * name_scope("rate", || y.exp());
        }
    });
    // Decided while the graph is made.
    let yes = Tensor::scalar(1.0f32) > 0.5;
    name_scope("choice", || if yes { name_scope("taken", || sum.sin()) } else { sum })
}

#[test]
fn what_leaves_a_region_takes_the_scopes_around_it_along() {
    let graph =
        leaves_its_region::optimized(&Tensor::ones([4, 3], DType::F32), &Tensor::ones([3], DType::F32));
    let ops = ops(&graph);
    let scope_of = |op: &str| {
        let (name, _) =
            ops.iter().find(|(_, other)| other == op).unwrap_or_else(|| panic!("{op} in {ops:?}"));
        name.rsplit_once('/').expect("a scope").0.to_owned()
    };
    assert_eq!((scope_of("exp"), scope_of("sin")), ("loop/rate".into(), "choice/taken".into()), "{ops:?}");
    let once =
        leaves_its_region::optimized(&Tensor::ones([1, 3], DType::F32), &Tensor::ones([3], DType::F32));
    assert!(boxes(&once).contains_key("loop"), "a loop of one trip: {:?}", boxes(&once));
}

#[test]
fn a_graph_built_by_hand_has_scopes() {
    for mode in [Mode::Lazy, Mode::Eager] {
        let mut graph = GraphBuilder::new("by_hand");
        let w = Tensor::ones([3, 3], DType::F32);
        let x = graph.placeholder("x", DType::F32, [2, 3]);
        with_mode(mode, || {
            // In eager mode, too, operations on nothing but constants belong to the graph then, and scopes.
            graph.scope(|| {
                let code = name_scope("encoder", || layer(&x.exp(), &w));
                name_scope("training", || grad(&code, |code| name_scope("loss", || code.sin().sum(..))))
            })
        });
        let boxes = boxes(&graph.graph());
        assert_eq!(boxes["encoder"], ["exp"], "{mode:?}: {boxes:?}");
        assert_eq!(boxes["encoder/layer"], ["matmul", "relu"], "{mode:?}: {boxes:?}");
        assert!(boxes["training/loss"].contains(&"sin".to_owned()), "{mode:?}: {boxes:?}");
        assert!(boxes.contains_key("gradient/training/loss"), "{mode:?}: {boxes:?}");
    }
    // Without being told so, where operations are recorded.
    let mut graph = GraphBuilder::new("by_hand");
    let x = graph.placeholder("x", DType::F32, [2, 3]);
    with_mode(Mode::Lazy, || name_scope("encoder", || layer(&x.exp(), &Tensor::ones([3, 3], DType::F32))));
    let boxes = boxes(&graph.graph());
    assert_eq!(
        (&boxes["encoder"][..], &boxes["encoder/layer"][..]),
        (&["exp".to_owned()][..], &["matmul".to_owned(), "relu".to_owned()][..])
    );
}

#[test]
fn scopes_change_no_result_no_signature_and_no_merging() {
    #[graph_fn]
    fn twice(x: &Tensor) -> Tensor {
        name_scope("a", || x.exp()) + name_scope("b", || x.exp())
    }
    let x = Tensor::from([1.0f32, 2.0]);
    let graph = twice::optimized(&x);
    let exps = ops(&graph).iter().filter(|(_, op)| op == "exp").count();
    assert_eq!(exps, 1, "merged, as without scopes");
    let plain = twice(&x).to_vec::<f32>();
    assert_eq!(name_scope("anywhere", || twice(&x)).to_vec::<f32>(), plain);
    assert_eq!(with_mode(Mode::Eager, || name_scope("eager", || twice(&x))).to_vec::<f32>(), plain);
    assert_eq!(twice::cache().misses, 1);
    assert!(graph.with_origins().to_string().contains("// in a, "), "{}", graph.with_origins());
}

#[graph_fn]
fn steps(n: &Tensor) -> Tensor {
    let mut n = n.clone();
    let mut steps = Tensor::scalar(0i64);
    while n > 1 {
        if &n % 2 == 0 {
            n /= 2
        } else {
            n = n * 3 + 1
        }
        steps += 1;
    }
    steps
}

#[test]
fn branches_and_loops_are_scopes_and_loops_lead_back() {
    insta::assert_snapshot!(listing(&steps::graph(&Tensor::scalar(27i64))));
}

#[graph_fn]
fn decay(xs: &Tensor, rate: &Tensor) -> Tensor {
    let mut sum = Tensor::scalar(0.0f32);
    for x in xs {
        sum = sum * rate + x;
    }
    sum
}

#[test]
fn a_for_hands_rows_to_its_body() {
    let (xs, rate) = (Tensor::from([1.0f32, 2.0, 3.0]), Tensor::scalar(0.5f32));
    let graph = decay::graph(&xs, &rate);
    insta::assert_snapshot!(listing(&graph));
    let nodes = nodes(&graph);
    let result = nodes.values().find(|node| node.text(2) == "For").expect("a loop").map(5);
    assert_eq!(result["trips"].int(3), 3);
}

#[graph_fn]
fn loud(x: &Tensor) -> Tensor {
    println!("first {x}");
    println!("second {x}");
    x + 1.0
}

#[test]
fn effects_keep_their_order() {
    let nodes = nodes(&loud::graph(&Tensor::scalar(1.0f32)));
    let prints: Vec<&Message> = nodes.values().filter(|node| node.text(2) == "print").collect();
    assert_eq!(prints.len(), 2, "{:?}", nodes.keys());
    assert_eq!(prints[1].texts(3).last(), Some(&format!("^{}", prints[0].text(1))));
}

#[graph_fn]
fn update(w: &mut Tensor, x: &Tensor) -> Tensor {
    *w -= x.sum(0) * 0.5;
    w.max(..)
}

#[test]
fn nodes_tell_dtype_shape_attributes_values_and_where_they_were_written() {
    let (mut w, x) = (Tensor::ones([3], DType::F64), Tensor::ones([2, 3], DType::F64));
    let line = line!() + 1;
    let graph = update::optimized(&mut w, &x);
    let nodes = nodes(&graph);
    let shape = |name: &str| {
        let shapes = nodes[name].map(5)["_output_shapes"].message(1).messages(7);
        let sizes = |shape: &Message| shape.messages(2).iter().map(|dim| dim.int(1)).collect::<Vec<i64>>();
        shapes.iter().map(sizes).collect::<Vec<_>>()
    };
    assert_eq!((shape("x"), shape("w")), (vec![vec![2, 3]], vec![vec![3]]));
    assert_eq!(nodes["w"].text(2), "Placeholder");
    assert_eq!(nodes["w"].map(5)["donated"].int(5), 1);
    assert!(!nodes["x"].map(5).contains_key("donated"));
    assert_eq!(nodes["x"].map(5)["dtype"].int(6), 2, "double");
    let sum = nodes.values().find(|node| node.text(2) == "sum").expect("a sum").map(5);
    let origin = sum["_origin"].text(2);
    assert!(origin.contains("graphs.rs:"), "{origin}");
    let number = origin.split(':').nth(1).and_then(|number| number.parse::<u32>().ok()).expect("a line");
    assert!(number < line && number > line - 12, "{origin} is the body of the function");
    let constant = nodes.values().find(|node| node.text(2) == "Const").expect("a constant").map(5);
    assert_eq!(constant["value"].message(8).f64s(6), [0.5]);
}

#[test]
fn every_graph_has_its_tag_and_the_first_is_that_of_the_run() {
    let x = Tensor::scalar(27i64);
    let events = logged(|log| {
        log.graph("steps/traced", &steps::graph(&x));
        log.graph("steps/optimized", &steps::optimized(&x));
    });
    let run_graphs = events.iter().filter(|event| event.has(4)).count();
    let tags: Vec<String> =
        events.iter().filter(|event| event.has(5)).map(|event| value(event).1.text(1)).collect();
    assert_eq!((run_graphs, tags), (1, vec!["steps/traced".to_owned(), "steps/optimized".to_owned()]));
}

/// All kinds of nodes, inside loops of unknown length, with stacks.
#[test]
fn gradients_of_loops_can_be_drawn() {
    fn contains(graph: &Graph, is: &dyn Fn(&NodeKind) -> bool) -> bool {
        graph.node_ids().any(|id| {
            let kind = graph.node(id).kind();
            is(kind) || kind.regions().iter().any(|region| contains(region, is))
        })
    }
    #[graph_fn]
    fn slope(x: &Tensor) -> Tensor {
        grad(x, |x| {
            let mut x = x.clone();
            while x < 100.0 {
                x = &x * &x;
            }
            x
        })
    }
    let graph = slope::graph(&Tensor::scalar(2.0f32));
    assert!(contains(&graph, &|kind| matches!(kind, NodeKind::For { trips: None, .. })));
    let nodes = nodes(&graph);
    let is_stack = |node: &&Message| {
        let attributes = node.map(5);
        let Some(shapes) = attributes.get("_output_shapes") else { return false };
        let mut dims = shapes.message(1).messages(7).into_iter().flat_map(|shape| shape.messages(2));
        dims.any(|dim| dim.int(1) == -1)
    };
    assert!(nodes.values().any(|node| is_stack(&node)), "a length that is not known");
}
