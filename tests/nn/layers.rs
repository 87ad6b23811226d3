//! What each layer computes.

use grafito::Fact;
use grafito::datasets::Dataset;
use grafito::nn::{
    Activation, AvgPool2D, BatchNorm, Build, Conv2D, Dense, Dropout, Embedding, GlobalAveragePool, Layer,
    LayerError, LayerNorm, MaxPool2D, MeanSquaredError, Pass, Registry, Relu, Rescaling, Sequential, Sgd,
    Variables,
};
use grafito::prelude::*;

/// A layer alone, on given weights.
fn forward(
    layer: &dyn Layer,
    x: &Tensor,
    weights: &[(&str, Tensor)],
    noise: Option<i64>,
) -> (Tensor, Variables) {
    let named = |wanted: bool| {
        let moving = move |name: &str| name.contains("moving");
        weights
            .iter()
            .filter(move |(name, _)| moving(name) == wanted)
            .map(|(name, w)| (format!("it/{name}"), w.clone()))
    };
    let (trainable, statistics): (Variables, Variables) = (named(false).collect(), named(true).collect());
    let noise = noise.map(Tensor::scalar);
    let mut pass = match &noise {
        Some(noise) => Pass::training(&trainable, &statistics, noise),
        None => Pass::inference(&trainable, &statistics),
    };
    let y = pass.layer("it", layer, x);
    (y, pass.statistics().clone())
}

fn assert_close(a: &Tensor, b: &[f32]) {
    let a = a.to_vec::<f32>();
    assert_eq!(a.len(), b.len());
    for (a, b) in a.iter().zip(b) {
        assert!((a - b).abs() <= 1e-5 * b.abs().max(1.0), "{a} and {b}");
    }
}

#[test]
fn dense_is_a_product_a_sum_and_an_activation() {
    let x = Tensor::from([[1.0f32, 2.0], [3.0, -4.0]]);
    let (kernel, bias) = (Tensor::from([[1.0f32, -1.0], [0.5, 2.0]]), Tensor::from([0.25f32, -0.25]));
    let weights = [("kernel", kernel), ("bias", bias)];
    let (y, _) = forward(&Dense::new(2).activation(Activation::Relu), &x, &weights, None);
    assert_close(&y, &[2.25, 2.75, 1.25, 0.0]);
    // Axes before the last are kept.
    let (y, _) = forward(&Dense::new(2), &x.reshape([2, 1, 2]), &weights, None);
    assert_eq!(y.shape(), &Shape::from([2, 1, 2]));
    assert_close(&y, &[2.25, 2.75, 1.25, -11.25]);
}

#[test]
fn every_activation_is_its_formula() {
    let x = [-2.0f32, -0.5, 0.0, 0.5, 2.0];
    let of = |activation: Activation| activation.apply(&Tensor::from(x)).to_vec::<f32>();
    let each = |f: fn(f32) -> f32| x.map(f).to_vec();
    assert_close(&Tensor::from(of(Activation::Relu)), &each(|x| x.max(0.0)));
    assert_close(&Tensor::from(of(Activation::Sigmoid)), &each(|x| 1.0 / (1.0 + (-x).exp())));
    assert_close(&Tensor::from(of(Activation::Tanh)), &each(f32::tanh));
    assert_close(&Tensor::from(of(Activation::Softplus)), &each(|x| x.exp().ln_1p()));
    assert_close(&Tensor::from(of(Activation::Silu)), &each(|x| x / (1.0 + (-x).exp())));
    assert_close(&Tensor::from(of(Activation::Elu)), &each(|x| if x > 0.0 { x } else { x.exp_m1() }));
    assert_close(
        &Tensor::from(of(Activation::Gelu)),
        &[-0.045_500_264, -0.154_268_77, 0.0, 0.345_731_23, 1.954_499_7],
    );
    let total: f32 = x.iter().map(|x| x.exp()).sum();
    assert_close(&Tensor::from(of(Activation::Softmax)), &x.map(|x| x.exp() / total));
    assert_eq!(of(Activation::Linear), x);
}

