//! What elements cost in pointwise ops, on one core with operands in the first cache; and what std's functions cost.
//!
//! ```text
//! cargo bench -p graph-ops --bench pointwise
//! ```

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use graph_core::{Array, DType, Fact, Op, Source};
use graph_ops::ops::pointwise::{Pointwise, ScalarOp};

fn main() {
    divan::main();
}

/// Few enough for the first cache, and for one thread.
const LEN: usize = 4096;

/// Rows of plain arithmetic.
const ARITHMETIC: [&str; 5] = ["add", "mul", "relu", "sqrt", "div"];
const FUNCTIONS: [&str; 11] =
    ["exp", "expm1", "log", "log1p", "tanh", "sigmoid", "softplus", "erf", "sin", "cos", "pow"];

fn numbers() -> Vec<f32> {
    (0..LEN).map(|i| (i as f32 + 0.5) / LEN as f32 * 8.0).collect()
}

/// The kernel of a row of the table.
#[divan::bench(args = ARITHMETIC.iter().chain(&FUNCTIONS))]
fn row(bencher: Bencher<'_, '_>, name: &str) {
    let op = Pointwise(ScalarOp::from_name(name).expect("a row"));
    let fact = Fact::new(DType::F32, [LEN]);
    let x = Array::from_slice([LEN], &numbers()).expect("as many as the shape says");
    let mut out = Array::zeros(fact.clone());
    let kernel = op.kernel(&vec![&fact; op.0.arity()], std::slice::from_ref(&fact)).expect("of floats");
    let sources: Vec<Source<'_>> = (0..op.0.arity()).map(|_| Source::View(x.view())).collect();
    bencher.counter(ItemsCount::new(LEN)).bench_local(|| {
        kernel.run(&mut [out.view_mut()], black_box(&sources)).expect("no op that fails");
    });
}

/// The functions of std and libm that the rows would call otherwise.
#[divan::bench(args = FUNCTIONS)]
fn std(bencher: Bencher<'_, '_>, name: &str) {
    let f: fn(f32) -> f32 = match name {
        "exp" => f32::exp,
        "expm1" => f32::exp_m1,
        "log" => f32::ln,
        "log1p" => f32::ln_1p,
        "tanh" => f32::tanh,
        "erf" => libm::erff,
        "sin" => f32::sin,
        "cos" => f32::cos,
        "sigmoid" => |x| 1.0 / (1.0 + (-x).exp()),
        "softplus" => |x| x.max(0.0) + (-x.abs()).exp().ln_1p(),
        _ => |x| x.powf(x),
    };
    let (x, mut out) = (numbers(), vec![0.0; LEN]);
    bencher.counter(ItemsCount::new(LEN)).bench_local(|| {
        black_box(&x).iter().zip(&mut out).for_each(|(&x, out)| *out = f(x));
        black_box(&mut out);
    });
}
