//! The example as a program: what it shows, and Ctrl-C.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

/// The example's binary; `cargo test` builds it beside the tests.
fn sequential() -> Command {
    let tests = std::env::current_exe().expect("a test knows its path");
    let target = tests.ancestors().nth(2).expect("target/<profile>/deps");
    let mut command = Command::new(target.join("examples").join("sequential"));
    command.env_remove("MNIST_DIR").stdin(Stdio::null());
    command
}

#[test]
fn it_shows_the_table_a_line_for_each_epoch_and_the_curves() {
    let output = sequential().args(["2", "--synthetic"]).output().expect("the example is built");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    for part in
        ["│ dense_1 (Dense)", "parameters: 101,770", "epoch 1/2 ", "epoch 2/2 ", "val_accuracy", "* loss"]
    {
        assert!(text.contains(part), "{part} is missing:\n{text}");
    }
    assert!(text.lines().last().is_some_and(|line| line.starts_with("test: loss ")), "{text}");
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_training_and_shows_what_there_is() {
    let mut child = sequential()
        .args(["1000", "--synthetic"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the example is built");
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped"));
    let mut line = String::new();
    while !line.starts_with("epoch    1/1000") {
        line.clear();
        assert!(lines.read_line(&mut line).expect("text") > 0, "it ended before its first epoch");
    }
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill exists");
    assert!(killed.success());
    let mut rest = String::new();
    lines.read_to_string(&mut rest).expect("text");
    assert!(child.wait().expect("it ends").success());
    assert!(rest.contains("stopped in epoch ") && rest.contains(": interrupted"), "{rest}");
    assert!(rest.contains("* loss") && rest.contains("test: loss "), "{rest}");
}
