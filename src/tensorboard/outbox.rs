//! Bytes on their way into a log: they leave in order and once each, however often writing fails in between.

use std::io::{self, ErrorKind, Write};

/// So many bytes may wait while writing fails; what would exceed them is given up.
const MAX_WAITING: usize = 16 << 20;

/// A sink, and what it has not taken yet.
///
/// At any time the sink has a prefix of all records kept. So nothing is lost to a failure that passes, and what was
/// written before a failure that does not pass can be read, up to a record that may be unfinished.
pub(super) struct Outbox {
    sink: Box<dyn Write + Send>,
    waiting: Vec<u8>,
    lost: u64,
}

impl Outbox {
    pub(super) fn new(sink: Box<dyn Write + Send>) -> Outbox {
        Outbox { sink, waiting: Vec::new(), lost: 0 }
    }

    /// Puts a whole record behind those that wait.
    pub(super) fn push(&mut self, record: &[u8]) {
        // A record larger than the bound is not lost while writing works.
        if !self.waiting.is_empty() && self.waiting.len() + record.len() > MAX_WAITING {
            self.lost += 1;
        } else {
            self.waiting.extend_from_slice(record);
        }
    }

    /// How many bytes wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// How many records were given up.
    pub(super) fn lost(&self) -> u64 {
        self.lost
    }

    /// Lets the sink take all that waits. What it did not take when it failed waits on.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        let mut taken = 0;
        let mut result = Ok(());
        while taken < self.waiting.len() && result.is_ok() {
            match self.sink.write(&self.waiting[taken..]) {
                Ok(0) => result = Err(ErrorKind::WriteZero.into()),
                Ok(count) => taken += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => result = Err(error),
            }
        }
        self.waiting.drain(..taken);
        result.and_then(|()| self.sink.flush())
    }
}
