//! No bytes make a loader panic.

use grafito::nn::{CheckpointProblem, Dense, History, Model, Registry, Sequential, load_tree};
use grafito::prelude::*;
use proptest::prelude::*;

use crate::support::{quiet, some_digits, stateful};

/// A checkpoint of a small model.
fn whole() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let mut model = stateful();
    model.fit(&some_digits(40), quiet(1)).unwrap();
    model.save(&path).unwrap();
    std::fs::read(&path).unwrap()
}

/// Shows some bytes to every loader; says whether they were a model.
fn load(bytes: &[u8]) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    std::fs::write(&path, bytes).unwrap();
    let _ = load_tree(&path, &mut Tensor::scalar(0.0f32));
    let _ = stateful().restore(&path);
    let _ = Model::load(&path);
    Sequential::load(&path).is_ok()
}

/// A file of this header and so much data.
fn file(header: &str, data: usize) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &vec![0; data]].concat()
}

#[test]
fn headers_made_to_mislead() {
    let max = u64::MAX;
    let near = max - 100;
    let headers = [
        "{}".to_owned(),
        "[]".to_owned(),
        "null".to_owned(),
        r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#.to_owned(),
        format!(r#"{{"a":{{"dtype":"U8","shape":[{near}],"data_offsets":[0,{near}]}}}}"#),
        format!(r#"{{"a":{{"dtype":"U8","shape":[{max}],"data_offsets":[1,0]}}}}"#),
        format!(r#"{{"a":{{"dtype":"F32","shape":[{max},{max}],"data_offsets":[0,4]}}}}"#),
        format!(r#"{{"a":{{"dtype":"F32","shape":[0,{max}],"data_offsets":[0,0]}}}}"#),
        r#"{"a":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}}"#.to_owned(),
        r#"{"a":{"dtype":"BOOL","shape":[4],"data_offsets":[0,4]}}"#.to_owned(),
        r#"{"__metadata__":{"grafito":"{}"}}"#.to_owned(),
        r#"{"__metadata__":{"grafito":"[[[["}}"#.to_owned(),
        r#"{"__metadata__":{"grafito":"{\"format\":1,\"network\":{\"seed\":1,\"input\":null,\"layers\":[]}}"}}"#.to_owned(),
    ];
    for header in &headers {
        for data in [0, 4, 100] {
            assert!(!load(&file(header, data)), "{header}");
        }
    }
    // Ends of which the parser's sums overflow.
    for below in 0..200 {
        let end = max - below;
        let header = format!(r#"{{"a":{{"dtype":"U8","shape":[{end}],"data_offsets":[0,{end}]}}}}"#);
        assert!(!load(&file(&header, 0)));
    }
    let deep = format!(r#"{{"__metadata__":{{"grafito":"{}"}}}}"#, "[".repeat(100_000));
    assert!(!load(&file(&deep, 0)));
    let mut bools = file(r#"{"a":{"dtype":"BOOL","shape":[1],"data_offsets":[0,1]}}"#, 1);
    *bools.last_mut().unwrap() = 2;
    assert!(!load(&bools));
}

#[test]
fn epochs_of_any_number() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let bytes = whole();
    let len = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header = std::str::from_utf8(&bytes[8..8 + len]).unwrap();
    let header = header.replace(r#"\"epochs\":1"#, &format!(r#"\"epochs\":{}"#, u64::MAX));
    let header = header.replace(r#"\"batches\":0"#, &format!(r#"\"batches\":{}"#, u64::MAX));
    let edited = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &bytes[8 + len..]].concat();
    std::fs::write(&path, edited).unwrap();
    let mut model = stateful();
    model.restore(&path).unwrap();
    assert_eq!(model.epochs(), usize::MAX);
    model.fit(&some_digits(40), quiet(1)).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(!load(&bytes));
    }

    #[test]
    fn any_text_as_a_description(text in ".{0,60}") {
        prop_assert!(Sequential::from_json(&text, &Registry::new()).is_err());
        let _ = History::from_csv(&text);
    }

    #[test]
    fn any_text_within_a_description(at in any::<prop::sample::Index>(), text in r#"[-0-9a-z\[\]{}",:.]{0,4}"#) {
        let json = Sequential::new().input([2]).add(Dense::new(3)).to_json();
        let at = at.index(json.len());
        let edited = format!("{}{text}{}", &json[..at], &json[(at + 1).min(json.len())..]);
        match Sequential::from_json(&edited, &Registry::new()) {
            // Built only where it says that it is small.
            Ok(mut network) => { let _ = network.summary(); }
            Err(CheckpointProblem::Damaged(_)) => prop_assert!(false, "text has no tensors"),
            Err(_) => {}
        }
    }
}

#[test]
fn a_checkpoint_with_any_byte_changed_or_cut_off_anywhere() {
    let bytes = whole();
    let header = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    // All of the header, where each byte means something, with steps that are prime to everything.
    for at in (0..header).step_by(7) {
        for change in [1u8, 0x20, 0x80] {
            let mut changed = bytes.clone();
            changed[at] ^= change;
            load(&changed);
        }
    }
    for len in (0..bytes.len()).step_by(bytes.len() / 50) {
        assert!(!load(&bytes[..len]));
    }
}
