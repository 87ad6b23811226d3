//! TensorBoard itself reads, serves and shows what is logged.
//!
//! These tests need a Python with the packages of `requirements.txt`, named by `TENSORBOARD_PYTHON`:
//!
//! ```text
//! TENSORBOARD_PYTHON=venv/bin/python cargo test --test tensorboard -- --ignored
//! ```

use std::fs;
use std::path::Path;
use std::process::Command;

use grafito::prelude::*;
use grafito::tensorboard::Writer;

use crate::reader::{Message, events_of, value};

/// Runs a check of `check.py`, and shows what it prints where it fails.
fn check(arguments: &[&Path]) {
    let python = std::env::var_os("TENSORBOARD_PYTHON").expect("TENSORBOARD_PYTHON names a Python");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tensorboard/check.py");
    let output = Command::new(python).arg(script).args(arguments).output().expect("a Python");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    println!("{}", text(&output.stdout));
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

#[graph_fn]
fn slope_of_sum(xs: &Tensor) -> Tensor {
    grad(xs, |xs| {
        let mut sum = Tensor::scalar(0.0f32);
        for x in xs {
            sum = &sum * &x + x;
        }
        sum
    })
}

/// What is logged, and the same as lines for the check.
struct Twice<'a> {
    log: Writer,
    run: &'a str,
    lines: &'a mut Vec<String>,
}

impl<'a> Twice<'a> {
    fn new(folder: &Path, run: &'a str, lines: &'a mut Vec<String>) -> Twice<'a> {
        Twice { log: Writer::create(folder.join(run)).expect("a log"), run, lines }
    }

    fn line(&mut self, line: &str) {
        self.lines.push(format!("{}\t{line}", self.run));
    }

    fn scalar(&mut self, tag: &str, step: usize, number: f32) {
        self.log.scalar(tag, step, number);
        self.line(&format!("scalar\t{tag}\t{step}\t{}", number.to_bits()));
    }

    /// The nodes come from the log: `graphs.rs` checks those.
    fn graph(&mut self, tag: &str, graph: &grafito::Graph, is_first: bool) {
        self.log.graph(tag, graph);
        self.nodes(tag, is_first);
    }

    /// So do the times: `profile.rs` checks those.
    fn profile(&mut self, tag: &str, profile: &grafito::Profile) {
        self.log.profile(tag, profile);
        let metadata = self.nodes(tag, false);
        for node in metadata.message(1).messages(1)[0].messages(2) {
            let (name, start, time) = (node.text(1), node.int(2), node.int(5));
            self.line(&format!("time\t{tag}\t{name}\t{start}\t{time}"));
        }
    }

    fn nodes(&mut self, tag: &str, is_first: bool) -> Message {
        self.log.flush().expect("a log");
        let events = events_of(self.log.path().expect("a file"));
        let (_, last) = value(events.last().expect("the graph"));
        let metadata = Message::parse(&last.message(8).bytes(8));
        let graph = metadata.message(4).message(2);
        for node in graph.messages(1) {
            let inputs: String = node.texts(3).iter().map(|input| format!("\t{input}")).collect();
            let node = format!("{}\t{}{inputs}", node.text(1), node.text(2));
            self.line(&format!("node\t{tag}\t{node}"));
            if is_first {
                self.line(&format!("node\t\t{node}"));
            }
        }
        metadata
    }
}

