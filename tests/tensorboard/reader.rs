//! A reader of logs of its own: nothing here is shared with the writer, so both would have to be wrong in the same way.

use std::collections::BTreeMap;
use std::path::Path;

/// CRC-32C, bit by bit: reflected, polynomial 0x1edc6f41.
pub(crate) fn crc32c(bytes: &[u8]) -> u32 {
    let mut crc = !0u32;
    for &byte in bytes {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0x82f6_3b78 } else { crc >> 1 };
        }
    }
    !crc
}

/// The payloads of all records that are whole, and how many bytes are left behind the last.
pub(crate) fn records(bytes: &[u8]) -> (Vec<Vec<u8>>, usize) {
    let masked = |bytes: &[u8]| {
        let crc = crc32c(bytes);
        crc.rotate_left(17).wrapping_add(0xa282_ead8)
    };
    let word = |bytes: &[u8]| u32::from_le_bytes(bytes.try_into().expect("four bytes"));
    let (mut found, mut rest) = (Vec::new(), bytes);
    while rest.len() >= 12 {
        let (header, body) = rest.split_at(12);
        let length = u64::from_le_bytes(header[..8].try_into().expect("eight bytes")) as usize;
        assert_eq!(word(&header[8..]), masked(&header[..8]), "the checksum of a length");
        if body.len() < length + 4 {
            break;
        }
        let (payload, after) = body.split_at(length);
        assert_eq!(word(&after[..4]), masked(payload), "the checksum of a payload");
        found.push(payload.to_vec());
        rest = &after[4..];
    }
    (found, rest.len())
}

/// A field of a message, as it stands on the wire.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Field {
    Varint(u64),
    Fixed64(u64),
    Fixed32(u32),
    Bytes(Vec<u8>),
}

/// A message: the fields of each number, in order.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Message(BTreeMap<u64, Vec<Field>>);

impl Message {
    pub(crate) fn parse(mut bytes: &[u8]) -> Message {
        fn varint(bytes: &mut &[u8]) -> u64 {
            let mut value = 0;
            for shift in (0..).step_by(7) {
                let byte = bytes[0];
                *bytes = &bytes[1..];
                value |= u64::from(byte & 0x7f) << shift;
                if byte < 0x80 {
                    break;
                }
            }
            value
        }
        fn take<'a>(bytes: &mut &'a [u8], length: usize) -> &'a [u8] {
            let (taken, rest) = bytes.split_at(length);
            *bytes = rest;
            taken
        }
        let mut message = Message::default();
        while !bytes.is_empty() {
            let key = varint(&mut bytes);
            let field = match key & 7 {
                0 => Field::Varint(varint(&mut bytes)),
                1 => Field::Fixed64(u64::from_le_bytes(take(&mut bytes, 8).try_into().expect("eight"))),
                2 => {
                    let length = varint(&mut bytes) as usize;
                    Field::Bytes(take(&mut bytes, length).to_vec())
                }
                5 => Field::Fixed32(u32::from_le_bytes(take(&mut bytes, 4).try_into().expect("four"))),
                kind => panic!("wire type {kind}"),
            };
            message.0.entry(key >> 3).or_default().push(field);
        }
        message
    }

    pub(crate) fn has(&self, number: u64) -> bool {
        self.0.contains_key(&number)
    }

    fn all(&self, number: u64) -> &[Field] {
        self.0.get(&number).map_or(&[], Vec::as_slice)
    }

    /// A whole number; 0 where it is absent.
    pub(crate) fn int(&self, number: u64) -> i64 {
        match self.all(number).last() {
            None => 0,
            Some(Field::Varint(value)) => *value as i64,
            Some(other) => panic!("field {number} is {other:?}"),
        }
    }

    pub(crate) fn f32(&self, number: u64) -> f32 {
        match self.all(number) {
            [Field::Fixed32(bits)] => f32::from_bits(*bits),
            other => panic!("field {number} is {other:?}"),
        }
    }

    /// A number; 0 where it is absent.
    pub(crate) fn f64(&self, number: u64) -> f64 {
        match self.all(number) {
            [] => 0.0,
            [Field::Fixed64(bits)] => f64::from_bits(*bits),
            other => panic!("field {number} is {other:?}"),
        }
    }

    /// A packed list.
    pub(crate) fn f64s(&self, number: u64) -> Vec<f64> {
        let packed = self.bytes(number);
        packed.chunks(8).map(|bytes| f64::from_le_bytes(bytes.try_into().expect("eight"))).collect()
    }

    pub(crate) fn bytes(&self, number: u64) -> Vec<u8> {
        match self.all(number) {
            [] => Vec::new(),
            [Field::Bytes(bytes)] => bytes.clone(),
            other => panic!("field {number} is {other:?}"),
        }
    }

    pub(crate) fn text(&self, number: u64) -> String {
        String::from_utf8(self.bytes(number)).expect("text")
    }

    pub(crate) fn message(&self, number: u64) -> Message {
        Message::parse(&self.bytes(number))
    }

    pub(crate) fn messages(&self, number: u64) -> Vec<Message> {
        let message = |field: &Field| match field {
            Field::Bytes(bytes) => Message::parse(bytes),
            other => panic!("field {number} is {other:?}"),
        };
        self.all(number).iter().map(message).collect()
    }

    pub(crate) fn texts(&self, number: u64) -> Vec<String> {
        let text = |field: &Field| match field {
            Field::Bytes(bytes) => String::from_utf8(bytes.clone()).expect("text"),
            other => panic!("field {number} is {other:?}"),
        };
        self.all(number).iter().map(text).collect()
    }

    /// A map from names to messages.
    pub(crate) fn map(&self, number: u64) -> BTreeMap<String, Message> {
        self.messages(number).iter().map(|entry| (entry.text(1), entry.message(2))).collect()
    }
}

/// The events of a log that ends with a whole record.
pub(crate) fn events(bytes: &[u8]) -> Vec<Message> {
    let (records, left) = records(bytes);
    assert_eq!(left, 0, "bytes behind the last record");
    records.iter().map(|record| Message::parse(record)).collect()
}

/// The events of a file.
pub(crate) fn events_of(path: &Path) -> Vec<Message> {
    events(&std::fs::read(path).expect("a log"))
}

/// The one value of an event with a summary: its step and itself.
pub(crate) fn value(event: &Message) -> (i64, Message) {
    (event.int(2), event.message(5).message(1))
}
