//! The kernels of each instruction set: the tiles that fit its registers, and what prepares them.
//!
//! A tile of h rows and w registers of columns takes h w registers for sums, w for the right matrix and one for the
//! left. It does h w multiplications for h + w loads, so it is as square as may be; but a product with few rows is
//! better served by wide tiles, and one with few columns by high ones. So there is a table for each instruction set:
//! a row for each height, with as many widths as fit.

use super::super::instructions::Instructions;
use super::super::scalar::Number;
use super::pack::{Panels, Strips, pack_columns, pack_rows, pack_strips};
use super::tile::{Beta, Tile, add_blocks, dot, row, tile};

/// Computes a tile; see [`tile`].
type TileFn<T> = unsafe fn(&Tile<T>);
/// Multiplies a row; see [`row`].
type RowFn<T> = unsafe fn(&Tile<T>, usize);
/// Copies panels; see [`pack_rows`].
type PackFn<T> = unsafe fn(&Panels<T>);
/// Copies strips; see [`pack_strips`].
type StripFn<T> = unsafe fn(&Strips<T>);
/// Adds blocks' sums up; see [`add_blocks`].
type AddFn<T> = unsafe fn(*mut T, usize, *const T, usize, usize, T, Beta);
/// Computes a dot product; see [`dot`].
type DotFn<T> = unsafe fn(*const T, *const T, usize) -> T;

/// The loops for a size of tile.
#[derive(Debug)]
pub(super) struct Tiles<T> {
    /// For all operands: the one that chooses columns, and that asks ahead. Both take the place of arithmetic.
    pub(super) ragged: TileFn<T>,
    /// For a right matrix, or a copy of it, that has whole registers of columns, where nothing is asked for ahead.
    pub(super) whole: TileFn<T>,
    /// As `whole`, for a left matrix whose rows are one element apart.
    pub(super) close: TileFn<T>,
}

impl<T> Tiles<T> {
    /// The fastest loop for a tile whose right matrix has whole registers of columns, or not.
    pub(super) fn fastest(&self, tile: &Tile<T>, is_whole: bool) -> TileFn<T> {
        if !is_whole || tile.ahead != tile.a {
            self.ragged
        } else if tile.a_row == 1 {
            self.close
        } else {
            self.whole
        }
    }
}

/// The loops of one instruction set for one type of elements. To call one of them, the processor must have the
/// instructions.
#[derive(Debug)]
pub(crate) struct Kernels<T: 'static> {
    /// Elements of a register.
    pub(super) lanes: usize,
    /// `tiles[h - 1][w - 1]` has h rows and w registers of columns. Higher ones are at most as wide.
    pub(super) tiles: &'static [&'static [Tiles<T>]],
    pub(super) row: RowFn<T>,
    pub(super) pack_rows: PackFn<T>,
    pub(super) pack_columns: PackFn<T>,
    pub(super) pack_strips: StripFn<T>,
    pub(super) add_blocks: AddFn<T>,
    pub(super) dot: DotFn<T>,
}

/// Numbers that there are kernels for.
pub(crate) trait Float: Number + 'static {
    /// The kernels of an instruction set.
    fn kernels(instructions: Instructions) -> &'static Kernels<Self>;
}

