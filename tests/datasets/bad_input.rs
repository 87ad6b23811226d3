//! Each misuse has its sentence, and the sentence has the file and the facts in it.

use std::fs;
use std::path::Path;

use grafito::datasets::Mnist;
use grafito::datasets::mnist::{Options, load_or_synthesize};

use crate::tiny::{self, TEST_IMAGES, TEST_LABELS, TRAIN_IMAGES, TRAIN_LABELS};

/// Spoils a good folder and compares the error; `DIR` in the expected text stands for the folder.
#[track_caller]
fn check(spoil: impl FnOnce(&Path), expected: &str) {
    let folder = tiny::folder();
    spoil(folder.path());
    check_folder(folder.path(), expected);
}

#[track_caller]
fn check_folder(folder: &Path, expected: &str) {
    let error = Mnist::load(folder).unwrap_err().to_string();
    assert_eq!(error.replace(folder.to_str().unwrap(), "DIR"), expected);
}

/// A good folder in which one file has other bytes.
#[track_caller]
fn check_bytes(name: &str, bytes: &[u8], expected: &str) {
    check(|folder| tiny::write(folder, name, bytes), expected);
}

#[test]
fn no_folder() {
    let folder = tempfile::tempdir().unwrap();
    check_folder(&folder.path().join("nowhere"), "the folder DIR does not exist");
}

#[test]
fn a_file_for_a_folder() {
    check_folder(&tiny::folder().path().join(TRAIN_IMAGES), "DIR is not a folder");
}

#[test]
fn a_folder_for_a_file() {
    check(
        |folder| {
            fs::remove_file(folder.join(TEST_LABELS)).unwrap();
            fs::create_dir(folder.join(TEST_LABELS)).unwrap();
        },
        "DIR/t10k-labels-idx1-ubyte is not a regular file",
    );
}

#[test]
fn a_missing_file() {
    check(
        |folder| fs::remove_file(folder.join(TRAIN_LABELS)).unwrap(),
        "DIR holds none of train-labels-idx1-ubyte, train-labels-idx1-ubyte.gz, train-labels.idx1-ubyte, \
         train-labels.idx1-ubyte.gz",
    );
}

#[cfg(unix)]
#[test]
fn a_link_to_nowhere() {
    check(
        |folder| {
            fs::remove_file(folder.join(TRAIN_LABELS)).unwrap();
            std::os::unix::fs::symlink("nowhere", folder.join(TRAIN_LABELS)).unwrap();
        },
        "cannot read DIR/train-labels-idx1-ubyte: No such file or directory (os error 2)",
    );
}

#[cfg(unix)]
#[test]
fn an_unreadable_file() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tiny::folder();
    let path = folder.path().join(TRAIN_IMAGES);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    // The superuser reads everything; there is nothing to see then.
    if fs::read(&path).is_err() {
        check_folder(
            folder.path(),
            "cannot read DIR/train-images-idx3-ubyte: Permission denied (os error 13)",
        );
    }
}

#[test]
fn an_empty_file() {
    check_bytes(TRAIN_IMAGES, b"", "DIR/train-images-idx3-ubyte: 0 bytes, expected a header of 16 bytes");
    check_bytes(TRAIN_LABELS, b"", "DIR/train-labels-idx1-ubyte: 0 bytes, expected a header of 8 bytes");
}

#[test]
fn another_kind_of_file() {
    check_bytes(
        TRAIN_IMAGES,
        b"<!DOCTYPE html><title>404</title>",
        "DIR/train-images-idx3-ubyte: the magic number is 0x3c21444f, expected 0x00000803",
    );
    let [_, (_, labels), (_, images), _] = tiny::files();
    check_bytes(
        TRAIN_IMAGES,
        &[labels, vec![0; 16]].concat(),
        "DIR/train-images-idx3-ubyte: the magic number is 0x00000801, expected 0x00000803",
    );
    check_bytes(
        TEST_LABELS,
        &images,
        "DIR/t10k-labels-idx1-ubyte: the magic number is 0x00000803, expected 0x00000801",
    );
}

