//! Texts that show tensors without values: what they print as is filled in when the graph runs.

use std::cell::RefCell;

use super::Tensor;

/// What stands around an operand's number in a text: characters that no text of a user has.
pub(crate) const OPEN: char = '\u{2983}';
pub(crate) const CLOSE: char = '\u{2984}';

thread_local! {
    static SHOWN: RefCell<Option<Vec<Tensor>>> = const { RefCell::new(None) };
}

/// The text that `f` makes, with the tensors that have no values yet: each leaves its number in the text.
pub(crate) fn captured(first: Option<&Tensor>, f: impl FnOnce() -> String) -> (String, Vec<Tensor>) {
    struct Restore(Option<Vec<Tensor>>);
    impl Drop for Restore {
        fn drop(&mut self) {
            SHOWN.set(self.0.take());
        }
    }
    let _restore = Restore(SHOWN.replace(Some(first.cloned().into_iter().collect())));
    let text = f();
    (text, SHOWN.take().unwrap_or_default())
}

/// Within the text of an effect: the number of a tensor without a value.
pub(super) fn shown(tensor: &Tensor, is_debug: bool) -> Option<String> {
    SHOWN.with_borrow_mut(|shown| {
        let shown = shown.as_mut()?;
        shown.push(tensor.clone());
        let form = if is_debug { ":?" } else { "" };
        Some(format!("{OPEN}{}{form}{CLOSE}", shown.len() - 1))
    })
}
