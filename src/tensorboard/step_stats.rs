//! Profiles as TensorBoard reads them: times of nodes.

use std::collections::HashMap;
use std::time::Duration;

use graph_core::{NodeId, Profile, StepProfile};

use super::graph::{DEVICE, Drawn};
use super::messages::{DeviceStats, NodeStats, StepStats};

impl StepStats {
    /// The times of a profile for the nodes of its graph as drawn, from this time on, in seconds since 1970.
    ///
    /// Nodes that are computed together have equal shares of the time of their step. A loop or branch has what is left of
    /// its own when that of its regions is taken away, so that nothing is counted twice.
    pub(super) fn of(profile: &Profile, drawn: &Drawn, begin: Duration) -> StepStats {
        let mut node_stats = Vec::new();
        let inside = times_inside(profile);
        for step in &profile.steps {
            // A branch that was not taken has no time.
            if step.runs == 0.0 {
                continue;
            }
            let nodes: Vec<&String> =
                step.nodes.iter().filter_map(|&id| drawn.name(&step.regions, id)).collect();
            let key = step.nodes.first().map(|&first| (&*step.regions, first));
            let inside = key.and_then(|key| inside.get(&key)).copied().unwrap_or_default();
            let share = step.time.saturating_sub(inside) / nodes.len().max(1) as u32;
            let mut start = begin + step.start;
            for name in nodes {
                node_stats.push(NodeStats {
                    node_name: name.clone(),
                    all_start_micros: start.as_micros() as i64,
                    all_end_rel_micros: whole_micros(share),
                    timeline_label: label(step),
                });
                start += share;
            }
        }
        StepStats { dev_stats: vec![DeviceStats { device: DEVICE.to_owned(), node_stats }] }
    }
}

/// Microseconds, rounded up: 0 would be taken for a node that did not run.
fn whole_micros(time: Duration) -> i64 {
    time.as_nanos().div_ceil(1000).max(1) as i64
}

/// A node with regions, and the regions that it is in itself.
type Holder<'a> = (&'a [(NodeId, usize)], NodeId);

/// The time that was spent in the regions of each node that has some, by where it is.
fn times_inside(profile: &Profile) -> HashMap<Holder<'_>, Duration> {
    let mut times = HashMap::new();
    for step in &profile.steps {
        if let Some((&(holder, _), around)) = step.regions.split_last() {
            *times.entry((around, holder)).or_default() += step.time;
        }
    }
    times
}

fn label(step: &StepProfile) -> String {
    let together = match step.nodes.len() {
        0 | 1 => String::new(),
        count => format!(", a share of the {count} computed together"),
    };
    format!("{} at {}, {:.1} times a run{together}", step.name, step.origin, step.runs)
}
