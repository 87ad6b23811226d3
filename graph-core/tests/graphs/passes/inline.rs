//! `inline`: calls, and control flow that is decided.

use graph_core::inline;
use insta::assert_snapshot;

use super::{check, check_unchanged};

#[test]
fn inline_calls_in_calls_and_in_regions() {
    assert_snapshot!(check(inline, "
        graph f(%x: i64[], %n: i64[]) {
          %y, %z = call(%x, %n)
            body outer(%a: i64[], %b: i64[]) {
              %s = add(%a, %b)
              %t = call(%s) body inner(%a: i64[]) { %n = neg(%a) return %n }
              return %t, %a
            }
            vjp(%0: i64[], %1: i64[], %2: i64[], %3: i64[], %4: i64[], %5: i64[]) { return %0, %1 }
          %w = while(%y, %z) carried=1
            condition(%a: i64[], %b: i64[]) {
              %c = call(%a, %b) body(%a: i64[], %b: i64[]) { %c = less(%a, %b) return %c }
              return %c
            }
            body(%a: i64[], %b: i64[]) { %c = call(%a) body(%a: i64[]) { return %a } return %c }
          return %w, %z
        }"), @"
    graph f(%0: i64[], %1: i64[]) {
      %2 = add(%0, %1) : i64[]
      %3 = neg(%2) : i64[]
      %4 = while(%3, %0) carried=1 : i64[]
        condition(%0: i64[], %1: i64[]) {
          %2 = less(%0, %1) : bool[]
          return %2
        }
        body(%0: i64[], %1: i64[]) {
          return %0
        }
      return %4, %0
    }
    ");
}

#[test]
fn inline_what_is_decided() {
    assert_snapshot!(check(inline, "
        graph f(%x: i64[], %rows: i64[0, 2]) {
          %true = constant true : bool[]
          %chosen = call(%true, %x)
            body(%c: bool[], %x: i64[]) {
              %y = if(%c, %x)
                then(%x: i64[]) {
                  %no = constant false : bool[]
                  %z = if(%no, %x) then(%x: i64[]) { return %x } else(%x: i64[]) { %z = neg(%x) return %z }
                  return %z
                }
                else(%x: i64[]) { return %x }
              return %y
            }
          %never = while(%chosen) carried=1
            condition(%x: i64[]) { %no = call() body() { %no = constant false : bool[] return %no } return %no }
            body(%x: i64[]) { %y = add(%x, %x) return %y }
          %last, %all = for(%never, %rows) trips=0 carried=1 scanned=1
            body(%i: i64[], %sum: i64[], %row: i64[2]) { return %i, %row }
          return %last, %all
        }"), @"
    graph f(%0: i64[], %1: i64[0, 2]) {
      %2 = constant true : bool[]
      %3 = constant false : bool[]
      %4 = neg(%0) : i64[]
      %5 = constant [] : i64[0, 2]
      return %4, %5
    }
    ");
}

#[test]
fn inline_leaves_what_is_not_decided() {
    check_unchanged(
        inline,
        "
        graph f(%c: bool[], %x: i64[]) {
          %y = if(%c, %x) then(%x: i64[]) { return %x } else(%x: i64[]) { %y = neg(%x) return %y }
          %z = while(%y) carried=1
            condition(%x: i64[]) { %yes = constant true : bool[] return %yes }
            body(%x: i64[]) { return %x }
          %w, %v = for(%z) trips=1 carried=1 scanned=0 body(%i: i64[], %x: i64[]) { return %x, %i }
          return %w, %v
        }",
    );
}

#[test]
fn inline_branches_that_do_the_same() {
    assert_snapshot!(check(inline, r#"
        graph f(%c: bool[], %x: i64[]) {
          %y = if(%c, %x)
            then(%x: i64[]) { silent_note(%x) tag="once" %n = neg(%x) return %n }
            else(%p: i64[]) { silent_note(%p) tag="once" %n = neg(%p) return %n }
          return %y
        }"#), @r#"
    graph f(%0: bool[], %1: i64[]) {
      silent_note(%1) tag="once"
      %2 = neg(%1) : i64[]
      return %2
    }
    "#);
}

#[test]
fn inline_branches_that_do_the_same_once_they_are_inlined() {
    assert_snapshot!(check(inline, "
        graph f(%c: bool[], %x: i64[]) {
          %y = if(%c, %x)
            then(%x: i64[]) { %y = call(%x) body(%x: i64[]) { %n = neg(%x) return %n } return %y }
            else(%x: i64[]) { %n = neg(%x) return %n }
          return %y
        }"), @"
    graph f(%0: bool[], %1: i64[]) {
      %2 = neg(%1) : i64[]
      return %2
    }
    ");
}

#[test]
fn inline_a_loop_that_ends_at_once() {
    assert_snapshot!(check(inline, "
        graph f(%x: i64[], %n: i64[]) {
          %four = constant 4 : i64[]
          %i, %y = while(%four, %x) carried=2
            condition(%i: i64[], %x: i64[]) { %three = constant 3 : i64[] %more = less(%i, %three) return %more }
            body(%i: i64[], %x: i64[]) { %one = constant 1 : i64[] %j = add(%i, %one) %z = neg(%x) return %j, %z }
          return %i, %y
        }"), @"
    graph f(%0: i64[], %1: i64[]) {
      %2 = constant 4 : i64[]
      return %2, %0
    }
    ");
    check_unchanged(
        inline,
        "
        graph f(%x: i64[], %n: i64[]) {
          %four = constant 4 : i64[]
          %zero = constant 0 : i64[]
          %i = while(%zero, %four) carried=1
            condition(%i: i64[], %k: i64[]) { %more = less(%i, %k) return %more }
            body(%i: i64[], %k: i64[]) { %j = add(%i, %k) return %j }
          %j = while(%four, %n) carried=1
            condition(%i: i64[], %k: i64[]) { %more = less(%i, %k) return %more }
            body(%i: i64[], %k: i64[]) { %j = add(%i, %k) return %j }
          %k = while(%four, %zero) carried=1
            condition(%i: i64[], %k: i64[]) { %q = div(%i, %k) %more = less(%q, %k) return %more }
            body(%i: i64[], %k: i64[]) { return %k }
          return %i, %j, %k
        }",
    );
}
