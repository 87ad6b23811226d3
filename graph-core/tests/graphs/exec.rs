//! Execution of structural nodes: branches, loops, scans, calls.

use graph_core::{Array, Error, Graph, run_with};

use crate::ops::{notes, parse};

fn scalar(value: i64) -> Array {
    Array::scalar(value)
}

#[track_caller]
fn run(graph: &Graph, inputs: &[Array]) -> Vec<Vec<i64>> {
    let outputs = run_with(graph, &mut inputs.to_vec()).unwrap();
    outputs.iter().map(|array| array.as_slice::<i64>().expect("i64").to_vec()).collect()
}

const FACTORIAL: &str = "
graph factorial(%n: i64[]) {
  %one = constant 1 : i64[]
  %i, %product = while(%n, %one, %one) carried=2
    condition(%i: i64[], %p: i64[], %one: i64[]) { %more = less(%one, %i) return %more }
    body(%i: i64[], %p: i64[], %one: i64[]) {
      %next = sub(%i, %one)
      %product = mul(%p, %i)
      return %next, %product
    }
  return %product, %i
}";

#[test]
fn factorial_by_while() {
    let graph = parse(FACTORIAL);
    assert_eq!(run(&graph, &[scalar(10)]), [[3_628_800], [1]]);
    assert_eq!(run(&graph, &[scalar(2)]), [[2], [1]]);
    assert_eq!(run(&graph, &[scalar(1)]), [[1], [1]], "no iteration");
}

#[test]
fn a_loop_that_swaps_its_variables() {
    let fibonacci = parse(
        "graph fibonacci(%n: i64[], %a: i64[], %b: i64[]) {
           %one = constant 1 : i64[]
           %zero = constant 0 : i64[]
           %i, %x, %y = while(%n, %a, %b, %one, %zero) carried=3
             condition(%i: i64[], %a: i64[], %b: i64[], %one: i64[], %zero: i64[]) {
               %more = less(%zero, %i) return %more
             }
             body(%i: i64[], %a: i64[], %b: i64[], %one: i64[], %zero: i64[]) {
               %next = sub(%i, %one)
               %sum = add(%a, %b)
               return %next, %b, %sum
             }
           return %x, %y, %x
         }",
    );
    for (n, x, y) in [(0, 0, 1), (1, 1, 1), (2, 1, 2), (9, 34, 55), (10, 55, 89)] {
        assert_eq!(run(&fibonacci, &[scalar(n), scalar(0), scalar(1)]), [[x], [y], [x]], "{n}");
    }
}

const SCAN: &str = "
graph scan(%rows: i64[4, 2], %bias: i64[2], %start: i64[2]) {
  %last, %sums, %numbers = for(%start, %rows, %bias) trips=4 carried=1 scanned=1
    body(%i: i64[], %sum: i64[2], %row: i64[2], %bias: i64[2]) {
      %a = add(%row, %bias)
      %next = add(%sum, %a)
      return %next, %next, %i
    }
  return %last, %sums, %numbers
}";

#[test]
fn scan_by_for() {
    let rows = Array::from_slice([4, 2], &[1i64, 2, 3, 4, 5, 6, 7, 8]).unwrap();
    let pair = |a: i64, b: i64| Array::from_slice([2], &[a, b]).unwrap();
    let outputs = run(&parse(SCAN), &[rows, pair(100, 0), pair(0, 0)]);
    assert_eq!(outputs[0], [416, 20]);
    assert_eq!(outputs[1], [101, 2, 204, 6, 309, 12, 416, 20]);
    assert_eq!(outputs[2], [0, 1, 2, 3]);
}

#[test]
fn no_trips() {
    let graph = parse(&SCAN.replace("trips=4", "trips=0").replace("[4, 2]", "[0, 2]"));
    let rows = Array::from_slice::<i64>([0, 2], &[]).unwrap();
    let pair = Array::from_slice([2], &[5i64, 6]).unwrap();
    assert_eq!(run(&graph, &[rows, pair.clone(), pair]), [vec![5, 6], vec![], vec![]]);
}

const NESTED: &str = "
graph table(%n: i64[], %flip: bool[]) {
  %zero = constant 0 : i64[]
  %total, %rows = for(%zero, %n, %flip) trips=3 carried=1 scanned=0
    body(%i: i64[], %total: i64[], %n: i64[], %flip: bool[]) {
      %inner, %row = for(%total, %i, %n, %flip) trips=2 carried=1 scanned=0
        body(%j: i64[], %total: i64[], %i: i64[], %n: i64[], %flip: bool[]) {
          %product = call(%i, %n, %j)
            body(%i: i64[], %n: i64[], %j: i64[]) { %a = mul(%i, %n) %b = add(%a, %j) return %b }
          %cell = if(%flip, %product)
            then(%x: i64[]) { %y = neg(%x) return %y }
            else(%x: i64[]) { return %x }
          %next = add(%total, %cell)
          return %next, %cell
        }
      return %inner, %row
    }
  return %total, %rows
}";

