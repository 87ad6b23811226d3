//! The leaves of a tree by name: paths with `/` between their steps.

use grafito::{Fixed, Segment, Tensor, TensorTree, TreeVisitor};

/// The leaves of a tree with their paths, in order: `layers/0/kernel`, …
pub(super) fn named_leaves<T: TensorTree>(tree: &T) -> Vec<(String, Tensor)> {
    #[derive(Default)]
    struct Leaves {
        path: Vec<String>,
        found: Vec<(String, Tensor)>,
    }
    impl TreeVisitor for Leaves {
        fn leaf(&mut self, tensor: &Tensor) {
            self.found.push((self.path.join("/"), tensor.clone()));
        }
        fn fixed(&mut self, _: &dyn Fixed) {}
        fn enter(&mut self, segment: Segment<'_>) {
            self.path.push(match segment {
                Segment::Field(name) => name.to_owned(),
                Segment::Index(index) => index.to_string(),
            });
        }
        fn leave(&mut self) {
            self.path.pop();
        }
    }
    let mut leaves = Leaves::default();
    tree.visit(&mut leaves);
    leaves.found
}
