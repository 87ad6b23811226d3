//! The example as a program: what it prints, and what is in its logs.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use crate::reader::{events_of, value};

#[test]
fn the_example_logs_two_runs_and_says_what_to_run_next() {
    let tests = std::env::current_exe().expect("a test knows its path");
    let target = tests.ancestors().nth(2).expect("target/<profile>/deps");
    let folder = tempfile::tempdir().expect("a folder");
    let mut example = Command::new(target.join("examples").join("tensorboard"));
    // `cargo test` builds it beside the tests.
    let output = example.arg("logs").current_dir(folder.path()).output().expect("the example is built");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(printed.ends_with("Now run: tensorboard --logdir logs\n"), "{printed}");

    for run in ["rate-0.05", "rate-0.2"] {
        let accuracy = printed.lines().find_map(|line| line.strip_prefix(&format!("logs/{run}: accuracy ")));
        let accuracy: f32 =
            accuracy.expect("a line").split(' ').next().expect("a word").parse().expect("a number");
        assert!(accuracy > 0.8, "{printed}");
        let run = folder.path().join("logs").join(run);
        let file = fs::read_dir(run).expect("a run").next().expect("a file").expect("a file").path();
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for event in events_of(&file).iter().filter(|event| event.has(5)) {
            *counts.entry(value(event).1.text(1)).or_default() += 1;
        }
        assert_eq!((counts["loss/train"], counts["accuracy/test"], counts["hidden/weights"]), (320, 8, 8));
        let others: BTreeSet<&str> =
            counts.iter().filter(|(_, count)| **count == 1).map(|(tag, _)| tag.as_str()).collect();
        let expected = [
            "_hparams_/session_end_info",
            "_hparams_/session_start_info",
            "digits",
            "logits",
            "notes",
            "train_step/optimized",
            "train_step/profile",
            "train_step/traced",
        ];
        assert_eq!(others, expected.into());
    }
}
