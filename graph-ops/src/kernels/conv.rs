//! Convolutions as matrix products. The patches that the windows cut out of the images are the rows of a matrix; times
//! the kernel's matrix they are the output, and the two gradients are products with the same matrix. It is made block by
//! block, small enough to stay in the second-level cache, and never as a whole.
//!
//! Blocks, and the parts that threads work on, are cut by the shapes alone, and what several parts add to one place is
//! added in their order.

use graph_core::{DType, Element, Kernel, OpError, Source, ViewMut};

use super::parallel::for_each_chunk;
use super::scalar::Number;
use super::scratch::{Scratch, with_scratch};
use super::windows::Windows;

/// Elements of a block of patches: 128 KiB of f32.
const BLOCK_ELEMENTS: usize = 1 << 15;

/// Multiplications that are worth a part of their own: about 20 µs.
const PART_MULTIPLICATIONS: usize = 1 << 20;

/// The kernel's gradient has at most so many partial sums.
const MOST_SUMS: usize = 16;

/// What is computed of patches `P [windows, patch]`, kernel `K [patch, filters]` and output `Y [windows, filters]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Product {
    /// `Y = P K`, from images and kernel.
    Output,
    /// The images whose patches add up from `P = Y Kᵀ`, from output and kernel.
    Images,
    /// `K = Pᵀ Y`, from images and output.
    Kernel,
}

/// A convolution of known shapes, or one of its gradients.
#[derive(Debug)]
pub(crate) struct ConvKernel {
    pub(crate) windows: Windows,
    pub(crate) filters: usize,
    pub(crate) product: Product,
}

impl Kernel for ConvKernel {
    fn run(&self, outs: &mut [ViewMut<'_>], ins: &[Source<'_>]) -> Result<(), OpError> {
        let (out, a, b) = (&mut outs[0], ins[0].view(), ins[1].view());
        match out.dtype() {
            DType::F32 => self.run_typed::<f32>(out.as_mut_slice(), a.as_slice(), b.as_slice()),
            _ => self.run_typed::<f64>(out.as_mut_slice(), a.as_slice(), b.as_slice()),
        }
        Ok(())
    }

    fn may_fail(&self) -> bool {
        false
    }
}

impl ConvKernel {
    fn run_typed<T: Element + Number + Scratch>(&self, out: &mut [T], a: &[T], b: &[T]) {
        let has_terms = match self.product {
            Product::Output => self.windows.patch_len() > 0,
            Product::Images => self.windows.len() * self.filters > 0 && self.windows.patch_len() > 0,
            Product::Kernel => self.windows.len() > 0,
        };
        match self.product {
            _ if out.is_empty() => {}
            _ if !has_terms => out.fill(T::default()),
            Product::Output => self.output(out, a, b),
            Product::Images => self.images(out, a, b),
            Product::Kernel => self.kernel(out, a, b),
        }
    }

    /// Windows whose patches are a block.
    fn block(&self) -> usize {
        (BLOCK_ELEMENTS / self.windows.patch_len()).max(1)
    }

    /// How many of something that takes `work` multiplications each are worth a part.
    fn per_part(work: usize) -> usize {
        PART_MULTIPLICATIONS.div_ceil(work.max(1))
    }

    fn output<T: Element + Number + Scratch>(&self, out: &mut [T], images: &[T], kernel: &[T]) {
        let (patch, filters) = (self.windows.patch_len(), self.filters);
        let block = self.block();
        // A part is some blocks.
        let windows_per_part = block * Self::per_part(block * patch * filters);
        for_each_chunk(out, windows_per_part * filters, |part, out| {
            for (i, out) in out.chunks_mut(block * filters).enumerate() {
                let (first, rows) = (part * windows_per_part + i * block, out.len() / filters);
                self.with_patches(images, first, rows, |patches| {
                    let left = Factor { elements: patches, transposed: false };
                    let right = Factor { elements: kernel, transposed: false };
                    multiply(out, left, right, [rows, patch, filters], false);
                });
            }
        });
    }

