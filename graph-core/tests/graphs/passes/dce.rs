//! `dce`: dead code.

use graph_core::dce;
use insta::assert_snapshot;

use super::{check, check_unchanged};

#[test]
fn dce_removes_what_nothing_needs() {
    assert_snapshot!(check(dce, r#"
        graph f(%x: i64[], %unused: i64[]) {
          %a = neg(%x)
          %b = add(%a, %unused)
          %c = neg(%b)
          %zero = constant 0 : i64[]
          %q = div(%a, %zero)
          %n = note(%b) tag="kept"
          silent_note(%x) tag="kept"
          return %a
        }"#), @r#"
    graph f(%0: i64[], %1: i64[]) {
      %2 = neg(%0) : i64[]
      %3 = add(%2, %1) : i64[]
      %4 = note(%3) tag="kept" : i64[]
      silent_note(%0) tag="kept"
      return %2
    }
    "#);
}

#[test]
fn dce_narrows_branches_and_calls() {
    assert_snapshot!(check(dce, "
        graph f(%c: bool[], %x: i64[], %y: i64[], %z: i64[]) {
          %only_z = neg(%z)
          %a, %b, %d = if(%c, %x, %y, %only_z)
            then(%x: i64[], %y: i64[], %z: i64[]) { %n = neg(%z) %m = neg(%x) return %n, %x, %m }
            else(%x: i64[], %y: i64[], %z: i64[]) { return %z, %y, %y }
          %e, %g = call(%a, %b) body(%a: i64[], %b: i64[]) { %n = neg(%a) return %n, %b }
          return %g, %d
        }"), @"
    graph f(%0: bool[], %1: i64[], %2: i64[], %3: i64[]) {
      %4, %5 = if(%0, %1, %2) : i64[], i64[]
        then(%0: i64[], %1: i64[]) {
          %2 = neg(%0) : i64[]
          return %0, %2
        }
        else(%0: i64[], %1: i64[]) {
          return %1, %1
        }
      %6 = call(%4) : i64[]
        body(%0: i64[]) {
          return %0
        }
      return %6, %5
    }
    ");
}

#[test]
fn dce_removes_loop_variables_that_only_they_use() {
    assert_snapshot!(check(dce, "
        graph f(%n: i64[], %x: i64[], %y: i64[], %z: i64[], %k: i64[]) {
          %dead = neg(%z)
          %i, %a, %b, %c = while(%n, %x, %y, %dead, %k) carried=4
            condition(%i: i64[], %a: i64[], %b: i64[], %c: i64[], %k: i64[]) {
              %more = less(%i, %k) return %more
            }
            body(%i: i64[], %a: i64[], %b: i64[], %c: i64[], %k: i64[]) {
              %one = constant 1 : i64[]
              %next = add(%i, %one)
              %sum = add(%a, %b)
              %alone = mul(%c, %a)
              return %next, %sum, %k, %alone
            }
          return %a
        }"), @"
    graph f(%0: i64[], %1: i64[], %2: i64[], %3: i64[], %4: i64[]) {
      %5, %6, %7 = while(%0, %1, %2, %4) carried=3 : i64[], i64[], i64[]
        condition(%0: i64[], %1: i64[], %2: i64[], %3: i64[]) {
          %4 = less(%0, %3) : bool[]
          return %4
        }
        body(%0: i64[], %1: i64[], %2: i64[], %3: i64[]) {
          %4 = constant 1 : i64[]
          %5 = add(%0, %4) : i64[]
          %6 = add(%1, %2) : i64[]
          return %5, %6, %3
        }
      return %6
    }
    ");
}

#[test]
fn dce_narrows_scans() {
    assert_snapshot!(check(dce, "
        graph f(%x: i64[], %y: i64[], %rows: i64[3], %columns: i64[3], %k: i64[]) {
          %a, %b, %p, %q = for(%x, %y, %rows, %columns, %k) trips=3 carried=2 scanned=2
            body(%i: i64[], %a: i64[], %b: i64[], %row: i64[], %column: i64[], %k: i64[]) {
              %s = add(%a, %row)
              %t = mul(%b, %column)
              %u = mul(%t, %k)
              return %s, %u, %s, %t
            }
          return %p
        }"), @"
    graph f(%0: i64[], %1: i64[], %2: i64[3], %3: i64[3], %4: i64[]) {
      %5, %6 = for(%0, %2) trips=3 carried=1 scanned=1 : i64[], i64[3]
        body(%0: i64[], %1: i64[], %2: i64[]) {
          %3 = add(%1, %2) : i64[]
          return %3, %3
        }
      return %6
    }
    ");
}

#[test]
fn dce_removes_loops_that_nothing_uses_but_not_their_effects() {
    assert_snapshot!(check(dce, r#"
        graph f(%x: i64[], %y: i64[]) {
          %gone, %rows = for(%x) trips=3 carried=1 scanned=0
            body(%i: i64[], %a: i64[]) { %s = add(%a, %i) return %s, %s }
          %kept, %other, %notes = for(%x, %y) trips=3 carried=2 scanned=0
            body(%i: i64[], %a: i64[], %b: i64[]) {
              %s = add(%a, %i)
              silent_note(%s) tag="kept"
              %t = add(%b, %s)
              return %s, %t, %i
            }
          return %x
        }"#), @r#"
    graph f(%0: i64[], %1: i64[]) {
      %2 = for(%0) trips=3 carried=1 scanned=0 : i64[]
        body(%0: i64[], %1: i64[]) {
          %2 = add(%1, %0) : i64[]
          silent_note(%2) tag="kept"
          return %2
        }
      return %0
    }
    "#);
}

#[test]
fn dce_leaves_what_is_needed() {
    check_unchanged(
        dce,
        "
        graph f(%x: i64[], %c: bool[], %unused: f32[3]) {
          %s, %d = sum_diff(%x, %x)
          %a, %b = while(%s, %x) carried=2
            condition(%a: i64[], %b: i64[]) { %more = less(%a, %b) return %more }
            body(%a: i64[], %b: i64[]) { return %b, %a }
          %y = if(%c, %a, %x)
            then(%a: i64[], %x: i64[]) { return %a }
            else(%a: i64[], %x: i64[]) { return %x }
          return %y
        }",
    );
}
