//! Chains: row kernels that work on single elements, several of which are computed with what one gives carried to the next
//! in the processor's registers, without a store and a load between them.

use std::fmt;

use super::RowOperand;

/// No chain has more links than this.
pub const MOST_LINKS: usize = 32;

/// The kernels of which any sequence is one loop.
#[derive(Debug)]
pub struct ChainFamily {
    /// Their elements, for messages.
    pub name: &'static str,
    /// The loop.
    pub run: ChainLoop,
}

/// A chain on the operands of a row.
#[derive(Debug, Clone, Copy)]
pub struct ChainRow<'a> {
    /// What is read.
    pub operands: &'a [RowOperand],
    /// The number of the operand that is carried first.
    pub head: usize,
    /// What is done to it, in order.
    pub links: &'a [ChainLink],
    /// Elements of the row.
    pub len: usize,
}

/// Writes a row at an address, each element from those at its place: the head, carried through the links.
///
/// # Safety
/// - As for a [`RowLoop`](super::RowLoop) that goes by elements, with operands and a destination of the family's type.
/// - There are at most [`MOST_OPERANDS`](super::MOST_OPERANDS) operands, and at most [`MOST_LINKS`] links.
/// - The head, and what links name, are operands' numbers. Each link's code is one of the family's; it takes another operand
///   if its function has two, and [none](ChainOther::None) if it has one.
pub type ChainLoop = unsafe fn(*mut u8, ChainRow<'_>);

/// A row kernel as a member of its family.
#[derive(Clone, Copy)]
pub struct Link {
    pub(crate) family: &'static ChainFamily,
    pub(crate) code: u16,
}

/// One kernel of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainLink {
    /// Which of its family.
    pub code: u16,
    /// What it takes beside the value that is carried.
    pub other: ChainOther,
}

/// The other operand of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChainOther {
    /// There is none: a function of one element.
    None,
    /// The carried value itself: both operands are it.
    Carried,
    /// The operand of this number, to the right of the carried value.
    Right(u8),
    /// The operand of this number, to the left of the carried value.
    Left(u8),
}

impl Link {
    /// The member of a family with this code.
    pub fn new(family: &'static ChainFamily, code: u16) -> Link {
        Link { family, code }
    }

    /// Whether one may follow the other.
    pub(crate) fn is_akin(self, other: Link) -> bool {
        std::ptr::eq(self.family, other.family)
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.family.name, self.code)
    }
}
