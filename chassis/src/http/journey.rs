//! The journey of an order, as one side knows it.

use chrono::{DateTime, Utc};
use http::StatusCode;
use serde::Serialize;
use shared_events::{OrderId, Version};

use super::{answer::Answer, problem::Problem};
use crate::messaging::lane::Lane;

/// Every step that this service knows of one order, what it waits for, and what may still come.
#[derive(Debug, Serialize)]
pub struct Journey<P> {
    /// Which one.
    pub order_id: OrderId,
    /// Whose knowledge it is.
    pub service: &'static str,
    /// Where the order, or its delivery, stands; null where there is none.
    pub status: Option<&'static str>,
    /// What it went through, the first first.
    pub steps: Vec<Step>,
    /// What was said of it and heard.
    #[serde(flatten)]
    pub lane: Lane,
    /// What it waits for; null once it has ended.
    pub waiting_for: Option<Waiting>,
    /// Why somebody has to look at it.
    pub attention: Option<&'static str>,
    /// What may still come, and where each leads.
    pub may_come: Vec<P>,
}

/// One step of it. The moment is that of the change, and of its commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// 1, 2, 3…
    pub number: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// What brought it: the event, the command, the deadline.
    pub what: String,
    /// Where it stood afterwards.
    pub status: &'static str,
    /// The id of the event or of the request behind it.
    pub cause_id: String,
    /// The version of the other side's event that brought it, if one did.
    pub event_version: Option<Version>,
}

/// What something waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Waiting {
    /// What for.
    pub what: &'static str,
    /// Until when; null once that has passed and somebody has to look.
    pub until: Option<DateTime<Utc>>,
    /// How many times that was put off.
    pub extended: u32,
}

impl<P: Serialize> Journey<P> {
    /// The journey, where this service knows anything of the order.
    ///
    /// # Errors
    /// 404 where it knows nothing.
    pub fn answer(&self) -> Result<Answer, Problem> {
        if self.status.is_none() && self.lane.is_blank() {
            return Err(Problem::not_found("order"));
        }
        Ok(Answer::json(StatusCode::OK, self))
    }
}