#[test]
fn activations_have_finite_gradients_where_a_branch_overflows() {
    let x = Tensor::from([100.0f32, 1000.0, -1000.0]);
    for activation in [Activation::Elu, Activation::Silu, Activation::Gelu, Activation::Softplus] {
        let gradient = grad(&x, |x| activation.apply(x).sum(..)).to_vec::<f32>();
        assert!(gradient.iter().all(|g| g.is_finite()), "{activation:?}: {gradient:?}");
        assert!((gradient[0] - 1.0).abs() < 1e-6, "{activation:?}: {gradient:?}");
    }
}

#[test]
fn dropout_keeps_the_share_and_the_mean_and_differs_from_step_to_step() {
    let x = Tensor::ones([100, 100], DType::F32);
    let dropout = Dropout::new(0.3);
    let (a, _) = forward(&dropout, &x, &[], Some(1));
    let (again, _) = forward(&dropout, &x, &[], Some(1));
    let (b, _) = forward(&dropout, &x, &[], Some(2));
    let (a, again, b) = (a.to_vec::<f32>(), again.to_vec::<f32>(), b.to_vec::<f32>());
    assert_eq!(a, again);
    assert_ne!(a, b);
    // 10000 draws: three standard deviations of the share are 0.014.
    let left_out = a.iter().filter(|x| **x == 0.0).count() as f64 / a.len() as f64;
    assert!((left_out - 0.3).abs() < 0.014, "{left_out}");
    assert!(a.iter().all(|x| *x == 0.0 || (x - 1.0 / 0.7).abs() < 1e-6));
    let both = a.iter().zip(&b).filter(|(a, b)| **a == 0.0 && **b == 0.0).count() as f64 / a.len() as f64;
    assert!((both - 0.09).abs() < 0.01, "{both}: the draws depend on each other");
    let (y, _) = forward(&dropout, &x, &[], None);
    assert_eq!(y.to_vec::<f32>(), x.to_vec::<f32>());
}

#[test]
fn two_dropouts_in_a_network_draw_differently() {
    /// Passes on what two dropouts leave of ones, side by side.
    #[derive(Debug)]
    struct Both;
    impl Layer for Both {
        fn kind(&self) -> &'static str {
            "Both"
        }
        fn build(&self, input: &Fact, _: &mut Build) -> Result<Fact, LayerError> {
            Ok(input.clone())
        }
        fn forward(&self, x: &Tensor, pass: &mut Pass<'_>) -> Tensor {
            let (a, b) = (pass.layer("a", &Dropout::new(0.5), x), pass.layer("b", &Dropout::new(0.5), x));
            Tensor::concat(&[a, b], 0)
        }
    }
    let (y, _) = forward(&Both, &Tensor::ones([1, 1000], DType::F32), &[], Some(7));
    let y = y.to_vec::<f32>();
    assert_ne!(y[..1000], y[1000..]);
}

#[test]
fn batch_norm_uses_the_batch_in_training_and_the_averages_elsewhere() {
    let weights = [
        ("gamma", Tensor::from([2.0f32, 1.0])),
        ("beta", Tensor::from([0.5f32, 0.0])),
        ("moving_mean", Tensor::from([1.0f32, 0.0])),
        ("moving_variance", Tensor::from([4.0f32, 1.0])),
    ];
    let x = Tensor::from([[1.0f32, 10.0], [3.0, 30.0]]);
    let layer = BatchNorm::new().momentum(0.75).epsilon(0.0);
    let (y, moved) = forward(&layer, &x, &weights, Some(0));
    assert_close(&y, &[-1.5, -1.0, 2.5, 1.0]);
    assert_close(moved.get("it/moving_mean").unwrap(), &[0.75 + 0.25 * 2.0, 0.25 * 20.0]);
    assert_close(moved.get("it/moving_variance").unwrap(), &[3.0 + 0.25, 0.75 + 0.25 * 100.0]);
    let (y, moved) = forward(&layer, &x, &weights, None);
    assert_close(&y, &[0.5, 10.0, 2.0 + 0.5, 30.0]);
    assert_close(moved.get("it/moving_mean").unwrap(), &[1.0, 0.0]);
    // Over all axes but the last: an image's channels.
    let (y, _) = forward(&layer, &x.reshape([1, 2, 1, 2]), &weights, Some(0));
    assert_close(&y, &[-1.5, -1.0, 2.5, 1.0]);
}

