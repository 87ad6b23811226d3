//! Matrix products: floats by tiles (`gemm`), integers by a plain loop.
//!
//! Whether and how a product is split over threads changes who computes an element, never the order in which its terms
//! are added. So results do not depend on the number of threads.
//!
//! Nor do they depend on the flags: a product of a transposed matrix has the bits of the product of its transpose, so
//! that a pass may replace one by the other.

use std::borrow::Cow;

use graph_core::{
    Address, DType, Element, Kernel, OpError, Rectangle, Source, Tiled, Untiled, View, ViewMut, row_offset,
};
use smallvec::SmallVec;

use super::gemm::{Beta, Float, Gemm, Layout, Product};
use super::parallel::{PARALLEL_ELEMENTS, for_each_block};
use super::scalar::Number;
use super::scratch::{Scratch, with_scratch};
use super::strided::{GatherWalk, Walk};

/// Products of fewer multiplications than this are computed on the calling thread: with AVX-512 this many take 2 µs, and
/// to hand half of them to a thread that is awake costs about 1.
const PARALLEL_MULTIPLICATIONS: usize = 1 << 18;

/// Multiplications by tiles that take as long as a pass over memory takes to add an element to another.
const MULTIPLICATIONS_PER_ADDITION: usize = 8;

/// What a multiplication costs in the plain loop, in multiplications of f32 by tiles.
const PLAIN_COST: usize = 16;

/// A (batched) product of matrices of known shapes.
#[derive(Debug)]
pub(crate) struct MatmulKernel {
    m: usize,
    k: usize,
    n: usize,
    left: Factor,
    right: Factor,
    /// Lengths of the batch axes, outermost first.
    batch: SmallVec<[usize; 4]>,
    loops: Loops,
}

/// How one product is computed.
#[derive(Debug)]
enum Loops {
    F32(Gemm<f32>),
    F64(Gemm<f64>),
    Plain,
}

/// Where the matrices of an operand are.
#[derive(Debug)]
struct Factor {
    /// Elements of the operand.
    len: usize,
    layout: Layout,
    /// Elements to advance along each batch axis; 0 where the operand is broadcast.
    batch_strides: SmallVec<[usize; 4]>,
    /// How the operand is copied first so that its matrices are not transposed, if it is.
    copy: Option<GatherWalk>,
}

impl MatmulKernel {
    /// `left` and `right` have two axes or more; `output` has the batch axes, then m and n.
    pub(crate) fn new(
        left: &[usize],
        right: &[usize],
        transpose_left: bool,
        transpose_right: bool,
        output_batch: &[usize],
        dtype: DType,
    ) -> MatmulKernel {
        let (left_batch, left_matrix) = left.split_at(left.len() - 2);
        let (right_batch, right_matrix) = right.split_at(right.len() - 2);
        let (mut m, k) = swapped_if(transpose_left, left_matrix);
        let (_, n) = swapped_if(transpose_right, right_matrix);
        let mut batch: SmallVec<[usize; 4]> = output_batch.into();
        // One right matrix for all rows of the left: a single product of more rows.
        let batch_size = output_batch.iter().product::<usize>();
        let one_right = right_batch.iter().all(|&len| len == 1);
        let is_merged = batch_size != 1 && one_right && left_batch.iter().product::<usize>() == batch_size;
        if is_merged {
            m *= batch_size;
            batch.clear();
        }
        let strides_of =
            |own: &'_ [usize]| if is_merged { SmallVec::new() } else { batch_strides(own, &batch) };
        let left = Factor::new(left, transpose_left, is_merged, strides_of(left_batch));
        let right = Factor::new(right, transpose_right, false, strides_of(right_batch));
        let product = Product { m, n, k, left: left.layout, right: right.layout };
        let loops = match dtype {
            DType::F32 => Loops::F32(Gemm::of_batch(product, n, batch.iter().product())),
            DType::F64 => Loops::F64(Gemm::of_batch(product, n, batch.iter().product())),
            _ => Loops::Plain,
        };
        MatmulKernel { m, k, n, left, right, batch, loops }
    }

    /// Where the factors of a matrix begin, in elements.
    fn offsets(&self, matrix: usize) -> (usize, usize) {
        let of = |factor: &Factor| row_offset(&self.batch, &factor.batch_strides, matrix);
        (of(&self.left), of(&self.right))
    }

