//! Arena layout: offsets for slots whose lifetimes are known.
//!
//! The planner takes and gives back slots in the order of the steps; where they are is decided in the end, when all
//! lifetimes are known.

use std::cmp::Reverse;

use crate::buffer::ALIGNMENT;

/// More slots than this are laid out in order only: the time that the other layout takes grows with their square.
const MOST_BY_SIZE: usize = 2048;

/// The slots of an arena and their lifetimes.
#[derive(Debug, Default)]
pub(super) struct Lifetimes {
    slots: Vec<Lifetime>,
    /// Slots that were taken or given back so far.
    now: usize,
    in_use: usize,
    most_in_use: usize,
}

#[derive(Debug, Clone, Copy)]
struct Lifetime {
    bytes: usize,
    from: usize,
    until: usize,
}

impl Lifetime {
    fn overlaps(&self, other: &Lifetime) -> bool {
        self.from < other.until && other.from < self.until
    }
}

/// Where everything is.
#[derive(Debug)]
pub(super) struct Layout {
    /// Offset of each slot.
    pub(super) offsets: Vec<usize>,
    /// Size of the arena.
    pub(super) bytes: usize,
    /// What no layout could do without: the most that is in use at once.
    pub(super) least: usize,
}

impl Lifetimes {
    /// The number of a new slot.
    pub(super) fn take(&mut self, bytes: usize) -> usize {
        let bytes = bytes.next_multiple_of(ALIGNMENT);
        self.slots.push(Lifetime { bytes, from: self.now, until: usize::MAX });
        self.now += 1;
        self.in_use += bytes;
        self.most_in_use = self.most_in_use.max(self.in_use);
        self.slots.len() - 1
    }

    /// Ends a slot's life.
    pub(super) fn give_back(&mut self, slot: usize) {
        self.slots[slot].until = self.now;
        self.now += 1;
        self.in_use -= self.slots[slot].bytes;
    }

    /// The smaller of two layouts: in order, which keeps what is used together together, and by size, which leaves less
    /// idle where many lifetimes are long.
    pub(super) fn lay_out(self) -> Layout {
        let least = self.most_in_use;
        let in_order = self.in_order();
        let (offsets, bytes) = if in_order.1 > least && self.slots.len() <= MOST_BY_SIZE {
            let by_size = self.by_size();
            if by_size.1 < in_order.1 { by_size } else { in_order }
        } else {
            in_order
        };
        Layout { offsets, bytes, least }
    }

    /// Each slot, when it is taken, in the smallest free range that fits.
    fn in_order(&self) -> (Vec<usize>, usize) {
        let mut offsets = vec![0; self.slots.len()];
        let mut free = FreeList::default();
        let mut events: Vec<Option<(usize, bool)>> = vec![None; self.now];
        for (slot, lifetime) in self.slots.iter().enumerate() {
            events[lifetime.from] = Some((slot, true));
            if let Some(event) = events.get_mut(lifetime.until) {
                *event = Some((slot, false));
            }
        }
        for (slot, is_taken) in events.into_iter().flatten() {
            let bytes = self.slots[slot].bytes;
            if bytes > 0 && is_taken {
                offsets[slot] = free.allocate(bytes);
            } else if bytes > 0 {
                free.free(offsets[slot], bytes);
            }
        }
        (offsets, free.peak)
    }

    /// The largest first, each at the lowest offset that is free for all of its life.
    fn by_size(&self) -> (Vec<usize>, usize) {
        let mut order: Vec<usize> =
            (0..self.slots.len()).filter(|&slot| self.slots[slot].bytes > 0).collect();
        order.sort_by_key(|&slot| (Reverse(self.slots[slot].bytes), slot));
        let mut offsets = vec![0; self.slots.len()];
        let mut placed: Vec<usize> = Vec::with_capacity(order.len()); // By offset.
        let mut peak = 0;
        for slot in order {
            let lifetime = self.slots[slot];
            let mut offset = 0;
            for &other in placed.iter().filter(|&&other| lifetime.overlaps(&self.slots[other])) {
                if offset + lifetime.bytes <= offsets[other] {
                    break;
                }
                offset = offset.max(offsets[other] + self.slots[other].bytes);
            }
            offsets[slot] = offset;
            peak = peak.max(offset + lifetime.bytes);
            let position = placed.partition_point(|&other| offsets[other] < offset);
            placed.insert(position, slot);
        }
        (offsets, peak)
    }
}

/// Hands out ranges; what is freed is used again.
#[derive(Debug, Default)]
struct FreeList {
    /// Free ranges below the top, as (offset, bytes), sorted, never adjacent.
    free: Vec<(usize, usize)>,
    top: usize,
    peak: usize,
}

impl FreeList {
    /// The smallest free range that fits, else new room at the top.
    fn allocate(&mut self, bytes: usize) -> usize {
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
    fn free(&mut self, offset: usize, bytes: usize) {
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn freed_ranges_are_joined_and_used_again() {
        let mut slots = Lifetimes::default();
        let [a, b, c] = [slots.take(64), slots.take(100), slots.take(64)];
        slots.give_back(a);
        slots.give_back(b);
        let both = slots.take(192);
        slots.give_back(c);
        let last = slots.take(64);
        let (offsets, bytes) = slots.in_order();
        assert_eq!([a, b, c].map(|slot| offsets[slot]), [0, 64, 192]);
        assert_eq!(offsets[both], 0, "both freed ranges together hold it");
        assert_eq!(offsets[last], 192);
        assert_eq!(bytes, 256);
    }

    #[test]
    fn by_size_leaves_nothing_idle_where_in_order_does() {
        let mut slots = Lifetimes::default();
        let small = slots.take(64);
        let kept = slots.take(64);
        slots.give_back(small);
        let large = slots.take(128); // The range that `small` left is too short.
        slots.give_back(kept);
        slots.give_back(large);
        assert_eq!(slots.in_order().1, 256);
        let layout = slots.lay_out();
        assert_eq!((layout.bytes, layout.least), (192, 192));
    }

    #[test]
    fn slots_that_live_at_once_never_overlap() {
        // Sizes and lifetimes from a linear congruential sequence.
        let mut state = 1u64;
        let mut random = |below: usize| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 33) as usize % below
        };
        for _ in 0..50 {
            let mut slots = Lifetimes::default();
            let mut alive: Vec<usize> = Vec::new();
            for _ in 0..200 {
                if alive.is_empty() || random(5) < 3 {
                    alive.push(slots.take(random(2000)));
                } else {
                    slots.give_back(alive.swap_remove(random(alive.len())));
                }
            }
            for (offsets, bytes) in [slots.in_order(), slots.by_size()] {
                for (i, a) in slots.slots.iter().enumerate() {
                    assert!(offsets[i] % ALIGNMENT == 0 && offsets[i] + a.bytes <= bytes);
                    for (j, b) in slots.slots.iter().enumerate().take(i) {
                        let apart = offsets[i] + a.bytes <= offsets[j] || offsets[j] + b.bytes <= offsets[i];
                        let empty = a.bytes == 0 || b.bytes == 0;
                        assert!(apart || empty || !a.overlaps(b), "{i} and {j}");
                    }
                }
                assert!(bytes >= slots.most_in_use);
            }
        }
    }
}
