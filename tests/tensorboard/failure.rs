//! Logs that cannot be written, that end in the middle, and that are written side by side.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use grafito::datasets::{Dataset, synthetic_digits};
use grafito::nn::{
    Dense, Fit, Flatten, Rescaling, Sequential, Sgd, Softmax, SparseCrossEntropy, TensorBoard,
};
use grafito::tensorboard::{TensorBoardError, Writer};

use crate::reader::{events, events_of, records, value};
use crate::support::Memory;

/// The steps of all scalars, in order.
fn steps(events: &[crate::reader::Message]) -> Vec<i64> {
    events.iter().filter(|event| event.has(5)).map(|event| value(event).0).collect()
}

#[test]
fn nothing_is_written_twice_or_lost_when_writing_fails_for_a_while() {
    // Wherever the room ends: in a length, in a checksum, in a payload, between records.
    for room in 0..200 {
        let memory = Memory::with_room(room);
        let log = Writer::into_sink(memory.clone());
        for step in 0..3 {
            log.scalar("loss", step, 1.0);
        }
        let error = log.flush().expect_err("no room");
        let TensorBoardError::Write { reason, waiting, lost, .. } = &error else { panic!("{error}") };
        assert_eq!((reason.kind(), *lost), (std::io::ErrorKind::StorageFull, 0));
        assert_eq!(memory.bytes().len(), room);
        assert!(*waiting > 0 && error.to_string().contains("bytes wait"), "{error}");
        log.scalar("loss", 3, 1.0);
        log.flush().expect_err("no room still");
        memory.set_room(None);
        log.scalar("loss", 4, 1.0);
        log.flush().expect("there is room again");
        assert_eq!(steps(&events(&memory.bytes())), [0, 1, 2, 3, 4], "room for {room} bytes at first");
        if room > 150 {
            return;
        }
    }
}

#[test]
fn training_goes_on_while_writing_fails_and_what_waits_is_bounded() {
    let memory = Memory::with_room(0);
    let log = Writer::into_sink(memory.clone());
    let megabyte = "x".repeat(1 << 20);
    for step in 0..40 {
        log.text("large", step, &megabyte);
    }
    let attempts = memory.attempts();
    assert!(attempts < 5, "{attempts} attempts in no time");
    let error = log.flush().expect_err("no room");
    let TensorBoardError::Write { waiting, lost, .. } = error else { panic!("{error}") };
    assert!((15 << 20..=16 << 20).contains(&waiting), "{waiting} bytes wait");
    assert_eq!(lost, 25);
    memory.set_room(None);
    log.text("large", 40, "small");
    log.flush().expect("there is room again");
    assert_eq!(steps(&events(&memory.bytes())), (0..15).chain([40]).collect::<Vec<i64>>());
    drop(log);
}

#[test]
fn much_is_written_without_being_asked_for() {
    let memory = Memory::default();
    let log = Writer::into_sink(memory.clone());
    for step in 0..10_000 {
        log.scalar("loss", step, 1.0);
    }
    let (written, _) = records(&memory.bytes());
    assert!((8_000..10_000).contains(&written.len()), "{} records", written.len());
    assert!(memory.attempts() < 20, "records are written many at once");
    drop(log);
    assert_eq!(steps(&events(&memory.bytes())), (0..10_000).collect::<Vec<i64>>());
}

/// Set in the process that `a_log_that_is_killed_can_be_read` starts: where to log.
const FOLDER_OF_CHILD: &str = "GRAFITO_TEST_LOG";

/// Logs until it is killed, if told to.
#[test]
fn child() {
    let Some(folder) = env::var_os(FOLDER_OF_CHILD) else { return };
    let log = Writer::create(PathBuf::from(folder)).expect("a log");
    for step in 0.. {
        log.scalar("loss", step, 1.0);
        if step == 99 {
            log.flush().expect("a log");
            println!("flushed");
        }
        if step >= 100 {
            thread::sleep(Duration::from_millis(1));
        }
    }
}

#[test]
fn a_log_that_is_killed_can_be_read_up_to_the_last_flush() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut child = Command::new(env::current_exe().expect("a path"))
        .args(["failure::child", "--exact", "--nocapture"])
        .env(FOLDER_OF_CHILD, folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("this test's program");
    let output = std::io::BufReader::new(child.stdout.take().expect("piped"));
    let flushed = std::io::BufRead::lines(output).map_while(Result::ok).any(|line| line.contains("flushed"));
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    assert!(flushed);
    let file = fs::read_dir(folder.path()).expect("a folder").next().expect("a file").expect("a file").path();
    let steps = steps(&events_of(&file));
    assert!(steps.len() >= 100 && steps.iter().copied().eq(0..steps.len() as i64), "{steps:?}");
}

