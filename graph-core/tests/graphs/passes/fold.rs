//! `fold`: constants.

use graph_core::fold;
use insta::assert_snapshot;

use super::{check, check_unchanged};
use crate::ops::notes;

#[test]
fn fold_constants_also_in_regions() {
    assert_snapshot!(check(fold, "
        graph f(%x: i64[]) {
          %a = constant 2 : i64[]
          %b = constant 3 : i64[]
          %six = mul(%a, %b)
          %s, %d = sum_diff(%six, %b)
          %y = add(%x, %s)
          %z = call(%y)
            body(%x: i64[]) { %k = constant 4 : i64[] %n = neg(%k) %m = add(%x, %n) return %m }
          return %z, %d
        }"), @"
    graph f(%0: i64[]) {
      %1 = constant 2 : i64[]
      %2 = constant 3 : i64[]
      %3 = constant 6 : i64[]
      %4 = constant 9 : i64[]
      %5 = constant 3 : i64[]
      %6 = add(%0, %4) : i64[]
      %7 = call(%6) : i64[]
        body(%0: i64[]) {
          %1 = constant 4 : i64[]
          %2 = constant -4 : i64[]
          %3 = add(%0, %2) : i64[]
          return %3
        }
      return %7, %5
    }
    ");
}

#[test]
fn fold_stays_small() {
    // 1 KiB from a scalar is folded, 8 KiB is not; nor is what depends on it.
    assert_snapshot!(check(fold, "
        graph f() {
          %half = constant 0.5 : f32[]
          %small = fill(%half) shape=[256]
          %large = fill(%half) shape=[2048]
          %sum = add(%large, %half)
          return %small, %sum
        }"), @"
    graph f() {
      %0 = constant 0.5 : f32[]
      %1 = constant splat 0.5 : f32[256]
      %2 = fill(%0) shape=[2048] : f32[2048]
      %3 = add(%2, %0) : f32[2048]
      return %1, %3
    }
    ");
    // A large result of large operands is not larger than they are.
    assert_snapshot!(check(fold, "
        graph f() {
          %large = constant splat 0.5 : f32[2048]
          %sum = add(%large, %large)
          %view = reshape(%sum) shape=[2, 1024]
          return %view
        }"), @"
    graph f() {
      %0 = constant splat 0.5 : f32[2048]
      %1 = constant splat 1.0 : f32[2048]
      %2 = constant splat 1.0 : f32[2, 1024]
      return %2
    }
    ");
}

#[test]
fn fold_leaves_failures_effects_and_loops() {
    check_unchanged(
        fold,
        r#"
        graph f() {
          %one = constant 1 : i64[]
          %zero = constant 0 : i64[]
          %q = div(%one, %zero)
          %n = note(%one) tag="seen"
          %w = while(%one) carried=1
            condition(%x: i64[]) { %yes = constant true : bool[] return %yes }
            body(%x: i64[]) { return %x }
          return %q, %n, %w
        }"#,
    );
    assert!(notes().is_empty());
}
