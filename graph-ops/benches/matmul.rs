//! Products of matrices on one thread, against the `gemm` crate: for each shape both run in turn, and the fastest run of
//! each counts.
//!
//! ```text
//! cargo bench -p graph-ops --bench matmul [shape]
//! ```

use std::hint::black_box;
use std::time::{Duration, Instant};

use graph_core::{Array, DType, Fact, OpRef, Shape, Source, set_num_threads};
use graph_ops::ops::matmul::Matmul;

/// Name; m, n, k; whether the left and the right operand are stored transposed.
const SHAPES: [(&str, [usize; 3], [bool; 2]); 27] = [
    ("recipe: first layer", [32, 128, 784], [false, false]),
    ("recipe: second layer", [32, 10, 128], [false, false]),
    ("recipe: gradient of hidden", [32, 128, 10], [false, true]),
    ("recipe: gradient of first", [784, 128, 32], [true, false]),
    ("recipe: gradient of second", [128, 10, 32], [true, false]),
    ("wide: first layer", [256, 1024, 784], [false, false]),
    ("wide: second layer", [256, 1024, 1024], [false, false]),
    ("wide: third layer", [256, 10, 1024], [false, false]),
    ("wide: gradient of hidden", [256, 1024, 1024], [false, true]),
    ("wide: gradient of first", [784, 1024, 256], [true, false]),
    ("wide: gradient of second", [1024, 1024, 256], [true, false]),
    ("wide: gradient of third", [1024, 10, 256], [true, false]),
    ("convolution: 9 taps", [64 * 26 * 26, 32, 9], [false, false]),
    ("convolution: 288 taps", [64 * 26 * 26, 64, 288], [false, false]),
    ("convolution: gradient", [288, 64, 64 * 26 * 26], [true, false]),
    ("row by matrix", [1, 1024, 1024], [false, false]),
    ("row by transposed", [1, 1024, 1024], [false, true]),
    ("matrix by column", [1024, 1, 1024], [false, false]),
    ("square 8", [8, 8, 8], [false, false]),
    ("square 33", [33, 33, 33], [false, false]),
    ("square 64", [64, 64, 64], [false, false]),
    ("square 100", [100, 100, 100], [false, false]),
    ("square 256", [256, 256, 256], [false, false]),
    ("square 512", [512, 512, 512], [false, false]),
    ("square 1024", [1024, 1024, 1024], [false, false]),
    ("square 1024, both transposed", [1024, 1024, 1024], [true, true]),
    ("square 2048", [2048, 2048, 2048], [false, false]),
];

/// How long each shape is measured.
const TIME: Duration = Duration::from_millis(400);

fn main() {
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with("--")).unwrap_or_default();
    set_num_threads(1);
    println!("{:32} {:>10} {:>10} {:>8}", "f32, one thread", "GFLOP/s", "gemm", "ratio");
    for (name, sizes, transposed) in SHAPES.into_iter().filter(|(name, ..)| name.contains(&wanted)) {
        let (ours, theirs) = fastest(sizes, transposed);
        let [m, n, k] = sizes;
        let rate = |seconds: f64| 2.0 * (m * n * k) as f64 / seconds / 1e9;
        println!("{name:32} {:10.1} {:10.1} {:8.2}", rate(ours), rate(theirs), theirs / ours);
    }
}

/// Seconds of the fastest run, ours and theirs.
fn fastest([m, n, k]: [usize; 3], [transpose_left, transpose_right]: [bool; 2]) -> (f64, f64) {
    let left = numbers(if transpose_left { [k, m] } else { [m, k] });
    let right = numbers(if transpose_right { [n, k] } else { [k, n] });
    let mut out = numbers([m, n]);
    let op = OpRef::new(Matmul { transpose_left, transpose_right });
    let facts = [left.fact(), right.fact()];
    let kernel = op.kernel(&facts, &[Fact::new(DType::F32, [m, n])]).expect("the op has a kernel");
    let strides = |transposed: bool, rows: usize, columns: usize| {
        if transposed { (1, rows as isize) } else { (columns as isize, 1) }
    };
    let ((left_row, left_column), (right_row, right_column)) =
        (strides(transpose_left, m, k), strides(transpose_right, k, n));
    let (mut ours, mut theirs) = (f64::INFINITY, f64::INFINITY);
    let start = Instant::now();
    while start.elapsed() < TIME {
        ours = ours.min(seconds(|| {
            let operands = [Source::View(left.view()), Source::View(right.view())];
            kernel.run(&mut [out.view_mut()], &operands).expect("products do not fail");
        }));
        theirs = theirs.min(seconds(|| {
            let (a, b) = (left.view().as_slice::<f32>(), right.view().as_slice::<f32>());
            let mut view = out.view_mut();
            let c = view.as_mut_slice::<f32>();
            // SAFETY: sizes and strides are those of the three arrays, of which the destination is borrowed mutably.
            unsafe {
                gemm::gemm(
                    m,
                    n,
                    k,
                    c.as_mut_ptr(),
                    1,
                    n as isize,
                    false,
                    a.as_ptr(),
                    left_column,
                    left_row,
                    b.as_ptr(),
                    right_column,
                    right_row,
                    0.0,
                    1.0,
                    false,
                    false,
                    false,
                    gemm::Parallelism::None,
                );
            }
        }));
        black_box(&out);
    }
    (ours, theirs)
}

fn seconds(run: impl FnOnce()) -> f64 {
    let start = Instant::now();
    run();
    start.elapsed().as_secs_f64()
}

fn numbers(shape: [usize; 2]) -> Array {
    let elements: Vec<f32> = (0..shape[0] * shape[1]).map(|i| (i % 1000) as f32 / 1000.0 - 0.5).collect();
    Array::from_slice(Shape::from(&shape[..]), &elements).expect("as many elements as the shape has")
}
