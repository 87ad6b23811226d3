//! Convolutions as matrix products. The patches that the windows cut out of the images are the rows of a matrix; times
//! the kernel's matrix they are the output, and the two gradients are products with the same matrix. It is made block by
//! block, small enough to stay in the second-level cache, and never as a whole.
//!
//! Blocks, and the parts that threads work on, are cut by the shapes alone, and what several parts add to one place is
//! added in their order.

use graph_core::{DType, Element, Kernel, OpError, Source, ViewMut};

use super::gemm::{Beta, Float, Gemm, Layout, Product};
use super::parallel::for_each_chunk;
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
pub(crate) enum Factor {
    /// `Y = P K`, from images and kernel.
    Output,
    /// The images whose patches add up from `P = Y Kᵀ`, from output and kernel.
    Images,
    /// `K = Pᵀ Y`, from images and output.
    Kernel,
}

/// A convolution of known shapes, or one of its gradients.
#[derive(Debug)]
pub(crate) struct ConvKernel<T: 'static> {
    windows: Windows,
    filters: usize,
    factor: Factor,
    /// The products of a block, by its number of windows.
    products: Vec<(usize, Gemm<T>)>,
}

/// The kernel for a dtype of floats.
pub(crate) fn kernel(dtype: DType, windows: Windows, filters: usize, factor: Factor) -> Box<dyn Kernel> {
    match dtype {
        DType::F32 => Box::new(ConvKernel::<f32>::new(windows, filters, factor)),
        _ => Box::new(ConvKernel::<f64>::new(windows, filters, factor)),
    }
}

impl<T: Element + Float + Scratch> Kernel for ConvKernel<T> {
    fn run(&self, outs: &mut [ViewMut<'_>], ins: &[Source<'_>]) -> Result<(), OpError> {
        let (out, a, b) = (outs[0].as_mut_slice::<T>(), ins[0].view(), ins[1].view());
        let (a, b) = (a.as_slice(), b.as_slice());
        match self.factor {
            _ if out.is_empty() => {}
            _ if self.products.is_empty() => out.fill(T::default()),
            Factor::Output => self.output(out, a, b),
            Factor::Images => self.images(out, a, b),
            Factor::Kernel => self.kernel(out, a, b),
        }
        Ok(())
    }

    fn may_fail(&self) -> bool {
        false
    }
}

impl<T: Element + Float + Scratch> ConvKernel<T> {
    fn new(windows: Windows, filters: usize, factor: Factor) -> ConvKernel<T> {
        let mut kernel = ConvKernel { windows, filters, factor, products: Vec::new() };
        let patch = windows.patch_len();
        if windows.len() == 0 || patch == 0 || filters == 0 {
            return kernel; // Sums of nothing.
        }
        // What blocks are cut from: all windows, or those of the images of a part.
        let cut = match factor {
            Factor::Output | Factor::Kernel => vec![windows.len()],
            Factor::Images => {
                let per_part = kernel.images_per_part().min(windows.batch);
                vec![per_part * windows.per_image(), windows.batch % per_part * windows.per_image()]
            }
        };
        for total in cut {
            let block = kernel.block().min(total);
            for rows in [block, total.checked_rem(block).unwrap_or(0)] {
                if rows > 0 && kernel.products.iter().all(|&(known, _)| known != rows) {
                    let product = kernel.product(rows);
                    kernel.products.push((rows, Gemm::new(product, product.n)));
                }
            }
        }
        kernel
    }

    /// The product for a block of so many windows.
    fn product(&self, rows: usize) -> Product {
        let (patch, filters) = (self.windows.patch_len(), self.filters);
        let plain = |stride: usize| Layout { stride, transposed: false };
        let turned = |stride: usize| Layout { stride, transposed: true };
        match self.factor {
            Factor::Output => {
                Product { m: rows, k: patch, n: filters, left: plain(patch), right: plain(filters) }
            }
            Factor::Images => {
                Product { m: rows, k: filters, n: patch, left: plain(filters), right: turned(filters) }
            }
            Factor::Kernel => {
                Product { m: patch, k: rows, n: filters, left: turned(patch), right: plain(filters) }
            }
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

    /// Images that are worth a part.
    fn images_per_part(&self) -> usize {
        let work = self.windows.per_image().saturating_mul(self.windows.patch_len());
        Self::per_part(work.saturating_mul(self.filters))
    }

    fn output(&self, out: &mut [T], images: &[T], kernel: &[T]) {
        let (patch, filters) = (self.windows.patch_len(), self.filters);
        let block = self.block();
        // A part is some blocks.
        let windows_per_part = block * Self::per_part(block * patch * filters);
        for_each_chunk(out, windows_per_part * filters, |part, out| {
            for (i, out) in out.chunks_mut(block * filters).enumerate() {
                let (first, rows) = (part * windows_per_part + i * block, out.len() / filters);
                self.with_patches(images, first, rows, |patches| {
                    self.multiply(out, patches, kernel, rows, Beta::Zero);
                });
            }
        });
    }

    fn images(&self, out: &mut [T], output: &[T], kernel: &[T]) {
        let (patch, filters) = (self.windows.patch_len(), self.filters);
        let (per_image, image_len) = (self.windows.per_image(), self.windows.image_len());
        let images_per_part = self.images_per_part();
        for_each_chunk(out, images_per_part * image_len, |part, out| {
            let first_image = part * images_per_part;
            let first = first_image * per_image;
            let last = first + out.len() / image_len * per_image;
            let block_of = |from: usize, rows: usize| &output[from * filters..][..rows * filters];
            let block = self.block().min(last - first);
            if self.windows.are_elements() {
                for (i, out) in out.chunks_mut(block * patch).enumerate() {
                    let rows = out.len() / patch;
                    self.multiply(out, block_of(first + i * block, rows), kernel, rows, Beta::Zero);
                }
                return;
            }
            out.fill(T::default());
            with_scratch(block * patch, |patches: &mut [T]| {
                for from in (first..last).step_by(block) {
                    let rows = block.min(last - from);
                    let patches = &mut patches[..rows * patch];
                    self.multiply(patches, block_of(from, rows), kernel, rows, Beta::Zero);
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

    fn kernel(&self, out: &mut [T], images: &[T], output: &[T]) {
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
                    let output = &output[first * filters..][..rows * filters];
                    let beta = if i > blocks.start { Beta::One } else { Beta::Zero };
                    self.multiply(out, patches, output, rows, beta);
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
    fn with_patches(&self, images: &[T], first: usize, rows: usize, with: impl FnOnce(&[T])) {
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

    /// The product of a block of so many windows, on this thread.
    fn multiply(&self, c: &mut [T], a: &[T], b: &[T], rows: usize, beta: Beta) {
        let known = self.products.iter().find(|&&(known, _)| known == rows);
        let (_, gemm) = known.expect("blocks are cut as the products were made for");
        let Product { m, k, n, .. } = self.product(rows);
        assert!(c.len() == m * n && a.len() == m * k && b.len() == k * n, "the matrices of the product");
        with_scratch(gemm.scratch_len(), |scratch: &mut [T]| {
            for part in 0..gemm.parts() {
                // SAFETY: these are matrices of the product's shapes, as asserted, dense as its layouts say; the
                // destination and the scratch memory are borrowed exclusively, and the latter is large enough and aligned.
                unsafe {
                    gemm.run_part(
                        part,
                        c.as_mut_ptr(),
                        a.as_ptr(),
                        b.as_ptr(),
                        T::ONE,
                        beta,
                        scratch.as_mut_ptr(),
                    );
                }
            }
        });
    }
}
