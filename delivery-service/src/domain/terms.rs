//! What the shop has settled with its couriers, and what it makes of deliveries that are late.

use std::{fmt, str::FromStr};

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use serde::Serialize;
use shared_events::Stamp;

use super::{Decision, Delivery, Status};

/// What `max_attempts` can be at most.
pub const MOST_ATTEMPTS: i64 = 10;

/// How often, and how late.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// How many times a parcel is brought to a recipient who is absent before it comes back.
    pub max_attempts: u32,
    /// How long after the end of its day a delivery counts as late.
    pub late_after: TimeDelta,
}

impl Terms {
    /// The longest that anything here waits for an event which may be on its way already. A delivery waits for people, and is late at once.
    #[must_use]
    pub fn longest_wait(&self) -> TimeDelta {
        self.late_after
    }
}

/// What a delivery waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitingFor {
    /// A courier picks it up.
    Dispatch,
    /// It is handed over.
    Delivery,
}

/// Why somebody has to look at a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Attention {
    /// It should have left by now.
    LateDispatch,
    /// It should have arrived by now.
    LateDelivery,
}

/// The text names no reason to look at a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownAttention(pub String);

impl fmt::Display for UnknownAttention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no reason to look at a delivery", self.0)
    }
}

impl std::error::Error for UnknownAttention {}

impl WaitingFor {
    /// Its name in answers and in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            WaitingFor::Dispatch => "dispatch",
            WaitingFor::Delivery => "delivery",
        }
    }

    /// What it is when it takes too long.
    #[must_use]
    pub fn late(self) -> Attention {
        match self {
            WaitingFor::Dispatch => Attention::LateDispatch,
            WaitingFor::Delivery => Attention::LateDelivery,
        }
    }
}

impl Attention {
    /// Every one there is.
    pub const ALL: [Attention; 2] = [Attention::LateDispatch, Attention::LateDelivery];

    /// Its name in answers and in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Attention::LateDispatch => "late_dispatch",
            Attention::LateDelivery => "late_delivery",
        }
    }
}

impl FromStr for Attention {
    type Err = UnknownAttention;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Attention::ALL.into_iter().find(|attention| attention.name() == text);
        found.ok_or_else(|| UnknownAttention(text.to_owned()))
    }
}

impl Delivery {
    /// What it waits for; nothing once it has ended.
    #[must_use]
    pub fn waiting_for(&self) -> Option<WaitingFor> {
        match self.status {
            Status::Scheduled => Some(WaitingFor::Dispatch),
            Status::Dispatched => Some(WaitingFor::Delivery),
            Status::Void | Status::Refused | Status::Failed | Status::Delivered | Status::Cancelled => None,
        }
    }

    /// Its time is up. Only a person can make a parcel leave or arrive, so somebody has to look.
    #[must_use]
    pub fn overdue(mut self, stamp: Stamp) -> Decision {
        self.attention = self.waiting_for().map(WaitingFor::late);
        self.deadline = None;
        Decision::none(self, stamp)
    }

    /// When it is late: so long after the end (UTC) of its day. None once it has ended.
    fn late_from(&self, terms: &Terms) -> Option<DateTime<Utc>> {
        let day = self.slot.as_ref()?.date;
        self.waiting_for().map(|_| end_of(day) + terms.late_after)
    }
}

fn end_of(day: NaiveDate) -> DateTime<Utc> {
    day.succ_opt().unwrap_or(day).and_time(NaiveTime::MIN).and_utc()
}

impl Decision {
    /// With the deadline that follows from the delivery's status and day. Every decision goes through here before it is saved.
    #[must_use]
    pub fn due(mut self, terms: &Terms) -> Self {
        let (delivery, now) = (&mut self.delivery, self.stamp.at);
        let Some(late_from) = delivery.late_from(terms) else {
            (delivery.attention, delivery.deadline) = (None, None);
            return self;
        };
        // Another day that is still to come makes good what was late.
        if delivery.attention.is_some() && late_from <= now {
            return self;
        }
        let due = match delivery.status {
            // What leaves after its day has as much time from then on.
            Status::Dispatched => late_from.max(delivery.deadline.unwrap_or(now + terms.late_after)),
            Status::Scheduled
            | Status::Void
            | Status::Refused
            | Status::Failed
            | Status::Delivered
            | Status::Cancelled => late_from,
        };
        (delivery.attention, delivery.deadline) = (None, Some(due));
        self
    }
}
