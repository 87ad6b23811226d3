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
        "--warmup <EPOCHS>",
        "--clip-norm <NORM>",
        "--weight-decay <SHARE>",
        "--dropout <SHARE>",
        "--tensorboard <DIR>",
        "--checkpoint <FILE>",
        "--resume",
        "[default: 25]",
        "[default: 32]",
        "[default: 0.01, or 0.001 for rmsprop, adam and adamw]",
        "[default: sgd]",
        "[default: mlp]",
        "[default: constant]",
        "[default: 0, or 0.004 for adamw]",
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
    let absent = format!("{folder}/model.safetensors");
    #[cfg(unix)]
    let link = format!("{folder}/link.csv");
    #[cfg(unix)]
    std::os::unix::fs::symlink("elsewhere.csv", &link).expect("a link");
    let cases: &[(&[&str], &str)] = &[
        (&["--batch-size", "0"], "must be a whole number, at least 1"),
        (&["--batch-size", "-1"], "must be a whole number, at least 1"),
        (&["--lr", "nan"], "must be finite"),
        (&["--lr", "fast"], "invalid float literal"),
        (&["--epochs", "-1"], "invalid value '-1' for '--epochs <N>': must be a whole number, at least 0"),
        (&["--epochs", "2.5"], "must be a whole number, at least 0"),
        (&["--seed", "-1"], "-1 is not in 0..=4294967295"),
        (&["--lr", "-0.1"], "must be finite, and at least 0"),
        (&["--optimizer", "lion"], "possible values: sgd, momentum, nesterov, rmsprop, adagrad, adam, adamw"),
        (&["--schedule", "linear"], "possible values: constant, step, exponential, cosine"),
        (&["--clip-norm", "0"], "must be finite, and greater than 0"),
        (&["--clip-norm", "inf"], "must be finite, and greater than 0"),
        (&["--warmup", "-1"], "must be finite, and at least 0"),
        (&["--warmup=-1"], "must be finite, and at least 0"),
        (&["--warmup", "3", "--epochs", "2"], "--warmup 3 is longer than the 2 epochs"),
        (
            &["--optimizer", "adam", "--weight-decay", "0.1"],
            "--weight-decay goes with --optimizer sgd, momentum, nesterov or adamw",
        ),
        (&["--model", "rnn"], "possible values: mlp, cnn"),
        (&["--dropout", "1"], "must be at least 0 and less than 1"),
        (&["--resume"], "--checkpoint <FILE>"),
        (&["--synthetic", "--checkpoint", &missing], "there is no folder"),
        (&["--synthetic", "--checkpoint", folder], "cannot write the checkpoint to"),
        (
            &["--synthetic", "--resume", "--checkpoint", &absent],
            "without --resume, training begins and writes it",
        ),
        (&["--data", folder], "train-images-idx3-ubyte"),
        (&["--data", "/nonexistent"], "/nonexistent"),
        (&["--synthetic", "--history", folder], "it is a folder"),
        #[cfg(unix)]
        (&["--synthetic", "--history", &link], "it is no regular file"),
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
    // The link, at most: no trial file, and no folder that was made on the way.
    assert_eq!(std::fs::read_dir(folder).expect("a folder").count(), usize::from(cfg!(unix)));
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
        assert!(printed.contains("predicted") && printed.contains("that are right"), "{printed}");
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

/// What a run without a terminal prints of each epoch: its test accuracy.
fn test_accuracies(printed: &str) -> Vec<f64> {
    let lines = printed.lines().filter(|line| line.starts_with("epoch"));
    let accuracies = lines.map(|line| {
        let after = line.split("val_accuracy ").nth(1).unwrap_or_else(|| panic!("no accuracy in {line}"));
        after.split_whitespace().next().expect("a field").parse().expect("a number")
    });
    accuracies.collect()
}

#[test]
fn each_optimizer_trains_and_none_is_another() {
    let optimizers = ["sgd", "momentum", "nesterov", "rmsprop", "adagrad", "adam", "adamw"];
    let mut seen = std::collections::BTreeSet::new();
    for optimizer in optimizers {
        let (_folder, path) = temporary();
        let history = path.to_str().expect("a path in UTF-8");
        // The norm is so large that it changes nothing but the loop that is used.
        let output = run(&[
            "--synthetic",
            "--epochs",
            "1",
            "--batch-size",
            "100",
            "--clip-norm",
            "1e30",
            "--optimizer",
            optimizer,
            "--history",
            history,
        ]);
        let printed = text(&output.stdout);
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert!(test_accuracies(&printed)[0] > 0.8, "{optimizer}: {printed}");
        assert!(seen.insert(figures(&path)), "{optimizer} is one of the others");
    }
    // What changes the numbers of an optimizer, alone and with the others.
    for more in [["--clip-norm", "0.1"], ["--weight-decay", "0.1"], ["--lr", "0.003"]] {
        let (_folder, path) = temporary();
        let mut command = mnist();
        command.args(["--synthetic", "--epochs", "1", "--batch-size", "100", "--optimizer", "adamw"]);
        let output = command.args(more).arg("--history").arg(&path).output().expect("it runs");
        assert!(output.status.success(), "{}", text(&output.stderr));
        // Gradients that are divided by their size are nearly the same when all are scaled, but not quite.
        assert!(seen.insert(figures(&path)), "{more:?} changes nothing");
    }
}

#[test]
fn schedules_fall_from_step_to_step_and_tensorboard_gets_its_files() {
    let (folder, path) = temporary();
    let logs = folder.path().join("logs");
    // The rate of the last step of each of four epochs, of 120 steps.
    let step = |number: i32| f64::from(number) / 480.0;
    let cosine = |way: f64| 0.01 * (1.0 + (std::f64::consts::PI * way).cos()) / 2.0;
    let ends = [119, 239, 359, 479];
    let cases: [(&[&str], [f64; 4]); 4] = [
        (&["--schedule", "step"], [0.01, 0.001, 0.0001, 0.0001]),
        (&["--schedule", "cosine"], ends.map(|end| cosine(step(end)))),
        (&["--schedule", "exponential"], ends.map(|end| 0.01 * 0.01f64.powf(step(end)))),
        // It rises for two epochs, and has two to fall in.
        (
            &["--schedule", "cosine", "--warmup", "2"],
            [0.005, 0.01, cosine(f64::from(119) / 240.0), cosine(f64::from(239) / 240.0)],
        ),
    ];
    for (schedule, rates) in cases {
        let arguments = ["--synthetic", "--epochs", "4", "--batch-size", "500"];
        let mut command = mnist();
        command.args(arguments).args(schedule).arg("--history").arg(&path).arg("--tensorboard").arg(&logs);
        let output = command.output().expect("it runs");
        assert!(output.status.success(), "{}", text(&output.stderr));
        let history = std::fs::read_to_string(&path).expect("a history");
        assert_eq!(history.lines().count(), 5);
        for (line, rate) in history.lines().skip(1).zip(rates) {
            let written: f64 = line.rsplit(',').next().expect("a field").parse().expect("a number");
            assert!((written - rate).abs() < 1e-7, "{schedule:?}, expected {rate}: {history}");
        }
    }
    for run in ["train", "validation"] {
        let files = std::fs::read_dir(logs.join(run)).expect("a run").count();
        assert_eq!(files, cases.len(), "a file for each training");
    }
}

#[test]
fn a_schedule_that_is_resumed_goes_on_and_another_one_is_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = |name: &str| folder.path().join(name).to_str().expect("a path in UTF-8").to_owned();
    let checkpoint = at("model.safetensors");
    let common = ["--synthetic", "--batch-size", "500", "--optimizer", "adam", "--schedule", "cosine"];
    let train = |more: &[&str]| run(&[&common[..], &["--checkpoint", &checkpoint], more].concat());
    let output = train(&["--epochs", "2", "--warmup", "0.5"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    // Over another number of epochs it is another schedule.
    let output = train(&["--epochs", "3", "--warmup", "0.5", "--resume"]);
    let error = text(&output.stderr);
    assert!(
        !output.status.success() && error.contains("learning rate, config, then, config, steps"),
        "{error}"
    );
    // What was written is said as it was written, with the options to write it with.
    let output = train(&["--epochs", "2", "--warmup", "0.5", "--resume", "--lr", "0.02", "--dropout", "0.1"]);
    let error = text(&output.stderr);
    let rate = " is 0.02 here and 0.001 in the file";
    assert!(!output.status.success() && error.contains(rate), "{error}");
    let options =
        "give the options of the training that was saved: --model and --dropout, --lr, --schedule and";
    assert!(error.contains(options), "{error}");
    let output = train(&["--epochs", "2", "--warmup", "0.5", "--resume"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("after epoch 2\n"));
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
