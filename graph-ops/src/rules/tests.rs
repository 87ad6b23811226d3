//! Every rule from patterns on the values at which rules go wrong, and each rule that is a function by text.

use graph_core::{
    Array, Changed, DType, Element, Graph, NodeKind, Origin, Rules, Value, dce, run_with, simplify,
    with_element,
};

use super::*;

/// A table of one rule.
fn only(rule: Rule) -> Rules {
    Rules::new(vec![rule], COMMUTATIVE, op_from_text, |fact| BroadcastTo { shape: fact.shape.clone() }.into())
}

/// Numbers at which rules go wrong, of each dtype.
fn special(dtype: DType) -> Array {
    fn of<T: Element>(elements: &[T]) -> Array {
        Array::from_slice([elements.len()], elements).expect("a vector")
    }
    match dtype {
        DType::F32 => {
            of(&[0.0, -0.0, 1.0, -1.0, 2.5, f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, 1e-45])
        }
        DType::F64 => {
            of(&[0.0, -0.0, 1.0, -1.0, 2.5, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, 5e-324])
        }
        DType::I32 => of(&[0, 1, -1, 2, -7, i32::MIN, i32::MAX]),
        DType::I64 => of(&[0, 1, -1, 2, -7, i64::MIN, i64::MAX]),
        DType::U8 => of(&[0u8, 1, 2, 127, 128, 255]),
        DType::Bool => of(&[false, true]),
    }
}

/// A graph of a pattern: variable `i` is an input along axis `-1 - i`, so that all combinations meet; literals are
/// constants of the shape.
struct Builder<'a> {
    graph: Graph,
    inputs: Vec<Array>,
    variables: Vec<(String, Value)>,
    dtypes: &'a [DType],
    literal: (DType, Shape),
    rest: &'a str,
}

