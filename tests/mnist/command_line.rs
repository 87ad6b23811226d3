//! The example as a program: options, errors, the history file, Ctrl-C.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The example's binary; `cargo test` builds it beside the tests.
fn mnist() -> Command {
    let tests = std::env::current_exe().expect("a test knows its path");
    let target = tests.ancestors().nth(2).expect("target/<profile>/deps");
    let mut command = Command::new(target.join("examples").join("mnist"));
    command.env_remove("MNIST_DIR").env("XDG_CACHE_HOME", "/nonexistent").stdin(Stdio::null());
    command
}

fn run(arguments: &[&str]) -> Output {
    mnist().args(arguments).output().expect("the example is built")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn temporary() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("history.csv");
    (folder, path)
}

#[test]
fn help_names_every_option_and_its_default() {
    let help = text(&run(&["--help"]).stdout);
    for option in [
        "--data <DIR>",
        "--synthetic",
        "--epochs <N>",
        "--batch-size <N>",
        "--lr <RATE>",
        "--optimizer <OPTIMIZER>",
        "--seed <N>",
        "--history <FILE.csv>",
        "--model <MODEL>",
        "--schedule <SCHEDULE>",
        "--dropout <SHARE>",
        "--tensorboard <DIR>",
        "--checkpoint <FILE>",
        "--resume",
        "[default: 25]",
        "[default: 32]",
        "[default: 0.01]",
        "[default: sgd]",
        "[default: mlp]",
        "[default: constant]",
        "GRAFITO_MODE",
    ] {
        assert!(help.contains(option), "`{option}` is missing:\n{help}");
    }
}

/// Arguments -> what the error says. Nothing is trained, nothing written.
#[test]
fn misuse_is_reported_before_anything_is_trained() {
    let (folder, _) = temporary();
    let folder = folder.path().to_str().expect("a path in UTF-8");
    let missing = format!("{folder}/missing/history.csv");
    #[cfg(unix)]
    let link = format!("{folder}/link.csv");
    #[cfg(unix)]
    std::os::unix::fs::symlink("elsewhere.csv", &link).expect("a link");
    let cases: &[(&[&str], &str)] = &[
        (&["--batch-size", "0"], "must be at least 1"),
        (&["--lr", "nan"], "must be finite"),
        (&["--lr", "fast"], "invalid float literal"),
        (&["--epochs", "-1"], "unexpected argument"),
        (&["--optimizer", "adam"], "possible values: sgd"),
        (&["--model", "rnn"], "possible values: mlp, cnn"),
        (&["--dropout", "1"], "must be at least 0 and less than 1"),
        (&["--resume"], "--checkpoint <FILE>"),
        (&["--synthetic", "--resume", "--checkpoint", &missing], "cannot read it"),
        (&["--data", folder], "train-images-idx3-ubyte"),
        (&["--data", "/nonexistent"], "/nonexistent"),
        (&["--synthetic", "--history", folder], "it is a folder"),
        #[cfg(unix)]
        (&["--synthetic", "--history", &link], "it is no ordinary file"),
        (&["--synthetic", "--history", &missing], "cannot write the history to"),
    ];
    for (arguments, message) in cases {
        let output = run(arguments);
        let error = text(&output.stderr);
        assert!(!output.status.success(), "{arguments:?} succeeded");
        assert!(error.contains(message), "{arguments:?} says:\n{error}");
        assert!(!text(&output.stdout).contains("epoch"), "{arguments:?} trained");
        assert!(!Path::new(&missing).exists());
    }
}

#[test]
fn a_run_prints_its_epochs_and_writes_its_history() {
    for mode in ["lazy", "eager"] {
        let (_folder, path) = temporary();
        let arguments = ["--synthetic", "--epochs", "2", "--batch-size", "50", "--history"];
        let output = mnist().env("GRAFITO_MODE", mode).args(arguments).arg(&path).output().expect("it runs");
        let printed = text(&output.stdout);
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert_eq!(printed.lines().filter(|line| line.starts_with("epoch")).count(), 2, "{printed}");
        assert!(printed.contains(&format!("in {mode} mode")), "{printed}");
        assert!(printed.contains("predicted"), "{printed}");
        assert_eq!(printed.contains("nodes traced"), mode == "lazy", "{printed}");

        let history = std::fs::read_to_string(&path).expect("a history");
        let mut lines = history.lines();
        assert_eq!(lines.next(), Some("epoch,seconds,loss,accuracy,val_loss,val_accuracy"));
        let rows: Vec<Vec<f64>> = lines
            .map(|line| line.split(',').map(|field| field.parse().expect("a number")).collect())
            .collect();
        assert_eq!(rows.len(), 2);
        assert!(rows[1][2] < rows[0][2], "the loss falls: {history}");
        assert!(rows[1][5] > 0.8, "it learns: {history}");
    }
}

