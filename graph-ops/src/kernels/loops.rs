//! Row loops: a function of single elements, applied to rows.
//!
//! A loop works in blocks that fill the vector registers, and is compiled for several instruction sets. A block is read
//! whole before it is written, so the output may be one of the operands. The same functions on single elements' bits are
//! what scalar programs call.

use std::mem::MaybeUninit;

use graph_core::RowOperand;

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
    /// As for [`RowLoop`](graph_core::RowLoop), with `at + k` less than the length, and `k` than a block's.
    #[inline(always)]
    pub(crate) unsafe fn element(self, at: usize, k: usize) -> T {
        // SAFETY: the caller's promise; a splat's block has an element k.
        unsafe { *self.first.add(at * self.step + k) }
    }
}

/// The body of every row loop: the destination, as a function of a block's position and an element's place in it. All
/// of a block is computed before any of it is written; what is left of the row goes element by element.
///
/// # Safety
/// As for [`RowLoop`](graph_core::RowLoop). The function may rely on positions within the row.
#[inline(always)]
pub(crate) unsafe fn blocks<U: Copy + Default>(
    destination: *mut u8,
    len: usize,
    f: impl Fn(usize, usize) -> U,
) {
    let destination = destination.cast::<U>();
    let mut at = 0;
    while at + BLOCK <= len {
        // Not shared with what is left in the end, so that it becomes registers.
        let mut elements = [U::default(); BLOCK];
        for (k, element) in elements.iter_mut().enumerate() {
            *element = f(at, k);
        }
        // SAFETY: the block lies within the row.
        unsafe { destination.add(at).cast::<[U; BLOCK]>().write(elements) };
        at += BLOCK;
    }
    while at < len {
        // SAFETY: the element lies within the row.
        unsafe { destination.add(at).write(f(at, 0)) };
        at += 1;
    }
}

/// Compiles a body for the baseline, for AVX2 and for AVX-512, and picks at run time; `plain`, for the baseline alone, since
/// every version of every loop is compiled and few programs wait for integers. All do the same arithmetic: the
/// compiler neither fuses nor reorders floating-point operations. With a type before it, the body is a function of this type.
///
/// A generic function is written `multiversion!(Type, for instructions, if CONDITION, <T: Bound> |x: X| body)`: the version for
/// these instructions, which must be present. Where the condition, a constant of its types, is false, there is only the one for
/// the baseline.
macro_rules! multiversion {
    (plain |$destination:ident, $operands:ident, $len:ident| $body:expr) => {{
        unsafe fn portable(
            $destination: *mut u8,
            $operands: &[graph_core::RowOperand],
            $len: usize,
        ) {
            $body
        }
        portable as graph_core::RowLoop
    }};
    (wide |$destination:ident, $operands:ident, $len:ident| $body:expr) => {
        $crate::kernels::loops::multiversion!(|$destination, $operands, $len| $body)
    };
    (|$destination:ident, $operands:ident, $len:ident| $body:expr) => {
        $crate::kernels::loops::multiversion!(
            graph_core::RowLoop,
            |$destination: *mut u8, $operands: &[graph_core::RowOperand], $len: usize| $body
        )
    };
    ($function:ty, |$($argument:ident: $ty:ty),*| $body:expr) => {
        $crate::kernels::loops::multiversion!(
            $function, for $crate::kernels::instructions::Instructions::fastest(), if true, <> |$($argument: $ty),*| $body
        )
    };
    (
        $function:ty, for $instructions:expr, if $has_versions:expr,
        <$($generic:ident: $bound:ident),*> |$($argument:ident: $ty:ty),*| $body:expr
    ) => {{
        unsafe fn portable<$($generic: $bound),*>($($argument: $ty),*) {
            $body
        }
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma")]
        unsafe fn avx2<$($generic: $bound),*>($($argument: $ty),*) {
            $body
        }
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512vl,avx512dq")]
        unsafe fn avx512<$($generic: $bound),*>($($argument: $ty),*) {
            $body
        }
        if const { $has_versions } {
            match $instructions {
                #[cfg(target_arch = "x86_64")]
                $crate::kernels::instructions::Instructions::Avx512 => avx512::<$($generic),*> as $function,
                #[cfg(target_arch = "x86_64")]
                $crate::kernels::instructions::Instructions::Avx2 => avx2::<$($generic),*> as $function,
                _ => portable::<$($generic),*> as $function,
            }
        } else {
            portable::<$($generic),*> as $function
        }
    }};
}

