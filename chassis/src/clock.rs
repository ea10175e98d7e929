//! The only place that asks for the time or makes an id. Everything else is handed both.

#![allow(clippy::disallowed_methods, reason = "this is the one place")]

use chrono::{DateTime, SubsecRound, Utc};
use shared_events::{EventId, Stamp};
use uuid::Uuid;

use crate::planted;

/// The time now, to the microsecond: what PostgreSQL keeps, so that a value survives the round trip unchanged.
#[must_use]
pub fn now() -> DateTime<Utc> {
    (Utc::now() + planted::clock_is_off_by()).trunc_subsecs(6)
}

/// A new id that sorts by time (UUIDv7), so that rows are inserted at the end of their index.
#[must_use]
pub fn fresh_id() -> Uuid {
    planted::moved(Uuid::now_v7())
}

/// What one decision of the domain needs: the moment and the ids it may use up.
#[must_use]
pub fn stamp() -> Stamp {
    Stamp { at: now(), event_id: EventId(fresh_id()), fresh_id: fresh_id() }
}
