//! The cache of a function's traces: bounded, least recently used first out, every miss explained.

use std::any::TypeId;
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::Arc;

use super::Arguments;
use super::concrete::ConcreteFunction;

/// How many signatures a function keeps.
const CAPACITY: usize = 64;
/// How many explanations of misses are kept.
const EXPLANATIONS: usize = 32;
/// How many traces in a row, without a hit between them, call for a warning.
const SUSPICIOUS_MISSES: usize = 8;

#[derive(Debug, Default)]
pub(super) struct Cache {
    entries: HashMap<u64, Vec<Entry>>,
    len: usize,
    clock: u64,
    hits: u64,
    misses: u64,
    misses_in_a_row: usize,
    evictions: u64,
    has_warned: bool,
    explanations: VecDeque<String>,
    latest: Option<Arc<ConcreteFunction>>,
}

#[derive(Debug)]
struct Entry {
    concrete: Arc<ConcreteFunction>,
    last_used: u64,
}

/// What a function's cache holds and has seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheInfo {
    /// Name of the function.
    pub function: String,
    /// The signatures held, most recently used first.
    pub signatures: Vec<String>,
    /// Calls that found their trace.
    pub hits: u64,
    /// Calls that had to trace.
    pub misses: u64,
    /// Traces dropped because the cache was full.
    pub evictions: u64,
    /// Why the latest misses were misses, oldest first.
    pub explanations: Vec<String>,
}

impl Cache {
    pub(super) fn find(
        &mut self,
        hash: u64,
        id: TypeId,
        arguments: &impl Arguments,
    ) -> Option<Arc<ConcreteFunction>> {
        self.clock += 1;
        let entries = self.entries.get_mut(&hash)?;
        let entry = entries.iter_mut().find(|entry| entry.concrete.signature().matches(id, arguments))?;
        entry.last_used = self.clock;
        self.hits += 1;
        self.misses_in_a_row = 0;
        let found = entry.concrete.clone();
        self.latest = Some(found.clone());
        Some(found)
    }

    /// Keeps a new trace, and drops the least recently used one where there are too many. Where another thread has
    /// made the same trace meanwhile, that one stays.
    pub(super) fn insert(
        &mut self,
        function: &str,
        hash: u64,
        concrete: ConcreteFunction,
    ) -> Arc<ConcreteFunction> {
        let same = |entry: &&Entry| entry.concrete.signature().same(concrete.signature());
        if let Some(entry) = self.entries.get(&hash).and_then(|entries| entries.iter().find(same)) {
            self.misses += 1;
            let found = entry.concrete.clone();
            self.explain("the same arguments, traced by another thread at the same time".to_owned());
            return found;
        }
        let reason = match &self.latest {
            None => "the first call".to_owned(),
            Some(latest) => concrete.signature().difference_from(latest.signature()),
        };
        self.misses += 1;
        self.misses_in_a_row += 1;
        self.explain(reason.clone());
        if self.len == CAPACITY {
            self.evict();
        }
        if self.misses_in_a_row >= SUSPICIOUS_MISSES && !self.has_warned {
            self.has_warned = true;
            let count = self.misses_in_a_row;
            eprintln!("warning: the last {count} calls of `{function}` were each traced anew: {reason}");
        }
        let concrete = Arc::new(concrete);
        self.latest = Some(concrete.clone());
        self.entries
            .entry(hash)
            .or_default()
            .push(Entry { concrete: concrete.clone(), last_used: self.clock });
        self.len += 1;
        concrete
    }

    pub(super) fn info(&self, function: &str) -> CacheInfo {
        let mut entries: Vec<&Entry> = self.entries.values().flatten().collect();
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.last_used));
        CacheInfo {
            function: function.to_owned(),
            signatures: entries.iter().map(|entry| entry.concrete.signature().to_string()).collect(),
            hits: self.hits,
            misses: self.misses,
            evictions: self.evictions,
            explanations: self.explanations.iter().cloned().collect(),
        }
    }

    fn explain(&mut self, reason: String) {
        if self.explanations.len() == EXPLANATIONS {
            self.explanations.pop_front();
        }
        self.explanations.push_back(reason);
    }

    fn evict(&mut self) {
        let oldest = self.entries.iter().flat_map(|(hash, entries)| {
            entries.iter().enumerate().map(move |(i, entry)| (entry.last_used, *hash, i))
        });
        let Some((_, hash, index)) = oldest.min() else { return };
        let entries = self.entries.get_mut(&hash).expect("found above");
        entries.remove(index);
        if entries.is_empty() {
            self.entries.remove(&hash);
        }
        self.len -= 1;
        self.evictions += 1;
    }
}

impl fmt::Display for CacheInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let CacheInfo { function, signatures, hits, misses, evictions, explanations } = self;
        let plural = |number: u64, ending: &'static str| if number == 1 { "" } else { ending };
        let traces = signatures.len();
        write!(f, "`{function}`: {traces} trace{}", plural(traces as u64, "s"))?;
        write!(f, ", {hits} hit{}, {misses} miss{}", plural(*hits, "s"), plural(*misses, "es"))?;
        if *evictions > 0 {
            write!(f, ", {evictions} evicted")?;
        }
        for signature in signatures {
            write!(f, "\n  ({signature})")?;
        }
        for explanation in explanations {
            write!(f, "\n  miss: {explanation}")?;
        }
        Ok(())
    }
}
