//! Addresses that the threads of a team share.

/// Where an array begins of which several threads compute parts.
#[derive(Debug, Clone, Copy)]
#[repr(transparent)]
pub struct Address(*mut u8);

// SAFETY: an address is a number. Only to read or write there can be wrong, which is unsafe: whoever does it promises that
// nobody else writes to the same bytes meanwhile, nor reads what it writes, on whatever thread that is.
unsafe impl Send for Address {}
// SAFETY: as above.
unsafe impl Sync for Address {}

impl Address {
    /// This address.
    pub fn new(address: *mut u8) -> Address {
        Address(address)
    }

    /// The same, of several.
    pub fn all(addresses: &[*mut u8]) -> &[Address] {
        // SAFETY: an Address is a pointer, in the same representation.
        unsafe { std::slice::from_raw_parts(addresses.as_ptr().cast(), addresses.len()) }
    }

    /// The address of the byte so many bytes after the first.
    #[inline(always)]
    pub fn at(self, offset: usize) -> *mut u8 {
        self.0.wrapping_add(offset)
    }
}
