//! The original files, where `MNIST_DIR` names a folder that has them.

use std::path::Path;

use grafito::datasets::Mnist;
use grafito::datasets::mnist::{Location, Options, find, load_or_synthesize};

#[test]
fn the_original_is_recognised() {
    let Some(folder) = std::env::var_os("MNIST_DIR") else {
        println!("MNIST_DIR is not set: nothing was checked");
        return;
    };
    let digits = Mnist::load(Path::new(&folder)).unwrap();
    assert_eq!(digits.note, None);
    assert_eq!((digits.train.len(), digits.test.len()), (60_000, 10_000));
    assert_eq!(digits.train.images.len(), 60_000 * 784);
    assert_eq!(digits.test.images.len(), 10_000 * 784);
    assert_eq!(digits.train.labels[..10], [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]);
    assert_eq!(digits.test.labels[..10], [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]);
    // The last images too: nothing is shifted.
    assert_eq!(digits.train.labels[59_999], 8);
    assert_eq!(digits.test.labels[9_999], 6);

    assert_eq!(find(None).unwrap(), Location::Environment(folder.clone().into()));
    let (found, notes) = load_or_synthesize(&Options::default()).unwrap();
    assert_eq!(found, digits);
    let folder = Path::new(&folder).display();
    let expected = format!("MNIST: 60000 training and 10000 test digits from {folder} (named by MNIST_DIR)");
    assert_eq!(notes, [expected]);
}
