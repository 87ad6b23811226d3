//! `hoist`: what loops repeat.

use graph_core::hoist;
use insta::assert_snapshot;

use super::{check, check_unchanged};

#[test]
fn hoist_what_every_iteration_repeats() {
    assert_snapshot!(check(hoist, "
        graph f(%x: i64[], %k: i64[]) {
          %y = for(%x, %k) trips=3 carried=1 scanned=0
            body(%i: i64[], %x: i64[], %k: i64[]) { %n = neg(%k) %s = add(%x, %n) return %s }
          return %y
        }"), @"
    graph f(%0: i64[], %1: i64[]) {
      %2 = neg(%1) : i64[]
      %3 = for(%0, %1, %2) trips=3 carried=1 scanned=0 : i64[]
        body(%0: i64[], %1: i64[], %2: i64[], %3 hoisted: i64[]) {
          %4 = add(%1, %3) : i64[]
          return %4
        }
      return %3
    }
    ");
}

#[test]
fn hoist_out_of_nested_loops_and_by_unchanged_variables() {
    assert_snapshot!(check(hoist, "
        graph f(%x: i64[], %k: i64[], %rows: i64[2]) {
          %y, %same, %all = for(%x, %k, %rows) trips=2 carried=2 scanned=1
            body(%i: i64[], %x: i64[], %k: i64[], %row: i64[]) {
              %z = for(%x, %k, %row) trips=3 carried=1 scanned=0
                body(%j: i64[], %x: i64[], %k: i64[], %row: i64[]) {
                  %two = constant 2 : i64[]
                  %a = mul(%k, %two)
                  %b = add(%a, %row)
                  %c = add(%x, %b)
                  return %c
                }
              %d = neg(%k)
              return %z, %k, %d
            }
          return %y, %same, %all
        }"), @"
    graph f(%0: i64[], %1: i64[], %2: i64[2]) {
      %3 = constant 2 : i64[]
      %4 = mul(%1, %3) : i64[]
      %5 = neg(%1) : i64[]
      %6, %7, %8 = for(%0, %1, %2, %4, %5) trips=2 carried=2 scanned=1 : i64[], i64[], i64[2]
        body(%0: i64[], %1: i64[], %2: i64[], %3: i64[], %4 hoisted: i64[], %5 hoisted: i64[]) {
          %6 = constant 2 : i64[]
          %7 = add(%4, %3) : i64[]
          %8 = for(%1, %2, %3, %7) trips=3 carried=1 scanned=0 : i64[]
            body(%0: i64[], %1: i64[], %2: i64[], %3: i64[], %4 hoisted: i64[]) {
              %5 = constant 2 : i64[]
              %6 = add(%1, %4) : i64[]
              return %6
            }
          return %8, %2, %5
        }
      return %6, %7, %8
    }
    ");
}

#[test]
fn hoist_leaves_what_may_not_be_reached_or_acts() {
    check_unchanged(
        hoist,
        r#"
        graph f(%x: i64[], %k: i64[], %c: bool[]) {
          %never, %rows = for(%x, %k) trips=0 carried=1 scanned=0
            body(%i: i64[], %x: i64[], %k: i64[]) { %q = div(%k, %k) return %x, %q }
          %maybe = while(%never, %k) carried=1
            condition(%x: i64[], %k: i64[]) { %more = less(%x, %k) return %more }
            body(%x: i64[], %k: i64[]) { %q = div(%k, %k) return %q }
          %chosen, %tags = for(%maybe, %k, %c) trips=2 carried=1 scanned=0
            body(%i: i64[], %x: i64[], %k: i64[], %c: bool[]) {
              %y = if(%c, %k)
                then(%k: i64[]) { %q = div(%k, %k) return %q }
                else(%k: i64[]) { return %k }
              %n = note(%k) tag="each time"
              %s = add(%x, %i)
              return %s, %n
            }
          return %rows, %chosen, %tags
        }"#,
    );
}

#[test]
fn hoist_out_of_a_condition_but_not_out_of_the_body() {
    assert_snapshot!(check(hoist, "
        graph f(%x: i64[], %k: i64[]) {
          %y = while(%x, %k) carried=1
            condition(%x: i64[], %k: i64[]) {
              %two = constant 2 : i64[]
              %limit = mul(%k, %two)
              %more = less(%x, %limit)
              return %more
            }
            body(%x: i64[], %k: i64[]) { %n = div(%k, %k) %s = add(%x, %n) return %s }
          return %y
        }"), @"
    graph f(%0: i64[], %1: i64[]) {
      %2 = constant 2 : i64[]
      %3 = mul(%1, %2) : i64[]
      %4 = while(%0, %1, %3) carried=1 : i64[]
        condition(%0: i64[], %1: i64[], %2 hoisted: i64[]) {
          %3 = constant 2 : i64[]
          %4 = less(%0, %2) : bool[]
          return %4
        }
        body(%0: i64[], %1: i64[], %2 hoisted: i64[]) {
          %3 = div(%1, %1) : i64[]
          %4 = add(%0, %3) : i64[]
          return %4
        }
      return %4
    }
    ");
}
