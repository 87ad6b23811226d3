//! Name scopes: which part of a program an operation belongs to.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Mutex, PoisonError};

/// A path of names, such as `encoder/attention`, of the parts of a program that made a node: its layers and functions.
///
/// It is for people alone. No result, no signature and no pass depends on it; two nodes that differ in nothing else are
/// the same. The scope of a node is relative to the graph that it stands in, so that a function which is called in two
/// places has one graph.
///
/// Each path is kept once, for the life of the program; so a scope is a pointer that is copied.
///
/// ```
/// use graph_core::NameScope;
///
/// let query = NameScope::ROOT.within("encoder").within("attention/query");
/// assert!(query.names().eq(["encoder", "attention", "query"]));
/// assert_eq!(query, NameScope::ROOT.within("encoder/attention/query"));
/// ```
#[derive(Clone, Copy)]
pub struct NameScope(&'static String);

static ROOT: String = String::new();

/// All paths there are.
static PATHS: Mutex<BTreeMap<&'static str, NameScope>> = Mutex::new(BTreeMap::new());

thread_local! {
    static CURRENT: Cell<NameScope> = const { Cell::new(NameScope::ROOT) };
}

impl NameScope {
    /// The empty path: what is in no scope.
    pub const ROOT: NameScope = NameScope(&ROOT);

    /// The innermost scope that this thread is in.
    pub(crate) fn current() -> NameScope {
        CURRENT.get()
    }

    /// Makes this the innermost scope of this thread, until what is returned is dropped.
    pub(crate) fn enter(self) -> InScope {
        InScope(CURRENT.replace(self))
    }

    /// The scope of this name in this one. A name with slashes is a path, each name a scope in the one before it.
    #[must_use]
    pub fn within(self, name: &str) -> NameScope {
        let mut path = self.0.clone();
        for name in name.split('/').filter(|name| !name.is_empty()) {
            if !path.is_empty() {
                path.push('/');
            }
            path.push_str(name);
        }
        NameScope::at(path)
    }

    /// The scope at this path in this one.
    #[must_use]
    pub fn join(self, inner: NameScope) -> NameScope {
        match (self.is_root(), inner.is_root()) {
            (true, _) => inner,
            (_, true) => self,
            _ => self.within(inner.0),
        }
    }

    fn at(path: String) -> NameScope {
        if path.is_empty() {
            return NameScope::ROOT;
        }
        let mut paths = PATHS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(&known) = paths.get(&*path) {
            return known;
        }
        let path: &'static String = Box::leak(Box::new(path));
        paths.insert(path, NameScope(path));
        NameScope(path)
    }

    /// Whether this is the empty path.
    pub fn is_root(self) -> bool {
        self.0.is_empty()
    }

    /// The names of the path, outermost first.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        self.0.split('/').filter(|name| !name.is_empty())
    }
}

// Each path is kept once, so where it is says which it is.
impl PartialEq for NameScope {
    fn eq(&self, other: &NameScope) -> bool {
        std::ptr::eq(self.0, other.0)
    }
}

impl Eq for NameScope {}

impl Hash for NameScope {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::ptr::from_ref(self.0).hash(state);
    }
}

/// Ends a scope when it is dropped.
#[derive(Debug)]
#[must_use = "the scope is current only while this lives"]
pub(crate) struct InScope(NameScope);

impl Drop for InScope {
    fn drop(&mut self) {
        CURRENT.set(self.0);
    }
}

impl Default for NameScope {
    /// The empty path.
    fn default() -> NameScope {
        NameScope::ROOT
    }
}

impl fmt::Display for NameScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Debug for NameScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::NameScope;

    #[test]
    fn a_path_is_kept_once() {
        let outer = NameScope::ROOT.within("encoder");
        let inner = outer.within("attention/query");
        assert_eq!(inner, NameScope::ROOT.within("/encoder//attention/").within("query"));
        assert_eq!(inner.to_string(), "encoder/attention/query");
        assert!(inner.names().eq(["encoder", "attention", "query"]));
        assert!(std::ptr::eq(inner.0, outer.within("attention").within("query").0));
        assert_ne!(inner, outer.within("query"));
        assert!(NameScope::ROOT.within("").is_root() && NameScope::ROOT.to_string().is_empty());
    }

    #[test]
    fn paths_are_joined() {
        let (a, b) = (NameScope::ROOT.within("a/b"), NameScope::ROOT.within("c/d"));
        assert_eq!(a.join(b), NameScope::ROOT.within("a/b/c/d"));
        assert_eq!((a.join(NameScope::ROOT), NameScope::ROOT.join(b)), (a, b));
    }

    #[test]
    fn a_scope_ends_when_it_is_left_also_by_a_panic() {
        let scope = NameScope::ROOT.within("outer");
        let panicked = std::panic::catch_unwind(|| {
            let _outer = scope.enter();
            let _inner = scope.within("inner").enter();
            assert_eq!(NameScope::current().to_string(), "outer/inner");
            panic!("on purpose");
        });
        assert!(panicked.is_err() && NameScope::current().is_root());
    }
}
