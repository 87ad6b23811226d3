//! Samples of convolutions and pooling.

use graph_core::{DType, OpRef};

use super::{FLOATS, NUMBERS, Sample, number, sample};
use crate::ops::conv::{Conv2d, Conv2dImages, Conv2dKernel};
use crate::ops::pool::{AveragePool2d, AveragePool2dImages, MaxPool2d, MaxPool2dImages, Pool};
use crate::ops::windows::{Padding, Placement};

/// Images, kernel `[height, width, channels, filters]`, strides, dilation, padding.
type Convolution = ([usize; 4], [usize; 4], [usize; 2], [usize; 2], Padding);

const CONVOLUTIONS: [Convolution; 12] = [
    ([2, 4, 3, 2], [3, 2, 2, 3], [1, 1], [1, 1], Padding::Valid),
    ([1, 4, 5, 2], [3, 3, 2, 2], [1, 1], [1, 1], Padding::Same),
    ([1, 5, 6, 2], [2, 3, 2, 1], [2, 3], [1, 1], Padding::Same),
    ([1, 5, 6, 1], [2, 2, 1, 3], [2, 1], [1, 1], Padding::Valid),
    ([1, 5, 5, 2], [2, 3, 2, 2], [1, 1], [3, 2], Padding::Same),
    ([2, 2, 3, 4], [1, 1, 4, 2], [1, 1], [1, 1], Padding::Valid),
    ([1, 3, 3, 2], [1, 1, 2, 2], [2, 2], [1, 1], Padding::Valid),
    ([1, 1, 2, 1], [5, 5, 1, 1], [1, 1], [1, 1], Padding::Same),
    ([0, 4, 4, 2], [3, 3, 2, 2], [1, 1], [1, 1], Padding::Same),
    ([2, 3, 3, 0], [2, 2, 0, 3], [1, 1], [1, 1], Padding::Valid),
    ([2, 3, 3, 2], [2, 2, 2, 0], [1, 1], [1, 1], Padding::Valid),
    ([8, 30, 28, 8], [3, 3, 8, 16], [1, 1], [1, 1], Padding::Same),
];

/// Samples of an op of convolutions: from images, kernel and output, that of one of them from those of the others.
fn convolution_samples(op: impl Fn(Placement, [&[usize]; 3]) -> (OpRef, [usize; 2])) -> Vec<Sample> {
    let mut samples = Vec::new();
    for (images, kernel, strides, dilation, padding) in CONVOLUTIONS {
        let (image, window) = ([images[1], images[2]], [kernel[0], kernel[1]]);
        let placement = Placement::new(image, window, strides, dilation, padding);
        let [height, width] = placement.windows(&images, window).expect("fits").count;
        let output = [images[0], height, width, kernel[3]];
        let shapes: [&[usize]; 3] = [&images, &kernel, &output];
        let (op, operands) = op(placement, shapes);
        for dtype in FLOATS {
            samples.push(sample(&op, operands.map(|i| number(dtype, shapes[i]))));
        }
    }
    samples
}

pub(in crate::registry) fn conv2d_samples() -> Vec<Sample> {
    convolution_samples(|placement, _| (OpRef::new(Conv2d { placement }), [0, 1]))
}

pub(in crate::registry) fn conv2d_images_samples() -> Vec<Sample> {
    convolution_samples(|placement, [images, ..]| {
        (OpRef::new(Conv2dImages { placement, image: [images[1], images[2]] }), [2, 1])
    })
}

pub(in crate::registry) fn conv2d_kernel_samples() -> Vec<Sample> {
    convolution_samples(|placement, [_, kernel, _]| {
        (OpRef::new(Conv2dKernel { placement, window: [kernel[0], kernel[1]] }), [0, 2])
    })
}

/// Images, window, strides, padding.
type Pooling = ([usize; 4], [usize; 2], [usize; 2], Padding);

const POOLINGS: [Pooling; 7] = [
    ([1, 4, 6, 2], [2, 2], [2, 2], Padding::Valid),
    ([2, 5, 3, 2], [2, 2], [2, 2], Padding::Same),
    ([1, 5, 4, 3], [3, 2], [1, 1], Padding::Same),
    ([1, 5, 5, 1], [2, 1], [3, 2], Padding::Valid),
    ([2, 2, 2, 0], [1, 1], [1, 1], Padding::Valid),
    ([0, 4, 4, 2], [2, 2], [2, 2], Padding::Valid),
    ([4, 60, 52, 48], [3, 3], [2, 2], Padding::Same),
];

fn pool((images, window, strides, padding): Pooling) -> Pool {
    Pool { window, placement: Placement::new([images[1], images[2]], window, strides, [1, 1], padding) }
}

pub(in crate::registry) fn pool_samples(dtypes: &[DType], op: impl Fn(Pool) -> OpRef) -> Vec<Sample> {
    let each = |&dtype| POOLINGS.map(|pooling| sample(&op(pool(pooling)), [number(dtype, &pooling.0)]));
    dtypes.iter().flat_map(each).collect()
}

pub(in crate::registry) fn average_images_samples() -> Vec<Sample> {
    let mut samples = pool_samples(&FLOATS, |pool| OpRef::new(AveragePool2d(pool)));
    for sample in &mut samples {
        let AveragePool2d(pool) = *sample.op.downcast().expect("made above");
        let images = &mut sample.operands[0].fact;
        let image = [images.shape[1], images.shape[2]];
        *images = sample.op.infer(&[images]).expect("fits").swap_remove(0);
        sample.op = OpRef::new(AveragePool2dImages { pool, image });
    }
    samples
}

pub(in crate::registry) fn max_images_samples() -> Vec<Sample> {
    let mut samples = pool_samples(&NUMBERS, |pool| OpRef::new(MaxPool2d(pool)));
    for sample in &mut samples {
        let MaxPool2d(pool) = *sample.op.downcast().expect("made above");
        let output = sample.op.infer(&[&sample.operands[0].fact]).expect("fits").swap_remove(0);
        sample.operands.push(number(output.dtype, &output.shape));
        sample.op = OpRef::new(MaxPool2dImages(pool));
    }
    samples
}
