//! Free functions marked `#[graph_fn]`: where they may stand, what they take, what they give.

use grafito::prelude::*;

use crate::support::both;

/// Documented, with attributes.
#[graph_fn]
#[inline]
#[must_use]
fn documented(x: &Tensor) -> Tensor {
    x + 1
}

#[graph_fn]
#[cfg(any())]
fn configured_out(x: &Tensor) -> NoSuchType {
    x.no_such_method()
}

#[graph_fn]
#[cfg(not(any()))]
fn configured_in(x: &Tensor) -> Tensor {
    x * 2
}

mod nested {
    use grafito::prelude::*;

    pub(super) mod deeper {
        use super::*;

        #[graph_fn]
        pub(in crate::functions) fn visible_above(x: &Tensor) -> Tensor {
            hidden(x) + super::sibling(x)
        }

        #[graph_fn]
        fn hidden(x: &Tensor) -> Tensor {
            x * 10
        }
    }

    #[graph_fn]
    fn sibling(x: &Tensor) -> Tensor {
        x + 1
    }
}

#[test]
fn stand_anywhere() {
    #[graph_fn]
    fn local(x: &Tensor) -> Tensor {
        const OFFSET: i64 = 3;
        fn helper(x: &Tensor) -> Tensor {
            x + OFFSET
        }
        helper(x)
    }
    let x = Tensor::from([1i64, 2]);
    both(|| {
        assert_eq!(documented(&x).to_vec::<i64>(), [2, 3]);
        assert_eq!(configured_in(&x).to_vec::<i64>(), [2, 4]);
        assert_eq!(nested::deeper::visible_above(&x).to_vec::<i64>(), [12, 23]);
        assert_eq!(local(&x).to_vec::<i64>(), [4, 5]);
    });
    assert_eq!(nested::deeper::visible_above::graph(&x).inputs().len(), 1);
    assert_eq!(local::cache().function, "local");
}

#[graph_fn]
fn generic<T: TensorTree, const N: usize>(tree: &T, rows: [Tensor; N]) -> Tensor {
    let mut total = Tensor::scalar(N as i64);
    for row in &rows {
        total += row;
    }
    let mut copy = tree.map_leaves(&mut Tensor::clone);
    copy.for_each_leaf_mut(&mut |leaf| total = &total + &*leaf);
    total
}

#[test]
fn generic_functions_have_traces_for_each_choice() {
    let one = || Tensor::scalar(1i64);
    both(|| {
        assert_eq!(generic(&one(), [one(), one()]).item::<i64>(), 5);
        assert_eq!(generic(&(one(), one()), [one()]).item::<i64>(), 4);
        assert_eq!(generic(&vec![one(); 3], []).item::<i64>(), 3);
    });
    assert_eq!(generic::cache().misses, 3);
}

trait Activation {
    fn apply(x: &Tensor) -> Tensor;
}
struct Double;
struct Negate;
impl Activation for Double {
    fn apply(x: &Tensor) -> Tensor {
        x * 2
    }
}
impl Activation for Negate {
    fn apply(x: &Tensor) -> Tensor {
        -x
    }
}

#[graph_fn]
fn activate<A: Activation>(x: &Tensor) -> Tensor {
    A::apply(x)
}

#[graph_fn]
fn repeated<const N: i64>(x: &Tensor) -> Tensor {
    x * N
}

#[test]
fn generic_parameters_that_no_argument_shows_are_told_apart() {
    let x = Tensor::scalar(5i64);
    both(|| {
        assert_eq!(activate::<Double>(&x).item::<i64>(), 10);
        assert_eq!(activate::<Negate>(&x).item::<i64>(), -5);
        assert_eq!(repeated::<2>(&x).item::<i64>(), 10);
        assert_eq!(repeated::<3>(&x).item::<i64>(), 15);
    });
    assert!(activate::cache().explanations[1].contains("generic parameters"), "{}", activate::cache());
}

#[graph_fn]
fn lifetimes<'a, 'b: 'a>(x: &'a Tensor, name: &'b str, rest: &'b [Tensor]) -> Tensor {
    let mut sum = x + name.len() as i64;
    for tensor in rest {
        sum += tensor;
    }
    sum
}

