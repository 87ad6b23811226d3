//! Arena layout: offsets for slots whose lifetimes are known, by best fit over a free list.

use crate::buffer::ALIGNMENT;

/// Hands out offsets; what is freed is used again.
#[derive(Debug, Default)]
pub(super) struct ArenaLayout {
    /// Free ranges below the top, as (offset, bytes), sorted, never adjacent.
    free: Vec<(usize, usize)>,
    top: usize,
    peak: usize,
    in_use: usize,
    most_in_use: usize,
}

impl ArenaLayout {
    /// The smallest free range that fits, else new room at the top.
    pub(super) fn allocate(&mut self, bytes: usize) -> usize {
        let bytes = round_up(bytes);
        if bytes == 0 {
            return 0;
        }
        self.in_use += bytes;
        self.most_in_use = self.most_in_use.max(self.in_use);
        let fitting = self.free.iter().enumerate().filter(|(_, range)| range.1 >= bytes);
        if let Some((i, &(offset, len))) = fitting.min_by_key(|(_, range)| range.1) {
            if len == bytes {
                self.free.remove(i);
            } else {
                self.free[i] = (offset + bytes, len - bytes);
            }
            return offset;
        }
        let offset = self.top;
        self.top += bytes;
        self.peak = self.peak.max(self.top);
        offset
    }

    /// Gives a range back.
    pub(super) fn free(&mut self, offset: usize, bytes: usize) {
        let bytes = round_up(bytes);
        if bytes == 0 {
            return;
        }
        self.in_use -= bytes;
        let i = self.free.partition_point(|range| range.0 < offset);
        self.free.insert(i, (offset, bytes));
        for left in [i, i.saturating_sub(1)] {
            if let [(a, a_len), (b, b_len), ..] = self.free[left..]
                && a + a_len == b
            {
                self.free[left] = (a, a_len + b_len);
                self.free.remove(left + 1);
            }
        }
        if let Some(&(offset, len)) = self.free.last()
            && offset + len == self.top
        {
            self.top = offset;
            self.free.pop();
        }
    }

    /// What no layout could do without: the most that was in use at once.
    pub(super) fn least(&self) -> usize {
        self.most_in_use
    }

    /// Size of the arena: the least, and what lies idle between slots.
    pub(super) fn peak(&self) -> usize {
        self.peak
    }
}

fn round_up(bytes: usize) -> usize {
    bytes.next_multiple_of(ALIGNMENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn freed_ranges_are_joined_and_used_again() {
        let mut layout = ArenaLayout::default();
        let [a, b, c] = [layout.allocate(64), layout.allocate(100), layout.allocate(64)];
        assert_eq!([a, b, c], [0, 64, 192]);
        layout.free(a, 64);
        layout.free(b, 100);
        assert_eq!(layout.allocate(192), 0, "both freed ranges together hold it");
        layout.free(c, 64);
        assert_eq!(layout.allocate(64), 192);
        assert_eq!(layout.peak(), 256);
    }
}
