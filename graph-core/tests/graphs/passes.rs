//! Each pass: text in, text out; what it must not do; twice is once.

use graph_core::{Changed, Error, Graph, Pass, Pipeline, cse, dce, fold, hoist, inline, verify};
use insta::assert_snapshot;

use crate::ops::{notes, parse};

pub(crate) fn pipeline() -> Pipeline {
    Pipeline::new([
        Pass::new("inline", inline),
        Pass::new("fold", fold),
        Pass::new("cse", cse),
        Pass::new("dce", dce),
    ])
}

/// Runs a pass, checks that it is idempotent and tells the truth, and prints the result.
#[track_caller]
pub(crate) fn check(pass: impl Fn(&mut Graph) -> Result<Changed, Error>, text: &str) -> String {
    let mut graph = parse(text);
    let before = graph.to_string();
    let changed = pass(&mut graph).unwrap();
    verify(&graph).unwrap();
    let after = graph.to_string();
    assert_eq!(changed == Changed::Yes, before != after, "{before}{after}");
    assert_eq!(pass(&mut graph).unwrap(), Changed::No, "twice is once");
    assert_eq!(graph.to_string(), after);
    after
}

/// Checks that a pass leaves a graph as it is.
#[track_caller]
pub(crate) fn check_unchanged(pass: impl Fn(&mut Graph) -> Result<Changed, Error>, text: &str) {
    assert_eq!(check(pass, text), parse(text).to_string());
}

// -- inline ----------------------------------------------------------------------------------------------------------

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

// -- fold ------------------------------------------------------------------------------------------------------------

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

// -- cse -------------------------------------------------------------------------------------------------------------

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

// -- dce -------------------------------------------------------------------------------------------------------------

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

// -- hoist -----------------------------------------------------------------------------------------------------------

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

// -- the pipeline ----------------------------------------------------------------------------------------------------

#[test]
fn a_pipeline_runs_until_nothing_changes() {
    let mut graph = parse(
        "
        graph f(%x: i64[]) {
          %two = constant 2 : i64[]
          %three = constant 3 : i64[]
          %less = less(%two, %three)
          %y = if(%less, %x, %two)
            then(%x: i64[], %k: i64[]) { %y = mul(%x, %k) %z = mul(%x, %k) %s = add(%y, %z) return %s }
            else(%x: i64[], %k: i64[]) { return %x }
          return %y
        }",
    );
    let report = pipeline().run(&mut graph).unwrap();
    assert_snapshot!(graph, @"
    graph f(%0: i64[]) {
      %1 = constant 2 : i64[]
      %2 = mul(%0, %1) : i64[]
      %3 = add(%2, %2) : i64[]
      return %3
    }
    ");
    let table = report.to_string();
    let without_times: Vec<&str> =
        table.lines().map(|line| line.rsplit_once(' ').unwrap().0.trim_end()).collect();
    assert!(table.lines().last().unwrap().starts_with("nodes 12 -> 4, "), "{table}");
    assert_snapshot!(without_times[..5].join("\n"), @"
    pass          runs  changed    nodes
    inline           3        1       -5
    fold             3        1       +0
    cse              3        1       -1
    dce              2        2       -2
    ");
    assert_eq!((report.nodes_before(), report.nodes_after()), (12, 4));
    assert_eq!(report.changed(), Changed::Yes);
    let again = pipeline().run(&mut graph).unwrap();
    assert_eq!((again.runs.len(), again.changed()), (4, Changed::No), "one round, and nothing to do");
}

#[test]
fn passes_keep_names_and_donations() {
    let text = "
        graph f(%w donated net.w: i64[], %x x: i64[]) {
          %a = constant 1 : i64[]
          %b = add(%a, %a)
          %c = call(%w, %b) body(%w: i64[], %b: i64[]) { %c = add(%w, %b) return %c }
          return %c
        }";
    let mut graph = parse(text);
    pipeline().run(&mut graph).unwrap();
    assert!(graph.to_string().starts_with("graph f(%0 donated net.w: i64[], %1 x: i64[]) {"), "{graph}");
}

#[test]
fn passes_keep_origins() {
    let mut graph = parse(
        "
        graph f(%x: i64[]) {
          %a = constant 1 : i64[]
          %b = add(%a, %a)
          %c = call(%x, %b) body(%x: i64[], %b: i64[]) { %c = add(%x, %b) return %c }
          return %c
        }",
    );
    let origin = graph.node(graph.outputs()[0].node()).origin();
    pipeline().run(&mut graph).unwrap();
    for id in graph.node_ids() {
        assert_eq!(graph.node(id).origin(), origin, "{}", graph.with_origins());
    }
}

#[test]
#[cfg(debug_assertions)]
fn the_pass_that_breaks_a_graph_is_named() {
    let breaks = |graph: &mut Graph| {
        let other = parse("graph g(%x: i64[]) { %y = neg(%x) %z = neg(%y) return %z }");
        graph.set_outputs(other.outputs().to_vec());
        Ok(Changed::Yes)
    };
    let pipeline = Pipeline::new([Pass::new("dce", dce), Pass::new("careless", breaks)]);
    let error = pipeline.run(&mut parse("graph f(%x: i64[]) { return %x }")).unwrap_err();
    assert_eq!(error.to_string(), "pass `careless`: output 0 of the graph has no definition");
}