    /// `out = alpha · left · right + beta · out`
    fn run_float<T: Element + Float + Scratch>(
        &self,
        gemm: &Gemm<T>,
        out: &mut [T],
        left: &[T],
        right: &[T],
        (alpha, beta): (T, Beta),
    ) {
        let (left, right) = (self.left.operand(left), self.right.operand(right));
        if out.is_empty() {
            return;
        }
        assert!(out.len() == self.num_matrices() * self.m * self.n, "the destination is so many matrices");
        let destination = Address::new(out.as_mut_ptr().cast());
        let work = out.len().saturating_mul(self.k);
        if let Some(parts) = gemm.sum_parts().filter(|_| graph_core::can_share()) {
            return self.run_by_terms(gemm, parts, out, &left, &right, (alpha, beta));
        }
        run_parts(self.num_matrices() * gemm.parts(), work, |tile| {
            // SAFETY: the destination is borrowed exclusively, so it overlaps neither operand, and each of its tiles is
            // computed once.
            unsafe { self.compute_tile(gemm, tile, destination.at(0).cast(), &left, &right, (alpha, beta)) };
        });
    }

    /// Asserts that one matrix of each operand lies within these elements.
    fn check_extents<T>(&self, left: &[T], right: &[T]) {
        assert!(left.len() >= self.left.extent(self.m, self.k), "the left matrix lies within its operand");
        assert!(right.len() >= self.right.extent(self.k, self.n), "the right matrix lies within its operand");
    }

    /// The same for one matrix whose sums are computed in so many parts.
    fn run_by_terms<T: Element + Float + Scratch>(
        &self,
        gemm: &Gemm<T>,
        parts: usize,
        out: &mut [T],
        left: &[T],
        right: &[T],
        (alpha, beta): (T, Beta),
    ) {
        self.check_extents(left, right);
        with_scratch(gemm.sums_len(), |sums: &mut [T]| {
            let sums = Address::new(sums.as_mut_ptr().cast());
            graph_core::parallel(parts, |part| {
                // SAFETY: these are the gemm's sum parts, of one matrix, so both operands begin where it does; the layouts
                // address the elements whose number was asserted above; there is memory for all sums, which is borrowed
                // exclusively, and each part of them is computed once.
                unsafe { gemm.run_sum_part(part, sums.at(0).cast(), left.as_ptr(), right.as_ptr()) };
            });
            let out = Address::new(out.as_mut_ptr().cast());
            let row_parts = (gemm.sums_len() / PARALLEL_ELEMENTS + 1).min(self.m);
            graph_core::parallel(row_parts, |part| {
                let rows = self.m * part / row_parts..self.m * (part + 1) / row_parts;
                // SAFETY: the sums are all there, and the destination is one matrix, borrowed exclusively, each of whose rows
                // is in one part.
                unsafe { gemm.add_sums(rows, out.at(0).cast(), sums.at(0).cast(), alpha, beta) };
            });
        });
    }

    /// A tile of the output: one part of one matrix. (What `gemm` keeps in registers is much smaller.)
    ///
    /// # Safety
    /// There is room for all matrices at `out`, which overlap no operand, and of which nobody else uses this tile.
    unsafe fn compute_tile<T: Element + Float + Scratch>(
        &self,
        gemm: &Gemm<T>,
        tile: usize,
        out: *mut T,
        left: &[T],
        right: &[T],
        (alpha, beta): (T, Beta),
    ) {
        let (matrix, part) = (tile / gemm.parts(), tile % gemm.parts());
        let (from_left, from_right) = self.offsets(matrix);
        let (left, right) = (&left[from_left..], &right[from_right..]);
        self.check_extents(left, right);
        let out = out.wrapping_add(matrix * self.m * self.n);
        with_scratch(gemm.scratch_len(), |scratch: &mut [T]| {
            // SAFETY: the layouts address the elements whose number was asserted above; the scratch memory has the size
            // and the alignment that were asked for; the rest is the caller's promise.
            unsafe {
                gemm.run_part(part, out, left.as_ptr(), right.as_ptr(), alpha, beta, scratch.as_mut_ptr())
            };
        });
    }

    fn num_matrices(&self) -> usize {
        self.batch.iter().product()
    }

    /// Parts of a matrix.
    fn parts(&self) -> usize {
        match &self.loops {
            Loops::F32(gemm) => gemm.parts(),
            Loops::F64(gemm) => gemm.parts(),
            Loops::Plain => 1,
        }
    }

    fn run_plain<T: Element + Number>(&self, out: &mut [T], left: &[T], right: &[T]) {
        let (left, right) = (self.left.operand(left), self.right.operand(right));
        let work_of_row = self.n.saturating_mul(self.k).saturating_mul(PLAIN_COST).max(1);
        for_each_block(out, self.n.max(1), out.len() / self.n.max(1) * work_of_row, |i, out| {
            let (from_left, from_right) = self.offsets(i / self.m);
            self.plain_row(out, &left[from_left..], i % self.m, &right[from_right..]);
        });
    }

