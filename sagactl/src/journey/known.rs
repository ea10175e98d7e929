//! What one side answers about an order.

use chassis::messaging::lane::{Announcement, Parked};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared_events::Version;

/// The journey of an order, as one side knows it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct Journey {
    /// Where the order, or its delivery, stands; none where there is none.
    pub status: Option<String>,
    /// What it went through, the first first.
    pub steps: Vec<Step>,
    /// What was announced of it.
    pub announced: Vec<Announcement>,
    /// The highest version of the other side's events that was applied.
    pub seen: Option<Version>,
    /// What of the other side's events could not be applied when it came.
    pub parked: Vec<Parked>,
    /// What it waits for.
    pub waiting_for: Option<Waiting>,
    /// Why somebody has to look at it.
    pub attention: Option<String>,
    /// What may still come, and where each leads.
    pub may_come: Vec<Value>,
}

/// One step of it.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Step {
    /// 1, 2, 3…
    pub number: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// What brought it.
    pub what: String,
    /// Where it stood afterwards.
    pub status: String,
    /// The id of the event or of the request behind it.
    pub cause_id: String,
    /// The version of the other side's event that brought it, if one did.
    pub event_version: Option<Version>,
}

/// What something waits for.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Waiting {
    /// What for.
    pub what: String,
    /// Until when.
    pub until: Option<DateTime<Utc>>,
    /// How many times that was put off.
    pub extended: u32,
}
