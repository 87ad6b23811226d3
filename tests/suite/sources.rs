//! What holds for the sources: each file opens with what it is for, the modules of a crate form a ladder, models and
//! pipelines of data are made of what users have, and each public item of `nn` is shown by an example.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The sources of each crate.
const CRATES: [&str; 4] = ["graph-core/src", "graph-ops/src", "graph-macros/src", "src"];

/// A step down that is none: to read a pending tensor is to optimize its graph first, by rules that know the ops, which
/// are methods of tensors.
const KNOT: (&str, &str) = ("tensor", "optimize");

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The Rust files below a folder, with their texts.
fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("text");
            found.push((path, text));
        }
    }
    found
}

#[test]
fn every_file_opens_with_what_it_is_for() {
    let others =
        ["graph-core/tests", "graph-ops/tests", "graph-ops/benches", "fuzz", "tests", "examples", "benches"];
    let mut count = 0;
    for (path, text) in CRATES.iter().chain(&others).flat_map(|folder| sources(&root().join(folder))) {
        assert!(text.starts_with("//! "), "{} does not open with a `//!` line", path.display());
        count += 1;
    }
    assert!(count > 100, "only {count} files were found");
}

/// For each module of a crate, those that it names as `crate::module`.
fn uses(folder: &Path) -> BTreeMap<String, BTreeSet<String>> {
    let mut uses: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (path, text) in sources(folder) {
        let path = path.strip_prefix(folder).expect("below the folder").with_extension("");
        let module = path.iter().next().expect("a name").to_string_lossy().into_owned();
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        let of_module = uses.entry(module).or_default();
        let code = code.collect::<Vec<_>>().join(" ");
        for rest in ["crate::", "grafito::"].iter().flat_map(|root| code.split(root).skip(1)) {
            // `crate::{a, b::c}` names several.
            let names = match rest.strip_prefix('{') {
                Some(list) => list.split('}').next().unwrap_or_default().split(',').map(str::trim).collect(),
                None => vec![rest],
            };
            for name in names {
                let name = name.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
                of_module.insert(name.to_owned());
            }
        }
    }
    let modules: BTreeSet<String> = uses.keys().filter(|module| *module != "lib").cloned().collect();
    uses.retain(|module, _| modules.contains(module));
    for (module, used) in &mut uses {
        used.retain(|other| modules.contains(other) && other != module && (&**module, &**other) != KNOT);
    }
    uses
}

#[test]
fn the_modules_of_a_crate_form_a_ladder() {
    for folder in CRATES {
        let mut uses = uses(&root().join(folder));
        // From the bottom up: what uses nothing but what is already placed.
        while !uses.is_empty() {
            let placed: Vec<String> =
                uses.iter().filter(|(_, used)| used.is_empty()).map(|(module, _)| module.clone()).collect();
            assert!(!placed.is_empty(), "{folder}: these use each other: {uses:?}");
            uses.retain(|module, _| !placed.contains(module));
            uses.values_mut().for_each(|used| used.retain(|module| !placed.contains(module)));
        }
    }
}

/// Whether a file has unsafe code, its tests left out.
fn is_unsafe(text: &str) -> bool {
    let code = text.split("#[cfg(test)]\nmod tests {").next().expect("a part before the tests");
    let code = code.lines().map(str::trim_start).filter(|line| !line.starts_with("//"));
    code.flat_map(|line| line.match_indices("unsafe ").map(|(at, _)| &line[at + "unsafe ".len()..]))
        .any(|rest| ["{", "impl", "fn", "extern"].iter().any(|after| rest.starts_with(after)))
}

#[test]
fn unsafe_code_is_where_the_page_on_architecture_says() {
    let page = fs::read_to_string(root().join("docs/ARCHITECTURE.md")).expect("the page");
    let section = page.split("## Unsafe code").nth(1).expect("a section on unsafe code");
    let section = section.split("Each block says").next().expect("the part with names");
    // Between backticks, every other piece of the text.
    let named: BTreeSet<&str> = section.split('`').skip(1).step_by(2).collect();
    let mut found = BTreeSet::new();
    // The other crates forbid it.
    for folder in ["graph-core/src", "graph-ops/src"].map(|folder| root().join(folder)) {
        for (path, _) in sources(&folder).iter().filter(|(_, text)| is_unsafe(text)) {
            let path = path.strip_prefix(&folder).expect("below the folder").with_extension("");
            let name = named.iter().find(|name| path.starts_with(name));
            found.insert(*name.unwrap_or_else(|| panic!("the page does not name {}", path.display())));
        }
    }
    found.extend(["graph-core", "graph-ops", "tests/suite/sources.rs"]);
    assert_eq!(found, named, "the page names what has unsafe code");
}

