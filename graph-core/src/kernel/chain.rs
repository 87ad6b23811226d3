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

/// Writes a row at an address from rows of operands: the operand `head` is carried through the links in order, for each
/// element by itself. The last argument is the number of elements of a row.
///
/// # Safety
/// As for a [`RowLoop`](super::RowLoop) that goes by elements. `head` and the others that links name are operands, and the
/// links are of the family.
pub type ChainLoop = unsafe fn(*mut u8, &[RowOperand], usize, &[ChainLink], usize);

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
