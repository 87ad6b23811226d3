//! Pipelines: an ordered list of passes, run until nothing changes, with a report of what each did.

use std::fmt;
use std::time::{Duration, Instant};

use super::rebuild::Changed;
use crate::error::Error;
use crate::graph::Graph;
use crate::verify::verify_after;

/// A pass with its name.
pub struct Pass {
    name: &'static str,
    #[expect(clippy::type_complexity, reason = "it is the signature of a pass")]
    run: Box<dyn Fn(&mut Graph) -> Result<Changed, Error> + Send + Sync>,
}

impl Pass {
    /// A pass from its function.
    pub fn new(
        name: &'static str,
        run: impl Fn(&mut Graph) -> Result<Changed, Error> + Send + Sync + 'static,
    ) -> Pass {
        Pass { name, run: Box::new(run) }
    }

    /// The name in errors and reports.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Runs the pass once. In debug builds the graph is verified afterwards.
    ///
    /// # Errors
    /// [`Error::Pass`], naming the pass, when it leaves a graph that breaks the rules of the IR.
    pub fn run(&self, graph: &mut Graph) -> Result<Changed, Error> {
        let changed = (self.run)(graph)?;
        if cfg!(debug_assertions) && changed == Changed::Yes {
            verify_after(self.name, graph)?;
        }
        Ok(changed)
    }
}

impl fmt::Debug for Pass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pass").field(&self.name).finish()
    }
}

/// An ordered list of passes.
#[derive(Debug)]
pub struct Pipeline(Vec<Pass>);

/// Rounds after which a pipeline stops even if something still changes. Each level of what one pass uncovers for
/// another takes a round; programs need two or three.
const MAX_ROUNDS: usize = 10;

impl Pipeline {
    /// A pipeline of these passes, in this order.
    pub fn new(passes: impl Into<Vec<Pass>>) -> Pipeline {
        Pipeline(passes.into())
    }

    /// The passes, in order.
    pub fn passes(&self) -> &[Pass] {
        &self.0
    }

    /// Runs the passes in order, over and over, until none of them changes anything.
    ///
    /// # Errors
    /// That of the first pass that fails.
    pub fn run(&self, graph: &mut Graph) -> Result<Report, Error> {
        let mut report = Report { runs: Vec::new() };
        let mut nodes = graph.total_nodes();
        // How many passes in a row, up to now, left the graph as it is.
        let mut idle = 0;
        if cfg!(debug_assertions) {
            verify_after("before the first", graph)?;
        }
        for pass in self.0.iter().cycle().take(self.0.len() * MAX_ROUNDS) {
            let start = Instant::now();
            let changed = pass.run(graph)?;
            let time = start.elapsed();
            let before = nodes;
            idle += 1;
            if changed == Changed::Yes {
                nodes = graph.total_nodes();
                idle = 0;
            }
            report.runs.push(PassRun { pass: pass.name, before, after: nodes, changed, time });
            // A pass is idempotent, so the one that changed something last need not be run again.
            if idle + 1 >= self.0.len() && report.runs.len() >= self.0.len() {
                break;
            }
        }
        Ok(report)
    }
}

/// What one run of a pass did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PassRun {
    /// Name of the pass.
    pub pass: &'static str,
    /// Nodes before, those in regions included.
    pub before: usize,
    /// Nodes after.
    pub after: usize,
    /// Whether it changed anything.
    pub changed: Changed,
    /// Time it took, in debug builds with that of the verifier.
    pub time: Duration,
}

/// What a pipeline did to a graph. Displayed as a table, one row a pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Every run, in order.
    pub runs: Vec<PassRun>,
}

impl Report {
    /// Nodes before the first pass, those in regions included.
    pub fn nodes_before(&self) -> usize {
        self.runs.first().map_or(0, |run| run.before)
    }

    /// Nodes after the last.
    pub fn nodes_after(&self) -> usize {
        self.runs.last().map_or(0, |run| run.after)
    }

    /// Whether any pass changed anything.
    pub fn changed(&self) -> Changed {
        if self.runs.iter().any(|run| run.changed == Changed::Yes) { Changed::Yes } else { Changed::No }
    }

    /// Time of all passes together.
    pub fn time(&self) -> Duration {
        self.runs.iter().map(|run| run.time).sum()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = |time: Duration| time.as_secs_f64() * 1e6;
        writeln!(f, "{:<12} {:>5} {:>8} {:>8} {:>10}", "pass", "runs", "changed", "nodes", "µs")?;
        let mut names: Vec<&str> = Vec::new();
        for run in &self.runs {
            if !names.contains(&run.pass) {
                names.push(run.pass);
            }
        }
        for name in names {
            let runs: Vec<&PassRun> = self.runs.iter().filter(|run| run.pass == name).collect();
            let changed = runs.iter().filter(|run| run.changed == Changed::Yes).count();
            let nodes: i64 = runs.iter().map(|run| run.after as i64 - run.before as i64).sum();
            let time = micros(runs.iter().map(|run| run.time).sum());
            writeln!(f, "{name:<12} {:>5} {changed:>8} {nodes:>+8} {time:>10.1}", runs.len())?;
        }
        let (before, after) = (self.nodes_before(), self.nodes_after());
        write!(f, "nodes {before} -> {after}, {:.1} µs", micros(self.time()))
    }
}