    fn images<T: Element + Number + Scratch>(&self, out: &mut [T], output: &[T], kernel: &[T]) {
        let (patch, filters) = (self.windows.patch_len(), self.filters);
        let (per_image, image_len) = (self.windows.per_image(), self.windows.image_len());
        let images_per_part = Self::per_part(per_image * patch * filters);
        for_each_chunk(out, images_per_part * image_len, |part, out| {
            let first_image = part * images_per_part;
            let first = first_image * per_image;
            let last = first + out.len() / image_len * per_image;
            let right = Factor { elements: kernel, transposed: true };
            let block_of = |from: usize, rows: usize| Factor {
                elements: &output[from * filters..][..rows * filters],
                transposed: false,
            };
            if self.windows.are_elements() {
                let rows = last - first;
                return multiply(out, block_of(first, rows), right, [rows, filters, patch], false);
            }
            out.fill(T::default());
            let block = self.block();
            with_scratch(block * patch, |patches: &mut [T]| {
                for from in (first..last).step_by(block) {
                    let rows = block.min(last - from);
                    let patches = &mut patches[..rows * patch];
                    multiply(patches, block_of(from, rows), right, [rows, filters, patch], false);
                    self.windows.for_each_run(from..from + rows, |at, to, len| {
                        let Some(to) = to else { return };
                        let out = &mut out[to - first_image * image_len..][..len];
                        for (out, &x) in out.iter_mut().zip(&patches[at..at + len]) {
                            *out = out.plus(x);
                        }
                    });
                }
            });
        });
    }

    fn kernel<T: Element + Number + Scratch>(&self, out: &mut [T], images: &[T], output: &[T]) {
        let (patch, filters) = (self.windows.patch_len(), self.filters);
        let block = self.block();
        let blocks = self.windows.len().div_ceil(block);
        let blocks_per_sum = Self::per_part(block * patch * filters).max(blocks.div_ceil(MOST_SUMS));
        let sums = blocks.div_ceil(blocks_per_sum);
        let sum_of_blocks = |sum: usize, out: &mut [T]| {
            let blocks = sum * blocks_per_sum..((sum + 1) * blocks_per_sum).min(blocks);
            for i in blocks.clone() {
                let first = i * block;
                let rows = block.min(self.windows.len() - first);
                self.with_patches(images, first, rows, |patches| {
                    let left = Factor { elements: patches, transposed: true };
                    let output = &output[first * filters..][..rows * filters];
                    let right = Factor { elements: output, transposed: false };
                    multiply(out, left, right, [patch, rows, filters], i > blocks.start);
                });
            }
        };
        if sums == 1 {
            return sum_of_blocks(0, out);
        }
        let len = out.len();
        with_scratch(sums * len, |partial: &mut [T]| {
            for_each_chunk(partial, len, sum_of_blocks);
            out.copy_from_slice(&partial[..len]);
            for sum in partial[len..].chunks(len) {
                for (out, &x) in out.iter_mut().zip(sum) {
                    *out = out.plus(x);
                }
            }
        });
    }

    /// Calls `with` with the patches of `rows` windows from `first` on.
    fn with_patches<T: Element + Scratch>(
        &self,
        images: &[T],
        first: usize,
        rows: usize,
        with: impl FnOnce(&[T]),
    ) {
        let patch = self.windows.patch_len();
        if self.windows.are_elements() {
            return with(&images[first * patch..][..rows * patch]);
        }
        with_scratch(rows * patch, |patches: &mut [T]| {
            self.windows.for_each_run(first..first + rows, |at, from, len| {
                let patches = &mut patches[at..at + len];
                match from {
                    Some(from) => patches.copy_from_slice(&images[from..from + len]),
                    None => patches.fill(T::default()),
                }
            });
            with(patches);
        });
    }
}

/// A matrix in memory, as it stands or transposed.
#[derive(Debug, Clone, Copy)]
struct Factor<'a, T> {
    elements: &'a [T],
    transposed: bool,
}

/// `c = a b`, or `c += a b`, of matrices `[m, k] · [k, n] -> [m, n]`, on this thread.
fn multiply<T: Element + Number>(
    c: &mut [T],
    a: Factor<'_, T>,
    b: Factor<'_, T>,
    [m, k, n]: [usize; 3],
    accumulates: bool,
) {
    assert!(c.len() == m * n && a.elements.len() == m * k && b.elements.len() == k * n, "three matrices");
    let strides = |transposed: bool, rows: usize, columns: usize| match transposed {
        true => (1, rows as isize),
        false => (columns as isize, 1),
    };
    let (a_row, a_column) = strides(a.transposed, m, k);
    let (b_row, b_column) = strides(b.transposed, k, n);
    // SAFETY: the strides address the matrices whose sizes were asserted; the destination is borrowed exclusively; T is
    // f32 or f64.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            c.as_mut_ptr(),
            1,
            n as isize,
            accumulates,
            a.elements.as_ptr(),
            a_column,
            a_row,
            b.elements.as_ptr(),
            b_column,
            b_row,
            if accumulates { T::ONE } else { T::default() },
            T::ONE,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}