/// The figures of each epoch but its time, as text.
fn figures(history: &Path) -> Vec<String> {
    let history = std::fs::read_to_string(history).expect("a history");
    history
        .lines()
        .map(|line| line.split(',').enumerate().filter(|&(i, _)| i != 1).map(|(_, f)| f).collect())
        .collect()
}

#[test]
fn a_resumed_training_has_the_figures_of_an_unbroken_one() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = |name: &str| folder.path().join(name).to_str().expect("a path in UTF-8").to_owned();
    let (unbroken, broken, checkpoint) = (at("unbroken.csv"), at("broken.csv"), at("model.safetensors"));
    let common = ["--synthetic", "--optimizer", "momentum", "--dropout", "0.2", "--batch-size", "100"];
    let train = |more: &[&str]| {
        let output = run(&[&common[..], more].concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let printed = train(&["--epochs", "3", "--history", &unbroken]);
    assert!(printed.contains("a training step: ") && printed.contains("* loss"), "{printed}");
    train(&["--epochs", "1", "--history", &broken, "--checkpoint", &checkpoint]);
    let printed = train(&["--epochs", "3", "--history", &broken, "--checkpoint", &checkpoint, "--resume"]);
    assert!(printed.contains("after epoch 1\n"), "{printed}");
    assert_eq!(figures(Path::new(&unbroken)).len(), 4);
    assert_eq!(figures(Path::new(&unbroken)), figures(Path::new(&broken)));
}

#[test]
fn schedules_fall_and_tensorboard_gets_its_files() {
    let (folder, path) = temporary();
    let logs = folder.path().join("logs");
    // The rates of two epochs of four: a schedule looks at how many there are to be.
    let cases = [("step", [0.01, 0.01, 0.001, 0.0001]), ("cosine", [0.01, 0.008536, 0.005, 0.001464])];
    for (schedule, rates) in cases {
        let arguments = ["--synthetic", "--epochs", "4", "--batch-size", "500", "--schedule", schedule];
        let mut command = mnist();
        command.args(arguments).arg("--history").arg(&path).arg("--tensorboard").arg(&logs);
        let output = command.output().expect("it runs");
        assert!(output.status.success(), "{}", text(&output.stderr));
        let history = std::fs::read_to_string(&path).expect("a history");
        for (line, rate) in history.lines().skip(1).zip(rates) {
            let written: f64 = line.rsplit(',').next().expect("a field").parse().expect("a number");
            assert!((written - rate).abs() < 1e-6, "{schedule}: {history}");
        }
    }
    for run in ["train", "validation"] {
        let files = std::fs::read_dir(logs.join(run)).expect("a run").count();
        assert_eq!(files, cases.len(), "a file for each training");
    }
}

#[test]
fn a_network_of_convolutions_is_shown_and_tried() {
    let output = run(&["--synthetic", "--epochs", "0", "--model", "cnn"]);
    let printed = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    for part in ["f32[n, 26, 26, 32]", "f32[n, 5, 5, 64]", "parameters: 225,034", "test accuracy 0."] {
        assert!(printed.contains(part), "{part} is missing:\n{printed}");
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_with_the_summary_so_far() {
    use std::io::{BufRead, BufReader, Read};
    let mut child = mnist()
        .args(["--synthetic", "--epochs", "1000"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the example is built");
    let mut output = BufReader::new(child.stdout.take().expect("piped"));
    let mut line = String::new();
    while !line.starts_with("epoch") {
        line.clear();
        assert!(output.read_line(&mut line).expect("readable") > 0, "it ended early");
    }
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill exists");
    assert!(killed.success());
    let mut rest = String::new();
    output.read_to_string(&mut rest).expect("readable");
    assert!(child.wait().expect("it ends").success());
    assert!(rest.contains("interrupted") && rest.contains("test accuracy"), "{rest}");
}
