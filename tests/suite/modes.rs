//! Which mode holds: features, environment, `set_mode`, `with_mode`.

use std::process::Command;

use grafito::prelude::*;
use grafito::{mode, set_mode};

use crate::support::panic_of;

#[test]
fn with_mode_nests_and_survives_panics() {
    with_mode(Mode::Eager, || {
        assert_eq!(mode(), Mode::Eager);
        with_mode(Mode::Lazy, || {
            assert_eq!(mode(), Mode::Lazy);
            with_mode(Mode::Eager, || assert_eq!(mode(), Mode::Eager));
            assert_eq!(mode(), Mode::Lazy);
        });
        assert_eq!(mode(), Mode::Eager);
        panic_of(|| with_mode(Mode::Lazy, || panic!("inside")));
        assert_eq!(mode(), Mode::Eager, "restored by the unwinding");
    });
}

#[test]
fn with_mode_is_of_the_thread() {
    with_mode(Mode::Eager, || {
        std::thread::spawn(|| with_mode(Mode::Lazy, || assert_eq!(mode(), Mode::Lazy))).join().unwrap();
        assert_eq!(mode(), Mode::Eager);
    });
}

/// Prints the mode that a program starts in, what `set_mode` makes of it, and what operations do in each.
#[test]
#[ignore = "run in child processes by the tests below"]
fn reports_its_mode() {
    let computes = || (Tensor::scalar(1i64) + 1).is_computed();
    println!("starts {:?} {}", mode(), computes());
    for chosen in [Mode::Eager, Mode::Lazy, Mode::Eager] {
        set_mode(chosen);
        assert_eq!((mode(), computes()), (chosen, chosen == Mode::Eager));
        std::thread::spawn(move || assert_eq!(mode(), chosen)).join().unwrap();
        with_mode(Mode::Lazy, || {
            set_mode(Mode::Eager);
            assert_eq!(mode(), Mode::Lazy, "the inner one holds");
        });
        assert_eq!(mode(), Mode::Eager);
    }
    println!("ends {:?}", mode());
}

/// Standard output and standard error of a child process in which `GRAFITO_MODE` is `value`.
fn child(value: Option<&str>) -> (String, String) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "modes::reports_its_mode", "--nocapture"]);
    command.env_remove("GRAFITO_MODE");
    if let Some(value) = value {
        command.env("GRAFITO_MODE", value);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn the_environment_overrides_the_features() {
    for (value, starts) in [("eager", "starts Eager true"), ("LAZY", "starts Lazy false")] {
        let (out, err) = child(Some(value));
        assert!(out.contains(starts) && out.contains("ends Eager"), "{out}");
        assert!(!err.contains("warning"), "{err}");
    }
}

#[test]
fn features_choose_where_the_environment_says_nothing() {
    // Features add up, so both together mean what neither does.
    let starts = match (cfg!(feature = "eager"), cfg!(feature = "lazy")) {
        (true, false) => "starts Eager true",
        _ => "starts Lazy false",
    };
    for value in [None, Some("")] {
        let (out, err) = child(value);
        assert!(out.contains(starts), "{out}");
        assert!(!err.contains("warning"), "{err}");
    }
    let (out, err) = child(Some("quick"));
    assert!(out.contains(starts), "{out}");
    assert!(err.contains("warning: GRAFITO_MODE=quick is neither `eager` nor `lazy`"), "{err}");
}

/// The mode is looked at when an operation is applied, not when its result is read.
#[test]
fn values_keep_their_kind_across_modes() {
    let lazy = with_mode(Mode::Lazy, || Tensor::scalar(1i64) + 1);
    let eager = with_mode(Mode::Eager, || Tensor::scalar(1i64) + 1);
    assert!(!lazy.is_computed() && eager.is_computed());
    let mixed = with_mode(Mode::Lazy, || &lazy + &eager);
    assert_eq!(with_mode(Mode::Eager, || mixed.item::<i64>()), 4);
}