#[test]
fn gradients_through_normalizations_are_those_of_differences() {
    let x = Tensor::from([[0.3f32, -1.2, 0.7], [1.5, 0.2, -0.4], [0.9, 2.0, 0.1]]);
    let weigh = Tensor::from([[1.0f32, -2.0, 0.5], [0.3, 0.8, -1.0], [2.0, 0.1, 0.7]]);
    let gamma = ("gamma", Tensor::from([1.5f32, 0.5, 2.0]));
    let beta = ("beta", Tensor::from([0.1f32, 0.2, 0.3]));
    let weights = [
        gamma,
        beta,
        ("moving_mean", Tensor::zeros([3], DType::F32)),
        ("moving_variance", Tensor::ones([3], DType::F32)),
    ];
    let layers: [&dyn Layer; 2] = [&BatchNorm::new(), &LayerNorm::new()];
    for layer in layers {
        let f = |x: &Tensor| (forward(layer, x, &weights, Some(0)).0 * &weigh).sum(..);
        let gradient = grad(&x, f).to_vec::<f32>();
        for (i, g) in gradient.iter().enumerate() {
            let at = |step: f32| {
                let mut moved = x.to_vec::<f32>();
                moved[i] += step;
                f64::from(f(&Tensor::from_slice([3, 3], &moved)).item::<f32>())
            };
            let difference = (at(1e-2) - at(-1e-2)) / 2e-2;
            assert!(
                (difference - f64::from(*g)).abs() < 2e-3 * difference.abs().max(1.0),
                "{i}: {difference} {g}"
            );
        }
    }
}

#[test]
fn an_embedding_learns_the_rows_it_was_asked_for() {
    let network = Sequential::new().add(Embedding::new(4, 2));
    let mut model = network.compile(Sgd::new(1.0), MeanSquaredError, ());
    let x = Tensor::from([[1u8], [3]]);
    let y = Tensor::ones([2, 1, 2], DType::F32);
    model.step(&x, &y).unwrap();
    let once = model.weights().get("embedding/embeddings").unwrap().to_vec::<f32>();
    model.step(&x, &y).unwrap();
    let twice = model.weights().get("embedding/embeddings").unwrap().to_vec::<f32>();
    for row in 0..4 {
        let moves = once[2 * row..][..2] != twice[2 * row..][..2];
        assert_eq!(moves, row == 1 || row == 3, "row {row}");
    }
    let error = model.predict(&Tensor::from([[4u8]])).map(|y| y.to_vec::<f32>()).unwrap_err();
    assert!(error.to_string().contains('4'), "{error}");
}

#[test]
fn rescaling_takes_pixels() {
    let (y, _) = forward(&Rescaling::new(2.0).offset(-1.0), &Tensor::from([[0u8, 1]]), &[], None);
    assert_close(&y, &[-1.0, 1.0]);
}

/// `x + dense(x)`: a layer of layers.
#[derive(Debug)]
struct Residual(Dense);

impl Layer for Residual {
    fn kind(&self) -> &'static str {
        "Residual"
    }
    fn build(&self, input: &Fact, build: &mut Build) -> Result<Fact, LayerError> {
        let output = build.layer("inner", &self.0, input)?;
        if output != *input {
            return Err(LayerError::setting(format!("gives {output} for {input}")));
        }
        Ok(output)
    }
    fn forward(&self, x: &Tensor, pass: &mut Pass<'_>) -> Tensor {
        x + pass.layer("inner", &self.0, x)
    }
}

