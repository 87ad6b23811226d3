//! The pointwise kernel: one scalar function over broadcast operands.
//!
//! The output is walked in rows that are contiguous in it; in a row each operand either advances with the output or
//! stays at one element. A row is handed to an [`InnerLoop`], which works in blocks that fit the vector registers. A
//! block is read whole before it is written, so the output may be one of the operands.

use std::mem::MaybeUninit;
use std::sync::Arc;

use graph_core::{Fact, Kernel, OpError, RowKernel, RowSpan, ScalarKernel, Source, View, ViewMut};
use smallvec::SmallVec;

use super::parallel::{PARALLEL_ELEMENTS, PART_ELEMENTS};

/// Writes a row from rows of operands.
pub(crate) use graph_core::RowLoop as InnerLoop;
pub(crate) use graph_core::RowOperand;

/// Number of elements that are read before they are written. A loop over so many is not unrolled before it is turned
/// into vector instructions, which the compiler does well for loops and badly for what is left of them.
pub(crate) const BLOCK: usize = 64;

/// An operand of a row as blocks, one after the other, or one block that holds its only element everywhere.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RowBlocks<T> {
    first: *const T,
    /// Elements from a block to the next, for each element of a block: 1 or 0.
    step: usize,
}

impl<T: Copy> RowBlocks<T> {
    /// The operand's blocks; `splat` is where the one block of a splat is made.
    ///
    /// # Safety
    /// The operand is valid for an element, of type `T`; what is made is used while `splat` lives.
    #[inline(always)]
    pub(crate) unsafe fn new(operand: RowOperand, splat: &mut MaybeUninit<[T; BLOCK]>) -> RowBlocks<T> {
        let address = operand.address.cast::<T>();
        if operand.is_splat {
            // SAFETY: a splat has one element.
            RowBlocks { first: splat.write([unsafe { *address }; BLOCK]).as_ptr(), step: 0 }
        } else {
            RowBlocks { first: address, step: 1 }
        }
    }

    /// Element `k` of the block at position `at`.
    ///
    /// # Safety
    /// As for [`InnerLoop`], with `at + k` less than the length, and `k` than a block's.
    #[inline(always)]
    pub(crate) unsafe fn element(self, at: usize, k: usize) -> T {
        // SAFETY: the caller's promise; a splat's block has an element k.
        unsafe { *self.first.add(at * self.step + k) }
    }
}

/// The body of every inner loop: the destination, as a function of a block's position and an element's place in it. All
/// of a block is computed before any of it is written.
///
/// # Safety
/// As for [`InnerLoop`]. The function may rely on positions within the row.
#[inline(always)]
pub(crate) unsafe fn blocks<U: Copy + Default>(
    destination: *mut u8,
    len: usize,
    f: impl Fn(usize, usize) -> U,
) {
    let destination = destination.cast::<U>();
    let mut elements = [U::default(); BLOCK];
    let mut at = 0;
    while at + BLOCK <= len {
        for (k, element) in elements.iter_mut().enumerate() {
            *element = f(at, k);
        }
        // SAFETY: the block lies within the row.
        unsafe { destination.add(at).cast::<[U; BLOCK]>().write(elements) };
        at += BLOCK;
    }
    let rest = len - at;
    for (k, element) in elements.iter_mut().enumerate().take(rest) {
        *element = f(at, k);
    }
    // SAFETY: at + rest is the length of the row, and less than a block is left of it.
    unsafe { destination.add(at).copy_from_nonoverlapping(elements.as_ptr(), rest) };
}

/// Whether the processor has AVX2 and FMA; decided once.
pub(crate) fn has_avx2() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma")
    }
    #[cfg(not(target_arch = "x86_64"))]
    false
}

/// Whether the processor has AVX-512 with the parts that came with its first server chips; decided once.
pub(crate) fn has_avx512() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        std::arch::is_x86_feature_detected!("avx512f")
            && std::arch::is_x86_feature_detected!("avx512bw")
            && std::arch::is_x86_feature_detected!("avx512vl")
            && std::arch::is_x86_feature_detected!("avx512dq")
            && has_avx2()
    }
    #[cfg(not(target_arch = "x86_64"))]
    false
}

