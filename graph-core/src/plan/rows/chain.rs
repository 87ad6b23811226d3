//! Chains: which ops of a row program become one instruction, and how their operands are named in it.
//!
//! An op joins the chain that ends in one of its operands, if nothing else reads that value. So a chain may move to where its
//! last op stands: what it gives on the way is nobody else's.

use std::collections::HashMap;

use smallvec::SmallVec;

use super::Level;
use crate::ids::{NodeId, Value};
use crate::kernel::{ChainLink, ChainLoop, ChainOther, Link, MOST_LINKS, MOST_OPERANDS, RowKernel};

/// Kernels of one family, one after the other.
#[derive(Debug, Clone)]
pub(crate) struct Chain {
    pub(crate) run: ChainLoop,
    /// The operand that is carried first.
    pub(crate) head: usize,
    pub(crate) links: Box<[ChainLink]>,
}

/// An op of the program.
pub(super) struct Member {
    pub(super) id: NodeId,
    pub(super) kernel: RowKernel,
    pub(super) from: Operands,
    /// That of its result.
    pub(super) level: Level,
    /// Whether it takes the rows of a block as one; short rows are better taken so.
    pub(super) is_flat: bool,
}

/// Operands, in order.
pub(super) type Operands = SmallVec<[Operand; 3]>;

/// Where a member finds an operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operand {
    /// It is what another member gives.
    Member(Value),
    /// It is outside; the number of the walk along it.
    Outside(usize),
}

impl Member {
    pub(super) fn value(&self) -> Value {
        Value::new(self.id, 0)
    }
}

/// Puts members, which are in order, into chains, which are in order, too. Most are chains of one.
pub(super) fn chains(members: Vec<Member>, results: &[Value], width: usize) -> Vec<Vec<Member>> {
    let mut readers: HashMap<Value, usize> = HashMap::new();
    for member in &members {
        for value in values_of(&member.from) {
            *readers.entry(value).or_default() += 1;
        }
    }
    let is_private = |value: Value, member: &Member| {
        let own = values_of(&member.from).filter(|&other| other == value).count();
        !results.contains(&value) && readers[&value] == own
    };
    let mut chains: Vec<Vec<Member>> = Vec::new();
    for member in members {
        let before = values_of(&member.from).filter(|&value| is_private(value, &member)).find_map(|value| {
            let chain = chains.iter().rposition(|chain| last(chain).value() == value)?;
            joins(&chains[chain], &member, width).then_some(chain)
        });
        let mut chain = before.map_or_else(Vec::new, |chain| chains.remove(chain));
        chain.push(member);
        chains.push(chain);
    }
    chains
}

fn values_of(from: &Operands) -> impl Iterator<Item = Value> {
    from.iter().filter_map(|from| match from {
        Operand::Member(value) => Some(*value),
        Operand::Outside(_) => None,
    })
}

fn last(chain: &[Member]) -> &Member {
    chain.last().expect("a chain has members")
}

/// Rows of fewer elements are not worth a loop of their own: they are taken as one, where that is possible.
const SHORT_ROW: usize = 64;

fn joins(chain: &[Member], member: &Member, width: usize) -> bool {
    let before = last(chain);
    let is_akin =
        before.kernel.link.zip(member.kernel.link).is_some_and(|(before, link)| before.is_akin(link));
    is_akin
        && chain.len() < MOST_LINKS
        && before.level == member.level
        && (before.is_flat == member.is_flat || width >= SHORT_ROW)
        && operands(chain.iter().chain([member])).len() <= MOST_OPERANDS
}

/// What the members of a chain read, each once, but for what is carried.
pub(super) fn operands<'m>(
    chain: impl IntoIterator<Item = &'m Member>,
) -> SmallVec<[Operand; MOST_OPERANDS]> {
    let mut operands: SmallVec<[Operand; MOST_OPERANDS]> = SmallVec::new();
    let mut carried = None;
    for member in chain {
        for &from in &member.from {
            if Some(from) != carried && !operands.contains(&from) {
                operands.push(from);
            }
        }
        carried = Some(Operand::Member(member.value()));
    }
    operands
}

/// The chain of several members, on these operands of theirs; `None` of a single one, whose own loop is the better one.
pub(super) fn compile_chain(chain: &[Member], operands: &[Operand]) -> Option<Chain> {
    if chain.len() == 1 {
        return None;
    }
    let number = |from: &Operand| operands.iter().position(|other| other == from).expect("it is an operand");
    let head = chain[0].from[0];
    let mut carried = head;
    let mut links = Vec::with_capacity(chain.len());
    for member in chain {
        let other = match member.from[..] {
            [_] => ChainOther::None,
            [left, right] if left == carried && right == carried => ChainOther::Carried,
            [left, right] if left == carried => ChainOther::Right(number(&right) as u8),
            [left, _] => ChainOther::Left(number(&left) as u8),
            _ => unreachable!("a link has one or two operands"),
        };
        links.push(ChainLink { code: link_of(member).code, other });
        carried = Operand::Member(member.value());
    }
    Some(Chain { run: link_of(&chain[0]).family.run, head: number(&head), links: links.into() })
}

fn link_of(member: &Member) -> Link {
    member.kernel.link.expect("members of a chain have links")
}