#[graph_fn]
fn patterns((a, b): (Tensor, Tensor), [c, d]: &[Tensor; 2], _: &Tensor, mut e: Tensor) -> Tensor {
    e += a - b;
    e * c + d
}

#[graph_fn]
fn raw_names(r#type: &Tensor, r#in: i64) -> Tensor {
    r#type * r#in
}

#[graph_fn]
fn r#loop(x: &Tensor) -> Tensor {
    x + 1
}

/// A parameter of the function's own name, and of names that the emitted code uses.
#[graph_fn]
fn shadow(shadow: &Tensor, body: &Tensor, traced_0: &Tensor, arguments: i64) -> Tensor {
    shadow + body * 10 + traced_0 * 100 + arguments
}

#[test]
fn parameters_may_be_patterns() {
    let t = |value: i64| Tensor::scalar(value);
    both(|| {
        assert_eq!(patterns((t(7), t(2)), &[t(3), t(1)], &t(0), t(1)).item::<i64>(), 19);
        assert_eq!(lifetimes(&t(1), "abc", &[t(10), t(20)]).item::<i64>(), 34);
        assert_eq!(raw_names(&t(4), 5).item::<i64>(), 20);
        assert_eq!(r#loop(&t(4)).item::<i64>(), 5);
        assert_eq!(shadow(&t(1), &t(2), &t(3), 1000).item::<i64>(), 1321);
        assert_eq!(shadow::try_call(&t(1), &t(2), &t(3), 1000).unwrap().item::<i64>(), 1321);
    });
    assert_eq!(r#loop::cache().function, "loop");
    let graph = raw_names::graph(&t(4), 5).to_string();
    assert!(graph.contains("type") && !graph.contains("r#"), "{graph}");
}

#[derive(Clone, TensorTree)]
struct Layer {
    weight: Tensor,
    bias: Option<Tensor>,
    #[fixed]
    activation: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Relu,
    Linear { slope: i32 },
}

#[derive(Clone, TensorTree)]
enum Model {
    Empty,
    Single(Layer),
    Stack { layers: Vec<Layer>, scale: Box<Tensor> },
}

fn apply_layer(layer: &Layer, x: &Tensor) -> Tensor {
    let mut y = x * &layer.weight;
    if let Some(bias) = &layer.bias {
        y += bias;
    }
    match layer.activation {
        Kind::Relu => y.relu(),
        Kind::Linear { slope: 1 } => y,
        Kind::Linear { slope } => y * slope,
    }
}

#[graph_fn]
fn run_model(model: &Model, x: &Tensor) -> Tensor {
    match model {
        Model::Empty => x.clone(),
        Model::Single(layer) => apply_layer(layer, x),
        Model::Stack { layers, scale } => {
            layers.iter().fold(x.clone(), |x, layer| apply_layer(layer, &x)) * &**scale
        }
    }
}

fn layer(weight: f32, bias: Option<f32>, activation: Kind) -> Layer {
    Layer { weight: Tensor::scalar(weight), bias: bias.map(Tensor::scalar), activation }
}

#[test]
fn structs_and_enums_are_arguments() {
    let x = Tensor::from([1.0f32, -2.0]);
    let stack = Model::Stack {
        layers: vec![layer(2.0, None, Kind::Relu), layer(1.0, Some(1.0), Kind::Linear { slope: 3 })],
        scale: Box::new(Tensor::scalar(10.0f32)),
    };
    both(|| {
        assert_eq!(run_model(&Model::Empty, &x).to_vec::<f32>(), [1.0, -2.0]);
        let single = Model::Single(layer(2.0, Some(-1.0), Kind::Linear { slope: 1 }));
        assert_eq!(run_model(&single, &x).to_vec::<f32>(), [1.0, -5.0]);
        assert_eq!(run_model(&stack, &x).to_vec::<f32>(), [90.0, 30.0]);
    });
    let graph = run_model::graph(&stack, &x);
    let names: Vec<String> = graph.to_string().split('%').map(str::to_owned).collect();
    assert!(graph.to_string().contains("model.layers[1].bias"), "{names:?}");
}

#[derive(TensorTree)]
struct Unit;

#[derive(Clone, TensorTree)]
struct Pair<A, B = Tensor>(A, B);

#[derive(Clone, TensorTree)]
struct Tagged<T, K> {
    value: T,
    #[fixed]
    key: K,
    marker: std::marker::PhantomData<K>,
}

#[derive(Clone, TensorTree)]
struct Chain {
    r#type: Tensor,
    next: Option<Box<Chain>>,
}

#[graph_fn]
fn trees(unit: &Unit, pair: Pair<Tensor>, tagged: &Tagged<Tensor, Kind>, chain: &Chain) -> Tensor {
    let Unit = unit;
    let mut sum = pair.0 + pair.1 + &tagged.value;
    let mut link = Some(chain);
    while let Some(chain) = link
        && tagged.key == Kind::Relu
    {
        sum += &chain.r#type;
        link = chain.next.as_deref();
    }
    sum
}

#[test]
fn derived_trees_of_every_form() {
    let t = |value: i64| Tensor::scalar(value);
    let chain = Chain { r#type: t(100), next: Some(Box::new(Chain { r#type: t(1000), next: None })) };
    let tagged = |key| Tagged { value: t(10), key, marker: std::marker::PhantomData };
    both(|| {
        let pair = || Pair(t(1), t(2));
        assert_eq!(trees(&Unit, pair(), &tagged(Kind::Relu), &chain).item::<i64>(), 1113);
        assert_eq!(trees(&Unit, pair(), &tagged(Kind::Linear { slope: 1 }), &chain).item::<i64>(), 13);
    });
    assert_eq!(trees::cache().misses, 2);
    let graph = trees::graph(&Unit, Pair(t(1), t(2)), &tagged(Kind::Relu), &chain).to_string();
    assert!(graph.contains("chain.next.type") && graph.contains("pair[1]"), "{graph}");
}

#[graph_fn]
#[expect(clippy::too_many_arguments, reason = "one of each kind of host value")]
fn host_values(
    x: &Tensor,
    kind: Kind,
    by_ref: &Kind,
    name: String,
    borrowed: &str,
    flags: (bool, char, u8, usize),
    shape: Shape,
    dtype: DType,
    list: &[i32],
) -> (Tensor, String, f64) {
    let sum = list.iter().sum::<i32>() as i64 + name.len() as i64 + borrowed.len() as i64 + flags.3 as i64;
    let y = if flags.0 && kind == *by_ref { x + sum } else { x - sum };
    (y.cast(dtype).broadcast_to(&shape), format!("{name}/{borrowed}"), 0.5)
}

#[test]
fn host_values_are_arguments_and_results() {
    let x = Tensor::scalar(1i64);
    let call = |kind| {
        let (y, name, half) = host_values(
            &x,
            kind,
            &Kind::Relu,
            "ab".to_owned(),
            "cde",
            (true, 'x', 0, 4),
            Shape::from([2]),
            DType::F32,
            &[1, 2],
        );
        (y.to_vec::<f32>(), name, half)
    };
    both(|| {
        assert_eq!(call(Kind::Relu), (vec![13.0; 2], "ab/cde".to_owned(), 0.5));
        assert_eq!(call(Kind::Linear { slope: 0 }).0, [-11.0; 2]);
    });
    assert_eq!(host_values::cache().misses, 2);
}

#[graph_fn]
fn by_mut(x: &mut Tensor, pair: &mut (Tensor, i64), rows: &mut [Tensor]) {
    *x += &pair.0;
    pair.0 = x.clone();
    pair.1 += 1;
    rows.swap(0, 1);
    rows[0] *= 2;
}

#[graph_fn]
fn nothing() {}

#[graph_fn]
fn results(x: &Tensor) -> (Vec<Tensor>, Option<Tensor>, [Tensor; 2], Layer, Box<Tensor>) {
    let layer = Layer { weight: x + 4, bias: None, activation: Kind::Relu };
    (vec![x.clone(), x + 1], Some(x + 2), [x + 3, x.clone()], layer, Box::new(x + 5))
}

#[test]
fn results_are_trees_or_nothing() {
    let x = Tensor::scalar(1i64);
    both(|| {
        nothing();
        let (list, option, array, layer, boxed) = results(&x);
        let items =
            [&list[0], &list[1], option.as_ref().unwrap(), &array[0], &array[1], &layer.weight, &*boxed];
        assert_eq!(items.map(|t| t.item::<i64>()), [1, 2, 3, 4, 1, 5, 6]);
        assert_eq!(layer.activation, Kind::Relu);
    });
}

#[test]
fn mut_arguments_of_every_form() {
    both(|| {
        let mut x = Tensor::scalar(1i64);
        let mut pair = (Tensor::scalar(10i64), 7);
        let mut rows = [Tensor::scalar(1i64), Tensor::scalar(2i64), Tensor::scalar(3i64)];
        by_mut(&mut x, &mut pair, &mut rows[..2]);
        by_mut(&mut x, &mut pair, &mut rows);
        assert_eq!((x.item::<i64>(), pair.0.item::<i64>(), pair.1), (22, 22, 9));
        assert_eq!(rows.map(|row| row.item::<i64>()), [2, 4, 3]);
    });
}

#[derive(Debug, PartialEq)]
struct Refused(String);

#[graph_fn]
fn fallible(x: &Tensor, limit: usize) -> Result<(Tensor, usize), Refused> {
    if x.num_elements() > limit {
        return Err(Refused(format!("{} > {limit}", x.num_elements())));
    }
    Ok((x * 2, limit))
}

#[graph_fn]
fn passes_on(x: &Tensor) -> Result<Tensor, Refused> {
    let (y, limit) = fallible(x, 2)?;
    Ok(y + limit)
}

#[test]
fn an_err_ends_the_trace_and_is_not_kept() {
    let (short, long) = (Tensor::from([1i64]), Tensor::from([1i64, 2, 3]));
    both(|| {
        assert_eq!(fallible(&long, 2).unwrap_err(), Refused("3 > 2".to_owned()));
        assert_eq!(passes_on(&long).unwrap_err(), Refused("3 > 2".to_owned()));
        assert_eq!(passes_on(&short).unwrap().to_vec::<i64>(), [4]);
        let (y, limit) = fallible(&short, 9).unwrap();
        assert_eq!((y.to_vec::<i64>(), limit), (vec![2], 9));
    });
    assert_eq!(fallible::cache().signatures.len(), 2, "{}", fallible::cache());
    assert!(fallible::try_call(&long, 2).unwrap().is_err());
}

#[graph_fn]
#[expect(clippy::too_many_arguments, reason = "as many as there may be")]
fn twelve(
    a: &Tensor,
    b: Tensor,
    c: i64,
    d: i64,
    e: i64,
    f: i64,
    g: i64,
    h: i64,
    i: i64,
    j: i64,
    k: i64,
    l: i64,
) -> Tensor {
    a + b + (c + d + e + f + g + h + i + j + k + l)
}

#[test]
fn twelve_parameters() {
    let t = Tensor::scalar(1i64);
    both(|| assert_eq!(twelve(&t, t.clone(), 1, 1, 1, 1, 1, 1, 1, 1, 1, 1).item::<i64>(), 12));
}

/// A level that the body needs, given on the function.
#[graph_fn]
#[allow(unused_variables, clippy::let_and_return)]
#[expect(unused_mut, reason = "to see that it reaches the body")]
fn lint_levels(x: &Tensor) -> Tensor {
    let mut unused = 1;
    let y = x + 1;
    y
}

#[test]
fn conditions_on_host_values_keep_their_meaning() {
    #[graph_fn]
    fn conditions(x: &Tensor, n: i64, word: &str) -> Tensor {
        let mut y = x.clone();
        let mut i = 0;
        while i < n && !word.is_empty() {
            i += 1;
            if i == 2 {
                continue;
            }
            y = match i {
                k if k % 2 == 0 => y * 2,
                _ => y + 1,
            };
        }
        if let Some(c) = word.chars().next()
            && c == 'a'
        {
            return y + 100;
        }
        y
    }
    let x = Tensor::scalar(1i64);
    both(|| {
        assert_eq!(conditions(&x, 4, "ab").item::<i64>(), 106);
        assert_eq!(conditions(&x, 4, "b").item::<i64>(), 6);
        assert_eq!(conditions(&x, 4, "").item::<i64>(), 1);
    });
    assert_eq!(lint_levels(&x).item::<i64>(), 2);
}
