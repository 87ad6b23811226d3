//! The rewrite engine: the notation of rules, what they match, and what they must not.

use graph_core::{Changed, Error, Graph, Rule, Rules, Site, Term, simplify};
use insta::assert_snapshot;

use crate::ops::{Fill, Neg, Reshape, op_from_text, parse};
use crate::passes::{check, check_unchanged};

/// A table over the ops of these tests.
fn table(rules: Vec<Rule>) -> Rules {
    Rules::new(rules, &["add", "mul"], op_from_text, |fact| Fill { shape: fact.shape.clone() }.into())
}

fn pass(rules: Vec<Rule>) -> impl Fn(&mut Graph) -> Result<Changed, Error> {
    let rules = table(rules);
    move |graph: &mut Graph| simplify(graph, &rules)
}

fn neutral() -> Vec<Rule> {
    vec![
        Rule::new("mul-one", "mul(?x, 1)", "?x"),
        Rule::new("add-zero", "add(?x, 0)", "?x").ints(),
        Rule::new("add-minus-zero", "add(?x, -0)", "?x").floats(),
        Rule::new("sub-self", "sub(?x, ?x)", "0").ints(),
        Rule::new("neg-neg", "neg(neg(?x))", "?x"),
        Rule::new("factor", "add(mul(?x, ?y), mul(?x, ?z))", "mul(?x, add(?y, ?z))").ints(),
    ]
}

