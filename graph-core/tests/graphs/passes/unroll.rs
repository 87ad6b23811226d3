//! `unroll`: loops of one iteration.

use graph_core::{Changed, Error, Graph, unroll};
use insta::assert_snapshot;

use super::{check, check_unchanged};
use crate::ops::Reshape;

fn unroll_here(graph: &mut Graph) -> Result<Changed, Error> {
    unroll(graph, &|shape| Reshape { shape }.into())
}

#[test]
fn unroll_one_iteration() {
    assert_snapshot!(check(unroll_here, "
        graph f(%x: i64[], %k: i64[], %rows: i64[1, 2], %c: bool[]) {
          %last, %all = for(%x, %rows, %k) trips=1 carried=1 scanned=1
            body(%i: i64[], %x: i64[], %row: i64[2], %k: i64[]) {
              %inner = for(%x) trips=1 carried=1 scanned=0 body(%j: i64[], %x: i64[]) { %s = add(%x, %j) return %s }
              %t = add(%inner, %i)
              %u = mul(%row, %k)
              return %t, %u
            }
          %y = if(%c, %last)
            then(%x: i64[]) {
              %y = for(%x) trips=1 carried=1 scanned=0 body(%j: i64[], %x: i64[]) { %n = neg(%x) return %n }
              return %y
            }
            else(%x: i64[]) { return %x }
          return %y, %all
        }"), @"
    graph f(%0: i64[], %1: i64[], %2: i64[1, 2], %3: bool[]) {
      %4 = constant 0 : i64[]
      %5 = reshape(%2) shape=[2] : i64[2]
      %6 = constant 0 : i64[]
      %7 = add(%0, %6) : i64[]
      %8 = add(%7, %4) : i64[]
      %9 = mul(%5, %1) : i64[2]
      %10 = reshape(%9) shape=[1, 2] : i64[1, 2]
      %11 = if(%3, %8) : i64[]
        then(%0: i64[]) {
          %1 = constant 0 : i64[]
          %2 = neg(%0) : i64[]
          return %2
        }
        else(%0: i64[]) {
          return %0
        }
      return %11, %10
    }
    ");
}

#[test]
fn unroll_leaves_more_than_one() {
    check_unchanged(
        unroll_here,
        "
        graph f(%x: i64[], %none: i64[0]) {
          %y = for(%x) trips=2 carried=1 scanned=0 body(%i: i64[], %x: i64[]) { %s = add(%x, %i) return %s }
          %z = for(%y, %none) trips=0 carried=1 scanned=1
            body(%i: i64[], %x: i64[], %row: i64[]) { %s = add(%x, %row) return %s }
          return %z
        }",
    );
}