/// Trains with a log, if told to, and tells how far it came.
#[test]
fn training_child() {
    let Some(folder) = env::var_os(FOLDER_OF_TRAINING) else { return };
    let train = Dataset::from(&synthetic_digits(320, 0, 1).train);
    let mut model = Sequential::new()
        .add(Rescaling::new(1.0 / 255.0))
        .add(Flatten)
        .add(Dense::new(10).activation(Softmax))
        .compile(Sgd::new(0.1), SparseCrossEntropy::new(), ());
    let fit = Fit { epochs: 100, progress: false, ..Fit::default() };
    let history = model.fit(&train, fit.with(TensorBoard::new(folder).every_step())).expect("a training");
    println!("trained {} epochs", history.epochs().len());
}

/// Set in the process that the next test starts: where to log.
const FOLDER_OF_TRAINING: &str = "GRAFITO_TEST_TRAINING_LOG";

/// The operating system itself refuses to write more than 16 KiB into a file, or 32, as the shell counts.
#[test]
#[cfg(unix)]
fn fit_goes_on_when_the_log_cannot_be_written_and_says_so_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let test = env::current_exe().expect("a path");
    let limited = "trap '' XFSZ; ulimit -f 32; exec \"$0\" failure::training_child --exact --nocapture";
    let mut child = Command::new("sh");
    child.args(["-c", limited]).arg(&test).env(FOLDER_OF_TRAINING, folder.path());
    let output = child.output().expect("a shell");
    let (printed, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && printed.contains("trained 100 epochs"), "{printed}{said}");
    assert_eq!(said.matches("the run goes on").count(), 1, "{said}");
    assert!(said.contains("cannot write "), "{said}");
    let run = folder.path().join("train");
    let file = fs::read_dir(run).expect("a run").next().expect("a file").expect("a file").path();
    let bytes = fs::read(&file).expect("a log");
    let (whole, left) = records(&bytes);
    assert!(!whole.is_empty(), "what was written can be read");
    assert!(left > 0 && bytes.len() <= 32 << 10, "{} bytes, of which {left} are no record", bytes.len());
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_device_is_an_error_of_the_log() {
    let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("Linux has one");
    let log = Writer::into_sink(full);
    log.scalar("loss", 0, 1.0);
    let error = log.flush().expect_err("no room");
    let TensorBoardError::Write { reason, .. } = &error else { panic!("{error}") };
    assert_eq!(reason.kind(), std::io::ErrorKind::StorageFull, "{error}");
}

#[test]
fn a_log_cut_off_anywhere_gives_the_records_before() {
    let memory = Memory::default();
    let log = Writer::into_sink(memory.clone());
    log.scalar("loss", 0, 1.0);
    log.text("notes", 1, "a text");
    log.flush().expect("memory");
    let bytes = memory.bytes();
    let (whole, left) = records(&bytes);
    assert_eq!((whole.len(), left), (3, 0));
    for length in 0..bytes.len() {
        let (some, left) = records(&bytes[..length]);
        assert!(whole.starts_with(&some) && some.len() < 3, "{length} bytes");
        assert_eq!(left == 0, some.iter().map(|record| record.len() + 16).sum::<usize>() == length);
    }
}

#[test]
fn writers_in_one_folder_have_files_of_their_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path().join("made/as/needed");
    thread::scope(|scope| {
        for writer in 0..8 {
            let folder = &folder;
            scope.spawn(move || {
                let log = Writer::create(folder).expect("a log");
                for step in 0..500 {
                    log.scalar(&format!("writer-{writer}"), step, step as f64);
                }
            });
        }
    });
    let mut tags = BTreeSet::new();
    for entry in fs::read_dir(&folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        assert!(name.starts_with("events.out.tfevents."), "{name}");
        assert!(name.contains(&format!(".{}.", std::process::id())), "{name}");
        let events = events_of(&path);
        assert_eq!(steps(&events), (0..500).collect::<Vec<i64>>());
        let of_file: BTreeSet<String> = events[1..].iter().map(|event| value(event).1.text(1)).collect();
        assert_eq!(of_file.len(), 1, "{of_file:?} share a file");
        tags.extend(of_file);
    }
    assert_eq!(tags.len(), 8);
}

#[test]
fn threads_may_share_a_writer() {
    let memory = Memory::default();
    let log = Writer::into_sink(memory.clone());
    thread::scope(|scope| {
        for thread in 0..4 {
            let log = &log;
            scope.spawn(move || (0..500).for_each(|step| log.scalar(&format!("{thread}"), step, 0.0)));
        }
    });
    log.flush().expect("memory");
    let events = events(&memory.bytes());
    for thread in 0..4 {
        let of_thread: Vec<i64> = events[1..]
            .iter()
            .map(value)
            .filter(|(_, value)| value.text(1) == thread.to_string())
            .map(|(step, _)| step)
            .collect();
        assert_eq!(of_thread, (0..500).collect::<Vec<i64>>());
    }
}

#[test]
fn a_folder_that_cannot_be_made_is_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    fs::write(&file, "here already").expect("a file");
    let error = Writer::create(file.join("run")).expect_err("a file is no folder");
    assert!(error.to_string().starts_with("cannot create "), "{error}");
    assert!(error.to_string().contains("file/run"), "{error}");
    assert_eq!(fs::read_to_string(&file).expect("untouched"), "here already");
}