/// Compiles a body for the baseline, for AVX2 and for AVX-512, and picks at run time; `plain`, for the baseline alone, since
/// every version of every loop is compiled and few programs wait for integers. All do the same arithmetic: the
/// compiler neither fuses nor reorders floating-point operations.
macro_rules! multiversion {
    (plain |$destination:ident, $operands:ident, $len:ident| $body:expr) => {{
        unsafe fn portable(
            $destination: *mut u8,
            $operands: &[$crate::kernels::pointwise::RowOperand],
            $len: usize,
        ) {
            $body
        }
        portable as $crate::kernels::pointwise::InnerLoop
    }};
    (wide |$destination:ident, $operands:ident, $len:ident| $body:expr) => {
        $crate::kernels::pointwise::multiversion!(|$destination, $operands, $len| $body)
    };
    (|$destination:ident, $operands:ident, $len:ident| $body:expr) => {{
        unsafe fn portable(
            $destination: *mut u8,
            $operands: &[$crate::kernels::pointwise::RowOperand],
            $len: usize,
        ) {
            $body
        }
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma")]
        unsafe fn avx2(
            $destination: *mut u8,
            $operands: &[$crate::kernels::pointwise::RowOperand],
            $len: usize,
        ) {
            $body
        }
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512vl,avx512dq")]
        unsafe fn avx512(
            $destination: *mut u8,
            $operands: &[$crate::kernels::pointwise::RowOperand],
            $len: usize,
        ) {
            $body
        }
        #[cfg(target_arch = "x86_64")]
        if $crate::kernels::pointwise::has_avx512() {
            avx512 as $crate::kernels::pointwise::InnerLoop
        } else if $crate::kernels::pointwise::has_avx2() {
            avx2 as $crate::kernels::pointwise::InnerLoop
        } else {
            portable
        }
        #[cfg(not(target_arch = "x86_64"))]
        {
            portable as $crate::kernels::pointwise::InnerLoop
        }
    }};
}

/// The inner loop of a function of one element.
macro_rules! unary_loop {
    ($width:ident $ty:ty, $f:expr) => {{
        use $crate::kernels::pointwise::{RowBlocks, blocks, call1};
        $crate::kernels::pointwise::multiversion!(
            $width | destination,
            operands,
            len | {
                let mut splat = std::mem::MaybeUninit::uninit();
                // SAFETY: the contract of an InnerLoop; positions are within the row.
                unsafe {
                    let x = RowBlocks::<$ty>::new(operands[0], &mut splat);
                    blocks(destination, len, |at, k| call1::<$ty, _>($f, x.element(at, k)))
                }
            }
        )
    }};
}

/// The inner loop of a function of two elements.
macro_rules! binary_loop {
    ($width:ident $ty:ty, $f:expr) => {{
        use $crate::kernels::pointwise::{RowBlocks, blocks, call2};
        $crate::kernels::pointwise::multiversion!(
            $width | destination,
            operands,
            len | {
                let mut splats = [std::mem::MaybeUninit::uninit(); 2];
                let [for_x, for_y] = &mut splats;
                // SAFETY: the contract of an InnerLoop; positions are within the row.
                unsafe {
                    let x = RowBlocks::<$ty>::new(operands[0], for_x);
                    let y = RowBlocks::<$ty>::new(operands[1], for_y);
                    blocks(destination, len, |at, k| call2::<$ty, _>($f, x.element(at, k), y.element(at, k)))
                }
            }
        )
    }};
}

/// An element as the bits of a scalar program.
pub(crate) trait Bits: Copy {
    /// The element of these bits.
    fn of(bits: u64) -> Self;
    /// Its bits, zero-extended.
    fn bits(self) -> u64;
}

macro_rules! bits {
    ($($ty:ty: |$bits:ident| $of:expr, |$x:ident| $to:expr;)*) => {$(
        impl Bits for $ty {
            #[inline(always)]
            fn of($bits: u64) -> $ty {
                $of
            }
            #[inline(always)]
            fn bits(self) -> u64 {
                let $x = self;
                $to
            }
        }
    )*};
}

bits! {
    f32: |bits| f32::from_bits(bits as u32), |x| u64::from(x.to_bits());
    f64: |bits| f64::from_bits(bits), |x| x.to_bits();
    i32: |bits| bits as u32 as i32, |x| u64::from(x as u32);
    i64: |bits| bits as i64, |x| x as u64;
    u8: |bits| bits as u8, |x| u64::from(x);
    bool: |bits| bits != 0, |x| u64::from(x);
}

/// A function of one element, on bits.
macro_rules! unary_bits {
    ($width:ident $ty:ty, $f:expr) => {{
        use $crate::kernels::pointwise::{Bits, call1};
        let f: fn(u64) -> u64 = |x| call1::<$ty, _>($f, <$ty>::of(x)).bits();
        graph_core::ScalarFn::Unary(f)
    }};
}

/// A function of two elements, on bits.
macro_rules! binary_bits {
    ($width:ident $ty:ty, $f:expr) => {{
        use $crate::kernels::pointwise::{Bits, call2};
        let f: fn(u64, u64) -> u64 = |x, y| call2::<$ty, _>($f, <$ty>::of(x), <$ty>::of(y)).bits();
        graph_core::ScalarFn::Binary(f)
    }};
}