#[test]
fn nested_loops_with_a_call_and_a_branch() {
    let graph = parse(NESTED);
    assert_eq!(run(&graph, &[scalar(10), Array::scalar(false)]), [vec![63], vec![0, 1, 10, 11, 20, 21]]);
    assert_eq!(run(&graph, &[scalar(10), Array::scalar(true)]), [vec![-63], vec![0, -1, -10, -11, -20, -21]]);
}

#[test]
fn a_branch_that_returns_one_value_twice_and_an_operand() {
    let graph = parse(
        "graph f(%c: bool[], %x: i64[], %y: i64[]) {
           %a, %b, %d = if(%c, %x, %y)
             then(%x: i64[], %y: i64[]) { %s = add(%x, %y) return %s, %s, %x }
             else(%x: i64[], %y: i64[]) { %k = constant 7 : i64[] return %y, %x, %k }
           return %a, %b, %d
         }",
    );
    assert_eq!(run(&graph, &[Array::scalar(true), scalar(2), scalar(3)]), [[5], [5], [2]]);
    assert_eq!(run(&graph, &[Array::scalar(false), scalar(2), scalar(3)]), [[3], [2], [7]]);
}

#[test]
fn only_the_chosen_branch_is_computed() {
    let graph = parse(
        "graph f(%c: bool[], %x: i64[], %y: i64[]) {
           %q = if(%c, %x, %y)
             then(%x: i64[], %y: i64[]) { %q = div(%x, %y) return %q }
             else(%x: i64[], %y: i64[]) { %n = note(%x) tag=\"else\" return %n }
           return %q
         }",
    );
    assert_eq!(run(&graph, &[Array::scalar(true), scalar(6), scalar(3)]), [[2]]);
    assert!(notes().is_empty());
    assert_eq!(run(&graph, &[Array::scalar(false), scalar(6), scalar(0)]), [[6]]);
    assert_eq!(notes(), ["else 6"]);
    let failed = run_with(&graph, &mut [Array::scalar(true), scalar(6), scalar(0)]).unwrap_err();
    let Error::Op(failed) = failed else { panic!("{failed}") };
    assert_eq!(failed.op, "div");
}

#[test]
fn effects_keep_their_order() {
    let graph = parse(
        "graph f(%x: i64[]) {
           %one = constant 1 : i64[]
           silent_note(%x) tag=\"first\"
           %y = call(%x) body(%x: i64[]) { %y = note(%x) tag=\"second\" silent_note(%y) tag=\"third\" return %y }
           %z = note(%x) tag=\"fourth\"
           %last, %all = for(%one, %z) trips=2 carried=1 scanned=0
             body(%i: i64[], %c: i64[], %z: i64[]) { %n = note(%i) tag=\"loop\" %s = add(%n, %c) return %s, %n }
           silent_note(%one) tag=\"end\"
           return %x
         }",
    );
    let expected = ["first 5", "second 5", "third 5", "fourth 5", "loop 0", "loop 1", "end 1"];
    for passes in [crate::passes::pipeline().passes().len(), 0] {
        let mut graph = graph.clone();
        for pass in &crate::passes::pipeline().passes()[..passes] {
            let _ = pass.run(&mut graph).unwrap();
        }
        assert_eq!(run(&graph, &[scalar(5)]), [[5]]);
        assert_eq!(notes(), expected, "{graph}");
    }
}

#[test]
fn a_donated_input_is_updated_in_place_and_others_are_not() {
    let graph = parse(
        "graph f(%w: i64[4], %donated donated: i64[4], %both donated: i64[4]) {
           %a = add(%w, %donated)
           %b = neg(%both)
           %c = add(%a, %both)
           return %a, %b, %c
         }",
    );
    let array = |start: i64| Array::from_slice([4], &[start, start + 1, start + 2, start + 3]).unwrap();
    let mut inputs = [array(0), array(10), array(20)];
    let [w, donated] = [inputs[0].clone(), array(10)];
    let outputs = run_with(&graph, &mut inputs).unwrap();
    assert!(inputs[0].same_bits(&w), "not donated, so not touched");
    assert!(!inputs[1].same_bits(&donated), "overwritten");
    assert_eq!(outputs[0].address(), inputs[1].address(), "the sum lives in the donated buffer");
    assert_eq!(outputs[0].as_slice::<i64>().unwrap(), [10, 12, 14, 16]);
    assert_eq!(outputs[1].as_slice::<i64>().unwrap(), [-20, -21, -22, -23]);
    assert_eq!(outputs[2].as_slice::<i64>().unwrap(), [30, 33, 36, 39]);
}

#[test]
fn shared_arrays_are_copied_before_they_are_overwritten() {
    let graph = parse(
        "graph f(%a donated: i64[2], %b donated: i64[2]) { %c = neg(%a) %d = add(%b, %c) return %c, %d }",
    );
    let shared = Array::from_slice([2], &[1i64, 2]).unwrap();
    let mut inputs = [shared.clone(), shared.clone()];
    let outputs = run_with(&graph, &mut inputs).unwrap();
    assert_eq!(outputs[0].as_slice::<i64>().unwrap(), [-1, -2]);
    assert_eq!(outputs[1].as_slice::<i64>().unwrap(), [0, 0]);
    assert_eq!(shared.as_slice::<i64>().unwrap(), [1, 2]);
}
