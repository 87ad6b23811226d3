//! What differs between the modes, and what does not.

use graph_core::{Mode, with_mode};
use graph_ops::Tensor;

#[test]
fn both_modes_agree_and_only_lazy_waits() {
    let run = || {
        let x = Tensor::from([[1.0f32, -2.0, 3.0], [4.0, 5.0, -6.0]]);
        let y = (&x * 2.0 + Tensor::from([1.0f32, 2.0, 3.0])).relu();
        let z = y.sum(-1) - y.max(1);
        (format!("{z:?}"), z.to_vec::<f32>(), format!("{z:?}"))
    };
    let (eager, values, _) = with_mode(Mode::Eager, run);
    let (before, lazy, after) = with_mode(Mode::Lazy, run);
    assert_eq!(values, lazy);
    assert!(before.contains("not computed"));
    assert_eq!(eager, after);
}
