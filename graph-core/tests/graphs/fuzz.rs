//! No text makes the parser panic, and whatever it accepts is printed and read back.

use graph_core::Graph;
use proptest::prelude::*;

use crate::ops::op_from_text;
use crate::text::EVERYTHING;

fn check(text: &str) {
    if let Ok(graph) = Graph::parse(text, &op_from_text) {
        let printed = graph.to_string();
        if !printed.contains("constant ...") {
            let again = Graph::parse(&printed, &op_from_text).unwrap();
            assert_eq!(again.to_string(), printed);
        }
    }
}

/// The words of a valid text.
fn words() -> Vec<String> {
    let spaced: String = EVERYTHING
        .chars()
        .map(|c| if "(){}[],:=".contains(c) { format!(" {c} ") } else { c.to_string() })
        .collect();
    spaced.split_whitespace().map(str::to_owned).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        check(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn any_words(picks in proptest::collection::vec(any::<prop::sample::Index>(), 0..60)) {
        let words = words();
        let text: Vec<&str> = picks.iter().map(|pick| pick.get(&words).as_str()).collect();
        check(&format!("graph f(%0: i64[], %1: i64[3]) {{ {}", text.join(" ")));
    }

    #[test]
    fn words_replaced(edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..4u8), 1..4)) {
        let mut words = words();
        for (at, from, how) in edits {
            let word = from.get(&words).clone();
            let at = at.index(words.len());
            match how {
                0 => words[at] = word,
                1 => words.insert(at, word),
                2 => drop(words.remove(at)),
                _ => words[at] = "9223372036854775807".to_owned(),
            }
        }
        check(&words.join(" "));
    }

    #[test]
    fn characters_replaced(edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<char>()), 1..4)) {
        let mut chars: Vec<char> = EVERYTHING.chars().collect();
        for (at, c) in edits {
            let at = at.index(chars.len());
            chars[at] = c;
        }
        check(&chars.into_iter().collect::<String>());
    }

    #[test]
    fn text_cut_short(at in any::<prop::sample::Index>()) {
        let chars: Vec<char> = EVERYTHING.chars().collect();
        check(&chars[..at.index(chars.len())].iter().collect::<String>());
    }
}
