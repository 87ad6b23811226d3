//! Chains against the arithmetic of single elements, for every instruction set that this processor has.

use graph_core::{ChainLink, ChainLoop, ChainOther, ChainRow, RowOperand};
use proptest::prelude::*;

use super::*;
use crate::kernels::scalar::Real;

/// A link as the arithmetic of single elements.
fn element<T: Real>(op: LinkOp, x: T, y: T) -> T {
    match op {
        LinkOp::Neg => x.negated(),
        LinkOp::Abs => x.magnitude(),
        LinkOp::Sqrt => x.sqrt(),
        LinkOp::Relu => x.rectified(),
        LinkOp::Add => x.plus(y),
        LinkOp::Sub => x.minus(y),
        LinkOp::Mul => x.times(y),
        LinkOp::Div => x.over(y),
        LinkOp::Minimum => x.least(y),
        LinkOp::Maximum => x.greatest(y),
    }
}

const UNARY: [LinkOp; 4] = [LinkOp::Neg, LinkOp::Abs, LinkOp::Sqrt, LinkOp::Relu];
const BINARY: [LinkOp; 6] =
    [LinkOp::Add, LinkOp::Sub, LinkOp::Mul, LinkOp::Div, LinkOp::Minimum, LinkOp::Maximum];

trait Tested: Real + From<f32> + std::fmt::Debug {
    fn chain_loop(instructions: Instructions) -> ChainLoop;
    /// Its bits; those of one NaN for all of them.
    fn bits(self) -> u64;
}

impl Tested for f32 {
    fn chain_loop(instructions: Instructions) -> ChainLoop {
        chain_loop_f32(instructions)
    }
    fn bits(self) -> u64 {
        if self.is_nan() { f32::NAN.to_bits().into() } else { self.to_bits().into() }
    }
}

impl Tested for f64 {
    fn chain_loop(instructions: Instructions) -> ChainLoop {
        chain_loop_f64(instructions)
    }
    fn bits(self) -> u64 {
        if self.is_nan() { f64::NAN.to_bits() } else { self.to_bits() }
    }
}

/// What an operand is: its elements, and whether only the first of them is used.
#[derive(Debug, Clone)]
struct Operand {
    elements: Vec<f32>,
    is_splat: bool,
}

#[derive(Debug, Clone)]
struct Case {
    len: usize,
    operands: Vec<Operand>,
    head: usize,
    links: Vec<(LinkOp, ChainOther)>,
    /// The operand that is overwritten, if any.
    in_place: Option<usize>,
}

impl Case {
    fn expected<T: Tested>(&self) -> Vec<u64> {
        let operand = |number: usize, i: usize| {
            let Operand { elements, is_splat } = &self.operands[number];
            T::from(elements[if *is_splat { 0 } else { i }])
        };
        let element_at = |i: usize| {
            self.links.iter().fold(operand(self.head, i), |x, &(op, other)| match other {
                ChainOther::None | ChainOther::Carried => element(op, x, x),
                ChainOther::Right(number) => element(op, x, operand(number.into(), i)),
                ChainOther::Left(number) => element(op, operand(number.into(), i), x),
            })
        };
        (0..self.len).map(|i| element_at(i).bits()).collect()
    }

    fn found<T: Tested>(&self, instructions: Instructions) -> Vec<u64> {
        let mut operands: Vec<Vec<T>> = self
            .operands
            .iter()
            .map(|operand| {
                let len = if operand.is_splat { 1 } else { self.len };
                operand.elements[..len].iter().map(|&x| T::from(x)).collect()
            })
            .collect();
        let addresses: Vec<*mut T> = operands.iter_mut().map(|operand| operand.as_mut_ptr()).collect();
        let rows: Vec<RowOperand> = addresses
            .iter()
            .zip(&self.operands)
            .map(|(address, operand)| RowOperand { address: address.cast(), is_splat: operand.is_splat })
            .collect();
        let links: Vec<ChainLink> =
            self.links.iter().map(|&(op, other)| ChainLink { code: op as u16, other }).collect();
        // Beyond the row stands what must not be written.
        let mut output = vec![T::from(7.0); self.len + 1024];
        let to = self.in_place.map_or(output.as_mut_ptr(), |number| addresses[number]);
        let row = ChainRow { operands: &rows, head: self.head, links: &links, len: self.len };
        // SAFETY: the processor has the instructions. Operands have as many elements as the row, or one; the destination
        // is an operand that is no splat, or does not overlap any.
        unsafe { T::chain_loop(instructions)(to.cast(), row) };
        let untouched = if self.in_place.is_some() { &output[..] } else { &output[self.len..] };
        assert!(untouched.iter().all(|x| x.bits() == T::from(7.0).bits()), "only the row is written");
        let result = self.in_place.map_or(&output[..self.len], |number| &operands[number]);
        result.iter().map(|x| x.bits()).collect()
    }
}