#[test]
#[ignore = "needs TensorBoard: TENSORBOARD_PYTHON"]
fn every_tag_and_value_comes_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let (folder, expected) = (folder.path().join("logs"), folder.path().join("expected"));
    let mut lines = Vec::new();

    let mut all = Twice::new(&folder, "all", &mut lines);
    for step in 0..300 {
        all.scalar("loss/train", step, 1.0 / (1 + step) as f32 / 4.0f32.powi(step as i32 % 8));
    }
    all.scalar("größe", 1 << 40, -0.5);
    // Values that f64 and decimals give exactly: 30 buckets of width 1 and 0.25.
    for (step, scale) in [(3, 1.0f32), (7, 0.25)] {
        let ramp: Vec<f32> = (0..=30).map(|i| i as f32 * scale).collect();
        all.log.histogram("weights", step, &Tensor::from_slice([31], &ramp));
        let (sum, squares) = (465.0 * scale, 9455.0 * scale * scale);
        let buckets = "\t1".repeat(29);
        let range = format!("0\t{}\t31", 30.0 * scale);
        all.line(&format!("histogram\tweights\t{step}\t{range}\t{sum}\t{squares}{buckets}\t2"));
    }
    all.log.histogram("same", 0, &Tensor::full([5], 2.0f32));
    all.line("histogram\tsame\t0\t2\t2\t5\t10\t20\t5");
    all.log.histogram("nothing", 0, &Tensor::from([f32::NAN]));
    all.line("histogram\tnothing\t0\t0\t0\t0\t0\t0");
    for (mode, channels) in [("L", 1), ("RGB", 3), ("RGBA", 4)] {
        let bytes: Vec<u8> = (0..6 * channels as u8).map(|byte| byte * 10).collect();
        all.log.image(mode, 1, &Tensor::from_slice([2, 3, channels], &bytes));
        let pixels: String = bytes.iter().map(|byte| format!("\t{byte}")).collect();
        all.line(&format!("image\t{mode}\t1\t{mode}\t3\t2{pixels}"));
    }
    all.log.text("notes", 2, "**größer** & <b>");
    all.line("text\tnotes\t2\t**größer** & <b>");
    all.log.hyperparameters([("rate", 0.1f32.into()), ("optimizer", "sgd".into()), ("batch", 32.into())]);
    for line in ["rate\t0.1", "optimizer\tsgd", "batch\t32"] {
        all.line(&format!("hyperparameter\t{line}"));
    }
    let n = Tensor::scalar(27i64);
    all.graph("steps/traced", &steps::graph(&n), true);
    all.graph("steps/optimized", &steps::optimized(&n), false);
    all.profile("steps/profile", &steps::profile(&n));
    all.line("end\t1");
    drop(all);

    // A file whose last record is not whole.
    let mut cut = Twice::new(&folder, "cut", &mut lines);
    for step in 0..50 {
        cut.scalar("loss", step, 1.0);
    }
    let path = cut.log.path().expect("a file").to_owned();
    drop(cut);
    let bytes = fs::read(&path).expect("a log");
    fs::write(&path, &bytes[..bytes.len() - 7]).expect("a log");
    lines.pop();

    // Two writers at once, and a run within a run.
    let (mut more, mut others) = (Vec::new(), Vec::new());
    let mut first = Twice::new(&folder, "all/two", &mut more);
    let mut second = Twice::new(&folder, "all/two", &mut others);
    for step in 0..50 {
        first.scalar("first", step, step as f32);
        second.scalar("second", step, step as f32);
    }
    drop((first, second));
    lines.extend(more);
    lines.extend(others);

    fs::write(&expected, lines.join("\n") + "\n").expect("a file");
    check(&["values".as_ref(), &folder, &expected]);
}

#[test]
#[ignore = "needs TensorBoard: TENSORBOARD_PYTHON"]
fn pages_show_curves_histograms_and_graphs_with_loops() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = Writer::create(folder.path().join("run")).expect("a log");
    for step in 0..10 {
        log.scalar("loss", step, 1.0 / (1 + step) as f64);
        log.histogram("weights", step, &Tensor::random_uniform([100], DType::F32, step as i64));
        // More groups of cards than the page opens by itself, and one of more than a page of them.
        for layer in 0..5 {
            log.scalar(&format!("layer-{layer}/norm"), step, f64::from(layer));
            log.histogram(&format!("layer-{layer}/bias"), step, &Tensor::ones([4], DType::F32));
        }
        for class in 0..14 {
            log.scalar(&format!("recall/class-{class:02}"), step, step as f64);
        }
    }
    log.graph("steps", &steps::graph(&Tensor::scalar(27i64)));
    log.graph("slope/traced", &slope_of_sum::graph(&Tensor::ones([4], DType::F32)));
    log.graph("slope/optimized", &slope_of_sum::optimized(&Tensor::ones([4], DType::F32)));
    log.profile("slope/profile", &slope_of_sum::profile(&Tensor::ones([1000], DType::F32)));
    drop(log);
    check(&["pages".as_ref(), folder.path()]);
}
