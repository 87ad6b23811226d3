//! Errors in traced functions name the user's line and the construct as it is written.

use grafito::prelude::*;

use crate::support::panic_of;

const BOTH: &[Mode] = &[Mode::Eager, Mode::Lazy];
const EAGER: &[Mode] = &[Mode::Eager];
const LAZY: &[Mode] = &[Mode::Lazy];

/// Each row: a function of `[1, 2, 3]`, the modes in which it fails, how what is said begins, and the line it names.
macro_rules! failures {
    ($($name:ident $modes:ident $message:literal at $code:literal;)*) => {
        $($modes.iter().for_each(|&mode| {
            let said = said(mode, $name);
            let case = format!("{}, {mode:?}: {said}", stringify!($name));
            assert!(said.starts_with($message), "{case}");
            assert_eq!(places(&said).last(), Some(&$code), "{case}");
        });)*
    };
}

fn said(mode: Mode, function: fn(&Tensor) -> Tensor) -> String {
    let x = Tensor::from([1i64, 2, 3]);
    panic_of(|| with_mode(mode, || function(&x).to_vec::<i64>())).message
}

/// The lines that a message names: of this file, and none of an attribute.
fn places(said: &str) -> Vec<&'static str> {
    let lines: Vec<&str> = include_str!("lines.rs").lines().collect();
    let places = said.match_indices(".rs:").map(|(end, _)| {
        let start = said[..end].rfind(['(', ' ']).map_or(0, |before| before + 1);
        let (file, place) = said[start..].split_once(':').expect("a line");
        let (line, _) = place.split_once(':').expect("a column");
        let code = lines[line.parse::<usize>().expect("a number") - 1].trim();
        assert!(file == file!() && !code.starts_with("#["), "{code}, {said}");
        code
    });
    places.collect()
}

#[graph_fn]
fn updated_outside(x: &Tensor) -> Tensor {
    let mut x = x.clone();
    x[7] += 1;
    x
}

#[graph_fn]
fn updated_with_a_bool(x: &Tensor) -> Tensor {
    let mut x = x.clone();
    x[1] += true;
    x
}

#[graph_fn]
fn row_of_a_row(x: &Tensor) -> Tensor {
    let y = x + 1;
    y[0][7].clone()
}

#[graph_fn]
fn set_before_the_first(x: &Tensor) -> Tensor {
    let mut x = x.clone();
    x[-301] = Tensor::scalar(0i64);
    x
}

#[graph_fn]
fn row_at_a_tensor(x: &Tensor) -> Tensor {
    let i = x.sum(..) - 307;
    x[i].clone()
}

#[graph_fn]
fn row_at_the_least(x: &Tensor) -> Tensor {
    let least = Tensor::scalar(i64::MIN);
    x.index(least)
}

#[test]
fn of_indexing() {
    failures! {
        updated_outside BOTH "index_axis: position 7 is out of range for axis 0 of length 3" at "x[7] += 1;";
        updated_with_a_bool BOTH "add: the scalar true does not fit dtype i64" at "x[1] += true;";
        row_of_a_row BOTH "index_axis: axis 0 is out of range for rank 0" at "y[0][7].clone()";
        set_before_the_first BOTH "with_row: index -301 is out of range for an axis of length 3" at "x[-301] = Tensor::scalar(0i64);";
        row_at_a_tensor BOTH "gather: index -301 is out of range for an axis of length 3" at "x[i].clone()";
        row_at_the_least BOTH "gather: index -9223372036854775808 is out of range for an axis of length 3" at "x.index(least)";
    }
}

#[graph_fn]
fn and_of_vectors(x: &Tensor) -> Tensor {
    let y = x > 0 && x < 3;
    y.cast(DType::I64)
}

#[graph_fn]
fn or_with_a_vector(x: &Tensor) -> Tensor {
    let y = x[0] > 9 || x < 3;
    y.cast(DType::I64)
}

#[graph_fn]
fn vector_in_if(x: &Tensor) -> Tensor {
    let y = x.clone();
    if y > 0 { y + 1 } else { y }
}

#[graph_fn]
fn vector_in_else_if(x: &Tensor) -> Tensor {
    if x[0] > 5 {
        x + 1
    } else if x > 0 {
        x.clone()
    } else {
        -x
    }
}

#[graph_fn]
fn vector_in_while(x: &Tensor) -> Tensor {
    let mut x = x.clone();
    while x > 0 {
        x -= 1;
    }
    x
}

#[graph_fn]
fn matched_vector(x: &Tensor) -> Tensor {
    let y = x.clone();
    match y {
        1 => y + 1,
        2 => y + 2,
        _ => y,
    }
}

#[graph_fn]
fn matched_alternatives(x: &Tensor) -> Tensor {
    let y = x.clone();
    match y {
        1 | 2 => y + 1,
        _ => y,
    }
}

#[graph_fn]
fn matched_comparison(x: &Tensor) -> Tensor {
    let y = x.clone();
    match y > 0 {
        true => y + 1,
        false => y,
    }
}

