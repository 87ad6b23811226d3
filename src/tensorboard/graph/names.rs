//! Names of nodes: paths of scopes, each given once.

use std::collections::HashSet;

/// The names given so far.
#[derive(Debug, Default)]
pub(super) struct Names {
    nodes: HashSet<String>,
    scopes: HashSet<String>,
}

impl Names {
    /// A name in a scope (empty, or ending in `/`) that is like `words` and that no node or scope has yet; where one has,
    /// the number, or one above it, is put behind.
    pub(super) fn fresh(&mut self, scope: &str, words: &str, number: usize) -> String {
        // A scope and a node of one name would be drawn as one.
        let name = self.first(scope, words, number, Names::is_new);
        self.add_scopes(&name);
        self.nodes.insert(name.clone());
        name
    }

    /// A scope in a scope that is named like `words`, ending in `/`, and that nothing has opened yet.
    pub(super) fn fresh_scope(&mut self, scope: &str, words: &str) -> String {
        let name = self.first(scope, words, 1, Names::is_new) + "/";
        self.add_scopes(&name);
        name
    }

    /// A scope in a scope that is named like `words`, ending in `/`; others may have opened it, too.
    pub(super) fn scope(&mut self, scope: &str, words: &str) -> String {
        let name = self.first(scope, words, 1, |names, name| !names.nodes.contains(name)) + "/";
        self.add_scopes(&name);
        name
    }

    fn is_new(&self, name: &str) -> bool {
        !self.nodes.contains(name) && !self.scopes.contains(name)
    }

    fn first(
        &self,
        scope: &str,
        words: &str,
        number: usize,
        is_free: impl Fn(&Names, &str) -> bool,
    ) -> String {
        let wanted = format!("{scope}{}", path(words));
        let numbered = (number..).map(|number| format!("{wanted}_{number}"));
        let mut names = std::iter::once(wanted.clone()).chain(numbered);
        names.find(|name| is_free(self, name)).expect("there is no end of numbers")
    }

    fn add_scopes(&mut self, name: &str) {
        let scopes = name.match_indices('/').map(|(end, _)| name[..end].to_owned());
        self.scopes.extend(scopes);
    }
}

/// `net.layers[0].w` as scopes: `net/layers/0/w`. What a name cannot have in TensorFlow becomes `_`.
fn path(words: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let segments = words.split(['.', '[', ']', '/']).filter(|segment| !segment.is_empty());
    let plain =
        |segment: &str| -> String { segment.chars().map(|c| if is_plain(c) { c } else { '_' }).collect() };
    let path = segments.map(plain).collect::<Vec<_>>().join("/");
    if path.is_empty() { "unnamed".to_owned() } else { path }
}

#[cfg(test)]
mod tests {
    use super::Names;

    #[test]
    fn paths_become_scopes_and_no_name_is_given_twice() {
        let mut names = Names::default();
        let given: Vec<String> =
            ["net.layers[0].w", "net.layers[0].w", "net", "add", "add", "add_1", "λ x", "[]"]
                .iter()
                .map(|words| names.fresh("", words, 1))
                .collect();
        let expected =
            ["net/layers/0/w", "net/layers/0/w_1", "net_1", "add", "add_1", "add_1_1", "__x", "unnamed"];
        assert_eq!(given, expected);
        assert_eq!(names.fresh("predict/", "add", 1), "predict/add");
        assert_eq!(names.fresh("", "predict", 7), "predict_7");
    }

    #[test]
    fn scopes_are_shared_but_not_with_a_node() {
        let mut names = Names::default();
        assert_eq!((names.scope("", "dense"), names.scope("", "dense")), ("dense/".into(), "dense/".into()));
        assert_eq!(names.fresh("dense/", "matmul", 3), "dense/matmul");
        assert_eq!(names.fresh("", "dense", 3), "dense_3");
        assert_eq!(names.fresh("", "loss", 4), "loss");
        assert_eq!(names.scope("", "loss"), "loss_1/");
        assert_eq!(names.scope("dense/", "matmul"), "dense/matmul_1/");
    }
}
