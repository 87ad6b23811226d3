//! The five questions: the programs print what the two pages say, and the pages show the programs' lines.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The programs in the order of the questions, and the argument that the pages run them with.
const PROGRAMS: [(&str, Option<&str>); 5] = [
    ("three_levels", None),
    ("why_graphs", Some("pictures")),
    ("eager_and_lazy", None),
    ("tensorboard", Some("logs")),
    ("tensorflow_1_and_2", None),
];

const PAGES: [&str; 2] = ["questions.md", "preguntas.md"];

/// What a page has under a question.
struct Answer {
    text: String,
    /// Lines of Rust, without indentation.
    code: BTreeSet<String>,
    printed: String,
}

/// The answers of a page, in order.
fn answers(page: &str) -> Vec<Answer> {
    let text = fs::read_to_string(root().join("docs").join(page)).expect("the page is there");
    text.split("\n## ").skip(1).map(answer).collect()
}

fn answer(section: &str) -> Answer {
    let mut answer = Answer { text: section.to_owned(), code: BTreeSet::new(), printed: String::new() };
    let mut block = "";
    for line in section.lines() {
        match (block, line.strip_prefix("```")) {
            ("", Some(language)) => block = language,
            (_, Some(_)) => block = "",
            ("text", None) => answer.printed.extend([line, "\n"]),
            ("rust,ignore", None) => drop(answer.code.insert(line.trim().to_owned())),
            _ => {}
        }
    }
    answer
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What a program prints in a mode, in an empty folder, which is returned, too.
fn run(program: &str, argument: Option<&str>, mode: &str) -> (String, tempfile::TempDir) {
    let tests = std::env::current_exe().expect("a test knows its path");
    let target = tests.ancestors().nth(2).expect("target/<profile>/deps");
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(target.join("examples").join(program));
    command.args(argument).env("GRAFITO_MODE", mode).env("TMPDIR", folder.path()).current_dir(folder.path());
    let output = command.output().expect("`cargo test` builds the examples");
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    (String::from_utf8(output.stdout).expect("text"), folder)
}

/// Without the digits that differ from run to run (times) or from processor to processor (accuracies of long trainings).
fn stable(printed: &str) -> String {
    let mut stable = String::new();
    for line in printed.lines() {
        if line.starts_with("time: ") || line.contains(": accuracy ") {
            // Widths of numbers differ, too.
            let words = line.split_whitespace().filter(|word| word.parse::<f64>().is_err());
            stable.push_str(&words.collect::<Vec<_>>().join(" "));
        } else {
            stable.push_str(line);
        }
        stable.push('\n');
    }
    stable
}

fn check(question: usize) {
    let (program, argument) = PROGRAMS[question - 1];
    for page in PAGES {
        for mode in ["lazy", "eager"] {
            let (printed, _folder) = run(program, argument, mode);
            let says = &answers(page)[question - 1].printed;
            assert_eq!(stable(&printed), stable(says), "{program} in {mode} mode, and docs/{page}");
        }
    }
}

#[test]
fn keras_compared_with_tensorflow() {
    check(1);
}

#[test]
fn why_graphs_and_how_to_make_one_by_hand() {
    check(2);
}

#[test]
fn eager_against_lazy() {
    check(3);
}

#[test]
fn logging_to_tensorboard() {
    check(4);
}

#[test]
fn tensorflow_1_against_2() {
    check(5);
}

#[test]
fn graphs_are_drawn_into_the_folder_that_is_named_or_a_temporary_one() {
    for (argument, place) in [(Some("deep/pictures"), "deep/pictures"), (None, "grafito-why-graphs")] {
        let (printed, folder) = run("why_graphs", argument, "lazy");
        let drawn: PathBuf = folder.path().join(place);
        assert!(printed.trim_end().ends_with(place), "{printed}");
        for name in ["traced", "optimized"] {
            let read =
                |extension| fs::read_to_string(drawn.join(name).with_extension(extension)).expect("a file");
            assert!(read("dot").starts_with("digraph"), "{}", read("dot"));
            assert!(read("svg").starts_with("<svg"), "{}", read("svg"));
            // Only the traced graph has the exponential that nobody reads.
            assert_eq!(read("dot").contains("exp"), name == "traced");
        }
    }
}

#[test]
fn the_pages_show_lines_of_the_programs() {
    for page in PAGES {
        let answers = answers(page);
        assert_eq!(answers.len(), PROGRAMS.len(), "{page}");
        for (Answer { text, code, .. }, (program, argument)) in answers.iter().zip(PROGRAMS) {
            let source = root().join("examples").join(program).with_extension("rs");
            let source = fs::read_to_string(source).expect("the program is there");
            let lines: BTreeSet<&str> = source.lines().map(str::trim).collect();
            assert!(!code.is_empty(), "{page}: nothing of {program}");
            for line in code {
                assert!(lines.contains(line.as_str()), "{page}: not in {program}: {line}");
            }
            let argument = argument.map(|argument| format!(" -- {argument}")).unwrap_or_default();
            let command = format!("`cargo run --example {program}{argument}`");
            assert!(text.contains(&command), "{page}: {command} is missing");
        }
    }
}

#[test]
fn both_pages_show_the_same_lines_and_the_same_output() {
    let [english, spanish] = PAGES.map(answers);
    for (question, (english, spanish)) in english.iter().zip(&spanish).enumerate() {
        assert_eq!(english.code, spanish.code, "question {}", question + 1);
        assert_eq!(english.printed, spanish.printed, "question {}", question + 1);
    }
}
