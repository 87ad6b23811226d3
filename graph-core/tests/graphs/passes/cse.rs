//! `cse`: common subexpressions.

use graph_core::cse;
use insta::assert_snapshot;

use super::{check, check_unchanged};

#[test]
fn cse_merges_what_is_the_same() {
    assert_snapshot!(check(cse, "
        graph f(%x: i64[], %y: i64[]) {
          %a = add(%x, %y)
          %b = add(%x, %y)
          %p = mul(%a, %b)
          %q = mul(%b, %a)
          %k = constant 7 : i64[]
          %l = constant 7 : i64[]
          %r = sub(%p, %k)
          %s = sub(%q, %l)
          %d1, %e1 = sum_diff(%r, %s)
          %d2, %e2 = sum_diff(%s, %r)
          %z = add(%e1, %d2)
          return %z, %k, %l
        }"), @"
    graph f(%0: i64[], %1: i64[]) {
      %2 = add(%0, %1) : i64[]
      %3 = mul(%2, %2) : i64[]
      %4 = constant 7 : i64[]
      %5 = sub(%3, %4) : i64[]
      %6, %7 = sum_diff(%5, %5) : i64[], i64[]
      %8 = add(%7, %6) : i64[]
      return %8, %4, %4
    }
    ");
}

#[test]
fn cse_compares_regions_node_for_node() {
    assert_snapshot!(check(cse, "
        graph f(%c: bool[], %x: i64[]) {
          %a = if(%c, %x)
            then first(%x: i64[]) { %y = neg(%x) %z = neg(%x) %s = add(%y, %z) return %s }
            else(%x: i64[]) { return %x }
          %b = if(%c, %x)
            then second(%p: i64[]) { %q = neg(%p) %s = add(%q, %q) return %s }
            else(%p: i64[]) { return %p }
          %d = if(%c, %x)
            then third(%x: i64[]) { %y = neg(%x) %s = mul(%y, %y) return %s }
            else(%x: i64[]) { return %x }
          return %a, %b, %d
        }"), @"
    graph f(%0: bool[], %1: i64[]) {
      %2 = if(%0, %1) : i64[]
        then first(%0: i64[]) {
          %1 = neg(%0) : i64[]
          %2 = add(%1, %1) : i64[]
          return %2
        }
        else(%0: i64[]) {
          return %0
        }
      %3 = if(%0, %1) : i64[]
        then third(%0: i64[]) {
          %1 = neg(%0) : i64[]
          %2 = mul(%1, %1) : i64[]
          return %2
        }
        else(%0: i64[]) {
          return %0
        }
      return %2, %2, %3
    }
    ");
}

#[test]
fn cse_leaves_what_differs() {
    check_unchanged(
        cse,
        r#"
        graph f(%x: i64[], %y: i64[], %v: i64[4], %c: bool[]) {
          %a = add(%x, %y)
          %b = add(%y, %x)
          %k = constant 0.0 : f32[]
          %l = constant -0.0 : f32[]
          %m = constant 0 : i64[]
          %n1 = note(%x) tag="n"
          %n2 = note(%x) tag="n"
          silent_note(%x) tag="n"
          silent_note(%x) tag="n"
          %r = reshape(%v) shape=[2, 2]
          %s = reshape(%v) shape=[4, 1]
          %i = if(%c, %x, %y) then(%0: i64[], %1: i64[]) { return %0 } else(%0: i64[], %1: i64[]) { return %0 }
          %j = if(%c, %x, %y) then(%0: i64[], %1: i64[]) { return %1 } else(%0: i64[], %1: i64[]) { return %0 }
          %f2, %g2 = for(%x) trips=2 carried=1 scanned=0 body(%i: i64[], %0: i64[]) { return %0, %i }
          %f3, %g3 = for(%x) trips=3 carried=1 scanned=0 body(%i: i64[], %0: i64[]) { return %0, %i }
          return %a, %b, %k, %l, %m, %n1, %n2, %r, %s, %i, %j, %f2, %f3
        }"#,
    );
}
