//! `forward`: what control flow hands on.

use graph_core::forward;
use insta::assert_snapshot;

use super::{check, check_unchanged};

#[test]
fn forward_what_both_branches_hand_on() {
    assert_snapshot!(check(forward, r#"
        graph f(%c: bool[], %x: i64[], %y: i64[]) {
          %a, %b = if(%c, %x, %y)
            then(%x: i64[], %y: i64[]) { %n = neg(%x) return %x, %n }
            else(%x: i64[], %y: i64[]) { return %x, %y }
          %gone = if(%c, %y) then(%y: i64[]) { return %y } else(%y: i64[]) { return %y }
          %kept = if(%c, %y)
            then(%y: i64[]) { silent_note(%y) tag="acts" return %y }
            else(%y: i64[]) { return %y }
          return %a, %b, %gone, %kept
        }"#), @r#"
    graph f(%0: bool[], %1: i64[], %2: i64[]) {
      %3 = if(%0, %1, %2) : i64[]
        then(%0: i64[], %1: i64[]) {
          %2 = neg(%0) : i64[]
          return %2
        }
        else(%0: i64[], %1: i64[]) {
          return %1
        }
      if(%0, %2)
        then(%0: i64[]) {
          silent_note(%0) tag="acts"
          return
        }
        else(%0: i64[]) {
          return
        }
      return %1, %3, %2, %2
    }
    "#);
}

#[test]
fn forward_what_no_iteration_changes() {
    assert_snapshot!(check(forward, "
        graph f(%x: i64[], %y: i64[], %z: i64[], %rows: i64[3]) {
          %a, %b = while(%x, %y, %z) carried=2
            condition(%x: i64[], %y: i64[], %z: i64[]) { %more = less(%y, %x) return %more }
            body(%x: i64[], %y: i64[], %z: i64[]) { %s = add(%y, %z) return %x, %s }
          %c, %d, %all = for(%y, %z, %rows, %x) trips=3 carried=2 scanned=1
            body(%i: i64[], %y: i64[], %z: i64[], %row: i64[], %x: i64[]) {
              %s = add(%z, %row)
              %t = mul(%s, %y)
              return %y, %t, %x
            }
          return %a, %b, %c, %d, %all
        }"), @"
    graph f(%0: i64[], %1: i64[], %2: i64[], %3: i64[3]) {
      %4 = while(%1, %2, %0) carried=1 : i64[]
        condition(%0: i64[], %1: i64[], %2: i64[]) {
          %3 = less(%0, %2) : bool[]
          return %3
        }
        body(%0: i64[], %1: i64[], %2: i64[]) {
          %3 = add(%0, %1) : i64[]
          return %3
        }
      %5, %6 = for(%2, %3, %0, %1) trips=3 carried=1 scanned=1 : i64[], i64[3]
        body(%0: i64[], %1: i64[], %2: i64[], %3: i64[], %4: i64[]) {
          %5 = add(%1, %2) : i64[]
          %6 = mul(%5, %4) : i64[]
          return %6, %3
        }
      return %0, %4, %1, %5, %6
    }
    ");
}

#[test]
fn forward_from_the_inside_out() {
    assert_snapshot!(check(forward, "
        graph f(%c: bool[], %x: i64[], %y: i64[]) {
          %a, %b = for(%x, %y, %c) trips=3 carried=2 scanned=0
            body(%i: i64[], %x: i64[], %y: i64[], %c: bool[]) {
              %z = if(%c, %x) then(%x: i64[]) { return %x } else(%x: i64[]) { return %x }
              %s = add(%y, %z)
              return %z, %s
            }
          return %a, %b
        }"), @"
    graph f(%0: bool[], %1: i64[], %2: i64[]) {
      %3 = for(%2, %0, %1) trips=3 carried=1 scanned=0 : i64[]
        body(%0: i64[], %1: i64[], %2: bool[], %3: i64[]) {
          %4 = add(%1, %3) : i64[]
          return %4
        }
      return %1, %3
    }
    ");
}

#[test]
fn forward_leaves_what_changes_places() {
    check_unchanged(
        forward,
        "
        graph f(%c: bool[], %x: i64[], %y: i64[]) {
          %a = if(%c, %x, %y)
            then(%x: i64[], %y: i64[]) { return %x }
            else(%x: i64[], %y: i64[]) { return %y }
          %p, %q = while(%a, %y) carried=2
            condition(%x: i64[], %y: i64[]) { %more = less(%y, %x) return %more }
            body(%x: i64[], %y: i64[]) { return %y, %x }
          return %p, %q
        }",
    );
}
