//! One training step of a small classifier: its gradients against differences of its loss.

use graph_core::{Array, DType, Fact};
use graph_ops::Tensor;

use crate::support::{Numbers, as_f64, assert_close, value_and_gradients};

fn loss(arguments: &[Tensor]) -> Tensor {
    let [x, w1, b1, w2, b2] = arguments else { unreachable!("five arguments") };
    let labels = Tensor::from([1u8, 0, 2, 2]);
    let hidden = (x.matmul(w1) + b1).tanh();
    (hidden.matmul(w2) + b2).sparse_cross_entropy(&labels)
}

#[test]
fn gradients_of_a_classifier_are_differences_of_its_loss() {
    let mut numbers = Numbers::new(1);
    let shapes: [&[usize]; 5] = [&[4, 5], &[5, 6], &[6], &[6, 3], &[3]];
    let arguments: Vec<Array> =
        shapes.iter().map(|&s| numbers.array(&Fact::new(DType::F64, s), -1.0, 1.0)).collect();
    let (_, gradients) = value_and_gradients(&arguments, loss);
    for (i, gradient) in gradients.iter().enumerate() {
        let gradient = as_f64(gradient.as_ref().expect("every argument matters"));
        let differences: Vec<f64> = (0..gradient.len()).map(|at| difference(&arguments, i, at)).collect();
        assert_close(&gradient, &differences, 1e-6);
    }
}

fn difference(arguments: &[Array], i: usize, at: usize) -> f64 {
    let step = 1e-5;
    let shifted = |by: f64| {
        let mut arguments = arguments.to_vec();
        arguments[i].view_mut().as_mut_slice::<f64>()[at] += by;
        let tensors: Vec<Tensor> = arguments.into_iter().map(Tensor::from_array).collect();
        loss(&tensors).item::<f64>()
    };
    (shifted(step) - shifted(-step)) / (2.0 * step)
}
