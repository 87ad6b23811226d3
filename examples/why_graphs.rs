//! Question 2: why graphs, and how to make one by hand; what the passes remove and merge, and what that saves.
//!
//! ```text
//! cargo run --example why_graphs -- pictures
//! ```
//!
//! The graphs are drawn into the folder that is named, else into the system's folder for temporary files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Parser;
use grafito::prelude::*;
use grafito::session::GraphBuilder;
use grafito::{Arena, Array, Changed, Error, Fusion, Graph, Plan, PlanOptions};

/// Written without thinking of speed.
#[graph_fn]
fn score(x: &Tensor) -> Tensor {
    let scale = Tensor::scalar(2.0f32).sqrt() / 2.0; // known before any x: folding
    let _total = x.exp().sum(..); // nobody reads it: dead-node elimination
    let left = (x * &scale).tanh();
    let right = (x * &scale).tanh(); // computed already: common subexpressions
    (left * 3.0 + right * 1.0).mean(-1) // one pass over memory instead of six: fusion
}

/// Shows a graph, what the passes and fusion make of it, and what that saves.
#[derive(Parser)]
struct Options {
    /// Where the graphs are drawn [default: the system's folder for temporary files]
    folder: Option<PathBuf>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = Options::parse().folder.unwrap_or_else(|| std::env::temp_dir().join("grafito-why-graphs"));
    let x = Tensor::random_uniform([1024, 4096], DType::F32, 1).eval();
    let (traced, optimized) = (score::graph(&x), score::optimized(&x));
    println!("As traced:\n{traced}\nAfter the passes:\n{optimized}");
    println!("Passes that changed something:");
    for run in score::report(&x).runs.iter().filter(|run| run.changed == Changed::Yes) {
        println!("  {:<9} {:>2} -> {:>2} nodes", run.pass, run.before, run.after);
    }
    println!("Nodes by kind:");
    let after = kinds(&optimized);
    for (kind, before) in kinds(&traced) {
        println!("  {kind:<9} {before:>2} -> {:>2}", after.get(&kind).unwrap_or(&0));
    }

    // The plan of each: a step is a loop over memory.
    let unfused = PlanOptions { fusion: Fusion::Off, ..PlanOptions::default() };
    let ways = [
        ("as traced", Plan::with_options(&traced, unfused)?),
        ("with the passes", Plan::with_options(&optimized, unfused)?),
        ("with passes and fusion", Plan::new(&optimized)?),
    ];
    println!("Steps of the plan, and memory between them:");
    for (name, plan) in &ways {
        println!("  {name:<23} {:>2} steps, {:>9} bytes", plan.num_steps(), plan.arena_bytes());
    }
    let input = x.try_array()?;
    for ((name, _), time) in ways.iter().zip(fastest(ways.each_ref().map(|(_, plan)| plan), &input)?) {
        println!("time: {name:<23} {:>7.1} µs", time.as_secs_f64() * 1e6);
    }

    // By hand: inputs are declared, operations on them add nodes, a session computes what is asked for. The mean is written
    // as the passes leave it.
    let mut graph = GraphBuilder::new("by hand");
    let input = graph.placeholder("x", DType::F32, [1024, 4096]);
    let curve = (&input * 0.5f32.sqrt()).tanh();
    let means = (&curve * 3.0 + &curve).sum(-1) * (1.0 / 4096.0);
    let same = nodes(&graph.graph()) == nodes(&optimized);
    println!("By hand, with care, the graph has the nodes that the passes arrive at: {same}");
    let by_hand = graph.session().run(&[(&input, &x)], &[&means])[0].to_vec::<f32>();
    let by_function = score(&x).to_vec::<f32>();
    println!("The first mean is {:.4} by hand, {:.4} by the function", by_hand[0], by_function[0]);

    std::fs::create_dir_all(&folder)?;
    save(&folder, "traced", &traced)?;
    save(&folder, "optimized", &optimized)?;
    println!("Drawn into {}", folder.display());
    Ok(())
}

fn kinds(graph: &Graph) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for id in graph.node_ids() {
        *counts.entry(graph.node(id).kind().name().to_owned()).or_default() += 1;
    }
    counts
}

/// The lines of a graph's text between its name and what it returns.
fn nodes(graph: &Graph) -> Vec<String> {
    let text = graph.to_string();
    text.lines().skip(1).filter(|line| !line.trim_start().starts_with("return")).map(str::to_owned).collect()
}

/// The shortest of many runs of each plan, taken in turn, so that a busy machine slows none of them more than others.
fn fastest<const N: usize>(plans: [&Plan; N], input: &Array) -> Result<[Duration; N], Error> {
    const RUNS: usize = 50;
    let mut arenas = plans.map(Arena::new);
    let mut shortest = [Duration::MAX; N];
    for _ in 0..RUNS {
        for ((plan, arena), shortest) in plans.iter().zip(&mut arenas).zip(&mut shortest) {
            let start = Instant::now();
            plan.run(&mut [input.clone()], arena)?;
            *shortest = start.elapsed().min(*shortest);
        }
    }
    Ok(shortest)
}

fn save(folder: &Path, name: &str, graph: &Graph) -> std::io::Result<()> {
    for (extension, text) in [("dot", graph.to_dot()), ("svg", graph.to_svg())] {
        let file = format!("{name}.{extension}");
        std::fs::write(folder.join(&file), text)?;
        println!("  {file}: {} nodes", graph.total_nodes());
    }
    Ok(())
}
