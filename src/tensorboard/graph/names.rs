//! Names of nodes: paths of scopes, each given once.

use std::collections::HashSet;

/// The names given so far, those of scopes included.
#[derive(Debug, Default)]
pub(super) struct Names {
    taken: HashSet<String>,
}

impl Names {
    /// A name in a scope (empty, or ending in `/`) that is like `words` and that nothing has yet; where something has, the
    /// number, or one above it, is put behind.
    pub(super) fn fresh(&mut self, scope: &str, words: &str, number: usize) -> String {
        let wanted = format!("{scope}{}", path(words));
        let numbered = (number..).map(|number| format!("{wanted}_{number}"));
        let mut names = std::iter::once(wanted.clone()).chain(numbered);
        let name = names.find(|name| !self.taken.contains(name)).expect("there is no end of numbers");
        // A scope and a node of one name would be drawn as one.
        let scopes = name.match_indices('/').map(|(end, _)| name[..end].to_owned());
        self.taken.extend(scopes);
        self.taken.insert(name.clone());
        name
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
}
