//! Where the time goes, as TensorBoard reads it: times for the nodes of the graph that is logged with them.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use grafito::prelude::*;
use grafito::{Profile, name_scope};

use crate::reader::{Message, value};
use crate::support::logged;

/// The run metadata that is logged of a profile.
fn metadata(profile: &Profile) -> Message {
    let events = logged(|log| log.profile("f/profile", profile));
    let (_, value) = value(&events[1]);
    assert_eq!(value.text(1), "f/profile");
    assert_eq!(value.message(9).message(1).text(1), "graph_run_metadata");
    assert_eq!(value.message(9).message(1).text(2), "1");
    let metadata = Message::parse(&value.message(8).bytes(8));
    assert_eq!(metadata.message(4).message(2), events[0].message(4), "the graph is that of the run, too");
    metadata
}

/// Microseconds by node; start first, then how long.
fn times(metadata: &Message) -> BTreeMap<String, (i64, i64)> {
    let devices = metadata.message(1).messages(1);
    assert_eq!(devices.len(), 1);
    assert_eq!(devices[0].text(1), "/device:CPU:0");
    let nodes = devices[0].messages(2);
    let times: BTreeMap<String, (i64, i64)> =
        nodes.iter().map(|node| (node.text(1), (node.int(2), node.int(5)))).collect();
    assert_eq!(times.len(), nodes.len(), "a time for each node");
    let names: Vec<String> = metadata.message(4).message(2).messages(1).iter().map(|n| n.text(1)).collect();
    assert!(times.keys().all(|name| names.contains(name)), "{times:?} for {names:?}");
    times
}

#[graph_fn]
fn program(x: &Tensor, w: &Tensor) -> Tensor {
    let mut x = name_scope("dense", || (x.matmul(w) + 1.0).relu());
    while x.sum(..) < 1e6 {
        name_scope("grow", || x = x.matmul(w));
    }
    if x.sum(..) < 0.0 {
        x = name_scope("never", || x.matmul(w).exp());
    }
    x
}

#[test]
fn every_op_that_runs_has_its_time_under_its_name() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_micros() as i64;
    let (x, w) = (Tensor::ones([8, 64], DType::F32), Tensor::ones([64, 64], DType::F32));
    let profile = program::profile(&x, &w);
    let metadata = metadata(&profile);
    let times = times(&metadata);
    let graph = metadata.message(4).message(2);
    let ops: BTreeMap<String, String> =
        graph.messages(1).iter().map(|node| (node.text(1), node.text(2))).collect();
    for (name, op) in &ops {
        let runs = !["Placeholder", "Const", "Return", "LoopVariable"].contains(&op.as_str());
        let is_needed = runs && !name.contains("never/");
        assert_eq!(times.contains_key(name), is_needed, "{name} = {op}: {times:?}");
    }
    let products: Vec<&str> = ops.iter().filter(|(_, op)| *op == "matmul").map(|(name, _)| &**name).collect();
    assert_eq!(products, ["dense/matmul", "program/if/then/never/matmul", "program/while/body/grow/matmul"]);
    assert!(times.values().all(|&(start, time)| start >= now && time >= 1), "{times:?}");
}

#[test]
fn the_times_add_up_to_that_of_the_run() {
    let (x, w) = (Tensor::ones([8, 64], DType::F32), Tensor::ones([64, 64], DType::F32));
    let profile = program::profile(&x, &w);
    let times = times(&metadata(&profile));
    let outermost = profile.steps.iter().filter(|step| step.depth() == 0);
    let expected: f64 = outermost.map(|step| step.time.as_secs_f64() * 1e6).sum();
    let found: i64 = times.values().map(|(_, time)| time).sum();
    // Each figure is rounded up.
    let slack = times.len() as f64;
    assert!(
        (found as f64 - expected) <= slack && (found as f64) >= expected - 1.0,
        "{found} of {expected} µs"
    );
}

#[test]
fn nodes_computed_together_share_the_time() {
    #[graph_fn]
    fn chain(x: &Tensor) -> Tensor {
        name_scope("first", || (x * 2.0).exp()) + name_scope("second", || x.sin())
    }
    let profile = chain::profile(&Tensor::ones([1000], DType::F32));
    assert_eq!(profile.steps.len(), 1, "{profile}");
    let metadata = metadata(&profile);
    let times = times(&metadata);
    assert_eq!(times.len(), profile.steps[0].nodes.len());
    let first = times.values().next().expect("some").1;
    assert!(times.values().all(|&(_, time)| time == first), "{times:?}");
    let label = metadata.message(1).messages(1)[0].messages(2)[0].text(8);
    assert!(label.contains("profile.rs:") && label.contains("a share of the 4"), "{label}");
}
