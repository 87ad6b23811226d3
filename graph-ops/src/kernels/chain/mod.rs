//! Chains: several functions of elements in one loop, a stretch of elements at a time. What one gives stays in registers for
//! the next.
//!
//! The loop is an interpreter whose registers are those of the processor: in each stretch it goes through the steps, and jumps
//! to what each does to all of the stretch. A stretch is a few registers, so that there is enough to do between two jumps;
//! what is left of a row is done a register at a time.

#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use graph_core::{
    ChainFamily, ChainLink, ChainLoop, ChainOther, ChainRow, DType, Link, MOST_LINKS, MOST_OPERANDS,
    RowOperand,
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

        /// Does a step to the carried registers; `other` gives the register of this number of a place.
        ///
        /// # Safety
        /// - The processor has the vector's instructions, and the function that this is a part of is compiled for them.
        /// - The arm is that of a link that takes such an operand: one of those below.
        /// - The place is its operand's: an element if that is a splat, or else one that `other` may be asked for each of
        ///   `R` registers of.
        #[inline(always)]
        unsafe fn step<V: Vector, const R: usize>(
            arm: u16,
            carried: &mut [V; R],
            place: *const V::Element,
            other: impl Fn(*const V::Element, usize) -> V,
        ) {
            // SAFETY: the caller has the instructions; the place of a splat has an element.
            let splat = || unsafe { V::splat_from(place) };
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
                        carried.iter_mut().enumerate().for_each(|(i, x)| *x = x.$two(other(place, i)));
                    }
                    Arm::<{ LinkOp::$binary as u16 }>::LEFT => {
                        carried.iter_mut().enumerate().for_each(|(i, x)| *x = other(place, i).$two(*x));
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

/// The loop for a type of register, compiled for some features, in stretches of so many registers.
macro_rules! compiled {
    ($(#[$features:meta])* $vector:ty, $registers:literal) => {{
        $(#[$features])*
        unsafe fn compiled(to: *mut u8, row: ChainRow<'_>) {
            // SAFETY: this function has the features, and the caller keeps the rest of the promise.
            unsafe { run::<$vector, $registers>(to.cast(), row) }
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
                    8
                ),
                #[cfg(target_arch = "x86_64")]
                Instructions::Avx2 => compiled!(
                    #[target_feature(enable = "avx2,fma")]
                    std::arch::x86_64::$avx2,
                    8
                ),
                _ => compiled!($portable, 4),
            }
        }
    };
}

chain_loop!(chain_loop_f32: __m512 __m256 [f32; 8]);
chain_loop!(chain_loop_f64: __m512d __m256d [f64; 4]);

/// A link on the operand that it takes.
#[derive(Clone, Copy)]
struct Step {
    arm: u16,
    /// Which of the places is its operand's.
    place: u16,
}

impl Step {
    fn of(link: &ChainLink, operands: &[RowOperand]) -> Step {
        let is_splat = |place: u8| operands[usize::from(place)].is_splat;
        let (form, place) = match link.other {
            ChainOther::None => (form::NONE, 0),
            ChainOther::Carried => (form::CARRIED, 0),
            ChainOther::Right(place) if is_splat(place) => (form::SPLAT_RIGHT, place),
            ChainOther::Right(place) => (form::RIGHT, place),
            ChainOther::Left(place) if is_splat(place) => (form::SPLAT_LEFT, place),
            ChainOther::Left(place) => (form::LEFT, place),
        };
        Step { arm: link.code * form::COUNT + form, place: place.into() }
    }
}

/// Where an operand is in a stretch.
#[derive(Clone, Copy)]
struct Place<T> {
    address: *const T,
    /// Whether it is where it is in every stretch.
    is_splat: bool,
}

/// # Safety
/// As for [`ChainLoop`](graph_core::ChainLoop), with elements of the vector's. The processor has its instructions, and the
/// function that this is a part of is compiled for them.
#[inline(always)]
unsafe fn run<V: Vector, const R: usize>(to: *mut V::Element, row: ChainRow<'_>) {
    let ChainRow { operands, head, links, len } = row;
    let mut places = [Place { address: std::ptr::null(), is_splat: true }; MOST_OPERANDS];
    for (place, operand) in places.iter_mut().zip(operands) {
        *place = Place { address: operand.address.cast(), is_splat: operand.is_splat };
    }
    let mut steps = [Step { arm: 0, place: 0 }; MOST_LINKS];
    for (step, link) in steps.iter_mut().zip(links) {
        *step = Step::of(link, operands);
    }
    let (steps, places) = (&steps[..links.len()], &mut places[..operands.len()]);
    let mut at = 0;
    let stretch = R * V::LANES;
    while at + stretch <= len {
        // SAFETY: the caller's promise, which makes the steps what they must be; the stretch lies within the row, and its
        // places within their operands.
        unsafe {
            let load = |place: *const V::Element, i: usize| V::load(place.add(i * V::LANES));
            let carried = carry::<V, R>(steps, places, head, load);
            for (i, register) in carried.into_iter().enumerate() {
                register.store(to.add(at + i * V::LANES));
            }
        }
        advance(places, stretch);
        at += stretch;
    }
    while at < len {
        let count = V::LANES.min(len - at);
        // SAFETY: as above; of a register, what is not of the row is neither read nor written.
        unsafe {
            let mask = V::mask(count);
            let load = |place: *const V::Element, _: usize| V::load_masked(place, mask);
            let [register] = carry::<V, 1>(steps, places, head, load);
            register.store_masked(to.add(at), mask);
        }
        advance(places, count);
        at += count;
    }
}

#[inline(always)]
fn advance<T>(places: &mut [Place<T>], elements: usize) {
    for place in places {
        place.address = place.address.wrapping_add(if place.is_splat { 0 } else { elements });
    }
}

/// What a stretch becomes.
///
/// # Safety
/// - The processor has the vector's instructions, and the function that this is a part of is compiled for them.
/// - Steps are [of](Step::of) links of the family with the operands that those take, and name places.
/// - A place is an element if it is a splat, or else one that `load` may load each of `R` registers of.
#[inline(always)]
unsafe fn carry<V: Vector, const R: usize>(
    steps: &[Step],
    places: &[Place<V::Element>],
    head: usize,
    load: impl Fn(*const V::Element, usize) -> V,
) -> [V; R] {
    let head = places[head];
    // SAFETY: the caller's promise, of the head and of each step.
    unsafe {
        let mut carried = match head.is_splat {
            true => [V::splat_from(head.address); R],
            false => std::array::from_fn(|i| load(head.address, i)),
        };
        for Step { arm, place } in steps {
            let place = places.get_unchecked(usize::from(*place)).address;
            step(*arm, &mut carried, place, &load);
        }
        carried
    }
}