/// The inner loop of a choice between two elements.
macro_rules! select_loop {
    ($ty:ty) => {{
        use $crate::kernels::pointwise::{RowBlocks, blocks};
        $crate::kernels::pointwise::multiversion!(|destination, operands, len| {
            let mut mask_splat = std::mem::MaybeUninit::uninit();
            let mut splats = [std::mem::MaybeUninit::uninit(); 2];
            let [for_x, for_y] = &mut splats;
            // SAFETY: the contract of an InnerLoop; positions are within the row.
            unsafe {
                let mask = RowBlocks::<bool>::new(operands[0], &mut mask_splat);
                let x = RowBlocks::<$ty>::new(operands[1], for_x);
                let y = RowBlocks::<$ty>::new(operands[2], for_y);
                blocks(destination, len, |at, k| {
                    let (x, y) = (x.element(at, k), y.element(at, k));
                    if mask.element(at, k) { x } else { y }
                })
            }
        })
    }};
}

pub(crate) use {binary_bits, binary_loop, multiversion, select_loop, unary_bits, unary_loop};

/// Calls a function, so that a closure's argument type is known where it is written.
#[inline(always)]
pub(crate) fn call1<T, U>(f: impl Fn(T) -> U, x: T) -> U {
    f(x)
}

/// Calls a function of two arguments; see [`call1`].
#[inline(always)]
pub(crate) fn call2<T, U>(f: impl Fn(T, T) -> U, x: T, y: T) -> U {
    f(x, y)
}

/// An inner loop with the walk over its operands worked out.
pub(crate) struct PointwiseKernel {
    inner: InnerLoop,
    check: Option<fn(View<'_>) -> Result<(), OpError>>,
    /// Lengths of the axes around a row, outermost first.
    outer: SmallVec<[usize; 4]>,
    row_len: usize,
    operands: SmallVec<[OperandWalk; 3]>,
    /// What the destination must be: the loop writes through its address.
    out: Fact,
    /// What an element costs, in elements' worth of plain work.
    cost: usize,
    scalar: Option<ScalarKernel>,
}

#[derive(Debug, Clone)]
struct OperandWalk {
    /// What the operand must be: the loop reads through its address.
    fact: Fact,
    is_splat: bool,
    /// Elements to advance along each outer axis; 0 where the operand is broadcast.
    strides: SmallVec<[usize; 4]>,
}

impl PointwiseKernel {
    pub(crate) fn new(inner: InnerLoop, inputs: &[&Fact], output: &Fact) -> PointwiseKernel {
        let rank = output.shape.rank();
        let strides: SmallVec<[SmallVec<[usize; 4]>; 3]> = inputs
            .iter()
            .map(|fact| {
                let missing = rank - fact.shape.rank();
                let own = fact.shape.strides();
                let advance = |axis: usize| {
                    if axis < missing || fact.shape[axis - missing] == 1 { 0 } else { own[axis - missing] }
                };
                (0..rank).map(advance).collect()
            })
            .collect();
        // Neighbouring axes over which every operand advances evenly are one axis.
        let mut lengths: SmallVec<[usize; 4]> = SmallVec::new();
        let mut merged: SmallVec<[SmallVec<[usize; 4]>; 3]> =
            inputs.iter().map(|_| SmallVec::new()).collect();
        for axis in (0..rank).filter(|&axis| output.shape[axis] != 1) {
            let len = output.shape[axis];
            let even = !lengths.is_empty()
                && merged.iter().zip(&strides).all(|(m, s)| m[m.len() - 1] == s[axis] * len);
            if even {
                let last = lengths.len() - 1;
                lengths[last] *= len;
                for (merged, strides) in merged.iter_mut().zip(&strides) {
                    merged[last] = strides[axis];
                }
            } else {
                lengths.push(len);
                for (merged, strides) in merged.iter_mut().zip(&strides) {
                    merged.push(strides[axis]);
                }
            }
        }
        let row_len = lengths.pop().unwrap_or(1);
        let operands = inputs
            .iter()
            .zip(merged)
            .map(|(fact, mut strides)| {
                let step = strides.pop().unwrap_or(0);
                debug_assert!(step <= 1, "along a row a dense operand advances by one or not at all");
                OperandWalk { fact: (*fact).clone(), is_splat: step == 0, strides }
            })
            .collect();
        PointwiseKernel {
            inner,
            check: None,
            outer: lengths,
            row_len,
            operands,
            out: output.clone(),
            cost: 1,
            scalar: None,
        }
    }