    fn plain_row<T: Element + Number>(&self, out: &mut [T], left: &[T], row: usize, right: &[T]) {
        let at_left = |p: usize| left[self.left.layout.offset(row, p)];
        out.fill(T::default());
        for p in 0..self.k {
            let (factor, from) = (at_left(p), self.right.layout.offset(p, 0));
            if !self.right.layout.transposed {
                for (out, &x) in out.iter_mut().zip(&right[from..]) {
                    *out = out.plus(factor.times(x));
                }
            } else {
                for (j, out) in out.iter_mut().enumerate() {
                    *out = out.plus(factor.times(right[from + j * self.right.layout.stride]));
                }
            }
        }
    }
}

/// Runs so many parts of one task, in parallel if together they take so many multiplications that it is worth it.
fn run_parts(count: usize, multiplications: usize, run: impl Fn(usize) + Sync) {
    if count == 1 || multiplications < PARALLEL_MULTIPLICATIONS {
        return (0..count).for_each(run);
    }
    // Products of a batch may be small: some of them are a part.
    let each = (count / (multiplications / (PARALLEL_MULTIPLICATIONS / 2)).max(1)).max(1);
    graph_core::parallel(count.div_ceil(each), |part| {
        (part * each..count.min((part + 1) * each)).for_each(&run);
    });
}

impl Kernel for MatmulKernel {
    fn run(&self, outs: &mut [ViewMut<'_>], ins: &[Source<'_>]) -> Result<(), OpError> {
        let (out, left, right) = (&mut outs[0], ins[0].view(), ins[1].view());
        match &self.loops {
            Loops::F32(gemm) => {
                let (left, right) = (left.as_slice(), right.as_slice());
                self.run_float(gemm, out.as_mut_slice(), left, right, (1.0, Beta::Zero));
            }
            Loops::F64(gemm) => {
                let (left, right) = (left.as_slice(), right.as_slice());
                self.run_float(gemm, out.as_mut_slice(), left, right, (1.0, Beta::Zero));
            }
            Loops::Plain => match out.dtype() {
                DType::I32 => self.run_plain::<i32>(out.as_mut_slice(), left.as_slice(), right.as_slice()),
                DType::I64 => self.run_plain::<i64>(out.as_mut_slice(), left.as_slice(), right.as_slice()),
                DType::U8 => self.run_plain::<u8>(out.as_mut_slice(), left.as_slice(), right.as_slice()),
                dtype => unreachable!("infer refuses {dtype}"),
            },
        }
        Ok(())
    }

    fn may_fail(&self) -> bool {
        false
    }

    fn flop(&self) -> u64 {
        2 * (self.num_matrices() * self.m * self.n * self.k) as u64
    }

    fn tiled(&self) -> Result<&dyn Tiled, Untiled> {
        let shares_sums = match &self.loops {
            Loops::F32(gemm) => gemm.sum_parts().is_some(),
            Loops::F64(gemm) => gemm.sum_parts().is_some(),
            Loops::Plain => return Err(Untiled::NoTiles),
        };
        if shares_sums {
            // On one thread that loses an epilogue, which is worth less than the sharing is on two.
            return Err(Untiled::SharedSums);
        }
        if self.left.copy.is_some() || self.right.copy.is_some() {
            return Err(Untiled::CopiesFirst);
        }
        Ok(self)
    }
}

// SAFETY: the parts of a product are disjoint and together all of it (`gemm`), and so are the matrices of a batch.
unsafe impl Tiled for MatmulKernel {
    fn width(&self) -> usize {
        // A column is a row of a transposed matrix.
        if self.n == 1 { self.m } else { self.n }
    }

    fn num_tiles(&self) -> usize {
        self.num_matrices() * self.parts()
    }

    fn rectangle(&self, tile: usize) -> Rectangle {
        let (matrix, part) = (tile / self.parts(), tile % self.parts());
        let (rows, columns) = match &self.loops {
            Loops::F32(gemm) => gemm.rectangle(part),
            Loops::F64(gemm) => gemm.rectangle(part),
            Loops::Plain => unreachable!("without tiles"),
        };
        if self.n == 1 {
            return Rectangle { rows: matrix..matrix + 1, columns: rows };
        }
        Rectangle { rows: matrix * self.m + rows.start..matrix * self.m + rows.end, columns }
    }

    fn cost(&self) -> usize {
        self.m.saturating_mul(self.n).saturating_mul(self.k) / self.parts() / MULTIPLICATIONS_PER_ADDITION
    }

