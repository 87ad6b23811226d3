//! The text form: what is printed is parsed back, and what is no graph is refused with its line.

use graph_core::{Array, DType, Error, Fact, Graph, Origin};
use insta::assert_snapshot;

use crate::ops::{Binary, op_from_text, parse};

/// Prints, parses and prints again.
#[track_caller]
fn check_round_trip(graph: &Graph) {
    let text = graph.to_string();
    assert_eq!(parse(&text).to_string(), text);
}

pub(crate) const EVERYTHING: &str = r#"
graph everything(%a x: i64[3], %b donated net.w: f32[2, 2], %c "two words": bool[], %d: i64[]) {
  %unused = constant [1, -2, 3] : i64[3]
  %s, %t = sum_diff(%a, %unused)
  silent_note(%s) tag="a \"quoted\"\n\u{7f} tag"
  %called = call(%s, %d) : i64[3]
    body scaled(%0: i64[3], %1: i64[]) { %2 = mul(%0, %1) return %2 }
    vjp(%0: i64[3], %1: i64[], %2: i64[3], %3: i64[3]) { return %3, %1 }
  %chosen = if(%c, %called)
    then(%0: i64[3]) { return %0 }
    else(%0: i64[3]) { %1 = neg(%0) return %1 }
  %counted, %kept = while(%d, %chosen) carried=2
    condition(%0: i64[], %1: i64[3]) { %2 = constant 3 : i64[] %3 = less(%0, %2) return %3 }
    body(%0: i64[], %1: i64[3]) {
      %2 = constant 1 : i64[]
      %3 = add(%0, %2)
      return %3, %1
    }
  %sum, %rows = for(%d, %chosen, %counted) trips=3 carried=1 scanned=1
    body "sum of rows"(%0 i: i64[], %1 sum: i64[], %2 row: i64[], %3: i64[]) {
      %4 = add(%1, %2)
      %5 = mul(%4, %3)
      return %4, %5
    }
  return %sum, %rows, %b
}
"#;

