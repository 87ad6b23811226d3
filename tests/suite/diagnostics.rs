//! What the macros refuse, in the words that the user sees; and that what they emit causes no warnings.

/// `tests/ui/quiet.rs` fails by one deliberate error, which shows that its lints are looked at.
#[test]
fn every_diagnostic() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
