//! What the registers of x86-64 have in common: the trait's functions from the names of the instructions, in which a width and
//! a type are two letters each.

/// Implements the trait for a register.
macro_rules! vector {
    (
        $register:ident of $lanes:literal $element:ty, turned $turned:literal at a time, chosen by $mask:ty;
        mask: $first:ident,
        splat: $splat:ident,
        splat_lane: $splat_lane:ident,
        load_lane: $load_lane:ident,
        load: $load:ident,
        load_masked: $load_masked:ident,
        store: $store:ident,
        store_masked: $store_masked:ident,
        times: $times:ident,
        plus: $plus:ident,
        minus: $minus:ident,
        over: $over:ident,
        least: $least:ident,
        greatest: $greatest:ident,
        negated: $negated:ident,
        magnitude: $magnitude:ident,
        sqrt: $sqrt:ident,
        rectified: $rectified:ident,
        times_plus: $times_plus:ident,
        turn: $turn:ident,
        $(turn_square: $turn_square:ident,)?
    ) => {
        impl Vector for $register {
            type Element = $element;
            type Mask = $mask;
            const LANES: usize = $lanes;
            const TURNED: usize = $turned;

            #[inline(always)]
            unsafe fn mask(count: usize) -> $mask {
                // SAFETY: the caller has the instructions.
                unsafe { $first(count) }
            }
            #[inline(always)]
            unsafe fn splat(x: $element) -> $register {
                // SAFETY: the caller has the instructions.
                unsafe { $splat(x) }
            }
            #[inline(always)]
            unsafe fn splat_from(from: *const $element) -> $register {
                // SAFETY: the caller has the instructions and an element at `from`.
                unsafe { $splat_lane($load_lane(from)) }
            }
            #[inline(always)]
            unsafe fn prefetch_l1(from: *const $element) {
                // SAFETY: a prefetch does not fault.
                unsafe { _mm_prefetch::<_MM_HINT_T0>(from.cast()) }
            }
            #[inline(always)]
            unsafe fn prefetch_l2(from: *const $element) {
                // SAFETY: a prefetch does not fault.
                unsafe { _mm_prefetch::<_MM_HINT_T1>(from.cast()) }
            }
            #[inline(always)]
            unsafe fn load(from: *const $element) -> $register {
                // SAFETY: the caller has the instructions and a register of elements at `from`.
                unsafe { $load(from) }
            }
            #[inline(always)]
            unsafe fn load_masked(from: *const $element, mask: $mask) -> $register {
                // SAFETY: the caller has the instructions and the chosen elements at `from`; no others are read.
                unsafe { $load_masked(mask, from) }
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut $element) {
                // SAFETY: the caller has the instructions and room for a register of elements at `to`.
                unsafe { $store(to, self) }
            }
            #[inline(always)]
            unsafe fn store_masked(self, to: *mut $element, mask: $mask) {
                // SAFETY: the caller has the instructions and room for the chosen elements at `to`; no others are written.
                unsafe { $store_masked(to, mask, self) }
            }
            #[inline(always)]
            unsafe fn times(self, other: $register) -> $register {
                // SAFETY: the caller has the instructions.
                unsafe { $times(self, other) }
            }
            #[inline(always)]
            unsafe fn plus(self, other: $register) -> $register {
                // SAFETY: the caller has the instructions.
                unsafe { $plus(self, other) }
            }
            #[inline(always)]
            unsafe fn minus(self, other: $register) -> $register {
                // SAFETY: the caller has the instructions.
                unsafe { $minus(self, other) }
            }
            #[inline(always)]
            unsafe fn over(self, other: $register) -> $register {
                // SAFETY: the caller has the instructions.
                unsafe { $over(self, other) }
            }
            #[inline(always)]
            unsafe fn least(self, other: $register) -> $register {
                // SAFETY: the caller has the instructions.
                unsafe { $least(self, other) }
            }
            #[inline(always)]
            unsafe fn greatest(self, other: $register) -> $register {
                // SAFETY: the caller has the instructions.
                unsafe { $greatest(self, other) }
            }
            #[inline(always)]
            unsafe fn negated(self) -> $register {
                // SAFETY: the caller has the instructions.
                unsafe { $negated(self) }
            }
            #[inline(always)]
            unsafe fn magnitude(self) -> $register {
                // SAFETY: the caller has the instructions.
                unsafe { $magnitude(self) }
            }
            #[inline(always)]
            unsafe fn sqrt(self) -> $register {
                // SAFETY: the caller has the instructions.
                unsafe { $sqrt(self) }
            }
            #[inline(always)]
            unsafe fn rectified(self) -> $register {
                // SAFETY: the caller has the instructions.
                unsafe { $rectified(self) }
            }
            #[inline(always)]
            unsafe fn times_plus(self, factor: $register, summand: $register) -> $register {
                // SAFETY: the caller has the instructions.
                unsafe { $times_plus(self, factor, summand) }
            }
            #[inline(always)]
            unsafe fn turned(rows: impl Fn(usize) -> *const $element, to: *mut $element, stride: usize) {
                // SAFETY: the caller has the instructions, 16 bytes at each row, and room for `TURNED` registers.
                unsafe { $turn(rows, to, stride) }
            }
            $(
                #[inline(always)]
                unsafe fn turned_square(
                    rows: impl Fn(usize) -> *const $element,
                    to: *mut $element,
                    stride: usize,
                ) {
                    // SAFETY: the caller has the instructions, a register of elements at each row, and room for as many
                    // registers.
                    unsafe { $turn_square(rows, to, stride) }
                }
            )?
        }
    };
}

/// The functions that are more than one instruction, for a register of some elements.
macro_rules! arithmetic {
    (
        $register:ty: $least:ident $greatest:ident $negated:ident $magnitude:ident $rectified:ident,
        $min:ident $max:ident $or_nan:expr, $xor:ident $and_not:ident $sign:expr, $zero:ident
    ) => {
        // What the instructions give if an operand is NaN is the second one, so the first has to be tested for it.
        #[inline(always)]
        unsafe fn $least(x: $register, y: $register) -> $register {
            // SAFETY: the caller has the instructions.
            unsafe { $or_nan(x, $min(x, y)) }
        }
        #[inline(always)]
        unsafe fn $greatest(x: $register, y: $register) -> $register {
            // SAFETY: the caller has the instructions.
            unsafe { $or_nan(x, $max(x, y)) }
        }
        #[inline(always)]
        unsafe fn $negated(x: $register) -> $register {
            // SAFETY: the caller has the instructions.
            unsafe { $xor(x, $sign) }
        }
        #[inline(always)]
        unsafe fn $magnitude(x: $register) -> $register {
            // SAFETY: the caller has the instructions.
            unsafe { $and_not($sign, x) }
        }
        // Of NaN and of zeros, the second operand is what the instruction gives.
        #[inline(always)]
        unsafe fn $rectified(x: $register) -> $register {
            // SAFETY: the caller has the instructions.
            unsafe { $max($zero(), x) }
        }
    };
}

pub(super) use {arithmetic, vector};
