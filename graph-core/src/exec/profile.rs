//! Profiles: how long each step of a plan takes, what it moves, and what it computes.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::time::{Duration, Instant};

use crate::graph::Graph;
use crate::ids::NodeId;
use crate::origin::Origin;
use crate::plan::{Argument, Plan, Step};

/// Spans that are kept for the trace; a loop has many.
const MOST_SPANS: usize = 100_000;

/// What a run notes down about its steps.
pub(super) struct Recorder {
    begin: Instant,
    notes: RefCell<Notes>,
}

#[derive(Default)]
struct Notes {
    /// By the step's address.
    totals: HashMap<usize, Total>,
    /// Step, start, duration.
    spans: Vec<(usize, Duration, Duration)>,
}

/// What a step did in all runs.
#[derive(Clone, Copy, Default)]
struct Total {
    runs: u64,
    time: Duration,
    /// When it first began.
    start: Duration,
}

impl Recorder {
    pub(super) fn new() -> Recorder {
        Recorder { begin: Instant::now(), notes: RefCell::default() }
    }

    pub(super) fn note(&self, step: &Step, start: Instant) {
        let time = start.elapsed();
        let mut notes = self.notes.borrow_mut();
        let key = std::ptr::from_ref(step).addr();
        let since = start - self.begin;
        let total = notes.totals.entry(key).or_insert(Total { start: since, ..Total::default() });
        total.runs += 1;
        total.time += time;
        if notes.spans.len() < MOST_SPANS {
            notes.spans.push((key, since, time));
        }
    }

    pub(super) fn profile(self, plan: &Plan, graph: &Graph, rounds: u32) -> Profile {
        let total = self.begin.elapsed() / rounds;
        let Notes { totals, spans } = self.notes.into_inner();
        let graph = graph.clone();
        let mut profile = Profile { graph, rounds, total, steps: Vec::new(), spans: Vec::new() };
        let mut number_of = HashMap::new();
        profile.add_steps(plan, &mut Vec::new(), &totals, &mut number_of);
        let span = |(key, start, time)| (number_of[&key], start, time);
        profile.spans = spans.into_iter().map(span).collect();
        profile
    }
}

/// Where the time of a plan goes. Displayed as a table, a line for each step, those of regions indented.
#[derive(Debug, Clone)]
pub struct Profile {
    /// What was run: an optimized graph.
    pub graph: Graph,
    /// How often the plan was run.
    pub rounds: u32,
    /// Time of one run.
    pub total: Duration,
    /// Every step, in order, a region's after the step that it belongs to.
    pub steps: Vec<StepProfile>,
    /// Number of the step, when it began after the start of the first run, and how long it took.
    spans: Vec<(usize, Duration, Duration)>,
}

/// What is known of one step.
#[derive(Debug, Clone)]
pub struct StepProfile {
    /// What it does.
    pub name: String,
    /// The nodes that it computes, in order: of the graph, or of the region that it is in.
    pub nodes: Vec<NodeId>,
    /// Where the user wrote it.
    pub origin: Origin,
    /// The regions that it is in, outermost first: each by the node that holds it, and its number among that node's
    /// [regions](crate::NodeKind::regions).
    pub regions: Vec<(NodeId, usize)>,
    /// When it first began, from the start of the first run.
    pub start: Duration,
    /// How often it ran in one run of the plan, on average.
    pub runs: f64,
    /// Its share of one run of the plan; that of a step with regions includes theirs.
    pub time: Duration,
    /// Bytes of operands and results, each time it runs.
    pub bytes: usize,
    /// Arithmetic operations, each time it runs; 0 where that is not known.
    pub flop: u64,
}

impl StepProfile {
    /// In how many regions it is.
    pub fn depth(&self) -> usize {
        self.regions.len()
    }

    /// Arithmetic operations in a second.
    pub fn flop_per_second(&self) -> f64 {
        self.flop as f64 * self.runs / self.time.as_secs_f64().max(1e-12)
    }

    /// Bytes read and written in a second.
    pub fn bytes_per_second(&self) -> f64 {
        self.bytes as f64 * self.runs / self.time.as_secs_f64().max(1e-12)
    }
}