/// The loops for a type of register, compiled for some features, with the widths that each height has.
macro_rules! kernels {
    ($(#[$features:meta])* $element:ty, $vector:ty, $($height:literal: $($width:literal)*;)*) => {{
        $(#[$features])*
        unsafe fn tile_of<
            const HEIGHT: usize,
            const WIDTH: usize,
            const IS_WHOLE: bool,
            const IS_CLOSE: bool,
        >(
            of: &Tile<$element>,
        ) {
            // SAFETY: this function has the features, and the caller keeps the rest of the promise.
            unsafe { tile::<$vector, HEIGHT, WIDTH, IS_WHOLE, IS_CLOSE>(of) }
        }
        $(#[$features])*
        unsafe fn row_of(of: &Tile<$element>, columns: usize) {
            // SAFETY: as above.
            unsafe { row::<$vector>(of, columns) }
        }
        $(#[$features])*
        unsafe fn rows_of(panels: &Panels<$element>) {
            // SAFETY: as above.
            unsafe { pack_rows::<$vector>(panels) }
        }
        $(#[$features])*
        unsafe fn columns_of(panels: &Panels<$element>) {
            // SAFETY: as above.
            unsafe { pack_columns::<$vector>(panels) }
        }
        $(#[$features])*
        unsafe fn strips_of(strips: &Strips<$element>) {
            // SAFETY: as above.
            unsafe { pack_strips::<$vector>(strips) }
        }
        $(#[$features])*
        unsafe fn blocks_of(
            to: *mut $element,
            len: usize,
            rows: *const $element,
            apart: usize,
            count: usize,
            alpha: $element,
            beta: Beta,
        ) {
            // SAFETY: as above.
            unsafe { add_blocks::<$vector>(to, len, rows, apart, count, alpha, beta) }
        }
        $(#[$features])*
        unsafe fn dot_of(a: *const $element, b: *const $element, len: usize) -> $element {
            // SAFETY: as above.
            unsafe { dot::<$vector>(a, b, len) }
        }
        static KERNELS: Kernels<$element> = Kernels {
            lanes: size_of::<$vector>() / size_of::<$element>(),
            tiles: &[$(&[$(Tiles {
                ragged: tile_of::<$height, $width, false, false>,
                whole: tile_of::<$height, $width, true, false>,
                close: tile_of::<$height, $width, true, true>,
            }),*]),*],
            row: row_of,
            pack_rows: rows_of,
            pack_columns: columns_of,
            pack_strips: strips_of,
            add_blocks: blocks_of,
            dot: dot_of,
        };
        &KERNELS
    }};
}

/// 32 registers.
#[cfg(target_arch = "x86_64")]
macro_rules! avx512 {
    ($element:ty, $vector:ty) => {
        kernels! {
            #[target_feature(enable = "avx512f,avx512dq")]
            $element, $vector,
            1: 1 2 3 4 5 6 7 8;
            2: 1 2 3 4 5 6 7 8;
            3: 1 2 3 4 5 6;
            4: 1 2 3 4 5 6;
            5: 1 2 3 4;
            6: 1 2 3 4;
            7: 1 2 3;
            8: 1 2 3;
            9: 1 2;
            10: 1 2;
            11: 1 2;
            12: 1 2;
            13: 1 2;
            14: 1 2;
        }
    };
}

/// 16 registers.
#[cfg(target_arch = "x86_64")]
macro_rules! avx2 {
    ($element:ty, $vector:ty) => {
        kernels! {
            #[target_feature(enable = "avx2,fma")]
            $element, $vector,
            1: 1 2 3 4;
            2: 1 2 3 4;
            3: 1 2 3;
            4: 1 2 3;
            5: 1 2;
            6: 1 2;
        }
    };
}

/// 16 registers, as most processors have at least.
macro_rules! portable {
    ($element:ty, $vector:ty) => {
        kernels! {
            $element, $vector,
            1: 1 2 3 4;
            2: 1 2 3;
            3: 1 2;
            4: 1 2;
        }
    };
}

#[cfg(target_arch = "x86_64")]
mod x86_64 {
    pub(super) use std::arch::x86_64::{__m256, __m256d, __m512, __m512d};
}
#[cfg(target_arch = "x86_64")]
use x86_64::*;

impl Float for f32 {
    fn kernels(instructions: Instructions) -> &'static Kernels<f32> {
        match instructions {
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 => avx512!(f32, __m512),
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => avx2!(f32, __m256),
            _ => portable!(f32, [f32; 4]),
        }
    }
}

impl Float for f64 {
    fn kernels(instructions: Instructions) -> &'static Kernels<f64> {
        match instructions {
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 => avx512!(f64, __m512d),
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => avx2!(f64, __m256d),
            _ => portable!(f64, [f64; 2]),
        }
    }
}
