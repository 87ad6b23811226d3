//! Products of a few rows and a large matrix, whose blocks of terms are shared out among threads: each thread reads some
//! rows of the large matrix, and what it computes is added up afterwards.
//!
//! The sums of a block are those of [`run_part`](Gemm::run_part), and they are added in the same order. So both ways give
//! the same bits, and who has no other thread to share with need not take the detour.

use std::ops::Range;

use super::{Beta, Destination, Float, Gemm, share};

impl<T: Float> Gemm<T> {
    /// In how many parts the sums may be computed, if it is worth it.
    pub(crate) fn sum_parts(&self) -> Option<usize> {
        self.blocking.may_share_terms.then(|| self.blocking.blocks * self.columns_of_block())
    }

    /// Parts of a block, along its columns: together with the others as many as there would be rectangles.
    fn columns_of_block(&self) -> usize {
        let panels = self.product.n.div_ceil(self.panel());
        self.parts().div_ceil(self.blocking.blocks).min(panels)
    }

    /// Elements of memory for the sums of all blocks: an array of the destination's size for each.
    pub(crate) fn sums_len(&self) -> usize {
        self.blocking.blocks * self.product.m * self.product.n
    }

    /// Computes one part of the sums.
    ///
    /// # Safety
    /// - There are [`sum_parts`](Gemm::sum_parts), and this is the number of one.
    /// - `a` and `b` point to operands of the product's shape and layout, which nothing writes meanwhile.
    /// - `sums` points to [`sums_len`](Gemm::sums_len) elements, of which nothing else reads or writes this part.
    pub(crate) unsafe fn run_sum_part(&self, part: usize, sums: *mut T, a: *const T, b: *const T) {
        debug_assert!(self.blocking.may_share_terms, "nothing is copied, and the product is not turned");
        let (block, column_part) = (part / self.columns_of_block(), part % self.columns_of_block());
        let rows = 0..self.product.m;
        let panels = share(self.product.n.div_ceil(self.panel()), self.columns_of_block(), column_part);
        let sums = sums.wrapping_add(block * self.product.m * self.product.n);
        let destination = Destination { at: sums, stride: self.product.n, alpha: T::ONE };
        // SAFETY: as the caller promises; such products copy nothing, so there is no scratch memory.
        unsafe {
            self.run_block(block, &rows, &panels, &destination, a, b, Beta::Zero, std::ptr::null_mut());
        }
    }

    /// Adds the sums of all blocks up for some rows of the destination: `c = alpha * sums + beta * c`.
    ///
    /// # Safety
    /// - All parts of the sums are at `sums`.
    /// - `c` points to the destination, which has these rows, does not overlap the sums, and of which nothing else reads or
    ///   writes them. With [`Beta::One`] it is initialized.
    pub(crate) unsafe fn add_sums(
        &self,
        rows: Range<usize>,
        c: *mut T,
        sums: *const T,
        alpha: T,
        beta: Beta,
    ) {
        let n = self.product.n;
        for row in rows {
            let (c, sums) = (c.wrapping_add(row * self.stride), sums.wrapping_add(row * n));
            // SAFETY: as the caller promises; the processor has the instructions.
            unsafe {
                (self.kernels.add_blocks)(c, n, sums, self.product.m * n, self.blocking.blocks, alpha, beta)
            };
        }
    }
}
