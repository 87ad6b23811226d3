//! What an example wants: the dataset if it can be had, else digits drawn here, and a word on which it is.

use std::path::{Path, PathBuf};

use super::super::{DatasetError, Mnist, synthetic_digits};
use super::download::{Remote, fetch};
use super::find::{Location, find};

/// What [`load_or_synthesize`] may do. The default looks everywhere and downloads what is missing.
#[derive(Clone, Debug)]
pub struct Options {
    /// The folder to read (`--data DIR`); nothing else is tried then.
    pub data: Option<PathBuf>,
    /// Draw the digits, whatever is on disk (`--synthetic`).
    pub synthetic: bool,
    /// Where to keep downloads in place of the user's cache folder; `MNIST_DIR` is not looked at then.
    pub cache: Option<PathBuf>,
    /// Where to download from; `None` to stay offline.
    pub remote: Option<Remote>,
    /// How many training images to draw.
    pub n_train: usize,
    /// How many test images to draw.
    pub n_test: usize,
    /// The seed to draw them by.
    pub seed: u64,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            data: None,
            synthetic: false,
            cache: None,
            remote: Some(Remote::default()),
            n_train: 60_000,
            n_test: 10_000,
            seed: 0,
        }
    }
}

/// Loads MNIST from where [`find`] says, downloading it to the cache folder first if need be; draws
/// [`synthetic_digits`] where it cannot be had, or where they are asked for.
///
/// The notes say in sentences what was done, for the program to print.
///
/// ```
/// use grafito::datasets::mnist::{Options, load_or_synthesize};
///
/// let options = Options { synthetic: true, n_train: 100, n_test: 20, ..Options::default() };
/// let (digits, notes) = load_or_synthesize(&options)?;
/// assert_eq!(digits.train.len(), 100);
/// assert_eq!(notes, ["100 training and 20 test digits drawn by this program (synthetic, seed 0)"]);
/// # Ok::<(), grafito::datasets::DatasetError>(())
/// ```
///
/// # Errors
///
/// If a folder was named, by [`Options::data`] or by `MNIST_DIR`, and does not hold the dataset: other digits than
/// those asked for would be a surprise.
pub fn load_or_synthesize(options: &Options) -> Result<(Mnist, Vec<String>), DatasetError> {
    let mut notes = Vec::new();
    if options.synthetic {
        return Ok((draw(options, &mut notes), notes));
    }
    let digits = match locate(options) {
        Ok(Location::Given(folder)) => loaded(Mnist::load(&folder)?, &folder, "", &mut notes),
        Ok(Location::Environment(folder)) => {
            loaded(Mnist::load(&folder)?, &folder, " (named by MNIST_DIR)", &mut notes)
        }
        Ok(Location::Cache(folder)) => match load_cached(&folder, options.remote.as_ref(), &mut notes) {
            Ok(digits) => loaded(digits, &folder, " (cache)", &mut notes),
            Err(error) => draw_instead(&error, options, &mut notes),
        },
        Err(error) => draw_instead(&error, options, &mut notes),
    };
    Ok((digits, notes))
}

fn locate(options: &Options) -> Result<Location, DatasetError> {
    match (&options.data, &options.cache) {
        (None, Some(folder)) => Ok(Location::Cache(folder.clone())),
        (data, _) => find(data.as_deref()),
    }
}

fn load_cached(
    folder: &Path,
    remote: Option<&Remote>,
    notes: &mut Vec<String>,
) -> Result<Mnist, DatasetError> {
    match (Mnist::load(folder), remote) {
        (Err(_), Some(remote)) => {
            fetch(folder, remote)?;
            notes.push("downloaded what was missing".to_owned());
            Mnist::load(folder)
        }
        (result, _) => result,
    }
}

fn loaded(digits: Mnist, folder: &Path, whose: &str, notes: &mut Vec<String>) -> Mnist {
    let (n_train, n_test, folder) = (digits.train.len(), digits.test.len(), folder.display());
    let name = if digits.note.is_none() { "MNIST: " } else { "" };
    notes.push(format!("{name}{n_train} training and {n_test} test digits from {folder}{whose}"));
    notes.extend(digits.note.clone());
    digits
}

fn draw(options: &Options, notes: &mut Vec<String>) -> Mnist {
    let Options { n_train, n_test, seed, .. } = *options;
    notes.push(format!(
        "{n_train} training and {n_test} test digits drawn by this program (synthetic, seed {seed})"
    ));
    synthetic_digits(n_train, n_test, seed)
}

fn draw_instead(error: &DatasetError, options: &Options, notes: &mut Vec<String>) -> Mnist {
    notes.push(format!("MNIST could not be had: {error}"));
    let digits = draw(options, notes);
    notes.push(
        "their accuracy is not comparable to MNIST's; MNIST_DIR names a folder with the original".to_owned(),
    );
    digits
}
