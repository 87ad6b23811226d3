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
/// assert_eq!(query.names(), ["encoder", "attention", "query"]);
/// assert_eq!(query, NameScope::ROOT.within("encoder/attention/query"));
/// ```
#[derive(Clone, Copy)]
pub struct NameScope(&'static Segment);

/// A name within a path.
struct Segment {
    /// The path before it; `None` for the empty path.
    parent: Option<NameScope>,
    name: &'static str,
    inner: Mutex<BTreeMap<&'static str, NameScope>>,
}

static ROOT: Segment = Segment { parent: None, name: "", inner: Mutex::new(BTreeMap::new()) };

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
        name.split('/').filter(|name| !name.is_empty()).fold(self, NameScope::child)
    }

    /// The scope at this path in this one.
    #[must_use]
    pub fn join(self, inner: NameScope) -> NameScope {
        match inner.0.parent {
            None => self,
            Some(_) if self == NameScope::ROOT => inner,
            Some(parent) => self.join(parent).child(inner.0.name),
        }
    }

    fn child(self, name: &str) -> NameScope {
        let mut inner = self.0.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(&known) = inner.get(name) {
            return known;
        }
        let name: &'static str = Box::leak(name.into());
        let segment = Segment { parent: Some(self), name, inner: Mutex::new(BTreeMap::new()) };
        let scope = NameScope(Box::leak(Box::new(segment)));
        inner.insert(name, scope);
        scope
    }

    /// Whether this is the empty path.
    pub fn is_root(self) -> bool {
        self.0.parent.is_none()
    }

    /// The names of the path, outermost first.
    pub fn names(self) -> Vec<&'static str> {
        let mut names = match self.0.parent {
            None => return Vec::new(),
            Some(parent) => parent.names(),
        };
        names.push(self.0.name);
        names
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

impl PartialEq for NameScope {
    fn eq(&self, other: &NameScope) -> bool {
        std::ptr::eq(self.0, other.0)
    }
}

impl Eq for NameScope {}

impl Hash for NameScope {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        std::ptr::from_ref(self.0).hash(hasher);
    }
}

impl fmt::Display for NameScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.0.parent.filter(|parent| !parent.is_root()) {
            write!(f, "{parent}/")?;
        }
        f.write_str(self.0.name)
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
        assert_eq!(inner.names(), ["encoder", "attention", "query"]);
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
