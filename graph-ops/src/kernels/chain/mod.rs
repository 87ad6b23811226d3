//! Chains: several functions of elements in one loop, a stretch of elements at a time. What one gives stays in registers for
//! the next.
//!
//! The loop is an interpreter whose registers are those of the processor: in each stretch it goes through the steps, and jumps
//! to what each does to all of the stretch. A stretch is so many registers that there is enough to do between two jumps, and
//! until the result of a step is there for the next one: half of those that AVX2 and AVX-512 have. What is left of a row is
//! done in stretches of a quarter of that, then a register at a time.

#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use graph_core::{
    ChainFamily, ChainLink, ChainLoop, ChainOther, ChainRow, DType, Link, MOST_LINKS, RowOperand,
};

use super::instructions::Instructions;
use super::vector::Vector;

/// What a step takes beside what is carried; the number is added to its link's.
mod form {
    pub(super) const NONE: u16 = 0;
    pub(super) const CARRIED: u16 = 1;
    /// Elements, as the right operand.
    pub(super) const RIGHT: u16 = 2;
    /// One element, as the right operand.
    pub(super) const SPLAT_RIGHT: u16 = 3;
    /// Elements, as the left operand.
    pub(super) const LEFT: u16 = 4;
    /// One element, as the left operand.
    pub(super) const SPLAT_LEFT: u16 = 5;
    pub(super) const COUNT: u16 = 6;
}

/// How many long stretches ahead the operand that is carried first is asked for. The instructions of one fill the window in
/// which the processor looks for work, so that the loads of the next ones would start too late.
const AHEAD: usize = 4;

/// Bytes of a line of the cache.
const LINE: usize = 64;

/// The steps of a link.
struct Arm<const CODE: u16>;

impl<const CODE: u16> Arm<CODE> {
    const NONE: u16 = CODE * form::COUNT + form::NONE;
    const CARRIED: u16 = CODE * form::COUNT + form::CARRIED;
    const RIGHT: u16 = CODE * form::COUNT + form::RIGHT;
    const SPLAT_RIGHT: u16 = CODE * form::COUNT + form::SPLAT_RIGHT;
    const LEFT: u16 = CODE * form::COUNT + form::LEFT;
    const SPLAT_LEFT: u16 = CODE * form::COUNT + form::SPLAT_LEFT;
}

/// Declares the links: functions that are an instruction or few.
macro_rules! links {
    (unary { $($unary:ident $one:ident,)* } binary { $($binary:ident $two:ident,)* }) => {
        /// A function that may be a link of a chain.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum LinkOp {
            $($unary,)*
            $($binary,)*
        }

        /// Does a step to the carried registers; `other` gives the register of this number of an operand that is no splat.
        ///
        /// # Safety
        /// - The processor has the vector's instructions, and the function that this is a part of is compiled for them.
        /// - The arm is that of a link that takes such an operand: one of those below.
        /// - A splat has an element; of another operand, `other` may be asked for each of `R` registers.
        #[inline(always)]
        unsafe fn step<V: Vector, const R: usize>(
            arm: u16,
            carried: &mut [V; R],
            splat: *const V::Element,
            other: impl Fn(usize) -> V,
        ) {
            // SAFETY: the caller has the instructions; a splat has an element.
            let splat = || unsafe { V::splat_from(splat) };
            // SAFETY: the caller has the instructions, and there is no other arm.
            unsafe {
                match arm {
                    $(Arm::<{ LinkOp::$unary as u16 }>::NONE => {
                        carried.iter_mut().for_each(|x| *x = x.$one());
                    })*
                    $(Arm::<{ LinkOp::$binary as u16 }>::CARRIED => {
                        carried.iter_mut().for_each(|x| *x = x.$two(*x));
                    }
                    Arm::<{ LinkOp::$binary as u16 }>::SPLAT_RIGHT => {
                        let y = splat();
                        carried.iter_mut().for_each(|x| *x = x.$two(y));
                    }
                    Arm::<{ LinkOp::$binary as u16 }>::SPLAT_LEFT => {
                        let y = splat();
                        carried.iter_mut().for_each(|x| *x = y.$two(*x));
                    }
                    Arm::<{ LinkOp::$binary as u16 }>::RIGHT => {
                        carried.iter_mut().enumerate().for_each(|(i, x)| *x = x.$two(other(i)));
                    }
                    Arm::<{ LinkOp::$binary as u16 }>::LEFT => {
                        carried.iter_mut().enumerate().for_each(|(i, x)| *x = other(i).$two(*x));
                    })*
                    _ => std::hint::unreachable_unchecked(),
                }
            }
        }
    };
}

