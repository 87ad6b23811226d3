//! Which folder the dataset is looked for in.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::super::DatasetError;

/// A folder, and who named it. Whether it holds the dataset is not known yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// The caller named it.
    Given(PathBuf),
    /// The environment variable `MNIST_DIR` names it.
    Environment(PathBuf),
    /// The user's cache folder: the only place that is ever downloaded to.
    Cache(PathBuf),
}

impl Location {
    /// The folder itself.
    pub fn folder(&self) -> &Path {
        match self {
            Location::Given(folder) | Location::Environment(folder) | Location::Cache(folder) => folder,
        }
    }
}

/// Decides where the dataset is looked for: the folder given, else `MNIST_DIR`, else `grafito/mnist` in the user's
/// cache folder.
///
/// The decision does not depend on what the folders hold, so that a misspelt path is an error later on and not a
/// silent download.
///
/// ```
/// use grafito::datasets::mnist::{Location, find};
/// use std::path::Path;
///
/// let location = find(Some(Path::new("data")))?;
/// assert_eq!(location, Location::Given("data".into()));
/// # Ok::<(), grafito::datasets::DatasetError>(())
/// ```
///
/// # Errors
///
/// If nothing names a folder and the user has no cache folder.
pub fn find(given: Option<&Path>) -> Result<Location, DatasetError> {
    let cache = dirs::cache_dir().map(|cache| cache.join("grafito").join("mnist"));
    first_named(given, std::env::var_os("MNIST_DIR"), cache)
}

fn first_named(
    given: Option<&Path>,
    environment: Option<OsString>,
    cache: Option<PathBuf>,
) -> Result<Location, DatasetError> {
    if let Some(folder) = given {
        return Ok(Location::Given(folder.to_owned()));
    }
    // A variable set to nothing counts as not set, as in a shell's `${MNIST_DIR:-…}`.
    match environment {
        Some(folder) if !folder.is_empty() => Ok(Location::Environment(folder.into())),
        _ => cache.map(Location::Cache).ok_or(DatasetError::NoCacheFolder),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_that_names_a_folder_wins() {
        let given = Some(Path::new("given"));
        let environment = || Some(OsString::from("environment"));
        let cache = || Some(PathBuf::from("cache"));

        let found = first_named(given, environment(), cache()).unwrap();
        assert_eq!(found, Location::Given("given".into()));
        let found = first_named(None, environment(), cache()).unwrap();
        assert_eq!(found, Location::Environment("environment".into()));
        let found = first_named(None, Some(OsString::new()), cache()).unwrap();
        assert_eq!(found, Location::Cache("cache".into()));
        let error = first_named(None, None, None).unwrap_err().to_string();
        assert_eq!(error, "no folder was given, MNIST_DIR is not set, and this user has no cache folder");
    }
}
