//! Downloads from a server in this process: what arrives whole is kept, anything else leaves no trace.

use std::fs;
use std::path::Path;
use std::time::Duration;

use grafito::datasets::Mnist;
use grafito::datasets::mnist::{MIRRORS, Options, Remote, fetch, load_or_synthesize};
use md5::{Digest, Md5};

use crate::server::{Answer, Server};
use crate::tiny::{self, TEST_LABELS, TRAIN_IMAGES, TRAIN_LABELS};

/// A remote that expects the tiny set.
fn remote(mirrors: &[&Server]) -> Remote {
    Remote {
        mirrors: mirrors.iter().map(|server| server.url.clone()).collect(),
        md5: tiny::files().map(|(_, bytes)| md5_of(&bytes)),
        patience: Duration::from_secs(10),
        progress: false,
    }
}

fn md5_of(bytes: &[u8]) -> String {
    Md5::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Serves the tiny set, gzip-compressed, with one file replaced.
fn server_with(name: &str, answer: Answer) -> Server {
    let good = tiny::files().map(|(name, bytes)| (format!("{name}.gz"), Answer::Body(tiny::gzip(&bytes))));
    Server::start(good.into_iter().chain([(format!("{name}.gz"), answer)]))
}

fn good_server() -> Server {
    server_with(TRAIN_IMAGES, Answer::Body(tiny::gzip(&tiny::files()[0].1)))
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// The first file fails to download: the error is as expected (`URL` stands for the server), nothing is left.
#[track_caller]
fn check_refused(answer: Answer, expected: &str) {
    check_refused_within(Duration::from_secs(10), answer, expected);
}

#[track_caller]
fn check_refused_within(patience: Duration, answer: Answer, expected: &str) {
    let server = server_with(TRAIN_IMAGES, answer);
    let folder = tempfile::tempdir().unwrap();
    let remote = Remote { patience, ..remote(&[&server]) };
    let error = fetch(folder.path(), &remote).unwrap_err().to_string();
    assert_eq!(
        error.replace(&server.url, "URL"),
        format!("train-images-idx3-ubyte could not be downloaded: {expected}")
    );
    assert_eq!(names(folder.path()), [""; 0]);
}

#[test]
fn a_whole_set() {
    let server = good_server();
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("not/yet/there");
    fetch(&cache, &remote(&[&server])).unwrap();
    let expected = [
        "t10k-images-idx3-ubyte.gz",
        "t10k-labels-idx1-ubyte.gz",
        "train-images-idx3-ubyte.gz",
        "train-labels-idx1-ubyte.gz",
    ];
    assert_eq!(names(&cache), expected);
    assert_eq!(Mnist::load(&cache).unwrap().train.labels, [5, 0, 4, 1, 9]);

    fetch(&cache, &remote(&[&server])).unwrap();
    assert_eq!(server.asked().len(), 4, "a complete folder is not downloaded again");
}

#[test]
fn the_original_from_the_cache_of_this_machine() {
    let Some(folder) = std::env::var_os("MNIST_DIR") else { return };
    // Only the default checksums let the original pass, and nothing else.
    let names = tiny::files().map(|(name, _)| format!("{name}.gz"));
    let folder = Path::new(&folder);
    if !names.iter().all(|name| folder.join(name).exists()) {
        return;
    }
    let bodies = names.map(|name| (name.clone(), Answer::Body(fs::read(folder.join(name)).unwrap())));
    let original = Remote { md5: Remote::default().md5, ..remote(&[&Server::start(bodies)]) };
    let cache = tempfile::tempdir().unwrap();
    fetch(cache.path(), &original).unwrap();
    assert_eq!(Mnist::load(cache.path()).unwrap().note, None);
}

#[test]
fn a_server_that_unpacks_on_the_way() {
    let plain = tiny::files().map(|(name, bytes)| (format!("{name}.gz"), Answer::Body(bytes)));
    let folder = tempfile::tempdir().unwrap();
    fetch(folder.path(), &remote(&[&Server::start(plain)])).unwrap();
    assert_eq!(names(folder.path())[3], "train-labels-idx1-ubyte");
    Mnist::load(folder.path()).unwrap();
}

#[test]
fn the_next_mirror_is_tried() {
    let empty = Server::start([]);
    let good = good_server();
    let folder = tempfile::tempdir().unwrap();
    fetch(folder.path(), &remote(&[&empty, &good])).unwrap();
    assert_eq!((empty.asked().len(), good.asked().len()), (4, 4));
}

#[test]
fn no_such_file() {
    check_refused(Answer::Status("404 Not Found"), "URL/train-images-idx3-ubyte.gz: http status: 404");
}

#[test]
fn cut_off() {
    let packed = tiny::gzip(&tiny::files()[0].1);
    check_refused(Answer::Half(packed.clone()), "URL/train-images-idx3-ubyte.gz: Peer disconnected");
    check_refused(
        Answer::HalfUnannounced(packed),
        "URL/train-images-idx3-ubyte.gz: the gzip stream is cut off",
    );
}

#[test]
fn corrupted() {
    let mut packed = tiny::gzip(&tiny::files()[0].1);
    let sum = packed.len() - 8;
    packed[sum] ^= 1;
    check_refused(
        Answer::Body(packed),
        "URL/train-images-idx3-ubyte.gz: the gzip stream is damaged: corrupt gzip stream does not have a matching \
         checksum",
    );
    check_refused(
        Answer::Body(b"<html>captive portal: please log in</html>".to_vec()),
        "URL/train-images-idx3-ubyte.gz: the magic number is 0x3c68746d, expected 0x00000803",
    );
}

#[test]
fn well_formed_but_another_set() {
    let other = tiny::image_file(5, 28, 28, &[0; 5 * 784]);
    let [(_, asked_for), ..] = tiny::files();
    let expected = format!(
        "URL/train-images-idx3-ubyte.gz: the MD5 of the uncompressed bytes is {}, expected {}",
        md5_of(&other),
        md5_of(&asked_for)
    );
    check_refused(Answer::Body(tiny::gzip(&other)), &expected);
}

#[test]
fn a_mirror_that_hangs() {
    check_refused_within(
        Duration::from_millis(300),
        Answer::Silence,
        "URL/train-images-idx3-ubyte.gz: timeout: receive response",
    );
}

#[test]
fn too_long() {
    let server = server_with(TRAIN_LABELS, Answer::Body(vec![b'x'; 60_009]));
    let folder = tempfile::tempdir().unwrap();
    let error = fetch(folder.path(), &remote(&[&server])).unwrap_err().to_string();
    assert_eq!(
        error.replace(&server.url, "URL"),
        "train-labels-idx1-ubyte could not be downloaded: URL/train-labels-idx1-ubyte.gz: more than 60008 bytes when \
         uncompressed, expected at most 60008"
    );
    assert_eq!(names(folder.path()), ["train-images-idx3-ubyte.gz"], "complete files stay");
}

#[test]
fn no_mirror() {
    let folder = tempfile::tempdir().unwrap();
    let error = fetch(folder.path(), &remote(&[])).unwrap_err().to_string();
    assert_eq!(error, "train-images-idx3-ubyte could not be downloaded: no mirror is configured");
}

#[test]
fn damaged_files_are_replaced_and_good_ones_kept() {
    let folder = tiny::folder();
    tiny::write(folder.path(), TRAIN_LABELS, b"damaged");
    let server = good_server();
    fetch(folder.path(), &remote(&[&server])).unwrap();
    assert_eq!(server.asked(), ["train-labels-idx1-ubyte.gz"]);
    assert!(!folder.path().join(TRAIN_LABELS).exists());
    Mnist::load(folder.path()).unwrap();
}

#[test]
fn a_failed_download_leaves_the_damaged_file_as_it_was() {
    let folder = tiny::folder();
    tiny::write(folder.path(), TEST_LABELS, b"damaged");
    let before = names(folder.path());
    fetch(folder.path(), &remote(&[&Server::start([])])).unwrap_err();
    assert_eq!(names(folder.path()), before);
    assert_eq!(fs::read(folder.path().join(TEST_LABELS)).unwrap(), b"damaged");
}

#[test]
fn the_cache_is_filled_and_used() {
    let server = good_server();
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache");
    let mut options =
        Options { cache: Some(cache.clone()), remote: Some(remote(&[&server])), ..Options::default() };
    let (digits, notes) = load_or_synthesize(&options).unwrap();
    assert_eq!(digits.train.labels, [5, 0, 4, 1, 9]);
    assert_eq!(notes[0], "downloaded what was missing");
    assert_eq!(notes[1], format!("5 training and 3 test digits from {} (cache)", cache.display()));

    options.remote = None;
    let (again, notes) = load_or_synthesize(&options).unwrap();
    assert_eq!(again, digits);
    assert_eq!(notes[0], format!("5 training and 3 test digits from {} (cache)", cache.display()));
}

#[test]
fn digits_are_drawn_where_nothing_can_be_downloaded() {
    let empty = Server::start([]);
    let cache = tempfile::tempdir().unwrap();
    let options = Options {
        cache: Some(cache.path().to_owned()),
        remote: Some(remote(&[&empty])),
        n_train: 30,
        n_test: 10,
        seed: 4,
        ..Options::default()
    };
    let (digits, notes) = load_or_synthesize(&options).unwrap();
    assert_eq!((digits.train.len(), digits.test.len()), (30, 10));
    let notes: Vec<String> = notes.iter().map(|note| note.replace(&empty.url, "URL")).collect();
    let expected = [
        "MNIST could not be had: train-images-idx3-ubyte could not be downloaded: \
         URL/train-images-idx3-ubyte.gz: http status: 404",
        "30 training and 10 test digits drawn by this program (synthetic, seed 4)",
        "their accuracy is not comparable to MNIST's; MNIST_DIR names a folder with the original",
    ];
    assert_eq!(notes, expected);
}

#[test]
fn the_default_mirrors_are_encrypted() {
    assert!(MIRRORS.iter().all(|mirror| mirror.starts_with("https://") && mirror.ends_with('/')));
    assert_eq!(Remote::default().mirrors, MIRRORS);
}