links! {
    unary {
        Neg negated,
        Abs magnitude,
        Sqrt sqrt,
        Relu rectified,
    }
    binary {
        Add plus,
        Sub minus,
        Mul times,
        Div over,
        Minimum least,
        Maximum greatest,
    }
}

impl LinkOp {
    /// The link on elements of this dtype; `None` where there is none.
    pub(crate) fn link(self, dtype: DType) -> Option<Link> {
        static F32: LazyLock<ChainFamily> =
            LazyLock::new(|| ChainFamily { name: "f32", run: chain_loop_f32(Instructions::fastest()) });
        static F64: LazyLock<ChainFamily> =
            LazyLock::new(|| ChainFamily { name: "f64", run: chain_loop_f64(Instructions::fastest()) });
        match dtype {
            DType::F32 => Some(Link::new(&F32, self as u16)),
            DType::F64 => Some(Link::new(&F64, self as u16)),
            _ => None,
        }
    }
}

/// The loop for a type of register, compiled for some features, in stretches of so many registers, and where a row has not
/// enough elements, of so many.
macro_rules! compiled {
    ($(#[$features:meta])* $vector:ty, $long:literal, $short:literal) => {{
        $(#[$features])*
        unsafe fn compiled(to: *mut u8, row: ChainRow<'_>) {
            // SAFETY: this function has the features, and the caller keeps the rest of the promise.
            unsafe { run::<$vector, $long, $short>(to.cast(), row) }
        }
        compiled
    }};
}

/// The loop of a dtype for an instruction set, which the processor must have when it is called.
macro_rules! chain_loop {
    ($name:ident: $avx512:ident $avx2:ident $portable:ty) => {
        fn $name(instructions: Instructions) -> ChainLoop {
            match instructions {
                #[cfg(target_arch = "x86_64")]
                Instructions::Avx512 => compiled!(
                    #[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512vl,avx512dq")]
                    std::arch::x86_64::$avx512,
                    16,
                    4
                ),
                #[cfg(target_arch = "x86_64")]
                Instructions::Avx2 => compiled!(
                    #[target_feature(enable = "avx2,fma")]
                    std::arch::x86_64::$avx2,
                    8,
                    2
                ),
                _ => compiled!($portable, 4, 1),
            }
        }
    };
}

chain_loop!(chain_loop_f32: __m512 __m256 [f32; 8]);
chain_loop!(chain_loop_f64: __m512d __m256d [f64; 4]);

/// A link on the operand that it takes.
#[derive(Clone, Copy)]
struct Step<T> {
    /// The first element of that operand; null if there is none.
    operand: *const T,
    arm: u16,
}

impl<T> Step<T> {
    const UNUSED: Step<T> = Step { operand: std::ptr::null(), arm: 0 };

    fn of(link: &ChainLink, operands: &[RowOperand]) -> Step<T> {
        let operand = |number: u8| operands[usize::from(number)];
        let (number, form) = match link.other {
            ChainOther::None => (None, form::NONE),
            ChainOther::Carried => (None, form::CARRIED),
            ChainOther::Right(number) if operand(number).is_splat => (Some(number), form::SPLAT_RIGHT),
            ChainOther::Right(number) => (Some(number), form::RIGHT),
            ChainOther::Left(number) if operand(number).is_splat => (Some(number), form::SPLAT_LEFT),
            ChainOther::Left(number) => (Some(number), form::LEFT),
        };
        let address = number.map_or(std::ptr::null(), |number| operand(number).address.cast());
        Step { operand: address, arm: link.code * form::COUNT + form }
    }
}

/// A chain on a row: its links have found their operands.
#[derive(Clone, Copy)]
struct BoundChain<'a, T> {
    to: *mut T,
    head: RowOperand,
    steps: &'a [Step<T>],
    /// Elements of the row.
    len: usize,
}

/// # Safety
/// As for [`ChainLoop`](graph_core::ChainLoop), with elements of the vector's. The processor has its instructions, and the
/// function that this is a part of is compiled for them.
#[inline(always)]
unsafe fn run<V: Vector, const LONG: usize, const SHORT: usize>(to: *mut V::Element, row: ChainRow<'_>) {
    let ChainRow { operands, head, links, len } = row;
    let mut steps = [Step::UNUSED; MOST_LINKS];
    for (step, link) in steps.iter_mut().zip(links) {
        *step = Step::of(link, operands);
    }
    let chain = BoundChain { to, head: operands[head], steps: &steps[..links.len()], len };
    // SAFETY: the caller's promise, which makes the steps what they must be.
    unsafe {
        let at = stretches::<V, LONG, AHEAD>(chain, 0);
        let at = stretches::<V, SHORT, 0>(chain, at);
        rest::<V>(chain, at);
    }
}

