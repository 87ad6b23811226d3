//! A set written by the test comes back byte for byte, under every name and packing that is accepted.

use grafito::datasets::Mnist;
use grafito::datasets::mnist::{Location, Options, find, load_or_synthesize};

use crate::tiny;

fn check(rename: impl Fn(&str) -> String, pack: impl Fn(&[u8]) -> Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in tiny::files() {
        tiny::write(folder.path(), &rename(name), &pack(&bytes));
    }
    let digits = Mnist::load(folder.path()).unwrap();
    assert_eq!(digits.train.images, tiny::pixels(tiny::N_TRAIN, 1));
    assert_eq!(digits.train.labels, [5, 0, 4, 1, 9]);
    assert_eq!(digits.test.images, tiny::pixels(tiny::N_TEST, 2));
    assert_eq!(digits.test.labels, [7, 2, 1]);
}

#[test]
fn plain_files() {
    check(str::to_owned, <[u8]>::to_vec);
}

#[test]
fn gzip_files() {
    check(|name| format!("{name}.gz"), tiny::gzip);
}

#[test]
fn dotted_names() {
    check(|name| name.replace("-idx", ".idx"), <[u8]>::to_vec);
    check(|name| name.replace("-idx", ".idx") + ".gz", tiny::gzip);
}

#[test]
fn packing_is_told_by_content_not_by_name() {
    check(str::to_owned, tiny::gzip);
    check(|name| format!("{name}.gz"), <[u8]>::to_vec);
}

#[test]
fn gzip_in_several_members() {
    let pack = |bytes: &[u8]| {
        let (start, end) = bytes.split_at(bytes.len() / 2);
        [tiny::gzip(start), tiny::gzip(end)].concat()
    };
    check(|name| format!("{name}.gz"), pack);
}

#[test]
fn an_unknown_set_carries_a_note() {
    let folder = tiny::folder();
    let digits = Mnist::load(folder.path()).unwrap();
    let expected = format!(
        "{} is a well-formed set of 5 training and 3 test images, but not the original MNIST: the MD5 differs for \
         train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte",
        folder.path().display()
    );
    assert_eq!(digits.note.as_deref(), Some(expected.as_str()));
}

#[test]
fn rows_and_scaled_pixels() {
    let split = Mnist::load(tiny::folder().path()).unwrap().train;
    let pixels = tiny::pixels(tiny::N_TRAIN, 1);
    assert_eq!((split.len(), split.is_empty()), (5, false));
    assert_eq!(split.image(3), &pixels[3 * 784..4 * 784]);
    assert_eq!(split.batch_labels(&[4, 1]), [9, 0]);

    let scaled = split.images_f32();
    assert_eq!(scaled.len(), 5 * 784);
    assert!(scaled.iter().zip(&pixels).all(|(scaled, pixel)| *scaled == f32::from(*pixel) / 255.0));
    assert_eq!(split.batch_f32(&[4, 1])[..784], scaled[4 * 784..]);
    assert_eq!(split.batch_f32(&[4, 1])[784..], scaled[784..2 * 784]);
}

#[test]
fn a_folder_that_is_given_is_the_one_that_is_read() {
    let folder = tiny::folder();
    let location = find(Some(folder.path())).unwrap();
    assert_eq!(location, Location::Given(folder.path().to_owned()));
    assert_eq!(location.folder(), folder.path());

    let options = Options { data: Some(folder.path().to_owned()), ..Options::default() };
    let (digits, notes) = load_or_synthesize(&options).unwrap();
    assert_eq!(digits.train.len(), 5);
    assert_eq!(notes[0], format!("5 training and 3 test digits from {}", folder.path().display()));
    assert_eq!(notes[1], digits.note.unwrap());
    assert_eq!(notes.len(), 2);
}
