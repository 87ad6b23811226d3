//! Writes the programs that `tests/programs.rs` runs: `CONTROL_FLOW_FUZZ_COUNT` of them, from
//! `CONTROL_FLOW_FUZZ_SEED` on.

#[path = "generator/grow/mod.rs"]
mod grow;
#[path = "generator/random.rs"]
mod random;
#[path = "generator/twice.rs"]
mod twice;
#[path = "generator/write.rs"]
mod write;

use std::path::Path;

const SEED: (&str, u64) = ("CONTROL_FLOW_FUZZ_SEED", 0);
const COUNT: (&str, u64) = ("CONTROL_FLOW_FUZZ_COUNT", 200);

fn main() {
    println!("cargo::rerun-if-changed=generator");
    println!("cargo::rerun-if-changed=build.rs");
    let [seed, count] = [SEED, COUNT].map(|(name, or)| {
        println!("cargo::rerun-if-env-changed={name}");
        match std::env::var(name) {
            Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} is a number, not `{text}`")),
            Err(_) => or,
        }
    });
    let out = std::env::var("OUT_DIR").expect("set by cargo");
    std::fs::write(Path::new(&out).join("programs.rs"), write::programs(seed, count))
        .expect("it can be written");
}