/// Goes on from an element in stretches of `R` registers, as long as there are so many elements; gives the first one that
/// is left. Asks for what is `FAR` stretches ahead, if that is not 0.
///
/// # Safety
/// As for [`carry`], where operands that are no splats have all elements of the row. There is room for these at `to`, which
/// may be where such an operand is, and else overlaps none.
#[inline(always)]
unsafe fn stretches<V: Vector, const R: usize, const FAR: usize>(
    chain: BoundChain<'_, V::Element>,
    from: usize,
) -> usize {
    let stretch = R * V::LANES;
    let mut at = from;
    while at + stretch <= chain.len {
        // SAFETY: the stretch lies within the row, and so within operands.
        unsafe {
            if FAR > 0 {
                ask_for::<V>(chain.head, at + FAR * stretch, stretch);
            }
            let carried = carry::<V, R>(chain, at, |place, i| V::load(place.add(i * V::LANES)));
            for (i, register) in carried.into_iter().enumerate() {
                register.store(chain.to.add(at + i * V::LANES));
            }
        }
        at += stretch;
    }
    at
}

/// Asks for so many elements of an operand, which it need not have.
///
/// # Safety
/// The processor has the vector's instructions, and the function that this is a part of is compiled for them.
#[inline(always)]
unsafe fn ask_for<V: Vector>(operand: RowOperand, from: usize, count: usize) {
    let address: *const V::Element = operand.address.cast();
    if !operand.is_splat {
        for at in (from..from + count).step_by(LINE / size_of::<V::Element>()) {
            // SAFETY: the caller has the instructions.
            unsafe { V::prefetch_l1(address.wrapping_add(at)) };
        }
    }
}

/// The rest of the row from an element on, a register at a time.
///
/// # Safety
/// As for [`stretches`].
#[inline(always)]
unsafe fn rest<V: Vector>(chain: BoundChain<'_, V::Element>, from: usize) {
    for at in (from..chain.len).step_by(V::LANES) {
        let count = V::LANES.min(chain.len - at);
        // SAFETY: of the register, what is not of the row is neither read nor written.
        unsafe {
            let mask = V::mask(count);
            let [register] = carry::<V, 1>(chain, at, |place, _| V::load_masked(place, mask));
            register.store_masked(chain.to.add(at), mask);
        }
    }
}

/// What the stretch that begins with an element becomes.
///
/// # Safety
/// - The processor has the vector's instructions, and the function that this is a part of is compiled for them.
/// - Steps are [of](Step::of) links of the family with the operands that those take.
/// - A splat has an element; `load` may be asked for each of `R` registers at this element of other operands.
#[inline(always)]
unsafe fn carry<V: Vector, const R: usize>(
    chain: BoundChain<'_, V::Element>,
    at: usize,
    load: impl Fn(*const V::Element, usize) -> V,
) -> [V; R] {
    let head: *const V::Element = chain.head.address.cast();
    // SAFETY: the caller's promise, of the head and of each step.
    unsafe {
        let mut carried = if chain.head.is_splat {
            [V::splat_from(head); R]
        } else {
            let place = head.wrapping_add(at);
            std::array::from_fn(|i| load(place, i))
        };
        for Step { operand, arm } in chain.steps {
            let place = in_register(operand.wrapping_add(at));
            step(*arm, &mut carried, *operand, |i| load(place, i));
        }
        carried
    }
}

/// An address, as one register. Otherwise the compiler leaves it a sum of two until it is loaded from, and the processor
/// carries out arithmetic on memory that two registers address as a load and an operation, instead of as one.
#[inline(always)]
fn in_register<T>(address: *const T) -> *const T {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    {
        let held;
        // SAFETY: the template is a comment. What comes out is what goes in, and depends on nothing else; no memory, stack
        // or flag is touched. (`nomem` would be true as well, but is suspicious of whoever hands over a pointer.)
        unsafe {
            std::arch::asm!("/* {0} */", inout(reg) address => held, options(pure, readonly, nostack, preserves_flags));
        }
        held
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    address
}
