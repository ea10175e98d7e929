//! What one side answers about an order.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

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
    pub seen: Option<i64>,
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
    pub event_version: Option<i64>,
}

/// An event that this side has announced.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Announcement {
    /// Its place among the order's events.
    pub version: i64,
    /// Its type.
    pub event: String,
    /// The same in every copy of it.
    pub event_id: Uuid,
    /// When what it tells of was decided.
    pub at: DateTime<Utc>,
    /// The id of the event or of the request behind it.
    pub cause_id: String,
    /// Since when it waits to go out.
    pub unsent_since: Option<DateTime<Utc>>,
}

/// A record of the other side that is parked, or was.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Parked {
    /// Its row.
    pub id: Uuid,
    /// Its place among the order's events.
    pub version: Option<i64>,
    /// Its type.
    pub event: Option<String>,
    /// Why it was parked.
    pub cause: String,
    /// What was said about it.
    pub error: String,
    /// How many times it was tried.
    pub attempts: i32,
    /// Since when.
    pub since: DateTime<Utc>,
    /// When it is tried again.
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// When it was applied or turned out to be stale.
    pub resolved_at: Option<DateTime<Utc>>,
    /// Which of the two.
    pub resolution: Option<String>,
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
