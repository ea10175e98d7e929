//! A Kafka record as plain bytes, and the envelope in it.

use std::{
    panic::{self, AssertUnwindSafe},
    sync::Arc,
};

use bytes::{Bytes, BytesMut};
use rdkafka::{
    Message,
    message::{BorrowedHeaders, BorrowedMessage, Header, Headers, OwnedHeaders},
};
use shared_events::{
    Envelope, OrderId, Topic, Version,
    wire::{Attributes, Unreadable},
};
use uuid::Uuid;

/// What the headers of an event come to, and a little more.
const HEADERS_BYTES: usize = 512;

/// A record that came from Kafka, or is parked: byte for byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The topic's name in Kafka.
    pub topic: Arc<str>,
    /// Its partition.
    pub partition: i32,
    /// Its place there.
    pub offset: i64,
    /// The record's key.
    pub key: Option<Bytes>,
    /// Names and values, in order, repeats included.
    pub headers: Vec<(String, Option<Bytes>)>,
    /// The record's value; none for a tombstone.
    pub payload: Option<Bytes>,
}

impl Record {
    /// Copies a record of this topic out of the client's buffers: all its bytes into one buffer of our own.
    #[must_use]
    pub fn copied(topic: &Arc<str>, message: &BorrowedMessage<'_>) -> Self {
        let (key, payload) = (message.key(), message.payload());
        let mut buffer =
            BytesMut::with_capacity(key.map_or(0, <[u8]>::len) + payload.map_or(0, <[u8]>::len) + HEADERS_BYTES);
        let mut copy = |bytes: &[u8]| {
            buffer.extend_from_slice(bytes);
            buffer.split().freeze()
        };
        let headers = message.headers().map(|headers| {
            (0..headers.count())
                .map(|at| header_at(headers, at))
                .map(|(name, value)| (name, value.map(&mut copy)))
                .collect()
        });
        Self {
            topic: topic.clone(),
            partition: message.partition(),
            offset: message.offset(),
            headers: headers.unwrap_or_default(),
            key: key.map(&mut copy),
            payload: payload.map(&mut copy),
        }
    }

    /// The envelope in it, if it is one that may travel on this topic.
    ///
    /// # Errors
    /// [`Unreadable`] says why not.
    pub fn envelope(&self, topic: Topic) -> Result<Envelope, Unreadable> {
        let Some(payload) = &self.payload else {
            return Err(Unreadable::Undecodable("the record has no value".to_owned()));
        };
        let envelope = Envelope::from_wire(|name| self.header(name), payload)?;
        let kind = envelope.event.kind();
        if kind.topic() != topic {
            return Err(Unreadable::Undecodable(format!("{kind} does not travel on `{topic}`")));
        }
        // The key chose the partition: under another key the lane's order would be lost.
        let mut lane = Uuid::encode_buffer();
        if self.key.as_deref() != Some(envelope.order_id.0.hyphenated().encode_lower(&mut lane).as_bytes()) {
            return Err(Unreadable::Undecodable("the key is not the order id in ce_subject".to_owned()));
        }
        Ok(envelope)
    }

    /// Which order and version a record claims to be that cannot be read.
    #[must_use]
    pub fn place(&self) -> Option<(OrderId, Version)> {
        Envelope::place_of(|name| self.header(name))
    }

    fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers.iter().find(|(key, _)| key == name).and_then(|(_, value)| value.as_deref())
    }
}

/// One header. The client panics over a name that is not UTF-8; such a record must be parked like any other, and not end the
/// process again and again.
fn header_at(headers: &BorrowedHeaders, at: usize) -> (String, Option<&[u8]>) {
    let read = panic::catch_unwind(AssertUnwindSafe(|| {
        let header = headers.get(at);
        (header.key.to_owned(), header.value)
    }));
    read.unwrap_or_else(|_| ("\u{fffd}".to_owned(), None))
}

/// The headers of the record that announces an event.
pub(crate) fn headers(attributes: &Attributes) -> OwnedHeaders {
    attributes
        .fold_headers(OwnedHeaders::new(), |headers, key, value| headers.insert(Header { key, value: Some(value) }))
}
