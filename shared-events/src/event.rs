//! What the services tell each other. Seven facts, each of which has happened when it is announced.
//!
//! The enum is closed on purpose: a service that reacts matches every event by name, and the compiler
//! points at every reaction that an eighth one needs.

use std::{fmt, str::FromStr};

use serde::{Serialize, Serializer};

use crate::{
    DeliveryCancelled, DeliveryCompleted, DeliveryCreated, DeliveryDispatched, DeliveryFailed, OrderCancelled,
    OrderCompleted, Topic,
};

/// Something that has happened to an order, on either side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Checkout is completed: priced, stock reserved, payment held. Begins the saga.
    OrderCompleted(OrderCompleted),
    /// The order side wants out; the delivery side answers with whatever ended the race.
    OrderCancelled(OrderCancelled),
    /// The delivery is scheduled.
    DeliveryCreated(DeliveryCreated),
    /// There is no delivery, or it ended without one.
    DeliveryFailed(DeliveryFailed),
    /// Answers `OrderCancelled`: nothing will move.
    DeliveryCancelled(DeliveryCancelled),
    /// The courier has the parcel: from here the only way is forward.
    DeliveryDispatched(DeliveryDispatched),
    /// The parcel is with its recipient.
    DeliveryCompleted(DeliveryCompleted),
}

/// The name of an event, without its data: what travels as `ce_type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "each is the name of the event of the same name")]
pub enum EventKind {
    OrderCompleted,
    OrderCancelled,
    DeliveryCreated,
    DeliveryFailed,
    DeliveryCancelled,
    DeliveryDispatched,
    DeliveryCompleted,
}

impl Serialize for EventKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// The text names no event of this contract.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not an event type of this contract")]
pub struct UnknownEventKind(pub String);

impl EventKind {
    /// Every kind there is.
    pub const ALL: [EventKind; 7] = [
        EventKind::OrderCompleted,
        EventKind::OrderCancelled,
        EventKind::DeliveryCreated,
        EventKind::DeliveryFailed,
        EventKind::DeliveryCancelled,
        EventKind::DeliveryDispatched,
        EventKind::DeliveryCompleted,
    ];

    /// The name as it stands in `ce_type`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            EventKind::OrderCompleted => "OrderCompleted",
            EventKind::OrderCancelled => "OrderCancelled",
            EventKind::DeliveryCreated => "DeliveryCreated",
            EventKind::DeliveryFailed => "DeliveryFailed",
            EventKind::DeliveryCancelled => "DeliveryCancelled",
            EventKind::DeliveryDispatched => "DeliveryDispatched",
            EventKind::DeliveryCompleted => "DeliveryCompleted",
        }
    }

    /// The topic that carries it, and with it the service that announces it.
    #[must_use]
    pub fn topic(self) -> Topic {
        match self {
            EventKind::OrderCompleted | EventKind::OrderCancelled => Topic::Orders,
            EventKind::DeliveryCreated
            | EventKind::DeliveryFailed
            | EventKind::DeliveryCancelled
            | EventKind::DeliveryDispatched
            | EventKind::DeliveryCompleted => Topic::Deliveries,
        }
    }

    /// The version of its data's schema. A breaking change makes the next one; a new optional field does not.
    #[must_use]
    pub fn schema_version(self) -> u16 {
        1
    }

    /// Whether it may be applied although earlier versions are missing. Only undoing what never began is safe.
    #[must_use]
    pub fn may_jump_a_gap(self) -> bool {
        self == EventKind::OrderCancelled
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for EventKind {
    type Err = UnknownEventKind;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        EventKind::ALL.into_iter().find(|kind| kind.name() == text).ok_or_else(|| UnknownEventKind(text.to_owned()))
    }
}

impl Event {
    /// Which event this is.
    #[must_use]
    pub fn kind(&self) -> EventKind {
        match self {
            Event::OrderCompleted(_) => EventKind::OrderCompleted,
            Event::OrderCancelled(_) => EventKind::OrderCancelled,
            Event::DeliveryCreated(_) => EventKind::DeliveryCreated,
            Event::DeliveryFailed(_) => EventKind::DeliveryFailed,
            Event::DeliveryCancelled(_) => EventKind::DeliveryCancelled,
            Event::DeliveryDispatched(_) => EventKind::DeliveryDispatched,
            Event::DeliveryCompleted(_) => EventKind::DeliveryCompleted,
        }
    }

    /// The data as JSON: the value of the Kafka record.
    ///
    /// # Errors
    /// Never for events made by this crate's types; serde's signature has the error.
    pub fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        match self {
            Event::OrderCompleted(data) => serde_json::to_vec(data),
            Event::OrderCancelled(data) => serde_json::to_vec(data),
            Event::DeliveryCreated(data) => serde_json::to_vec(data),
            Event::DeliveryFailed(data) => serde_json::to_vec(data),
            Event::DeliveryCancelled(data) => serde_json::to_vec(data),
            Event::DeliveryDispatched(data) => serde_json::to_vec(data),
            Event::DeliveryCompleted(data) => serde_json::to_vec(data),
        }
    }

    /// Reads the data of an event of this kind. Fields it does not know are ignored: the other side may be newer.
    ///
    /// # Errors
    /// The bytes are not a JSON object, or a field is missing or of another type.
    pub fn from_json(kind: EventKind, data: &[u8]) -> serde_json::Result<Self> {
        // Serde would also read a list, taking the fields in the order in which this program happens to declare them.
        if data.trim_ascii_start().first() != Some(&b'{') {
            return Err(serde::de::Error::custom("not a JSON object"));
        }
        Ok(match kind {
            EventKind::OrderCompleted => Event::OrderCompleted(serde_json::from_slice(data)?),
            EventKind::OrderCancelled => Event::OrderCancelled(serde_json::from_slice(data)?),
            EventKind::DeliveryCreated => Event::DeliveryCreated(serde_json::from_slice(data)?),
            EventKind::DeliveryFailed => Event::DeliveryFailed(serde_json::from_slice(data)?),
            EventKind::DeliveryCancelled => Event::DeliveryCancelled(serde_json::from_slice(data)?),
            EventKind::DeliveryDispatched => Event::DeliveryDispatched(serde_json::from_slice(data)?),
            EventKind::DeliveryCompleted => Event::DeliveryCompleted(serde_json::from_slice(data)?),
        })
    }
}
