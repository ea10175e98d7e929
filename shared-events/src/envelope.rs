//! An event with everything that travels beside it.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{Event, EventId, OrderId, Version};

/// An event and what identifies, orders and explains it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The same in every copy of the event.
    pub id: EventId,
    /// The saga it belongs to; also the record's key, and the correlation id: a saga *is* an order.
    pub order_id: OrderId,
    /// Its place among the events that its service announced for this order.
    pub version: Version,
    /// When it happened, to the microsecond (what PostgreSQL keeps).
    pub time: DateTime<Utc>,
    /// What made it happen.
    pub cause: Cause,
    /// What happened.
    pub event: Event,
}

/// What made a change happen, and the trace it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// The id of the event or of the HTTP request behind the change: travels as `ce_causationid`.
    pub id: String,
    /// W3C Trace Context, handed on from whoever began it.
    pub trace_parent: Option<String>,
}

impl Envelope {
    /// The cause of whatever follows from this event.
    #[must_use]
    pub fn as_cause(&self) -> Cause {
        Cause { id: self.id.to_string(), trace_parent: self.cause.trace_parent.clone() }
    }
}

/// A moment and fresh identities, handed to the pure domain, which knows no clock and no randomness.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// When the decision is made.
    pub at: DateTime<Utc>,
    /// The id of the event that the decision announces, if it announces one.
    pub event_id: EventId,
    /// The id of what the decision creates, if it creates something.
    pub fresh_id: Uuid,
}

/// What is to be announced about an order. Made together with the change it tells of, and saved with it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(
    clippy::large_enum_variant,
    reason = "nearly all are new: a box for each would cost more than the room of the few others"
)]
pub enum Announce {
    /// Nothing the other side needs to know.
    Nothing,
    /// Something new: it takes the next version.
    New(Event),
    /// The event of this version once more, with the same id: the other side may have missed it.
    Again(Version),
}
