//! Pooling: one element for each window and channel. Channels are the innermost axis, so loops run along them.

use graph_core::{DType, Element, Kernel, OpError, Source, ViewMut};

use super::parallel::for_each_block;
use super::scalar::Number;
use super::windows::Windows;

/// The largest element of each window; NaN if one is.
#[derive(Debug)]
pub(crate) struct MaxKernel(pub(crate) Windows);

/// Where the largest element of each window is, in its image; of several the first.
#[derive(Debug)]
pub(crate) struct MaxPositionsKernel(pub(crate) Windows);

/// Images to whose largest element (of several the first) each window gives its element.
#[derive(Debug)]
pub(crate) struct MaxImagesKernel(pub(crate) Windows);

/// The mean of each window's elements, padding not counted.
#[derive(Debug)]
pub(crate) struct AverageKernel(pub(crate) Windows);

/// Images to which each window gives its element, in equal parts.
#[derive(Debug)]
pub(crate) struct AverageImagesKernel(pub(crate) Windows);

/// Calls `$run` with the type of a dtype of numbers.
macro_rules! with_number {
    ($dtype:expr, $T:ident => $run:expr) => {
        match $dtype {
            DType::F32 => {
                type $T = f32;
                $run
            }
            DType::F64 => {
                type $T = f64;
                $run
            }
            DType::I32 => {
                type $T = i32;
                $run
            }
            DType::I64 => {
                type $T = i64;
                $run
            }
            DType::U8 => {
                type $T = u8;
                $run
            }
            DType::Bool => unreachable!("infer refuses bool"),
        }
    };
}

impl Windows {
    /// Calls `write` for each window with its image, row and column, and with its elements of `out`.
    fn for_each_window<T: Send>(&self, out: &mut [T], write: impl Fn(usize, [usize; 2], &mut [T]) + Sync) {
        let work = out.len().saturating_mul(self.window_len());
        for_each_block(out, self.count[1] * self.channels, work, |i, out| {
            let (image, row) = (i / self.count[0], i % self.count[0]);
            for (column, out) in out.chunks_mut(self.channels).enumerate() {
                write(image, [row, column], out);
            }
        });
    }
}

impl Kernel for MaxKernel {
    fn run(&self, outs: &mut [ViewMut<'_>], ins: &[Source<'_>]) -> Result<(), OpError> {
        let (out, x) = (&mut outs[0], ins[0].view());
        with_number!(out.dtype(), T => max::<T>(&self.0, out.as_mut_slice(), x.as_slice()));
        Ok(())
    }

    fn may_fail(&self) -> bool {
        false
    }
}

fn max<T: Element + Number>(windows: &Windows, out: &mut [T], x: &[T]) {
    windows.for_each_window(out, |image, at, out| {
        let mut is_first = true;
        windows.for_each_pixel(image, at, |from| {
            let pixel = &x[from..from + out.len()];
            if std::mem::take(&mut is_first) {
                return out.copy_from_slice(pixel);
            }
            for (out, &x) in out.iter_mut().zip(pixel) {
                *out = out.greatest(x);
            }
        });
    });
}

impl Kernel for MaxPositionsKernel {
    fn run(&self, outs: &mut [ViewMut<'_>], ins: &[Source<'_>]) -> Result<(), OpError> {
        let (out, x) = (&mut outs[0], ins[0].view());
        with_number!(x.dtype(), T => max_positions::<T>(&self.0, out.as_mut_slice(), x.as_slice()));
        Ok(())
    }

    fn may_fail(&self) -> bool {
        false
    }
}

fn max_positions<T: Element + Number>(windows: &Windows, out: &mut [i32], x: &[T]) {
    windows.for_each_window(out, |image, at, out| {
        let start = image * windows.image_len();
        let mut first = None;
        windows.for_each_pixel(image, at, |from| {
            let first = *first.get_or_insert(from);
            let pixel = &x[from..from + out.len()];
            if from == first {
                let positions = (from - start) as i32..;
                return out.iter_mut().zip(positions).for_each(|(out, position)| *out = position);
            }
            for (channel, (out, &x_here)) in out.iter_mut().zip(pixel).enumerate() {
                let largest = x[start + *out as usize];
                // Of NaNs the first, too: `largest != largest` says that it is one.
                let is_larger = x_here > largest || (is_nan(x_here) && !is_nan(largest));
                *out = if is_larger { (from - start + channel) as i32 } else { *out };
            }
        });
    });
}

impl Kernel for MaxImagesKernel {
    fn run(&self, outs: &mut [ViewMut<'_>], ins: &[Source<'_>]) -> Result<(), OpError> {
        let (out, x, output) = (&mut outs[0], ins[0].view(), ins[1].view());
        with_number!(x.dtype(), T => {
            max_images::<T>(&self.0, out.as_mut_slice(), x.as_slice(), output.as_slice());
        });
        Ok(())
    }

    fn may_fail(&self) -> bool {
        false
    }
}

/// Channels that are worked on at a time.
const CHANNELS: usize = 64;

