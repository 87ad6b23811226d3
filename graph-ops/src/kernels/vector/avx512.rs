//! AVX-512: registers of 64 bytes, masks of their own.

use std::arch::x86_64::*;

use super::Vector;
use super::x86::{arithmetic, vector};

vector! {
    __m512 of 16 f32, turned 4 at a time, chosen by u16;
    mask: first_of_sixteen,
    splat: _mm512_set1_ps,
    splat_lane: _mm512_broadcastss_ps,
    load_lane: _mm_load_ss,
    load: _mm512_loadu_ps,
    load_masked: _mm512_maskz_loadu_ps,
    store: _mm512_storeu_ps,
    store_masked: _mm512_mask_storeu_ps,
    times: _mm512_mul_ps,
    plus: _mm512_add_ps,
    minus: _mm512_sub_ps,
    over: _mm512_div_ps,
    least: least_f32,
    greatest: greatest_f32,
    negated: negated_f32,
    magnitude: magnitude_f32,
    sqrt: _mm512_sqrt_ps,
    rectified: rectified_f32,
    times_plus: _mm512_fmadd_ps,
    turn: turned_f32,
    turn_square: turned_square_f32,
}

vector! {
    __m512d of 8 f64, turned 2 at a time, chosen by u8;
    mask: first_of_eight,
    splat: _mm512_set1_pd,
    splat_lane: _mm512_broadcastsd_pd,
    load_lane: _mm_load_sd,
    load: _mm512_loadu_pd,
    load_masked: _mm512_maskz_loadu_pd,
    store: _mm512_storeu_pd,
    store_masked: _mm512_mask_storeu_pd,
    times: _mm512_mul_pd,
    plus: _mm512_add_pd,
    minus: _mm512_sub_pd,
    over: _mm512_div_pd,
    least: least_f64,
    greatest: greatest_f64,
    negated: negated_f64,
    magnitude: magnitude_f64,
    sqrt: _mm512_sqrt_pd,
    rectified: rectified_f64,
    times_plus: _mm512_fmadd_pd,
    turn: turned_f64,
    turn_square: turned_square_f64,
}

arithmetic! {
    __m512: least_f32 greatest_f32 negated_f32 magnitude_f32 rectified_f32,
    _mm512_min_ps _mm512_max_ps (|x, y| _mm512_mask_mov_ps(y, _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(x, x), x)),
    _mm512_xor_ps _mm512_andnot_ps _mm512_set1_ps(-0.0), _mm512_setzero_ps
}

arithmetic! {
    __m512d: least_f64 greatest_f64 negated_f64 magnitude_f64 rectified_f64,
    _mm512_min_pd _mm512_max_pd (|x, y| _mm512_mask_mov_pd(y, _mm512_cmp_pd_mask::<_CMP_UNORD_Q>(x, x), x)),
    _mm512_xor_pd _mm512_andnot_pd _mm512_set1_pd(-0.0), _mm512_setzero_pd
}

// Unsafe as those of other instruction sets are.
#[inline(always)]
unsafe fn first_of_sixteen(count: usize) -> u16 {
    u16::MAX >> (16 - count)
}

#[inline(always)]
unsafe fn first_of_eight(count: usize) -> u8 {
    u8::MAX >> (8 - count)
}

