//! Draws the pictures of the README: a training step's graph as traced, and after the passes.
//!
//! ```text
//! cargo run --example picture -- docs/images
//! ```

use std::path::{Path, PathBuf};

use clap::Parser;
use grafito::nn::sgd_update;
use grafito::prelude::*;

#[derive(Clone, TensorTree)]
struct Line {
    slope: Tensor,
    offset: Tensor,
}

#[graph_fn]
fn predict(line: &Line, x: &Tensor) -> Tensor {
    x * &line.slope + &line.offset
}

#[graph_fn]
fn train_step(line: &mut Line, x: &Tensor, y: &Tensor, lr: f32) -> Tensor {
    let (loss, grads) = value_and_grad(&*line, |line| {
        let error = predict(line, x) - y;
        (&error * &error).mean(..)
    });
    sgd_update(line, &grads, lr);
    loss
}

/// Draws the training step of the README as traced, and after the passes.
#[derive(Parser)]
struct Options {
    /// Where the pictures go
    #[arg(default_value = "docs/images")]
    folder: PathBuf,
}

fn main() -> std::io::Result<()> {
    let Options { folder } = Options::parse();
    let mut line = Line { slope: Tensor::scalar(0.0f32), offset: Tensor::scalar(0.0f32) };
    let (x, y) = (Tensor::from([0.0f32, 1.0, 2.0, 3.0]), Tensor::from([1.0f32, 3.0, 5.0, 7.0]));
    let traced = train_step::graph(&mut line, &x, &y, 0.1);
    let optimized = train_step::optimized(&mut line, &x, &y, 0.1);
    save(&folder, "traced", &traced)?;
    save(&folder, "optimized", &optimized)?;
    println!("{}", train_step::report(&mut line, &x, &y, 0.1));
    Ok(())
}

fn save(folder: &Path, name: &str, graph: &grafito::Graph) -> std::io::Result<()> {
    let path = folder.join(format!("{name}.svg"));
    std::fs::write(&path, graph.to_svg())?;
    println!("{}: {} nodes", path.display(), graph.total_nodes());
    Ok(())
}