#[test]
fn literals_match_numbers_of_any_dtype_and_shape() {
    assert_snapshot!(check(pass(neutral()), "
        graph f(%x: i64[2], %y: f32[3]) {
          %one = constant 1 : i64[]
          %a = mul(%one, %x)
          %zeros = constant [0, 0] : i64[2]
          %b = add(%a, %zeros)
          %ones = constant splat 1.0 : f32[3]
          %c = mul(%y, %ones)
          %minus = constant -0.0 : f32[]
          %d = add(%c, %minus)
          return %b, %d
        }"), @"
    graph f(%0: i64[2], %1: f32[3]) {
      %2 = constant 1 : i64[]
      %3 = constant [0, 0] : i64[2]
      %4 = constant [1.0, 1.0, 1.0] : f32[3]
      %5 = constant -0.0 : f32[]
      return %0, %1
    }
    ");
}

#[test]
fn near_misses_do_not_match() {
    check_unchanged(
        pass(neutral()),
        "
        graph f(%x: i64[2], %y: f32[2]) {
          %zero = constant 0.0 : f32[]
          %a = add(%y, %zero)
          %b = sub(%y, %y)
          %mixed = constant [1, 0] : i64[2]
          %c = mul(%x, %mixed)
          %d = sub(%x, %mixed)
          %n = neg(%x)
          %e = sub(%n, %x)
          %one = constant 1 : i64[]
          %f = add(%x, %one)
          %g = sub(%x, %one)
          return %a, %b, %c, %d, %e, %f, %g
        }",
    );
}

#[test]
fn what_a_rule_makes_is_rewritten_again_in_one_sweep() {
    // x·y + x·0 becomes x·(y + 0), and that sum y, before the nodes after it are looked at.
    assert_snapshot!(check(pass(neutral()), "
        graph f(%x: i64[], %y: i64[]) {
          %zero = constant 0 : i64[]
          %one = constant 1 : i64[]
          %a = mul(%x, %y)
          %b = mul(%zero, %x)
          %c = add(%a, %b)
          %d = neg(%c)
          %e = neg(%d)
          %f = mul(%e, %one)
          return %f
        }"), @"
    graph f(%0: i64[], %1: i64[]) {
      %2 = constant 0 : i64[]
      %3 = constant 1 : i64[]
      %4 = mul(%0, %1) : i64[]
      %5 = mul(%2, %0) : i64[]
      %6 = mul(%0, %1) : i64[]
      %7 = neg(%6) : i64[]
      return %6
    }
    ");
}

#[test]
fn shared_operands_stay() {
    assert_snapshot!(check(pass(neutral()), "
        graph f(%x: i64[]) {
          %n = neg(%x)
          %m = neg(%n)
          return %n, %m
        }"), @"
    graph f(%0: i64[]) {
      %1 = neg(%0) : i64[]
      return %1, %0
    }
    ");
}

#[test]
fn regions_are_rewritten() {
    assert_snapshot!(check(pass(neutral()), "
        graph f(%x: i64[]) {
          %y = call(%x) body(%x: i64[]) { %n = neg(%x) %m = neg(%n) return %m }
          return %y
        }"), @"
    graph f(%0: i64[]) {
      %1 = call(%0) : i64[]
        body(%0: i64[]) {
          %1 = neg(%0) : i64[]
          return %0
        }
      return %1
    }
    ");
}

#[test]
fn a_result_of_another_shape_is_broadcast_or_left() {
    // The `fill` of these tests takes f32 scalars only.
    assert_snapshot!(check(pass(neutral()), "
        graph f(%x: f32[], %y: i64[]) {
          %ones = constant [1.0, 1.0] : f32[2]
          %a = mul(%x, %ones)
          %whole = constant [1, 1] : i64[2]
          %b = mul(%y, %whole)
          return %a, %b
        }"), @"
    graph f(%0: f32[], %1: i64[]) {
      %2 = constant [1.0, 1.0] : f32[2]
      %3 = fill(%0) shape=[2] : f32[2]
      %4 = constant [1, 1] : i64[2]
      %5 = mul(%1, %4) : i64[2]
      return %3, %5
    }
    ");
}

#[test]
fn attributes_in_patterns() {
    let rules =
        || vec![Rule::new("named", "note(?x) tag=1", "?x"), Rule::new("any", "neg(reshape(?x))", "neg(?x)")];
    check_unchanged(
        pass(rules()),
        "
        graph f(%x: i64[4]) {
          %y = note(%x) tag=\"1\"
          %r = reshape(%x) shape=[2, 2]
          %n = neg(%r)
          return %y, %n
        }",
    );
    assert_snapshot!(check(pass(rules()), "
        graph f(%x: i64[4]) {
          %r = reshape(%x) shape=[4]
          %n = neg(%r)
          return %n
        }"), @"
    graph f(%0: i64[4]) {
      %1 = reshape(%0) shape=[4] : i64[4]
      %2 = neg(%0) : i64[4]
      return %2
    }
    ");
}

#[test]
fn rules_as_functions() {
    fn views_of_views(site: &Site<'_>) -> Option<Term> {
        let outer = site.op::<Reshape>()?;
        let (_, x) = site.definition::<Reshape>(site.operands()[0])?;
        Some(Term::apply(outer.clone(), x))
    }
    fn double_negation(site: &Site<'_>) -> Option<Term> {
        let (_, x) = site.definition::<Neg>(site.operands()[0])?;
        Some(Term::Value(x[0]))
    }
    let rules = vec![
        Rule::function("views", &["reshape"], views_of_views),
        Rule::function("neg-neg", &["neg"], double_negation),
    ];
    assert_snapshot!(check(pass(rules), "
        graph f(%x: i64[8]) {
          %a = reshape(%x) shape=[2, 4]
          %b = reshape(%a) shape=[4, 2]
          %c = reshape(%b) shape=[2, 2, 2]
          %d = neg(%c)
          %e = neg(%d)
          %f = neg(%e)
          return %f
        }"), @"
    graph f(%0: i64[8]) {
      %1 = reshape(%0) shape=[2, 4] : i64[2, 4]
      %2 = reshape(%0) shape=[4, 2] : i64[4, 2]
      %3 = reshape(%0) shape=[2, 2, 2] : i64[2, 2, 2]
      %4 = neg(%3) : i64[2, 2, 2]
      %5 = neg(%3) : i64[2, 2, 2]
      return %5
    }
    ");
}

#[test]
fn rules_that_go_round_in_a_circle_end() {
    let rules = table(vec![
        Rule::new("there", "add(?x, ?y)", "sub(?x, ?y)"),
        Rule::new("back", "sub(?x, ?y)", "add(?x, ?y)"),
        Rule::new("self", "mul(?x, ?y)", "mul(?y, ?x)"),
    ]);
    let mut graph = parse("graph f(%x: i64[], %y: i64[]) { %a = add(%x, %y) %b = mul(%a, %x) return %b }");
    let _ = simplify(&mut graph, &rules).unwrap();
    assert_eq!(graph.num_nodes(), 4);
}

#[test]
#[should_panic(expected = "there is no op `frob`")]
fn unknown_ops_are_found_when_the_table_is_made() {
    table(vec![Rule::new("typo", "frob(?x)", "?x")]);
}

#[test]
#[should_panic(expected = "unknown variable on the right")]
fn unknown_variables_are_found_when_a_rule_is_made() {
    let _ = Rule::new("typo", "neg(?x)", "?y");
}

#[test]
#[should_panic(expected = "neither an op nor a literal")]
fn bad_patterns_are_found_when_a_rule_is_made() {
    let _ = Rule::new("typo", "neg(x)", "1");
}
