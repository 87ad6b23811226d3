//! What several topics need: a log in memory, and sinks that fail.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use grafito::tensorboard::Writer;

use crate::reader::{self, Message};

/// A sink whose bytes can be looked at, and that can be told how much room it has left.
#[derive(Clone, Default)]
pub(crate) struct Memory(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    bytes: Vec<u8>,
    room: Option<usize>,
    attempts: usize,
}

impl Memory {
    /// A sink that is full after so many bytes.
    pub(crate) fn with_room(room: usize) -> Memory {
        let memory = Memory::default();
        memory.set_room(Some(room));
        memory
    }

    pub(crate) fn set_room(&self, room: Option<usize>) {
        self.0.lock().expect("no test panics in here").room = room;
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.0.lock().expect("no test panics in here").bytes.clone()
    }

    /// How often something was to be written.
    pub(crate) fn attempts(&self) -> usize {
        self.0.lock().expect("no test panics in here").attempts
    }
}

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.0.lock().expect("no test panics in here");
        state.attempts += 1;
        let length = match state.room {
            Some(0) => return Err(io::ErrorKind::StorageFull.into()),
            Some(room) => room.min(bytes.len()),
            None => bytes.len(),
        };
        state.room = state.room.map(|room| room - length);
        state.bytes.extend_from_slice(&bytes[..length]);
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The events of a log behind the first, which tells the version.
pub(crate) fn logged(log: impl FnOnce(&Writer)) -> Vec<Message> {
    let memory = Memory::default();
    let writer = Writer::into_sink(memory.clone());
    log(&writer);
    drop(writer);
    let mut events = reader::events(&memory.bytes());
    let version = events.remove(0);
    assert_eq!(version.text(3), "brain.Event:2");
    events
}