/// Lane l of register r holds four elements of row 4 l + r; within lanes, 4 x 4 elements change places.
#[inline(always)]
unsafe fn turned_f32(rows: impl Fn(usize) -> *const f32, to: *mut f32, stride: usize) {
    // SAFETY: the caller has AVX-512, four elements at each of 16 rows, and room for 16 elements at each of four.
    unsafe {
        let (a, b, c, d) =
            (lanes_f32(&rows, 0), lanes_f32(&rows, 1), lanes_f32(&rows, 2), lanes_f32(&rows, 3));
        let (ab_low, ab_high) = (_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
        let (cd_low, cd_high) = (_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
        _mm512_storeu_ps(to, _mm512_shuffle_ps::<0x44>(ab_low, cd_low));
        _mm512_storeu_ps(to.wrapping_add(stride), _mm512_shuffle_ps::<0xEE>(ab_low, cd_low));
        _mm512_storeu_ps(to.wrapping_add(2 * stride), _mm512_shuffle_ps::<0x44>(ab_high, cd_high));
        _mm512_storeu_ps(to.wrapping_add(3 * stride), _mm512_shuffle_ps::<0xEE>(ab_high, cd_high));
    }
}

/// Sixteen rows of which each is read at once: where rows are a multiple of 4096 bytes apart, the first-level cache does
/// not hold so many lines, and they would have to be fetched again for every four columns.
#[inline(always)]
unsafe fn turned_square_f32(rows: impl Fn(usize) -> *const f32, to: *mut f32, stride: usize) {
    // SAFETY: the caller has AVX-512, 16 elements at each of 16 rows, and room for 16 elements at each of 16.
    unsafe {
        // First lanes change places: register r of a group of four columns holds rows r, 4 + r, 8 + r and 12 + r.
        let (a, b, c, d) =
            (lanes_turned(&rows, 0), lanes_turned(&rows, 1), lanes_turned(&rows, 2), lanes_turned(&rows, 3));
        for group in 0..4 {
            let to = to.wrapping_add(4 * group * stride);
            let (ab_low, ab_high) =
                (_mm512_unpacklo_ps(a[group], b[group]), _mm512_unpackhi_ps(a[group], b[group]));
            let (cd_low, cd_high) =
                (_mm512_unpacklo_ps(c[group], d[group]), _mm512_unpackhi_ps(c[group], d[group]));
            _mm512_storeu_ps(to, _mm512_shuffle_ps::<0x44>(ab_low, cd_low));
            _mm512_storeu_ps(to.wrapping_add(stride), _mm512_shuffle_ps::<0xEE>(ab_low, cd_low));
            _mm512_storeu_ps(to.wrapping_add(2 * stride), _mm512_shuffle_ps::<0x44>(ab_high, cd_high));
            _mm512_storeu_ps(to.wrapping_add(3 * stride), _mm512_shuffle_ps::<0xEE>(ab_high, cd_high));
        }
    }
}

/// Rows r, 4 + r, 8 + r and 12 + r, their lanes as if they were a matrix of 4 x 4, transposed.
#[inline(always)]
unsafe fn lanes_turned(rows: &impl Fn(usize) -> *const f32, r: usize) -> [__m512; 4] {
    // SAFETY: the caller has AVX-512, and 16 elements at each row.
    unsafe {
        let (a, b) = (_mm512_loadu_ps(rows(r)), _mm512_loadu_ps(rows(4 + r)));
        let (c, d) = (_mm512_loadu_ps(rows(8 + r)), _mm512_loadu_ps(rows(12 + r)));
        let (ab_low, ab_high) = (_mm512_shuffle_f32x4::<0x44>(a, b), _mm512_shuffle_f32x4::<0xEE>(a, b));
        let (cd_low, cd_high) = (_mm512_shuffle_f32x4::<0x44>(c, d), _mm512_shuffle_f32x4::<0xEE>(c, d));
        [
            _mm512_shuffle_f32x4::<0x88>(ab_low, cd_low),
            _mm512_shuffle_f32x4::<0xDD>(ab_low, cd_low),
            _mm512_shuffle_f32x4::<0x88>(ab_high, cd_high),
            _mm512_shuffle_f32x4::<0xDD>(ab_high, cd_high),
        ]
    }
}

/// Lane l of register r holds two elements of row 2 l + r; within lanes, 2 x 2 elements change places.
#[inline(always)]
unsafe fn turned_f64(rows: impl Fn(usize) -> *const f64, to: *mut f64, stride: usize) {
    // SAFETY: the caller has AVX-512, two elements at each of eight rows, and room for eight elements at each of two.
    unsafe {
        let (a, b) = (lanes_f64(&rows, 0), lanes_f64(&rows, 1));
        _mm512_storeu_pd(to, _mm512_unpacklo_pd(a, b));
        _mm512_storeu_pd(to.wrapping_add(stride), _mm512_unpackhi_pd(a, b));
    }
}

/// Four elements of every fourth row from row r on.
#[inline(always)]
unsafe fn lanes_f32(rows: &impl Fn(usize) -> *const f32, r: usize) -> __m512 {
    // SAFETY: the caller has AVX-512, and four elements at each row.
    unsafe {
        let x = _mm512_castps128_ps512(_mm_loadu_ps(rows(r)));
        let x = _mm512_insertf32x4::<1>(x, _mm_loadu_ps(rows(4 + r)));
        let x = _mm512_insertf32x4::<2>(x, _mm_loadu_ps(rows(8 + r)));
        _mm512_insertf32x4::<3>(x, _mm_loadu_ps(rows(12 + r)))
    }
}

/// Eight rows stay in the first-level cache whatever their distance.
#[inline(always)]
unsafe fn turned_square_f64(rows: impl Fn(usize) -> *const f64, to: *mut f64, stride: usize) {
    // SAFETY: the caller has AVX-512, eight elements at each of eight rows, and room for eight elements at each of eight.
    unsafe {
        for column in [0, 2, 4, 6] {
            turned_f64(|i| rows(i).wrapping_add(column), to.wrapping_add(column * stride), stride);
        }
    }
}

/// Two elements of every second row from row r on.
#[inline(always)]
unsafe fn lanes_f64(rows: &impl Fn(usize) -> *const f64, r: usize) -> __m512d {
    // SAFETY: the caller has AVX-512, and two elements at each row.
    unsafe {
        let x = _mm512_castpd128_pd512(_mm_loadu_pd(rows(r)));
        let x = _mm512_insertf64x2::<1>(x, _mm_loadu_pd(rows(2 + r)));
        let x = _mm512_insertf64x2::<2>(x, _mm_loadu_pd(rows(4 + r)));
        _mm512_insertf64x2::<3>(x, _mm_loadu_pd(rows(6 + r)))
    }
}
