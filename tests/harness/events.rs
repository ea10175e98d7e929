//! Events to test with: the golden ones of the contract, about any order and of any version.

use std::{fs, path::Path};

use chassis::{clock, messaging::Record};
use shared_events::{Cause, Envelope, Event, EventId, EventKind, OrderId, Version};

use crate::KEYED;

/// An order that nobody has heard of.
#[must_use]
pub fn fresh_order() -> OrderId {
    OrderId(clock::fresh_id())
}

/// The event of a golden file of the contract, such as `OrderCompleted.v1` or `DeliveryFailed.v1.transit`.
///
/// # Panics
/// When there is no such file.
#[must_use]
pub fn golden(name: &str) -> Event {
    let contract = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared-events/contract");
    let file = contract.join(format!("{name}.json"));
    let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let golden: serde_json::Value = serde_json::from_str(&text).expect("a golden file is JSON");
    let kind: EventKind = golden["headers"]["ce_type"].as_str().expect("a type").parse().expect("a known type");
    Event::from_json(kind, golden["data"].to_string().as_bytes()).expect("a golden event can be read")
}

/// An event about this order, of this version, with an id of its own.
#[must_use]
pub fn envelope(order_id: OrderId, version: i64, event: Event) -> Envelope {
    Envelope {
        id: EventId(clock::fresh_id()),
        order_id,
        version: Version(version),
        time: clock::now(),
        cause: Cause { id: "a-test".to_owned(), trace_parent: None },
        event,
    }
}

/// The record that carries an event, to be sent to this topic or handed to an inbox. Its place in Kafka is not known yet.
///
/// # Panics
/// Never for an event of the contract.
#[must_use]
pub fn record(topic: &str, envelope: &Envelope) -> Record {
    let wire = envelope.to_wire().expect("an event has a JSON form");
    let headers = wire.headers.into_iter().map(|(name, value)| (name.to_owned(), Some(value.into())));
    Record {
        topic: topic.into(),
        partition: KEYED,
        offset: -1,
        key: Some(wire.key.into()),
        headers: headers.collect(),
        payload: Some(wire.data.into()),
    }
}