    unsafe fn run_tile(&self, tile: usize, output: *mut u8, operands: &[View<'_>]) {
        let (left, right) = (operands[0], operands[1]);
        match &self.loops {
            Loops::F32(gemm) => {
                let (left, right) = (left.as_slice(), right.as_slice());
                // SAFETY: the caller's promise; the output has the facts that the kernel was made for.
                unsafe { self.compute_tile(gemm, tile, output.cast(), left, right, (1.0, Beta::Zero)) };
            }
            Loops::F64(gemm) => {
                let (left, right) = (left.as_slice(), right.as_slice());
                // SAFETY: as above.
                unsafe { self.compute_tile(gemm, tile, output.cast(), left, right, (1.0, Beta::Zero)) };
            }
            Loops::Plain => unreachable!("without tiles"),
        }
    }
}

/// A product of floats that is added, scaled, to an array: `c ± alpha · left · right`.
#[derive(Debug)]
pub(crate) struct AddmmKernel {
    pub(crate) product: MatmulKernel,
    /// Whether the product is subtracted.
    pub(crate) subtract: bool,
}

impl Kernel for AddmmKernel {
    fn run(&self, outs: &mut [ViewMut<'_>], ins: &[Source<'_>]) -> Result<(), OpError> {
        let (out, left, right, alpha) = (&mut outs[0], ins[1].view(), ins[2].view(), ins[3].view());
        if let Source::View(c) = ins[0] {
            out.copy_from(c);
        }
        match &self.product.loops {
            Loops::F32(gemm) => {
                let alpha = alpha.as_slice::<f32>()[0];
                let alpha = if self.subtract { -alpha } else { alpha };
                let (left, right) = (left.as_slice(), right.as_slice());
                self.product.run_float(gemm, out.as_mut_slice(), left, right, (alpha, Beta::One));
            }
            Loops::F64(gemm) => {
                let alpha = alpha.as_slice::<f64>()[0];
                let alpha = if self.subtract { -alpha } else { alpha };
                let (left, right) = (left.as_slice(), right.as_slice());
                self.product.run_float(gemm, out.as_mut_slice(), left, right, (alpha, Beta::One));
            }
            Loops::Plain => unreachable!("infer takes floats only"),
        }
        Ok(())
    }

    fn may_fail(&self) -> bool {
        false
    }

    fn flop(&self) -> u64 {
        self.product.flop()
    }
}

impl Factor {
    /// An operand of this shape, with strides along the batch that are counted in matrices.
    fn new(
        shape: &[usize],
        transposed: bool,
        must_not_be: bool,
        batch_strides: SmallVec<[usize; 4]>,
    ) -> Factor {
        let (batch, matrix) = shape.split_at(shape.len() - 2);
        let (rows, columns) = swapped_if(transposed, matrix);
        let size = rows * columns;
        let batch_strides = batch_strides.into_iter().map(|stride| stride * size).collect();
        // With one row or one column, the transpose is the same elements in the same order.
        let is_transposed = transposed && rows != 1 && columns != 1;
        let copy = (is_transposed && must_not_be).then(|| {
            let matrices: usize = batch.iter().product();
            GatherWalk(Walk::new(0, [(matrices, size as isize), (rows, 1), (columns, rows as isize)]))
        });
        let layout = match is_transposed && copy.is_none() {
            true => Layout { stride: rows, transposed: true },
            false => Layout { stride: columns, transposed: false },
        };
        Factor { len: shape.iter().product(), layout, batch_strides, copy }
    }

    /// The operand, copied if that is decided.
    fn operand<'a, T: Element>(&self, x: &'a [T]) -> Cow<'a, [T]> {
        assert_eq!(x.len(), self.len, "a kernel runs on the facts it was made for");
        match &self.copy {
            Some(walk) => {
                let mut copy = vec![T::default(); x.len()];
                walk.read(&mut copy, x);
                Cow::Owned(copy)
            }
            None => Cow::Borrowed(x),
        }
    }

    /// Number of elements from the first to the last of a matrix.
    fn extent(&self, rows: usize, columns: usize) -> usize {
        match (rows, columns) {
            (0, _) | (_, 0) => 0,
            _ => self.layout.offset(rows - 1, columns - 1) + 1,
        }
    }
}

/// Matrices to advance along each axis of the output's batch; 0 where the operand's own is broadcast.
fn batch_strides(own: &[usize], output: &[usize]) -> SmallVec<[usize; 4]> {
    let mut strides: SmallVec<[usize; 4]> = SmallVec::from_elem(0, output.len());
    let missing = output.len() - own.len();
    let mut stride = 1;
    for (axis, &len) in own.iter().enumerate().rev() {
        strides[missing + axis] = if len == 1 { 0 } else { stride };
        stride *= len;
    }
    strides
}

fn swapped_if(transposed: bool, matrix: &[usize]) -> (usize, usize) {
    if transposed { (matrix[1], matrix[0]) } else { (matrix[0], matrix[1]) }
}