#[test]
fn other_image_sizes() {
    check_bytes(
        TEST_IMAGES,
        &tiny::image_file(3, 32, 28, &[0; 3 * 32 * 28]),
        "DIR/t10k-images-idx3-ubyte: the images are 32x28, expected 28x28",
    );
}

#[test]
fn counts_out_of_range() {
    check_bytes(
        TEST_IMAGES,
        &tiny::image_file(0, 28, 28, &[]),
        "DIR/t10k-images-idx3-ubyte: the header announces 0 items, expected 1 to 10000",
    );
    check_bytes(
        TRAIN_LABELS,
        &tiny::label_file(u32::MAX, &[1; 5]),
        "DIR/train-labels-idx1-ubyte: the header announces 4294967295 items, expected 1 to 60000",
    );
}

#[test]
fn lengths_that_contradict_the_header() {
    let [(_, images), (_, labels), ..] = tiny::files();
    check_bytes(
        TRAIN_IMAGES,
        &images[..images.len() - 1],
        "DIR/train-images-idx3-ubyte: 3935 bytes, expected 3936 for the 5 items that the header announces",
    );
    check_bytes(
        TRAIN_LABELS,
        &[&labels[..], &[0]].concat(),
        "DIR/train-labels-idx1-ubyte: 14 bytes, expected 13 for the 5 items that the header announces",
    );
}

#[test]
fn a_label_that_is_no_digit() {
    check_bytes(
        TRAIN_LABELS,
        &tiny::label_file(5, &[0, 9, 10, 3, 255]),
        "DIR/train-labels-idx1-ubyte: label 2 is 10, expected 0 to 9",
    );
}

#[test]
fn images_without_labels() {
    check_bytes(
        TEST_LABELS,
        &tiny::label_file(2, &[7, 2]),
        "DIR/t10k-images-idx3-ubyte holds 3 images, but DIR/t10k-labels-idx1-ubyte holds 2 labels",
    );
}

#[test]
fn damaged_gzip() {
    let packed = tiny::gzip(&tiny::files()[0].1);
    check_bytes(
        TRAIN_IMAGES,
        &packed[..packed.len() - 5],
        "DIR/train-images-idx3-ubyte: the gzip stream is cut off",
    );
    check_bytes(TRAIN_IMAGES, &packed[..2], "DIR/train-images-idx3-ubyte: the gzip stream is cut off");

    let mut wrong_sum = packed.clone();
    let sum = wrong_sum.len() - 8;
    wrong_sum[sum] ^= 1;
    check_bytes(
        TRAIN_IMAGES,
        &wrong_sum,
        "DIR/train-images-idx3-ubyte: the gzip stream is damaged: corrupt gzip stream does not have a matching checksum",
    );
    check_bytes(
        TRAIN_IMAGES,
        &[&packed[..], b"trailing bytes"].concat(),
        "DIR/train-images-idx3-ubyte: the gzip stream is damaged: invalid gzip header",
    );
}

#[test]
fn a_small_file_that_unpacks_to_a_huge_one() {
    // A gigabyte of zeros would be 1 MB packed; a little more than allowed is enough here.
    let bomb = tiny::gzip(&vec![0; 47_040_017]);
    assert!(bomb.len() < 1_000_000);
    check_bytes(
        TRAIN_IMAGES,
        &bomb,
        "DIR/train-images-idx3-ubyte: more than 47040016 bytes when uncompressed, expected at most 47040016",
    );
    check_bytes(
        TEST_LABELS,
        &tiny::gzip(&[0; 10_009]),
        "DIR/t10k-labels-idx1-ubyte: more than 10008 bytes when uncompressed, expected at most 10008",
    );
}

#[test]
fn a_folder_that_was_asked_for_is_never_replaced_by_drawn_digits() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("mnsit");
    let options = Options { data: Some(data.clone()), ..Options::default() };
    let error = load_or_synthesize(&options).unwrap_err().to_string();
    assert_eq!(error, format!("the folder {} does not exist", data.display()));
    assert!(!data.exists());
}