/// The public items of a file that no example shows: neither one of their own nor, for functions, any in the file. Also
/// how many items there are.
fn not_shown(text: &str) -> (Vec<&str>, usize) {
    let (mut items, mut examples, mut is_example, mut has_own) = (Vec::new(), Vec::new(), false, false);
    for line in text.lines().map(str::trim_start) {
        if let Some(doc) = line.strip_prefix("//!").or(line.strip_prefix("///")) {
            let is_fence = doc.trim_start().starts_with("```");
            has_own |= is_fence;
            is_example ^= is_fence;
            examples.extend(is_example.then_some(doc));
        } else if !line.starts_with("#[") {
            let after = |kind| line.strip_prefix("pub ")?.strip_prefix(kind)?.strip_prefix(' ');
            let kinds = ["fn", "struct", "enum", "trait", "type"];
            if let Some((kind, rest)) = kinds.iter().find_map(|&kind| Some((kind, after(kind)?))) {
                let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
                // A macro's `$Name` has its documentation where the macro is called.
                items.extend((end > 0).then_some((kind, &rest[..end], has_own)));
            }
            has_own = false;
        }
    }
    let calls = |line: &str, name: &str| {
        line.match_indices(name).any(|(at, _)| {
            let after = &line[at + name.len()..];
            let is_whole = !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
            is_whole && (after.starts_with('(') || after.starts_with("::<"))
        })
    };
    let is_shown = |&&(kind, name, has_own): &&(&str, &str, bool)| {
        has_own || (kind == "fn" && examples.iter().any(|line| calls(line, name)))
    };
    let missing = items.iter().filter(|item| !is_shown(item)).map(|(_, name, _)| *name);
    (missing.collect(), items.len())
}

#[test]
fn models_and_data_are_built_from_the_public_api_alone() {
    for folder in ["src/nn", "src/datasets"] {
        for (path, text) in sources(&root().join(folder)) {
            let inner =
                ["graph_core", "graph_ops", "graph_macros"].into_iter().find(|&name| text.contains(name));
            assert_eq!(inner, None, "{} names an inner crate", path.display());
        }
    }
}

#[test]
fn every_public_item_of_nn_is_shown_by_an_example() {
    let mut count = 0;
    for (path, text) in sources(&root().join("src/nn")) {
        let (missing, items) = not_shown(&text);
        assert!(missing.is_empty(), "{}: no example shows {}", path.display(), missing.join(", "));
        count += items;
    }
    assert!(count > 250, "only {count} items were found");
    let text = "/// ```\n/// a().b(1);\n/// ```\npub struct S;\n/// c(2)\npub fn b() {}\npub fn c() {}";
    assert_eq!(not_shown(text), (vec!["c"], 3));
}

/// What the pages say of files is true: a path in backticks is one from the root, or in the sources of a crate.
#[test]
fn paths_in_the_pages_exist() {
    const ENDINGS: [&str; 5] = [".rs", ".md", ".py", ".sh", ".toml"];
    let mut pages = vec![root().join("README.md")];
    for entry in fs::read_dir(root().join("docs")).expect("the pages") {
        pages.push(entry.expect("an entry").path());
    }
    let mut count = 0;
    for page in pages.iter().filter(|page| page.extension().is_some_and(|extension| extension == "md")) {
        let text = fs::read_to_string(page).expect("text");
        let quoted = text.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
        let is_path = |word: &&str| {
            word.contains('/')
                && ENDINGS.iter().any(|ending| word.ends_with(ending))
                && word.chars().all(|c| c.is_alphanumeric() || "/._-".contains(c))
        };
        for path in quoted.filter(is_path) {
            let exists = [""].iter().chain(&CRATES).any(|folder| root().join(folder).join(path).exists());
            assert!(exists, "{} speaks of `{path}`", page.display());
            count += 1;
        }
    }
    assert!(count > 20, "only {count} paths were found");
}