#[graph_fn]
fn matched_bool(x: &Tensor) -> Tensor {
    let y = x[0] > 0;
    match y {
        1 => x + 1,
        _ => x.clone(),
    }
}

#[graph_fn]
fn arms_differ(x: &Tensor) -> Tensor {
    let y = x[0].clone();
    match y {
        1 => x.clone(),
        _ => y,
    }
}

#[test]
fn of_conditions() {
    failures! {
        and_of_vectors BOTH "cond: the condition is a bool scalar, not bool[3]" at "let y = x > 0 && x < 3;";
        or_with_a_vector LAZY "cond: the branches differ: bool[]" at "let y = x[0] > 9 || x < 3;";
        vector_in_if BOTH "the condition of `if` is a bool scalar, not bool[3]" at "if y > 0 { y + 1 } else { y }";
        vector_in_else_if BOTH "the condition of `if` is a bool scalar, not bool[3]" at "} else if x > 0 {";
        vector_in_while BOTH "the condition of `while` is a bool scalar, not bool[3]" at "while x > 0 {";
        matched_vector BOTH "the condition of `match` is a bool scalar, not bool[3]" at "match y {";
        matched_alternatives BOTH "cond: the condition is a bool scalar, not bool[3]" at "match y {";
        matched_comparison BOTH "the condition of `match` is a bool scalar, not bool[3]" at "match y > 0 {";
        matched_bool BOTH "eq: the scalar 1 does not fit dtype bool" at "match y {";
        arms_differ LAZY "the value is i64[3]" at "match y {";
    }
}

#[graph_fn]
fn up_to_a_vector(x: &Tensor) -> Tensor {
    let mut sum = x.clone();
    for i in 0..x {
        sum += i;
    }
    sum
}

#[graph_fn]
fn bounds_differ(x: &Tensor) -> Tensor {
    let (start, end) = (x[0].clone(), x[1].cast(DType::I32));
    let mut sum = x.clone();
    for i in start..end {
        sum += i;
    }
    sum
}

#[graph_fn]
fn rows_up_to_a_vector(x: &Tensor) -> Tensor {
    let mut sum = x.sum(..);
    for (row, i) in x.rows().zip(range(x)) {
        sum += row + i;
    }
    sum
}

#[graph_fn]
fn items_up_to_a_vector(x: &Tensor) -> Tensor {
    let items: Vec<Tensor> = range(x).collect();
    items[0].clone()
}

#[graph_fn]
fn rows_of_a_scalar(x: &Tensor) -> Tensor {
    let mut sum = x.sum(..);
    for row in sum.clone() {
        sum += row;
    }
    sum
}

#[test]
fn of_loops() {
    failures! {
        up_to_a_vector EAGER "item: a tensor of one element is needed, not i64[3]" at "for i in 0..x {";
        up_to_a_vector LAZY "while: a condition is a bool scalar, not bool[3]" at "for i in 0..x {";
        bounds_differ BOTH "range: dtypes differ: i64 and i32" at "for i in start..end {";
        rows_up_to_a_vector EAGER "item: a tensor of one element is needed, not i64[3]" at "for (row, i) in x.rows().zip(range(x)) {";
        rows_up_to_a_vector LAZY "while: a condition is a bool scalar, not bool[3]" at "for (row, i) in x.rows().zip(range(x)) {";
        items_up_to_a_vector BOTH "item: a tensor of one element is needed, not i64[3]" at "let items: Vec<Tensor> = range(x).collect();";
        rows_of_a_scalar BOTH "a scalar has no rows: i64[]" at "for row in sum.clone() {";
    }
}

#[graph_fn]
fn returned_early(x: &Tensor) -> Tensor {
    if x[0] > 0 {
        return x.cast(DType::F64);
    }
    (x < 2) & x.gt(0)
}

#[graph_fn]
fn returned_before_a_match(x: &Tensor) -> Tensor {
    if x[0] > 5 {
        return x.cast(DType::F64);
    }
    match x[1] {
        1 => x.clone(),
        _ => -x,
    }
}

#[graph_fn]
fn returned_from_a_loop(x: &Tensor) -> Tensor {
    let mut x = x.clone();
    while x[0] > 0 {
        if x[1] == 1 {
            return x.cast(DType::F64);
        }
        x -= 1;
    }
    x
}

#[graph_fn]
fn returned_from_a_closure(x: &Tensor) -> Tensor {
    let f = |x: &Tensor| {
        if x[0] > 5 {
            return x.cast(DType::F64);
        }
        x + 1
    };
    f(x)
}

#[test]
fn of_early_returns() {
    failures! {
        returned_early LAZY "the value is bool[3]" at "(x < 2) & x.gt(0)";
        returned_before_a_match LAZY "the value is i64[3]" at "match x[1] {";
        returned_from_a_loop LAZY "the value is i64[3]" at "x";
        returned_from_a_closure LAZY "the value is i64[3]" at "x + 1";
    }
}
