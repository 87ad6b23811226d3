//! `share`: common subexpressions across the border of a region.

use graph_core::share;
use insta::assert_snapshot;

use super::{check, check_unchanged};

#[test]
fn share_what_stands_before_the_branches() {
    assert_snapshot!(check(share, "
        graph f(%c: bool[], %x: i64[], %y: i64[]) {
          %two = constant 2 : i64[]
          %a = mul(%x, %two)
          %b = add(%a, %y)
          %z, %w = if(%c, %x, %y, %a)
            then(%x: i64[], %y: i64[], %a: i64[]) {
              %two = constant 2 : i64[]
              %p = mul(%x, %two)
              %q = add(%p, %y)
              %r = neg(%q)
              return %r, %p
            }
            else(%x: i64[], %y: i64[], %a: i64[]) { %n = neg(%y) return %n, %a }
          return %z, %w, %b
        }"), @"
    graph f(%0: bool[], %1: i64[], %2: i64[]) {
      %3 = constant 2 : i64[]
      %4 = mul(%1, %3) : i64[]
      %5 = add(%4, %2) : i64[]
      %6, %7 = if(%0, %1, %2, %4, %5) : i64[], i64[]
        then(%0: i64[], %1: i64[], %2: i64[], %3 shared: i64[]) {
          %4 = constant 2 : i64[]
          %5 = neg(%3) : i64[]
          return %5, %2
        }
        else(%0: i64[], %1: i64[], %2: i64[], %3 shared: i64[]) {
          %4 = neg(%1) : i64[]
          return %4, %2
        }
      return %6, %7, %5
    }
    ");
}

#[test]
fn share_what_a_loop_does_with_invariants() {
    assert_snapshot!(check(share, "
        graph f(%x: i64[], %k: i64[], %rows: i64[3]) {
          %n = neg(%k)
          %s, %d = sum_diff(%n, %k)
          %y = while(%x, %k) carried=1
            condition(%x: i64[], %k: i64[]) { %n = neg(%k) %more = less(%x, %n) return %more }
            body(%x: i64[], %k: i64[]) {
              %n = neg(%k)
              %s, %d = sum_diff(%n, %k)
              %t = add(%x, %d)
              return %t
            }
          %z = for(%y, %rows, %k) trips=3 carried=1 scanned=1
            body(%i: i64[], %x: i64[], %row: i64[], %k: i64[]) { %n = neg(%k) %t = add(%n, %row) return %t }
          return %z, %s
        }"), @"
    graph f(%0: i64[], %1: i64[], %2: i64[3]) {
      %3 = neg(%1) : i64[]
      %4, %5 = sum_diff(%3, %1) : i64[], i64[]
      %6 = while(%0, %1, %3, %5) carried=1 : i64[]
        condition(%0: i64[], %1: i64[], %2 shared: i64[], %3 shared: i64[]) {
          %4 = less(%0, %2) : bool[]
          return %4
        }
        body(%0: i64[], %1: i64[], %2 shared: i64[], %3 shared: i64[]) {
          %4 = add(%0, %3) : i64[]
          return %4
        }
      %7 = for(%6, %2, %1, %3) trips=3 carried=1 scanned=1 : i64[]
        body(%0: i64[], %1: i64[], %2: i64[], %3: i64[], %4 shared: i64[]) {
          %5 = add(%4, %2) : i64[]
          return %5
        }
      return %7, %4
    }
    ");
}

#[test]
fn share_leaves_what_varies_and_what_acts() {
    check_unchanged(
        share,
        r#"
        graph f(%x: i64[], %k: i64[], %rows: i64[3]) {
          %n = neg(%x)
          %seen = note(%k) tag="here"
          %y = for(%x, %rows, %k) trips=3 carried=1 scanned=1
            body(%i: i64[], %x: i64[], %row: i64[], %k: i64[]) {
              %n = neg(%x)
              %seen = note(%k) tag="here"
              %m = neg(%k)
              %s = add(%n, %seen)
              %t = add(%s, %m)
              return %t
            }
          %after = neg(%k)
          return %y, %n, %seen, %after
        }"#,
    );
}