fn check(case: &Case) {
    for instructions in Instructions::present() {
        assert_eq!(case.found::<f32>(instructions), case.expected::<f32>(), "f32 {instructions:?} {case:?}");
        assert_eq!(case.found::<f64>(instructions), case.expected::<f64>(), "f64 {instructions:?} {case:?}");
    }
}

/// Zeros of both signs, infinities, NaN, subnormals: all pairs of them, and ordinary numbers.
const SPECIAL: [f32; 12] =
    [0.0, -0.0, 1.0, -1.0, 2.5, -0.3, f32::INFINITY, f32::NEG_INFINITY, f32::NAN, 1e-40, -1e-40, 3e38];

#[test]
fn every_link_of_special_numbers() {
    // All pairs, as often as makes several of the longest stretches, and leaves a part of each register.
    let pairs = || SPECIAL.iter().flat_map(|&x| SPECIAL.iter().map(move |&y| (x, y))).cycle().take(1007);
    let operands: Vec<Operand> = vec![
        Operand { elements: pairs().map(|(x, _)| x).collect(), is_splat: false },
        Operand { elements: pairs().map(|(_, y)| y).collect(), is_splat: false },
    ];
    let others = [ChainOther::Carried, ChainOther::Right(1), ChainOther::Left(1)];
    let unary = UNARY.map(|op| (op, ChainOther::None));
    let binary = BINARY.iter().flat_map(|&op| others.map(|other| (op, other)));
    for link in unary.into_iter().chain(binary) {
        let case = Case {
            len: pairs().count(),
            operands: operands.clone(),
            head: 0,
            links: vec![link],
            in_place: None,
        };
        check(&case);
        for special in SPECIAL {
            let splat = Operand { elements: vec![special], is_splat: true };
            let operands = vec![operands[0].clone(), splat];
            check(&Case { operands: operands.clone(), ..case.clone() });
            check(&Case { operands, head: 1, ..case.clone() });
        }
    }
}

fn number() -> impl Strategy<Value = f32> {
    prop_oneof![4 => -4.0f32..4.0, 1 => prop::sample::select(&SPECIAL[..])]
}

prop_compose! {
    fn cases()(len in 0usize..700, count in 1usize..=8)(
        operands in prop::collection::vec(
            (prop::collection::vec(number(), len.max(1)), prop::bool::weighted(0.3))
                .prop_map(|(elements, is_splat)| Operand { elements, is_splat }),
            count,
        ),
        head in 0..count,
        links in prop::collection::vec(
            prop_oneof![
                prop::sample::select(&UNARY[..]).prop_map(|op| (op, ChainOther::None)),
                (prop::sample::select(&BINARY[..]), 0..3, 0..count as u8).prop_map(|(op, side, number)| {
                    let other = match side {
                        0 => ChainOther::Carried,
                        1 => ChainOther::Right(number),
                        _ => ChainOther::Left(number),
                    };
                    (op, other)
                }),
            ],
            1..=MOST_LINKS,
        ),
        overwritten in 0..2 * count,
        len in Just(len),
    ) -> Case {
        let in_place = (overwritten < operands.len() && !operands[overwritten].is_splat).then_some(overwritten);
        Case { len, operands, head, links, in_place }
    }
}

proptest! {
    #[test]
    fn chains_are_their_links_one_after_the_other(case in cases()) {
        check(&case);
    }
}