/// The row loop of a function of one element.
macro_rules! unary_loop {
    ($width:ident $ty:ty, $f:expr) => {{
        use $crate::kernels::loops::{RowBlocks, blocks, call1};
        $crate::kernels::loops::multiversion!(
            $width | destination,
            operands,
            len | {
                let mut splat = std::mem::MaybeUninit::uninit();
                // SAFETY: the contract of a RowLoop; positions are within the row.
                unsafe {
                    let x = RowBlocks::<$ty>::new(operands[0], &mut splat);
                    blocks(destination, len, |at, k| call1::<$ty, _>($f, x.element(at, k)))
                }
            }
        )
    }};
}

/// The row loop of a function of two elements.
macro_rules! binary_loop {
    ($width:ident $ty:ty, $f:expr) => {{
        use $crate::kernels::loops::{RowBlocks, blocks, call2};
        $crate::kernels::loops::multiversion!(
            $width | destination,
            operands,
            len | {
                let mut splats = [std::mem::MaybeUninit::uninit(); 2];
                let [for_x, for_y] = &mut splats;
                // SAFETY: the contract of a RowLoop; positions are within the row.
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
        use $crate::kernels::loops::{Bits, call1};
        graph_core::ScalarFn::Unary($crate::kernels::loops::scalar_fn!(
            $width | x: u64 | call1::<$ty, _>($f, <$ty>::of(x)).bits()
        ))
    }};
}

/// A function of two elements, on bits.
macro_rules! binary_bits {
    ($width:ident $ty:ty, $f:expr) => {{
        use $crate::kernels::loops::{Bits, call2};
        graph_core::ScalarFn::Binary($crate::kernels::loops::scalar_fn!(
            $width | x: u64, y: u64 | call2::<$ty, _>($f, <$ty>::of(x), <$ty>::of(y)).bits()
        ))
    }};
}

/// A function on bits. One of floats is compiled for processors with fused multiply-adds, too, which are calls elsewhere.
macro_rules! scalar_fn {
    (plain |$($argument:ident: $ty:ty),*| $body:expr) => {{
        extern "C" fn portable($($argument: $ty),*) -> u64 {
            $body
        }
        portable
    }};
    (wide |$($argument:ident: $ty:ty),*| $body:expr) => {{
        extern "C" fn portable($($argument: $ty),*) -> u64 {
            $body
        }
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma")]
        extern "C" fn fused($($argument: $ty),*) -> u64 {
            $body
        }
        type Function = extern "C" fn($($ty),*) -> u64;
        match $crate::kernels::instructions::Instructions::fastest() {
            #[cfg(target_arch = "x86_64")]
            $crate::kernels::instructions::Instructions::Avx512
            | $crate::kernels::instructions::Instructions::Avx2 => {
                // SAFETY: both are pointers to functions of C's convention with the same signature, of numbers, which are passed
                // the same way whatever the features are; this processor has those that the function needs.
                unsafe { std::mem::transmute::<unsafe extern "C" fn($($ty),*) -> u64, Function>(fused) }
            }
            _ => portable as Function,
        }
    }};
}

/// The row loop of a choice between two elements.
macro_rules! select_loop {
    ($ty:ty) => {{
        use $crate::kernels::loops::{RowBlocks, blocks};
        $crate::kernels::loops::multiversion!(|destination, operands, len| {
            let mut mask_splat = std::mem::MaybeUninit::uninit();
            let mut splats = [std::mem::MaybeUninit::uninit(); 2];
            let [for_x, for_y] = &mut splats;
            // SAFETY: the contract of a RowLoop; positions are within the row.
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

pub(crate) use {binary_bits, binary_loop, multiversion, scalar_fn, select_loop, unary_bits, unary_loop};

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