fn max_images<T: Element + Number>(windows: &Windows, out: &mut [T], x: &[T], output: &[T]) {
    let work = output.len().saturating_mul(windows.window_len()).saturating_mul(2);
    let (image_len, channels) = (windows.image_len(), windows.channels);
    let per_image = windows.per_image() * channels;
    for_each_block(out, image_len, work, |image, out| {
        out.fill(T::default());
        let x = &x[image * image_len..][..image_len];
        let output = &output[image * per_image..][..per_image];
        for (i, output) in output.chunks(channels).enumerate() {
            let at = [i / windows.count[1], i % windows.count[1]];
            for (group, output) in output.chunks(CHANNELS).enumerate() {
                let len = output.len();
                let pixels = |visit: &mut dyn FnMut(usize)| {
                    windows.for_each_pixel(0, at, |from| visit(from + group * CHANNELS));
                };
                give_to_largest(out, x, output, len, pixels);
            }
        }
    });
}

/// Adds the elements of some channels to `out` where `x` is largest, among pixels whose positions `pixels` enumerates.
#[inline(always)]
fn give_to_largest<T: Element + Number>(
    out: &mut [T],
    x: &[T],
    output: &[T],
    len: usize,
    pixels: impl Fn(&mut dyn FnMut(usize)),
) {
    let mut largest = [T::default(); CHANNELS];
    let mut is_first = true;
    pixels(&mut |from| {
        let pixel = &x[from..from + len];
        if std::mem::take(&mut is_first) {
            return largest[..len].copy_from_slice(pixel);
        }
        for (largest, &x) in largest.iter_mut().zip(pixel) {
            *largest = largest.greatest(x);
        }
    });
    // What is left to give; after it was given, nothing.
    let mut left = [T::default(); CHANNELS];
    left[..len].copy_from_slice(output);
    pixels(&mut |from| {
        let pixel = x[from..from + len].iter().zip(&largest);
        // Without branches: which of the elements is the largest cannot be predicted. A NaN is the largest if one is.
        for ((out, left), (&x, &largest)) in out[from..from + len].iter_mut().zip(&mut left).zip(pixel) {
            let is_largest = (x == largest) | is_nan(x);
            let there = *left;
            *out = out.plus(if is_largest { there } else { T::default() });
            *left = if is_largest { T::default() } else { there };
        }
    });
}

#[allow(clippy::eq_op, reason = "NaN alone differs from itself")]
fn is_nan<T: Number>(x: T) -> bool {
    x != x
}

impl Kernel for AverageKernel {
    fn run(&self, outs: &mut [ViewMut<'_>], ins: &[Source<'_>]) -> Result<(), OpError> {
        let (out, x) = (&mut outs[0], ins[0].view());
        match out.dtype() {
            DType::F32 => average::<f32>(&self.0, out.as_mut_slice(), x.as_slice(), |n| n as f32),
            _ => average::<f64>(&self.0, out.as_mut_slice(), x.as_slice(), |n| n as f64),
        }
        Ok(())
    }

    fn may_fail(&self) -> bool {
        false
    }
}

impl Windows {
    /// How many pixels of a window lie in the image.
    fn pixels_inside(&self, [row, column]: [usize; 2]) -> usize {
        self.inside(0, row).len() * self.inside(1, column).len()
    }
}

fn average<T: Element + Number>(windows: &Windows, out: &mut [T], x: &[T], number: fn(usize) -> T) {
    windows.for_each_window(out, |image, at, out| {
        out.fill(T::default());
        windows.for_each_pixel(image, at, |from| {
            for (out, &x) in out.iter_mut().zip(&x[from..]) {
                *out = out.plus(x);
            }
        });
        let count = number(windows.pixels_inside(at));
        out.iter_mut().for_each(|out| *out = out.over(count));
    });
}

impl Kernel for AverageImagesKernel {
    fn run(&self, outs: &mut [ViewMut<'_>], ins: &[Source<'_>]) -> Result<(), OpError> {
        let (out, output) = (&mut outs[0], ins[0].view());
        match out.dtype() {
            DType::F32 => average_images::<f32>(&self.0, out.as_mut_slice(), output.as_slice(), |n| n as f32),
            _ => average_images::<f64>(&self.0, out.as_mut_slice(), output.as_slice(), |n| n as f64),
        }
        Ok(())
    }

    fn may_fail(&self) -> bool {
        false
    }
}

fn average_images<T: Element + Number>(
    windows: &Windows,
    out: &mut [T],
    output: &[T],
    number: fn(usize) -> T,
) {
    let work = output.len().saturating_mul(windows.window_len());
    let per_image = windows.per_image() * windows.channels;
    for_each_block(out, windows.image_len(), work, |image, out| {
        out.fill(T::default());
        let output = &output[image * per_image..][..per_image];
        for (i, element) in output.chunks(windows.channels).enumerate() {
            let at = [i / windows.count[1], i % windows.count[1]];
            let count = number(windows.pixels_inside(at));
            windows.for_each_pixel(0, at, |to| {
                for (out, &x) in out[to..].iter_mut().zip(element) {
                    *out = out.plus(x.over(count));
                }
            });
        }
    });
}
