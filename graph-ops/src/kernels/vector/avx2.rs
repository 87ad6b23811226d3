//! AVX2 with FMA: registers of 32 bytes; a mask is a register, too.

use std::arch::x86_64::*;

use super::Vector;
use super::x86::{arithmetic, vector};

vector! {
    __m256 of 8 f32, turned 4 at a time, chosen by __m256i;
    mask: first_of_eight,
    splat: _mm256_set1_ps,
    splat_lane: _mm256_broadcastss_ps,
    load_lane: _mm_load_ss,
    load: _mm256_loadu_ps,
    load_masked: load_masked_f32,
    store: _mm256_storeu_ps,
    store_masked: store_masked_f32,
    times: _mm256_mul_ps,
    plus: _mm256_add_ps,
    minus: _mm256_sub_ps,
    over: _mm256_div_ps,
    least: least_f32,
    greatest: greatest_f32,
    negated: negated_f32,
    magnitude: magnitude_f32,
    sqrt: _mm256_sqrt_ps,
    rectified: rectified_f32,
    times_plus: _mm256_fmadd_ps,
    turn: turned_f32,
}

vector! {
    __m256d of 4 f64, turned 2 at a time, chosen by __m256i;
    mask: first_of_four,
    splat: _mm256_set1_pd,
    splat_lane: _mm256_broadcastsd_pd,
    load_lane: _mm_load_sd,
    load: _mm256_loadu_pd,
    load_masked: load_masked_f64,
    store: _mm256_storeu_pd,
    store_masked: store_masked_f64,
    times: _mm256_mul_pd,
    plus: _mm256_add_pd,
    minus: _mm256_sub_pd,
    over: _mm256_div_pd,
    least: least_f64,
    greatest: greatest_f64,
    negated: negated_f64,
    magnitude: magnitude_f64,
    sqrt: _mm256_sqrt_pd,
    rectified: rectified_f64,
    times_plus: _mm256_fmadd_pd,
    turn: turned_f64,
}

arithmetic! {
    __m256: least_f32 greatest_f32 negated_f32 magnitude_f32 rectified_f32,
    _mm256_min_ps _mm256_max_ps (|x, y| _mm256_blendv_ps(y, x, _mm256_cmp_ps::<_CMP_UNORD_Q>(x, x))),
    _mm256_xor_ps _mm256_andnot_ps _mm256_set1_ps(-0.0), _mm256_setzero_ps
}

arithmetic! {
    __m256d: least_f64 greatest_f64 negated_f64 magnitude_f64 rectified_f64,
    _mm256_min_pd _mm256_max_pd (|x, y| _mm256_blendv_pd(y, x, _mm256_cmp_pd::<_CMP_UNORD_Q>(x, x))),
    _mm256_xor_pd _mm256_andnot_pd _mm256_set1_pd(-0.0), _mm256_setzero_pd
}

#[inline(always)]
unsafe fn first_of_eight(count: usize) -> __m256i {
    // SAFETY: the caller has AVX2.
    unsafe { _mm256_cmpgt_epi32(_mm256_set1_epi32(count as i32), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)) }
}

#[inline(always)]
unsafe fn first_of_four(count: usize) -> __m256i {
    // SAFETY: the caller has AVX2.
    unsafe { _mm256_cmpgt_epi64(_mm256_set1_epi64x(count as i64), _mm256_setr_epi64x(0, 1, 2, 3)) }
}

/// Loads and stores of chosen elements.
macro_rules! masked {
    ($register:ident of $element:ty: $load:ident $maskload:ident, $store:ident $whole:ident $maskstore:ident) => {
        #[inline(always)]
        unsafe fn $load(mask: __m256i, from: *const $element) -> $register {
            // SAFETY: the caller has AVX2 and the chosen elements at `from`; no others are read.
            unsafe { $maskload(from, mask) }
        }
        #[inline(always)]
        unsafe fn $store(to: *mut $element, mask: __m256i, x: $register) {
            // SAFETY: the caller has AVX2 and room for the chosen elements at `to`; no others are written.
            unsafe {
                // On many processors a masked store takes some twenty times as long.
                match _mm256_movemask_epi8(mask) {
                    -1 => $whole(to, x),
                    _ => $maskstore(to, mask, x),
                }
            }
        }
    };
}

masked!(__m256 of f32: load_masked_f32 _mm256_maskload_ps, store_masked_f32 _mm256_storeu_ps _mm256_maskstore_ps);
masked!(__m256d of f64: load_masked_f64 _mm256_maskload_pd, store_masked_f64 _mm256_storeu_pd _mm256_maskstore_pd);

/// Lane l of register r holds four elements of row 4 l + r; within lanes, 4 x 4 elements change places.
#[inline(always)]
unsafe fn turned_f32(rows: impl Fn(usize) -> *const f32, to: *mut f32, stride: usize) {
    // SAFETY: the caller has AVX2, four elements at each of eight rows, and room for eight elements at each of four.
    unsafe {
        let (a, b, c, d) =
            (lanes_f32(&rows, 0), lanes_f32(&rows, 1), lanes_f32(&rows, 2), lanes_f32(&rows, 3));
        let (ab_low, ab_high) = (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
        let (cd_low, cd_high) = (_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
        _mm256_storeu_ps(to, _mm256_shuffle_ps::<0x44>(ab_low, cd_low));
        _mm256_storeu_ps(to.wrapping_add(stride), _mm256_shuffle_ps::<0xEE>(ab_low, cd_low));
        _mm256_storeu_ps(to.wrapping_add(2 * stride), _mm256_shuffle_ps::<0x44>(ab_high, cd_high));
        _mm256_storeu_ps(to.wrapping_add(3 * stride), _mm256_shuffle_ps::<0xEE>(ab_high, cd_high));
    }
}

/// Lane l of register r holds two elements of row 2 l + r; within lanes, 2 x 2 elements change places.
#[inline(always)]
unsafe fn turned_f64(rows: impl Fn(usize) -> *const f64, to: *mut f64, stride: usize) {
    // SAFETY: the caller has AVX2, two elements at each of four rows, and room for four elements at each of two.
    unsafe {
        let (a, b) = (lanes_f64(&rows, 0), lanes_f64(&rows, 1));
        _mm256_storeu_pd(to, _mm256_unpacklo_pd(a, b));
        _mm256_storeu_pd(to.wrapping_add(stride), _mm256_unpackhi_pd(a, b));
    }
}

/// Four elements of every fourth row from row r on.
#[inline(always)]
unsafe fn lanes_f32(rows: &impl Fn(usize) -> *const f32, r: usize) -> __m256 {
    // SAFETY: the caller has AVX2, and four elements at each row.
    unsafe {
        let x = _mm256_castps128_ps256(_mm_loadu_ps(rows(r)));
        _mm256_insertf128_ps::<1>(x, _mm_loadu_ps(rows(4 + r)))
    }
}

/// Two elements of every second row from row r on.
#[inline(always)]
unsafe fn lanes_f64(rows: &impl Fn(usize) -> *const f64, r: usize) -> __m256d {
    // SAFETY: the caller has AVX2, and two elements at each row.
    unsafe {
        let x = _mm256_castpd128_pd256(_mm_loadu_pd(rows(r)));
        _mm256_insertf128_pd::<1>(x, _mm_loadu_pd(rows(2 + r)))
    }
}
