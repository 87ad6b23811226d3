//! Convolutions and pooling: values and gradients against those of JAX, and against sums written out for larger shapes.

mod values;

use graph_core::{Array, DType, Fact};
use graph_ops::{Padding, Tensor, value_and_grad};

use crate::support::{Numbers, as_f64, assert_close, elements, value_and_gradients};

/// A convolution with its values; those of the gradients are for the cotangents of [`numbers`] with 3 and 5.
struct Convolution {
    images: [usize; 4],
    kernel: [usize; 4],
    strides: [usize; 2],
    dilation: [usize; 2],
    padding: Padding,
    output: ([usize; 4], &'static [i32]),
    to_images: &'static [i32],
    to_kernel: &'static [i32],
}

/// Pooling with its values, and with the gradients of largest elements and of sums.
struct Pooling {
    images: [usize; 4],
    window: [usize; 2],
    strides: [usize; 2],
    padding: Padding,
    largest: ([usize; 4], &'static [i32]),
    to_images: &'static [i32],
    sums: &'static [i32],
    counts: &'static [i32],
    to_averaged: &'static [i32],
}

/// Whole numbers about 0, as in `values.py`.
fn numbers(shape: &[usize], step: usize, modulus: usize) -> Array {
    let of = |i: usize| ((i * step + i / modulus) % modulus) as f32 - (modulus / 2) as f32;
    let elements: Vec<f32> = (0..shape.iter().product()).map(of).collect();
    Array::from_slice(shape, &elements).expect("as many as the shape says")
}

fn tensor(array: &Array) -> Tensor {
    Tensor::from_array(array.clone())
}

/// The values as floats.
fn floats(values: &[i32]) -> Vec<f32> {
    values.iter().map(|&value| value as f32).collect()
}

#[test]
fn convolutions_have_the_values_of_jax() {
    for case in values::CONVOLUTIONS {
        let (x, k) = (numbers(&case.images, 7, 11), numbers(&case.kernel, 5, 7));
        let convolve =
            |x: &Tensor, k: &Tensor| x.conv2d_dilated(k, case.strides, case.padding, case.dilation);
        let (shape, output) = case.output;
        assert_eq!(**convolve(&tensor(&x), &tensor(&k)).shape(), shape);
        assert_eq!(elements::<f32>(|| convolve(&tensor(&x), &tensor(&k))), floats(output));
        let g = tensor(&numbers(&shape, 3, 5));
        let (_, gradients) = value_and_gradients(&[x, k], |x| convolve(&x[0], &x[1]) * &g);
        let found = gradients.iter().map(|g| g.as_ref().expect("of a float").as_slice::<f32>().expect("f32"));
        for (found, expected) in found.zip([case.to_images, case.to_kernel]) {
            assert_eq!(found, floats(expected));
        }
    }
}

#[test]
fn pooling_has_the_values_of_jax() {
    for case in values::POOLINGS {
        let x = numbers(&case.images, 59, 101);
        let (window, strides, padding) = (case.window, case.strides, case.padding);
        let (shape, largest) = case.largest;
        assert_eq!(elements::<f32>(|| tensor(&x).max_pool2d(window, strides, padding)), floats(largest));
        let g = tensor(&numbers(&shape, 3, 5));
        let (_, gradients) =
            value_and_gradients(std::slice::from_ref(&x), |x| x[0].max_pool2d(window, strides, padding) * &g);
        assert_eq!(as_f64(gradients[0].as_ref().expect("of a float")), as_f64s(case.to_images));

        let counts = Tensor::from_slice(shape, &floats(case.counts));
        let averages =
            as_f64s(case.sums).into_iter().zip(case.counts).map(|(sum, &count)| sum / f64::from(count));
        let (found, gradients) =
            value_and_gradients(&[x], |x| x[0].avg_pool2d(window, strides, padding) * (&g * &counts));
        let expected: Vec<f64> = averages
            .zip(as_f64(&numbers(&shape, 3, 5)))
            .zip(case.counts)
            .map(|((mean, g), &count)| mean * g * f64::from(count))
            .collect();
        assert_close(&as_f64(&found), &expected, 1e-6);
        assert_close(&as_f64(gradients[0].as_ref().expect("of a float")), &as_f64s(case.to_averaged), 1e-6);
    }
}

fn as_f64s(values: &[i32]) -> Vec<f64> {
    values.iter().map(|&value| f64::from(value)).collect()
}

/// The sum written out, for windows without dilation.
fn naive(
    x: &Tensor,
    kernel: &Tensor,
    strides: [usize; 2],
    before: [usize; 2],
    count: [usize; 2],
) -> Vec<f64> {
    let ([batch, height, width, channels], [kernel_height, kernel_width, _, filters]) =
        (four(x), four(kernel));
    let (x, kernel) = (x.to_vec::<f64>(), kernel.to_vec::<f64>());
    let mut output = Vec::new();
    for (b, row, column) in (0..batch)
        .flat_map(|b| (0..count[0]).flat_map(move |row| (0..count[1]).map(move |column| (b, row, column))))
    {
        let mut sums = vec![0.0; filters];
        for (ky, kx) in (0..kernel_height).flat_map(|ky| (0..kernel_width).map(move |kx| (ky, kx))) {
            let y = (row * strides[0] + ky).wrapping_sub(before[0]);
            let at = (column * strides[1] + kx).wrapping_sub(before[1]);
            if y >= height || at >= width {
                continue;
            }
            for c in 0..channels {
                let element = x[((b * height + y) * width + at) * channels + c];
                for (f, sum) in sums.iter_mut().enumerate() {
                    *sum += element * kernel[((ky * kernel_width + kx) * channels + c) * filters + f];
                }
            }
        }
        output.extend(sums);
    }
    output
}

fn four(x: &Tensor) -> [usize; 4] {
    (**x.shape()).try_into().expect("four axes")
}

#[test]
fn convolutions_of_several_blocks_are_the_sums_written_out() {
    let mut numbers = Numbers::new(5);
    // More windows than one block has, so that several are cut, and parts of several blocks.
    for (images, kernel) in
        [([3, 40, 37, 5], [3, 3, 5, 7]), ([2, 90, 90, 1], [5, 3, 1, 9]), ([5, 20, 20, 48], [1, 1, 48, 40])]
    {
        let (x, k) = (numbers.tensor(DType::F64, &images), numbers.tensor(DType::F64, &kernel));
        let before = [kernel[0] / 2, kernel[1] / 2];
        let found = elements::<f64>(|| x.conv2d(&k, [1, 1], Padding::Same));
        assert_close(&found, &naive(&x, &k, [1, 1], before, [images[1], images[2]]), 1e-12);
        let count = [(images[1] - kernel[0]) / 2 + 1, (images[2] - kernel[1]) / 3 + 1];
        let found = elements::<f64>(|| x.conv2d(&k, [2, 3], Padding::Valid));
        assert_close(&found, &naive(&x, &k, [2, 3], [0, 0], count), 1e-12);
    }
}

#[test]
fn gradients_of_several_blocks_agree_with_the_value() {
    // The value is linear in each operand: it is the product of the operand and its gradient.
    let mut numbers = Numbers::new(6);
    for strides in [[1, 1], [2, 1]] {
        let x = numbers.tensor(DType::F64, &[6, 40, 38, 6]);
        let k = numbers.tensor(DType::F64, &[3, 5, 6, 10]);
        let g = {
            let [b, h, w, f] = four(&x.conv2d(&k, strides, Padding::Same));
            numbers.tensor(DType::F64, &[b, h, w, f])
        };
        let (value, (to_x, to_k)) = value_and_grad(&(x.clone(), k.clone()), |(x, k): &(Tensor, Tensor)| {
            (x.conv2d(k, strides, Padding::Same) * &g).sum(..)
        });
        let value = value.item::<f64>();
        for (operand, gradient) in [(&x, &to_x), (&k, &to_k)] {
            let product = (operand * gradient).sum(..).item::<f64>();
            assert!((product - value).abs() < 1e-9 * value.abs().max(1.0), "{product} is not {value}");
        }
    }
}

#[test]
fn padding_is_never_the_largest_and_never_counted() {
    let x = Tensor::full([1, 3, 3, 1], -5.0f32);
    assert_eq!(elements::<f32>(|| x.max_pool2d([2, 2], [2, 2], Padding::Same)), [-5.0; 4]);
    assert_eq!(elements::<f32>(|| x.avg_pool2d([2, 2], [2, 2], Padding::Same)), [-5.0; 4]);
    assert_eq!(elements::<f32>(|| x.global_avg_pool2d()), [-5.0]);
}

#[test]
fn nan_is_the_largest_and_gets_the_gradient() {
    let x = Array::from_slice([1, 1, 4, 1], &[1.0f32, f32::NAN, f32::NAN, 7.0]).expect("four elements");
    let (y, gradients) = value_and_gradients(&[x], |x| x[0].max_pool2d([1, 4], [1, 4], Padding::Valid));
    assert!(as_f64(&y)[0].is_nan());
    assert_eq!(as_f64(gradients[0].as_ref().expect("of a float")), [0.0, 1.0, 0.0, 0.0]);
    let ties = Array::from_slice([1, 2, 2, 1], &[2.0f32, 5.0, 5.0, 5.0]).expect("four elements");
    let (_, gradients) = value_and_gradients(&[ties], |x| x[0].max_pool2d([2, 2], [2, 2], Padding::Valid));
    assert_eq!(as_f64(gradients[0].as_ref().expect("of a float")), [0.0, 1.0, 0.0, 0.0]);
}

/// Batch normalization of images, of ops that there are.
fn batch_norm(x: &Tensor, scale: &Tensor, offset: &Tensor) -> Tensor {
    let axes = [0, 1, 2];
    let normalized = (x - x.mean_keep(axes)) * (x.var_keep(axes) + 1e-3).rsqrt();
    normalized * scale + offset
}

#[test]
fn the_gradient_of_batch_normalization_is_the_published_one() {
    let mut numbers = Numbers::new(8);
    let mut array = |shape: &[usize]| numbers.array(&Fact::new(DType::F64, shape), -1.0, 1.0);
    let (x, scale, offset, g) = (array(&[2, 3, 4, 5]), array(&[5]), array(&[5]), array(&[2, 3, 4, 5]));
    let weights = tensor(&g);
    let (_, found) = value_and_gradients(&[x.clone(), scale.clone(), offset], |x| {
        batch_norm(&x[0], &x[1], &x[2]) * &weights
    });
    // Ioffe and Szegedy, Batch Normalization, section 3.
    let [x, scale, g] = [x, scale, g].map(|array| as_f64(&array));
    let count = 24.0;
    for (channel, &scale) in scale.iter().enumerate() {
        let of = |x: &[f64]| x.iter().skip(channel).step_by(5).copied().collect::<Vec<f64>>();
        let (x, g) = (of(&x), of(&g));
        let mean = x.iter().sum::<f64>() / count;
        let variance = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count;
        let inverse = 1.0 / (variance + 1e-3).sqrt();
        let to_scale: f64 = x.iter().zip(&g).map(|(x, g)| g * (x - mean) * inverse).sum();
        let to_offset: f64 = g.iter().sum();
        let expected: Vec<f64> = x
            .iter()
            .zip(&g)
            .map(|(x, g)| {
                let normalized = (x - mean) * inverse;
                scale * inverse / count * (count * g - to_offset - normalized * to_scale)
            })
            .collect();
        let gradient = |i: usize| as_f64(found[i].as_ref().expect("of a float"));
        assert_close(&of(&gradient(0)), &expected, 1e-10);
        assert_close(&[gradient(1)[channel], gradient(2)[channel]], &[to_scale, to_offset], 1e-10);
    }
}