    /// With a look at the second operand's data before anything is written.
    pub(crate) fn with_check(
        mut self,
        check: Option<fn(View<'_>) -> Result<(), OpError>>,
    ) -> PointwiseKernel {
        self.check = check;
        self
    }

    /// With a function that costs more than plain arithmetic.
    pub(crate) fn with_cost(mut self, cost: usize) -> PointwiseKernel {
        self.cost = cost;
        self
    }

    /// With the function for operands of rank 0.
    pub(crate) fn with_scalar(mut self, scalar: ScalarKernel) -> PointwiseKernel {
        self.scalar = Some(scalar);
        self
    }

    /// Computes the elements `from..to` of the output.
    ///
    /// # Safety
    /// Addresses are those of arrays of the kernel's facts; an operand is the output itself or does not overlap it;
    /// nobody else writes these elements.
    unsafe fn run_range(&self, out: Address, operands: &[Address], from: usize, to: usize) {
        let mut at = from;
        while at < to {
            let (row, column) = (at / self.row_len, at % self.row_len);
            let len = (self.row_len - column).min(to - at);
            let rows: SmallVec<[RowOperand; 3]> = self
                .operands
                .iter()
                .zip(operands)
                .map(|(walk, base)| {
                    let along_row = if walk.is_splat { 0 } else { column };
                    let offset = (self.row_offset(walk, row) + along_row) * walk.fact.dtype.size();
                    RowOperand { address: base.0.wrapping_add(offset), is_splat: walk.is_splat }
                })
                .collect();
            // SAFETY: offsets lie within the operands by construction of the walks.
            unsafe { (self.inner)(out.0.wrapping_add(at * self.out.dtype.size()), &rows, len) };
            at += len;
        }
    }

    fn row_offset(&self, walk: &OperandWalk, row: usize) -> usize {
        let mut rest = row;
        let mut offset = 0;
        for (&len, &stride) in self.outer.iter().zip(&walk.strides).rev() {
            offset += rest % len * stride;
            rest /= len;
        }
        offset
    }
}

/// An address that may be sent to another thread.
#[derive(Clone, Copy)]
struct Address(*mut u8);

// SAFETY: threads work on disjoint ranges of the output, and only read what they share (see `run`).
unsafe impl Send for Address {}
// SAFETY: as above.
unsafe impl Sync for Address {}

impl Kernel for PointwiseKernel {
    fn run(&self, outs: &mut [ViewMut<'_>], ins: &[Source<'_>]) -> Result<(), OpError> {
        assert_eq!(ins.len(), self.operands.len(), "a kernel runs on the operands it was made for");
        assert_eq!(*outs[0].fact(), self.out, "a kernel runs on the facts it was made for");
        for (source, walk) in ins.iter().zip(&self.operands) {
            let fact = match source {
                Source::View(view) => view.fact(),
                Source::InPlace => &self.out,
            };
            assert_eq!(*fact, walk.fact, "a kernel runs on the facts it was made for");
        }
        let len = outs[0].shape().num_elements();
        if len == 0 {
            return Ok(()); // Whatever the operands hold, no element of it is used.
        }
        if let (Some(check), Some(second)) = (self.check, ins.get(1)) {
            match second {
                Source::View(view) => check(*view)?,
                Source::InPlace => check(outs[0].as_view())?,
            }
        }
        let out = Address(outs[0].as_mut_ptr());
        let operands: SmallVec<[Address; 3]> = ins
            .iter()
            .map(|source| match source {
                Source::View(view) => Address(view.as_bytes().as_ptr().cast_mut()),
                Source::InPlace => out,
            })
            .collect();
        if len.saturating_mul(self.cost) < PARALLEL_ELEMENTS {
            // SAFETY: these are arrays of the facts that the kernel was made for, as asserted above.
            unsafe { self.run_range(out, &operands, 0, len) };
            return Ok(());
        }
        let chunk = (PART_ELEMENTS / self.cost).next_multiple_of(BLOCK);
        graph_core::parallel(len.div_ceil(chunk), |i| {
            // SAFETY: as above; ranges are disjoint.
            unsafe { self.run_range(out, &operands, i * chunk, ((i + 1) * chunk).min(len)) };
        });
        Ok(())
    }

    fn scalar(&self) -> Option<ScalarKernel> {
        self.scalar
    }

    fn row(&self) -> Option<RowKernel> {
        // SAFETY: an inner loop keeps the contract of a row loop; elements come from those at their positions.
        let row = unsafe { RowKernel::new(self.inner, RowSpan::Elements) }.with_cost(self.cost);
        Some(match self.check {
            Some(check) => row.with_check(1, Arc::new(check)),
            None => row,
        })
    }

    fn may_fail(&self) -> bool {
        self.check.is_some()
    }
}
