//! Stacks: rows that a loop leaves behind, as many as it turns out to have iterations.

use crate::buffer::Buffer;

/// Memory for rows, kept between runs: once it has grown, a loop of the same length allocates nothing.
#[derive(Debug)]
pub(super) struct Stack {
    memory: Buffer,
    rows: usize,
}

impl Stack {
    pub(super) fn new() -> Stack {
        Stack { memory: Buffer::zeroed(0), rows: 0 }
    }

    /// Forgets the rows.
    pub(super) fn clear(&mut self) {
        self.rows = 0;
    }

    /// Number of rows.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Makes it `rows` rows long; what was there stays.
    ///
    /// # Errors
    /// When there is not enough memory.
    pub(super) fn resize(&mut self, rows: usize, row_bytes: usize) -> Result<(), String> {
        let too_large = || format!("{rows} rows of {row_bytes} bytes do not fit in memory");
        let bytes = rows.checked_mul(row_bytes).ok_or_else(too_large)?;
        if bytes > self.memory.len() {
            let room = bytes.checked_next_power_of_two().ok_or_else(too_large)?;
            let mut memory = Buffer::try_zeroed(room).ok_or_else(too_large)?;
            memory.as_bytes_mut()[..self.memory.len()].copy_from_slice(self.memory.as_bytes());
            self.memory = memory;
        }
        self.rows = rows;
        Ok(())
    }

    /// The address of a row; valid until the stack grows.
    pub(super) fn row(&self, row: usize, row_bytes: usize) -> *mut u8 {
        assert!(row < self.rows, "row {row} of {}", self.rows);
        self.memory.as_ptr().wrapping_add(row * row_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::Stack;

    #[test]
    fn rows_stay_while_it_grows() {
        let mut stack = Stack::new();
        for i in 0..100u8 {
            stack.resize(usize::from(i) + 1, 3).unwrap();
            let row = stack.row(i.into(), 3);
            // SAFETY: the row has three bytes, and nothing else looks at them.
            unsafe { row.copy_from_nonoverlapping([i, i, i].as_ptr(), 3) };
        }
        for i in 0..100u8 {
            // SAFETY: as above.
            assert_eq!(unsafe { *stack.row(i.into(), 3).add(2) }, i);
        }
        assert!(stack.resize(usize::MAX, 3).is_err());
        assert!(stack.resize(usize::MAX / 16, 8).is_err());
        stack.clear();
        assert_eq!(stack.rows(), 0);
    }
}