impl<'a> Builder<'a> {
    fn take(&mut self, belongs: fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !belongs(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word
    }

    /// The value of the pattern at the start of `rest`; `None` where ops do not take these dtypes.
    fn value(&mut self) -> Option<Value> {
        self.take(|c| c == ' ' || c == ',');
        let word = self.take(|c| c.is_alphanumeric() || "?_-".contains(c));
        if let Some(name) = word.strip_prefix('?') {
            if let Some((_, value)) = self.variables.iter().find(|(have, _)| have == name) {
                return Some(*value);
            }
            let index = self.variables.len();
            let array = special(self.dtypes[index]);
            let mut shape = vec![1; index + 1];
            shape[0] = array.fact().shape[0];
            let array = array.reshaped(shape.into());
            let value = self.graph.add_input(name, array.fact().clone(), Origin::caller());
            self.inputs.push(array);
            self.variables.push((name.to_owned(), value));
            return Some(value);
        }
        if !self.rest.starts_with('(') {
            let array = self.constant(word)?;
            return Some(self.graph.add_constant(array, Origin::caller()));
        }
        self.take(|c| c == '(');
        let mut operands = Vec::new();
        while !self.rest.starts_with(')') {
            operands.push(self.value()?);
        }
        self.rest = &self.rest[1..];
        let op = op_from_text(word, &graph_core::Attributes::default()).ok()??;
        Some(self.graph.apply(op, &operands, Origin::caller()).ok()?[0])
    }

    fn constant(&self, word: &str) -> Option<Array> {
        let (dtype, shape) = &self.literal;
        let fact = Fact::new(if matches!(word, "true" | "false") { DType::Bool } else { *dtype }, shape);
        macro_rules! filled {
            ($ty:ty) => {{
                let elements = vec![word.parse::<$ty>().ok()?; shape.num_elements()];
                Array::from_slice(shape, &elements).ok()
            }};
        }
        match fact.dtype {
            DType::F32 => filled!(f32),
            DType::F64 => filled!(f64),
            DType::I32 => filled!(i32),
            DType::I64 => filled!(i64),
            DType::U8 => filled!(u8),
            DType::Bool => filled!(bool),
        }
    }
}

fn graph_of(left: &str, dtypes: &[DType], literal: (DType, Shape)) -> Option<(Graph, Vec<Array>)> {
    let graph = Graph::new("left");
    let mut builder =
        Builder { graph, inputs: Vec::new(), variables: Vec::new(), dtypes, literal, rest: left };
    let output = builder.value()?;
    builder.graph.set_outputs(vec![output]);
    Some((builder.graph, builder.inputs))
}

/// Equal to the bit, zeros by sign; any NaN is as good as any other.
fn same(a: &Array, b: &Array) -> bool {
    fn of<T: Element>(a: &Array, b: &Array) -> bool {
        let (a, b) = (a.view().as_slice::<T>(), b.view().as_slice::<T>());
        // Every NaN is printed as `NaN`, and zero with its sign.
        a.iter().zip(b).all(|(a, b)| format!("{a:?}") == format!("{b:?}"))
    }
    a.fact() == b.fact() && with_element!(a.fact().dtype, T => of::<T>(a, b))
}

fn num_ops(graph: &Graph) -> usize {
    graph.node_ids().filter(|&id| matches!(graph.node(id).kind(), NodeKind::Apply(_))).count()
}

#[test]
fn every_rule_from_patterns_holds_at_special_values() {
    let mut applications = 0;
    for index in 0..table().len() {
        let rules = only(table().swap_remove(index));
        let rule = rules.iter().next().expect("one rule");
        let Some((left, _)) = rule.patterns() else { continue };
        let mut fired = 0;
        for dtype in DType::ALL {
            // Every variable is of the dtype, or a mask.
            for masks in 0..8 {
                let dtypes: Vec<DType> =
                    (0..3).map(|i| if masks >> i & 1 > 0 { DType::Bool } else { dtype }).collect();
                for shape in [&[][..], &[1], &[3, 1, 1, 1]] {
                    let Some((graph, inputs)) = graph_of(left, &dtypes, (dtype, shape.into())) else {
                        continue;
                    };
                    let mut rewritten = graph.clone();
                    let changed = simplify(&mut rewritten, &rules).unwrap();
                    let expected = match run_with(&graph, &mut inputs.clone()) {
                        Ok(expected) => expected,
                        Err(_) => {
                            assert_eq!(changed, Changed::No, "`{}` on what fails", rule.name());
                            continue;
                        }
                    };
                    if changed == Changed::Yes {
                        fired += 1;
                        let got = run_with(&rewritten, &mut inputs.clone()).unwrap();
                        assert!(
                            same(&got[0], &expected[0]),
                            "`{}` on {dtypes:?}:\n{graph}{rewritten}{:?} is not {:?}",
                            rule.name(),
                            with_element!(got[0].fact().dtype, T => format!("{:?}", got[0].as_slice::<T>())),
                            with_element!(got[0].fact().dtype, T => format!("{:?}", expected[0].as_slice::<T>())),
                        );
                        assert_eq!(
                            simplify(&mut rewritten, &rules).unwrap(),
                            Changed::No,
                            "`{}`",
                            rule.name()
                        );
                        let _ = dce(&mut rewritten).unwrap();
                        assert!(
                            num_ops(&rewritten) <= num_ops(&graph),
                            "`{}`\n{graph}{rewritten}",
                            rule.name()
                        );
                    }
                }
            }
        }
        assert!(fired > 0, "`{}` never fires", rule.name());
        applications += fired;
    }
    println!("{applications} applications of {} rules", table().len());
}

/// Simplifies a text with the whole table, and removes what was replaced.
fn simplified(text: &str) -> String {
    let mut graph = Graph::parse(text, &op_from_text).unwrap();
    let _ = simplify(&mut graph, rules()).unwrap();
    let _ = dce(&mut graph).unwrap();
    let lines = graph.to_string();
    let lines: Vec<&str> = lines.lines().map(str::trim).collect();
    lines[1..lines.len() - 1].join("\n")
}

#[test]
fn views_of_views() {
    insta::assert_snapshot!(simplified("graph f(%x: f32[2, 3, 1]) {
        %a = reshape(%x) shape=[6]
        %b = reshape(%a) shape=[3, 2]
        %back = reshape(%b) shape=[2, 3, 1]
        %c = broadcast_to(%x) shape=[2, 3, 4]
        %d = broadcast_to(%c) shape=[5, 2, 3, 4]
        %e = identity(%b)
        %f = stop_gradient(%e)
        return %f, %back, %d
    }"), @"
    %1 = reshape(%0) shape=[3, 2] : f32[3, 2]
    %2 = broadcast_to(%0) shape=[5, 2, 3, 4] : f32[5, 2, 3, 4]
    return %1, %0, %2
    ");
}

#[test]
fn divisions_by_powers_of_two_are_products() {
    insta::assert_snapshot!(simplified("graph f(%x: f32[3], %y: f64[]) {
        %a = constant splat 4.0 : f32[1]
        %b = constant splat -0.125 : f64[]
        %c = div(%x, %a)
        %d = div(%y, %b)
        return %c, %d
    }"), @"
    %2 = constant 0.25 : f32[]
    %3 = mul(%0, %2) : f32[3]
    %4 = constant -8.0 : f64[]
    %5 = mul(%1, %4) : f64[]
    return %3, %5
    ");
    // The constant makes the result larger.
    insta::assert_snapshot!(simplified("graph f(%x: f32[3]) {
        %a = constant splat 4.0 : f32[1, 1]
        %b = div(%x, %a)
        return %b
    }"), @"
    %1 = constant [4.0] : f32[1, 1]
    %2 = div(%0, %1) : f32[1, 3]
    return %2
    ");
    // Of 3 there is no exact reciprocal, and integers have none; that of 2¹²⁷ is a subnormal number of f32.
    insta::assert_snapshot!(simplified("graph f(%x: f32[3], %y: i32[3]) {
        %a = constant splat 3.0 : f32[]
        %b = constant splat 2 : i32[]
        %c = constant splat 170141183460469231731687303715884105728.0 : f32[]
        %d = constant splat 0.0 : f32[]
        %e = constant splat inf : f32[]
        %f = constant splat nan : f32[]
        %u = div(%x, %a)
        %v = div(%y, %b)
        %w = div(%x, %c)
        %p = div(%x, %d)
        %q = div(%x, %e)
        %r = div(%x, %f)
        return %u, %v, %w, %p, %q, %r
    }"), @"
    %2 = constant 3.0 : f32[]
    %3 = constant 2 : i32[]
    %4 = constant 1.7014118e38 : f32[]
    %5 = constant 0.0 : f32[]
    %6 = constant inf : f32[]
    %7 = constant NaN : f32[]
    %8 = div(%0, %2) : f32[3]
    %9 = div(%1, %3) : i32[3]
    %10 = div(%0, %4) : f32[3]
    %11 = div(%0, %5) : f32[3]
    %12 = div(%0, %6) : f32[3]
    %13 = div(%0, %7) : f32[3]
    return %8, %9, %10, %11, %12, %13
    ");
}

#[test]
fn divisors_whose_reciprocals_are_no_normal_numbers_stay() {
    let f32s = [-149, -127, 127].map(|exponent| Array::scalar(2f64.powi(exponent) as f32));
    let f64s = [-1074, -1023, 1023].map(|exponent| Array::scalar(2f64.powi(exponent)));
    for divisor in f32s.into_iter().chain(f64s) {
        let mut graph = quotient(special(divisor.fact().dtype).fact(), divisor);
        assert_eq!(simplify(&mut graph, rules()).unwrap(), Changed::No, "{graph}");
    }
}

/// An input divided by a constant.
fn quotient(fact: &Fact, divisor: Array) -> Graph {
    let (mut graph, origin) = (Graph::new("quotient"), Origin::caller());
    let input = graph.add_input("x", fact.clone(), origin);
    let divisor = graph.add_constant(divisor, origin);
    let quotient = graph.apply(Pointwise(ScalarOp::Div), &[input, divisor], origin).unwrap();
    graph.set_outputs(quotient.to_vec());
    graph
}

/// Division itself, and what the rule makes of it, on special numbers, and on such as are rounded where the quotient is a
/// subnormal one.
#[test]
fn products_with_reciprocals_are_quotients_to_the_bit() {
    let f32s = (-126..=126).step_by(7).map(|exponent| Array::scalar(2f32.powi(exponent)));
    let f64s = (-1022..=1022).step_by(73).map(|exponent| Array::scalar(-(2f64.powi(exponent))));
    for divisor in f32s.chain(f64s) {
        let rounded = match divisor.fact().dtype {
            DType::F32 => Array::scalar(f32::from_bits(0x00ff_ffff)),
            _ => Array::scalar(f64::from_bits(0x001f_ffff_ffff_ffff)),
        };
        for x in [special(divisor.fact().dtype), rounded] {
            let mut graph = quotient(x.fact(), divisor.clone());
            let expected = run_with(&graph, &mut [x.clone()]).unwrap();
            assert_eq!(simplify(&mut graph, rules()).unwrap(), Changed::Yes, "{graph}");
            assert!(same(&run_with(&graph, &mut [x]).unwrap()[0], &expected[0]), "{graph}");
        }
    }
}

#[test]
fn casts() {
    insta::assert_snapshot!(simplified("graph f(%x: i32[2], %y: f32[2], %z: bool[2], %w: i64[2]) {
        %a = cast(%x) to=i64
        %b = cast(%a) to=i32
        %c = cast(%y) to=f64
        %d = cast(%c) to=f32
        %e = cast(%z) to=f32
        %f = cast(%e) to=bool
        return %b, %d, %f
    }"), @"return %0, %1, %2");
    // A dtype between that loses something.
    insta::assert_snapshot!(simplified("graph f(%x: i32[2], %y: f32[2], %z: i64[2]) {
        %a = cast(%x) to=f32
        %b = cast(%a) to=i32
        %c = cast(%y) to=i64
        %d = cast(%c) to=f32
        %e = cast(%z) to=f64
        %f = cast(%e) to=i64
        return %b, %d, %f
    }"), @"
    %3 = cast(%0) to=f32 : f32[2]
    %4 = cast(%3) to=i32 : i32[2]
    %5 = cast(%1) to=i64 : i64[2]
    %6 = cast(%5) to=f32 : f32[2]
    %7 = cast(%2) to=f64 : f64[2]
    %8 = cast(%7) to=i64 : i64[2]
    return %4, %6, %8
    ");
}

#[test]
fn pointwise_ops_broadcast_themselves() {
    insta::assert_snapshot!(simplified("graph f(%x: f32[3], %y: f32[2, 3], %c: bool[]) {
        %a = broadcast_to(%x) shape=[2, 3]
        %b = mul(%a, %y)
        %m = broadcast_to(%c) shape=[2, 3]
        %d = select(%m, %a, %b)
        return %d
    }"), @"
    %3 = mul(%0, %1) : f32[2, 3]
    %4 = select(%2, %0, %3) : f32[2, 3]
    return %4
    ");
    // Where nothing else makes the result as large, one stays.
    insta::assert_snapshot!(simplified("graph f(%x: f32[3]) {
        %a = broadcast_to(%x) shape=[2, 3]
        %b = mul(%a, %a)
        %c = exp(%a)
        return %b, %c
    }"), @"
    %1 = broadcast_to(%0) shape=[2, 3] : f32[2, 3]
    %2 = mul(%0, %1) : f32[2, 3]
    %3 = exp(%1) : f32[2, 3]
    return %2, %3
    ");
}

#[test]
fn permutations() {
    insta::assert_snapshot!(simplified("graph f(%x: f32[2, 3, 4], %y: f32[2, 1, 3, 1]) {
        %a = permute(%x) axes=[2, 0, 1]
        %b = permute(%a) axes=[1, 2, 0]
        %c = permute(%a) axes=[0, 2, 1]
        %d = permute(%y) axes=[3, 0, 2, 1]
        return %b, %c, %d
    }"), @"
    %2 = permute(%0) axes=[2, 1, 0] : f32[4, 3, 2]
    %3 = reshape(%1) shape=[1, 2, 3, 1] : f32[1, 2, 3, 1]
    return %0, %2, %3
    ");
}

#[test]
fn transposes_become_flags_of_products() {
    insta::assert_snapshot!(simplified("graph f(%x: f32[5, 2, 3], %y: f32[4, 3], %z: f32[2, 5, 3]) {
        %a = permute(%x) axes=[0, 2, 1]
        %b = permute(%y) axes=[1, 0]
        %p = matmul(%x, %b)
        %q = matmul(%a, %x)
        %r = matmul(%a, %x) transpose_left=true transpose_right=true
        %other = permute(%z) axes=[1, 0, 2]
        %s = matmul(%other, %b)
        return %p, %q, %r, %s
    }"), @"
    %3 = matmul(%0, %1) transpose_right=true : f32[5, 2, 4]
    %4 = matmul(%0, %0) transpose_left=true : f32[5, 3, 3]
    %5 = matmul(%0, %0) transpose_right=true : f32[5, 2, 2]
    %6 = permute(%2) axes=[1, 0, 2] : f32[5, 2, 3]
    %7 = matmul(%6, %1) transpose_right=true : f32[5, 2, 4]
    return %3, %4, %5, %7
    ");
}

#[test]
fn reductions_of_nothing() {
    insta::assert_snapshot!(simplified("graph f(%x: f32[2, 1, 3], %c: bool[1]) {
        %a = sum(%x) axes=[]
        %b = max(%a) axes=[1]
        %d = min(%b) axes=[] keep_dims=true
        %e = all(%c) axes=[0]
        %f = sum(%x) axes=[1]
        return %d, %e, %f
    }"), @"
    %2 = reshape(%0) shape=[2, 3] : f32[2, 3]
    %3 = reshape(%1) shape=[] : bool[]
    %4 = sum(%0) axes=[1] : f32[2, 3]
    return %2, %3, %4
    ");
}

#[test]
fn a_gradient_is_cleaned_up() {
    insta::assert_snapshot!(simplified("graph f(%x: f32[2, 3], %w: f32[4, 3], %g: f32[2, 4]) {
        %one = constant splat 1.0 : f32[2, 4]
        %wt = permute(%w) axes=[1, 0]
        %y = matmul(%x, %wt)
        %dy = mul(%g, %one)
        %dx = matmul(%dy, %wt) transpose_right=true
        %xt = permute(%x) axes=[1, 0]
        %dwt = matmul(%xt, %dy)
        %dw = permute(%dwt) axes=[1, 0]
        %n = neg(%dw)
        %step = neg(%n)
        return %y, %dx, %step
    }"), @"
    %3 = matmul(%0, %1) transpose_right=true : f32[2, 4]
    %4 = matmul(%2, %1) : f32[2, 3]
    %5 = matmul(%0, %2) transpose_left=true : f32[3, 4]
    %6 = permute(%5) axes=[1, 0] : f32[4, 3]
    return %3, %4, %6
    ");
}
