//! Trees of tensors in files: each leaf under its path.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use grafito::{Tensor, TensorTree};

use super::super::named::named_leaves;
use super::error::{CheckpointError, CheckpointProblem};
use super::format::Contents;
use super::replace::replace_file;

/// Writes the leaves of a tree to a safetensors file, each under its path: `layers/0/kernel`, … The file is replaced as a
/// whole, or not at all.
///
/// ```
/// use grafito::nn::{load_tree, save_tree};
/// use grafito::prelude::*;
///
/// #[derive(Clone, TensorTree)]
/// struct Line { slope: Tensor, offset: Tensor }
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("line.safetensors");
/// save_tree(&path, &Line { slope: Tensor::scalar(2.0f32), offset: Tensor::scalar(1.0f32) })?;
/// let mut line = Line { slope: Tensor::scalar(0.0f32), offset: Tensor::scalar(0.0f32) };
/// load_tree(&path, &mut line)?;
/// assert_eq!(line.slope.item::<f32>(), 2.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// When the file cannot be written.
///
/// # Source
/// The state dict of PyTorch; <https://github.com/huggingface/safetensors>.
pub fn save_tree<T: TensorTree>(path: impl AsRef<Path>, tree: &T) -> Result<(), CheckpointError> {
    let path = path.as_ref();
    let contents = collect([("", named_leaves(tree))]).map(|tensors| Contents { tensors, description: None });
    contents.and_then(|contents| write(path, &contents)).map_err(CheckpointError::at(path))
}

/// Gives the leaves of a tree what [`save_tree`] wrote. Where a name, dtype or shape differs, nothing is changed.
///
/// # Errors
/// When the file cannot be read, is no whole safetensors file, or does not fit the tree; the error says what differs.
pub fn load_tree<T: TensorTree>(path: impl AsRef<Path>, tree: &mut T) -> Result<(), CheckpointError> {
    let path = path.as_ref();
    let restored = read(path).and_then(|contents| {
        let mut tensors = contents.tensors;
        let mut differences = Vec::new();
        let found = take(tree, "", &mut tensors, &mut differences);
        unless_fitting(differences, &tensors)?;
        fill(tree, found);
        Ok(())
    });
    restored.map_err(CheckpointError::at(path))
}

/// All leaves of some trees, each tree's under a prefix.
pub(super) fn collect<const N: usize>(
    trees: [(&str, Vec<(String, Tensor)>); N],
) -> Result<BTreeMap<String, Tensor>, CheckpointProblem> {
    let mut tensors = BTreeMap::new();
    for (prefix, leaves) in trees {
        for (name, tensor) in leaves {
            let name = format!("{prefix}{name}");
            if tensors.insert(name.clone(), tensor).is_some() {
                return Err(CheckpointProblem::SameName(name));
            }
        }
    }
    Ok(tensors)
}

/// Takes what belongs to the leaves of a tree out of a file's tensors; says what is missing or different.
pub(super) fn take<T: TensorTree>(
    tree: &T,
    prefix: &str,
    tensors: &mut BTreeMap<String, Tensor>,
    differences: &mut Vec<String>,
) -> Vec<Tensor> {
    let mut found = Vec::new();
    for (name, leaf) in named_leaves(tree) {
        let name = format!("{prefix}{name}");
        match tensors.remove(&name) {
            Some(tensor) if tensor.fact() == leaf.fact() => found.push(tensor),
            Some(tensor) => {
                let (here, there) = (leaf.fact(), tensor.fact());
                differences.push(format!("`{name}` is {here} here and {there} in the file"));
            }
            None => differences.push(format!("`{name}` is not in the file")),
        }
    }
    found
}

/// Fails when something differed, or the file has tensors that nothing asked for.
pub(super) fn unless_fitting(
    mut differences: Vec<String>,
    left: &BTreeMap<String, Tensor>,
) -> Result<(), CheckpointProblem> {
    differences.extend(left.keys().map(|name| format!("`{name}` is in the file and not here")));
    if differences.is_empty() { Ok(()) } else { Err(CheckpointProblem::Differs(differences)) }
}

/// Gives a tree its leaves.
pub(super) fn fill<T: TensorTree>(tree: &mut T, leaves: Vec<Tensor>) {
    let mut leaves = leaves.into_iter();
    tree.for_each_leaf_mut(&mut |leaf| {
        let origin = leaf.origin();
        *leaf = leaves.next().expect("a tensor for each leaf").with_origin(origin);
    });
}

pub(super) fn write(path: &Path, contents: &Contents) -> Result<(), CheckpointProblem> {
    let bytes = contents.encode()?;
    replace_file(path, |file| file.write_all(&bytes))
        .map_err(|reason| CheckpointProblem::Io { action: "write", reason })
}

pub(super) fn read(path: &Path) -> Result<Contents, CheckpointProblem> {
    let failed = |reason| CheckpointProblem::Io { action: "read", reason };
    if !fs::metadata(path).map_err(failed)?.is_file() {
        return Err(CheckpointProblem::NoFile);
    }
    Contents::decode(&fs::read(path).map_err(failed)?)
}