#[test]
fn layers_hold_layers() {
    let mut network = Sequential::new().input([3]).add(Residual(Dense::new(3))).add(Residual(Dense::new(3)));
    network.build().unwrap();
    let names =
        ["residual/inner/kernel", "residual/inner/bias", "residual_1/inner/kernel", "residual_1/inner/bias"];
    assert_eq!(network.weights().names(), names);
    let mut model = network.compile(Sgd::new(0.05), MeanSquaredError, ());
    let x = Tensor::from([[1.0f32, 2.0, 3.0], [0.0, 1.0, 0.0]]);
    let data = Dataset::new(x.clone(), &x * 2.0);
    let history = model.fit(&data, crate::support::quiet(200)).unwrap();
    assert!(history.last("loss").unwrap() < 0.05 * history.first("loss").unwrap());
    let error = Sequential::new().input([3]).add(Residual(Dense::new(4))).build().unwrap_err().to_string();
    assert!(error.contains("layer `residual`") && error.contains("gives f32[4] for f32[3]"), "{error}");
}

/// A layer of windows gives what it announces, and is the same once it was read from its description.
fn check_windows(layer: impl Layer + Clone) {
    let x = Tensor::random_normal([2, 9, 8, 3], DType::F32, 1);
    let example = Fact::new(DType::F32, [9, 8, 3]);
    let announced = layer.build(&example, &mut Build::default()).expect("takes images");
    let mut network = Sequential::new().input([9, 8, 3]).add(layer.clone());
    let y = network.predict(&x).expect("computes");
    assert_eq!(y.shape()[1..], announced.shape[..], "{layer:?}");
    let json = network.to_json();
    let copy = Sequential::from_json(&json, &Registry::new()).expect("a kind of this library");
    assert_eq!(copy.to_json(), json);
}

#[test]
fn layers_of_windows_give_what_they_announce() {
    check_windows(Conv2D::new(4, [3, 3]).activation(Relu));
    check_windows(Conv2D::new(4, [3, 2]).padding(Padding::Same).without_bias());
    check_windows(Conv2D::new(4, [3, 3]).strides([2, 3]).padding(Padding::Same));
    check_windows(Conv2D::new(4, [2, 3]).strides([2, 1]).dilation([3, 2]));
    check_windows(MaxPool2D::new([2, 2]).padding(Padding::Same));
    check_windows(AvgPool2D::new([3, 2]).strides([1, 2]));
    check_windows(GlobalAveragePool);
}

#[test]
fn a_convolution_is_one_with_a_bias_and_an_activation() {
    let x = Tensor::from([1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]).reshape([1, 3, 3, 1]);
    let weights = [("kernel", Tensor::ones([2, 2, 1, 1], DType::F32)), ("bias", Tensor::from([-20.0f32]))];
    let (y, _) = forward(&Conv2D::new(1, [2, 2]).activation(Relu), &x, &weights, None);
    assert_close(&y, &[0.0, 0.0, 4.0, 8.0]);
}

#[test]
fn windows_that_make_no_sense_are_refused() {
    let image = Fact::new(DType::F32, [4, 5, 2]);
    let refusal = |layer: &dyn Layer, input: &Fact| {
        layer.build(input, &mut Build::default()).expect_err("makes no sense").to_string()
    };
    assert_eq!(
        refusal(&Conv2D::new(3, [5, 3]), &image),
        "a window of 5 by 3 does not fit the image; pad it with `Padding::Same`"
    );
    assert_eq!(refusal(&MaxPool2D::new([2, 0]), &image), "a window is 0, expected at least 1");
    assert_eq!(
        refusal(&Conv2D::new(3, [1, 1]).strides([0, 1]), &image),
        "a stride is 0, expected at least 1"
    );
    assert_eq!(
        refusal(&GlobalAveragePool, &Fact::new(DType::F32, [28, 28])),
        "takes images of three axes, [height, width, channels] (with one channel: `images.unsqueeze(-1)`), and an \
         example is f32[28, 28]"
    );
}
