//! What an operation that is computed at once is given: something to read, or something to use up.

use std::borrow::Borrow;
use std::ops::Deref;

/// An operand of an operation that is computed at once.
#[derive(Debug)]
pub enum Given<'a, T> {
    /// To read.
    Kept(&'a T),
    /// To read, and to overwrite with the result: its owner does not look at it again.
    Donated(&'a mut T),
}

impl<T> Deref for Given<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        match self {
            Given::Kept(x) => x,
            Given::Donated(x) => x,
        }
    }
}

impl<T> Borrow<T> for Given<'_, T> {
    fn borrow(&self) -> &T {
        self
    }
}