#[test]
fn every_kind_of_node_is_printed() {
    let graph = parse(EVERYTHING);
    check_round_trip(&graph);
    assert_snapshot!(graph, @r#"
    graph everything(%0 x: i64[3], %1 donated net.w: f32[2, 2], %2 "two words": bool[], %3: i64[]) {
      %4 = constant [1, -2, 3] : i64[3]
      %5, %6 = sum_diff(%0, %4) : i64[3], i64[3]
      silent_note(%5) tag="a \"quoted\"\n\u{7f} tag"
      %7 = call(%5, %3) : i64[3]
        body scaled(%0: i64[3], %1: i64[]) {
          %2 = mul(%0, %1) : i64[3]
          return %2
        }
        vjp(%0: i64[3], %1: i64[], %2: i64[3], %3: i64[3]) {
          return %3, %1
        }
      %8 = if(%2, %7) : i64[3]
        then(%0: i64[3]) {
          return %0
        }
        else(%0: i64[3]) {
          %1 = neg(%0) : i64[3]
          return %1
        }
      %9, %10 = while(%3, %8) carried=2 : i64[], i64[3]
        condition(%0: i64[], %1: i64[3]) {
          %2 = constant 3 : i64[]
          %3 = less(%0, %2) : bool[]
          return %3
        }
        body(%0: i64[], %1: i64[3]) {
          %2 = constant 1 : i64[]
          %3 = add(%0, %2) : i64[]
          return %3, %1
        }
      %11, %12 = for(%3, %8, %9) trips=3 carried=1 scanned=1 : i64[], i64[3]
        body "sum of rows"(%0 i: i64[], %1 sum: i64[], %2 row: i64[], %3: i64[]) {
          %4 = add(%1, %2) : i64[]
          %5 = mul(%4, %3) : i64[]
          return %4, %5
        }
      return %11, %12, %1
    }
    "#);
}

#[test]
fn origins_are_comments() {
    let mut graph = Graph::new("f");
    let origin = Origin::caller();
    let x = graph.add_input("x", Fact::scalar(DType::F32), origin);
    let y = graph.apply(Binary::Add, &[x, x], origin).unwrap()[0];
    graph.set_outputs(vec![y]);
    let text = graph.with_origins().to_string();
    assert!(text.contains(&format!("%1 = add(%0, %0) : f32[]  // {}:{}:", file!(), origin.line())), "{text}");
    assert_eq!(parse(&text).to_string(), graph.to_string());
}

#[test]
fn constants_keep_their_bits() {
    let nan = f32::from_bits(0x7fc0_0123);
    let floats =
        [0.0f32, -0.0, 0.1, f32::MIN_POSITIVE / 2.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN, nan];
    let arrays = [
        Array::from_slice([2, 4], &floats).unwrap(),
        Array::scalar(f64::from_bits(0xfff8_0000_0000_0001)),
        Array::scalar(1e300),
        Array::from_slice([3], &[i64::MIN, 0, i64::MAX]).unwrap(),
        Array::from_slice([2], &[i32::MIN, i32::MAX]).unwrap(),
        Array::from_slice([2], &[0u8, 255]).unwrap(),
        Array::from_slice([2], &[true, false]).unwrap(),
        Array::zeros(Fact::new(DType::F32, [0, 5])),
        Array::from_slice([100], &[-0.0f32; 100]).unwrap(),
        Array::from_slice([100], &[nan; 100]).unwrap(),
        Array::from_slice([100], &[true; 100]).unwrap(),
    ];
    let mut graph = Graph::new("constants");
    let values = arrays.iter().map(|array| graph.add_constant(array.clone(), Origin::caller())).collect();
    graph.set_outputs(values);
    assert_snapshot!(graph, @"
    graph constants() {
      %0 = constant [0.0, -0.0, 0.1, 5.877472e-39, inf, -inf, NaN, nan.7fc00123] : f32[2, 4]
      %1 = constant nan.fff8000000000001 : f64[]
      %2 = constant 1e300 : f64[]
      %3 = constant [-9223372036854775808, 0, 9223372036854775807] : i64[3]
      %4 = constant [-2147483648, 2147483647] : i32[2]
      %5 = constant [0, 255] : u8[2]
      %6 = constant [true, false] : bool[2]
      %7 = constant [] : f32[0, 5]
      %8 = constant splat -0.0 : f32[100]
      %9 = constant splat nan.7fc00123 : f32[100]
      %10 = constant splat true : bool[100]
      return %0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10
    }
    ");
    let parsed = parse(&graph.to_string());
    for (array, &value) in arrays.iter().zip(parsed.outputs()) {
        assert!(parsed.constant(value).unwrap().same_bits(array), "{:?}", array.fact());
    }
}

#[test]
fn large_constants_are_elided() {
    let mut graph = Graph::new("large");
    let elements: Vec<i64> = (0..9).collect();
    let value = graph.add_constant(Array::from_slice([3, 3], &elements).unwrap(), Origin::caller());
    graph.set_outputs(vec![value]);
    assert_snapshot!(graph, @"
    graph large() {
      %0 = constant ... : i64[3, 3]
      return %0
    }
    ");
    let error = Graph::parse(&graph.to_string(), &op_from_text).unwrap_err();
    assert_eq!(error.to_string(), "line 2: the constant was elided when the graph was printed");
}

#[test]
fn names_are_quoted_where_they_are_no_words() {
    let mut graph = Graph::new("a \"b\"\n%{}é");
    for name in ["", "donated", "layers[0].w", "0", "ok.name_2", "true"] {
        graph.add_input(name, Fact::scalar(DType::Bool), Origin::caller());
    }
    graph.donate_input(0);
    graph.donate_input(1);
    assert_snapshot!(graph, @r#"
    graph "a \"b\"\n%{}é"(%0 donated: bool[], %1 donated "donated": bool[], %2 "layers[0].w": bool[], %3 "0": bool[], %4 ok.name_2: bool[], %5 true: bool[]) {
      return
    }
    "#);
    check_round_trip(&graph);
    assert_eq!(parse(&graph.to_string()).name(), graph.name());
}

/// What is wrong with a text.
fn message(text: &str) -> String {
    match Graph::parse(text, &op_from_text) {
        Err(error @ Error::Parse { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_no_graph_is_refused_with_its_line() {
    let body = |lines: &str| message(&format!("graph f(%0: i64[], %1: f32[2]) {{\n{lines}\nreturn\n}}"));
    let messages = [
        message(""),
        message("graph"),
        message("graph f("),
        message("graph f() {"),
        message("graph f() { return }  x"),
        message("graph f(%0: i65[]) { return }"),
        message("graph f(%0: i64[-1]) { return }"),
        message("graph f(%0: f32[99999999999, 99999999999]) { return }"),
        message("graph f(%0: f32[0, 9999999999999999999]) { return }"),
        message("graph f(%0: i64[], %0: i64[]) { return }"),
        message("graph f() {\n\n return %7 }"),
        body("%2 = add(%0, %1)"),
        body("%2 = add(%0, %0) : f32[]"),
        body("%2, %3 = add(%0, %0)"),
        body("add(%0, %0)"),
        body("%0 = add(%0, %0)"),
        body("%2 = frobnicate(%0)"),
        body("%2 = reshape(%1) shape=2"),
        body("%2 = reshape(%1) shape=[2, 2]"),
        body("%2 = constant 1.5 : i64[]"),
        body("%2 = constant 300 : u8[]"),
        body("%2 = constant [1, 2] : i64[3]"),
        body("%2 = constant 1 : i64[2]"),
        body("%2 = constant splat 1 : i64[99999999999]"),
        body("%2 = constant splat 1 : i64[?, 3]"),
        body("%2 = while(%0) condition(%0: i64[]) { return %0 } body(%0: i64[]) { return %0 }"),
        body("%2 = while(%0) carried=1 condition(%0: i64[]) { return %0 } body(%0: i64[]) { return %0 }"),
        body("%2 = call(%0) body(%0 donated: i64[]) { return %0 }"),
        body("note(%0) tag=\"open"),
        body("note(%0) tag=\"\\q\""),
        body("note(%0) tag=\"\\u{d800}\""),
        body("# comment"),
        body("% = add(%0, %0)"),
    ];
    assert_snapshot!(messages.join("\n"), @r"
    line 1: expected `graph`, found the end
    line 1: expected the name of the graph, found the end
    line 1: expected a value, found the end
    line 1: expected an op, found the end
    line 1: expected the end, found `x`
    line 1: expected a dtype, found `i65`
    line 1: expected a whole number, found `-1`
    line 1: f32[99999999999, 99999999999] is too large
    line 1: f32[0, 9999999999999999999] is too large
    line 1: `%0` is defined twice
    line 3: `%7` is not defined
    line 2: add: dtypes differ: i64 and f32; convert one with `.cast(DType::…)`
    line 2: `add` is written as [f32[]], its operands imply [i64[]]
    line 2: `add` gives 1 values, 2 are named
    line 2: `add` gives 1 values, 0 are named
    line 2: `%0` is defined twice
    line 2: there is no op `frobnicate`
    line 2: reshape: attribute `shape` must be a list of whole numbers
    line 2: reshape: the number of elements differs
    line 2: `1.5` is no i64
    line 2: `300` is no u8
    line 2: 2 elements do not fill shape [3]
    line 2: 1 elements do not fill shape [2]
    line 2: i64[99999999999] is too large for text
    line 2: i64[?, 3] is too large for text
    line 2: attribute `carried` must be a whole number
    line 2: while: a condition is a bool scalar, not i64[]
    line 4: in region `body` of node 2: input 0 of region `body` is donated
    line 2: a string without its closing quote
    line 2: unknown escape `\q`
    line 2: `\u{…}` names no character
    line 2: unexpected character '#'
    line 2: `%` without the number of a value
    ");
}

#[test]
fn deep_nesting_is_refused() {
    let nested = |depth: usize| {
        let open = "%1 = call(%0) body(%0: i64[]) { ".repeat(depth);
        let close = "return %0 } ".repeat(depth);
        format!("graph deep(%0: i64[]) {{ {open}{close} return %1 }}")
    };
    let fits = nested(64).replacen("return %0 } return %0", "return %0 } return %1", 63);
    check_round_trip(&parse(&fits));
    assert_eq!(message(&nested(65)), "line 1: regions are nested more than 64 deep");
    assert_eq!(message(&nested(100_000)), "line 1: regions are nested more than 64 deep");
    message(&"(".repeat(1_000_000));
    message(&"graph f(%0: i64[".repeat(100_000));
}