impl Profile {
    fn add_steps(
        &mut self,
        plan: &Plan,
        regions: &mut Vec<(NodeId, usize)>,
        totals: &HashMap<usize, Total>,
        number_of: &mut HashMap<usize, usize>,
    ) {
        for step in &plan.steps {
            let key = std::ptr::from_ref(step).addr();
            let Total { runs, time, start } = totals.get(&key).copied().unwrap_or_default();
            let nodes = step.provenance.nodes.to_vec();
            number_of.insert(key, self.steps.len());
            let arguments = step.arguments.iter().filter_map(|argument| match argument {
                Argument::Slot(slot) => Some(slot),
                Argument::InPlace => step.results.first(),
            });
            let sizes = arguments.chain(&step.results).map(|slot| &slot.fact);
            self.steps.push(StepProfile {
                name: step.provenance.op.clone(),
                nodes: nodes.clone(),
                origin: step.provenance.origin,
                regions: regions.clone(),
                start,
                runs: runs as f64 / f64::from(self.rounds),
                time: time / self.rounds,
                bytes: sizes.filter(|fact| !fact.is_stack()).map(|fact| fact.num_bytes()).sum(),
                flop: step.action.flop(),
            });
            for (number, region) in step.action.regions().into_iter().enumerate() {
                regions.push((nodes[0], number));
                self.add_steps(&region.plan, regions, totals, number_of);
                regions.pop();
            }
        }
    }

    /// The runs as a trace in the format of Chrome's tracing (`chrome://tracing`, Perfetto): JSON.
    ///
    /// # Source
    /// "Trace Event Format", complete events; times in microseconds.
    pub fn chrome_trace(&self) -> String {
        let events = self.spans.iter().map(|&(number, start, time)| {
            let step = &self.steps[number];
            let micros = |time: Duration| time.as_secs_f64() * 1e6;
            format!(
                "{{\"name\":{},\"ph\":\"X\",\"pid\":1,\"tid\":1,\"ts\":{:.3},\"dur\":{:.3},\
                 \"args\":{{\"line\":{},\"bytes\":{},\"flop\":{}}}}}",
                json(&step.name),
                micros(start),
                micros(time),
                json(&step.origin.to_string()),
                step.bytes,
                step.flop
            )
        });
        format!("{{\"traceEvents\":[\n{}\n]}}\n", events.collect::<Vec<_>>().join(",\n"))
    }
}

/// A text as a string of JSON.
fn json(text: &str) -> String {
    let escaped = text.chars().map(|char| match char {
        '"' | '\\' => format!("\\{char}"),
        '\0'..='\x1f' => format!("\\u{:04x}", char as u32),
        _ => char.to_string(),
    });
    format!("\"{}\"", escaped.collect::<String>())
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = |time: Duration| time.as_secs_f64() * 1e6;
        writeln!(f, "{:>10} {:>6} {:>8} {:>8} {:>8}  step", "µs", "%", "runs", "GB/s", "GFLOP/s")?;
        for step in &self.steps {
            let percent = 100.0 * step.time.as_secs_f64() / self.total.as_secs_f64().max(1e-12);
            let (bytes, flop) = (step.bytes_per_second() / 1e9, step.flop_per_second() / 1e9);
            write!(f, "{:>10.2} {percent:>6.1} {:>8.1} {bytes:>8.1} ", micros(step.time), step.runs)?;
            match step.flop {
                0 => write!(f, "{:>8}", "")?,
                _ => write!(f, "{flop:>8.1}")?,
            }
            write!(f, "  {}{}", "  ".repeat(step.depth()), step.name)?;
            let scope = step.origin.name_scope();
            if !scope.is_root() {
                write!(f, " in {scope}")?;
            }
            writeln!(f, " at {}", step.origin)?;
        }
        write!(f, "{:>10.2} µs a run, of {} runs", micros(self.total), self.rounds)
    }
}

#[cfg(test)]
mod tests {
    use super::json;

    #[test]
    fn texts_as_json() {
        assert_eq!(json("a \"b\" \\ \n é \u{200b}"), "\"a \\\"b\\\" \\\\ \\u000a é \u{200b}\"");
    }
}
