//! The recipient was absent: another day, and after some times the parcel comes back.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use shared_events::Stamp;

use super::{Decision, Delivery, FailureReason, Means, Refusal, SlotChange};

/// One time at which a parcel was brought and nobody was there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// 1, 2, 3… for each delivery.
    pub number: u32,
    /// When it was recorded.
    pub at: DateTime<Utc>,
    /// The day it was planned for.
    pub date: NaiveDate,
    /// What the courier has to say about it.
    pub note: Option<String>,
    /// The day it is planned for next. None where it was the last time: the parcel comes back.
    pub next_date: Option<NaiveDate>,
}

impl Delivery {
    /// The day that the customer was told. It stays, however often the parcel has to be brought.
    #[must_use]
    pub fn promised_date(&self) -> Option<NaiveDate> {
        let slot = self.slot.as_ref().map(|slot| slot.date);
        self.attempts.first().map(|attempt| attempt.date).or(slot)
    }

    /// Whether it was this attempt that was recorded last: then it was told again, by somebody who missed the answer.
    pub(super) fn has_last_recorded(&self, number: u32) -> bool {
        self.attempts.last().is_some_and(|last| last.number == number)
    }

    /// The courier keeps the parcel and gets another day for it, by the rules for slots, or brings it back for good. The order
    /// side hears only of the latter.
    pub(super) fn attempt(
        mut self,
        number: u32,
        note: Option<String>,
        wished: Option<NaiveDate>,
        means: &Means<'_>,
        stamp: Stamp,
    ) -> Result<Decision, Refusal> {
        let Some(before) = self.slot.clone() else {
            return Err(Refusal::WrongStatus { command: "attempt", status: self.status });
        };
        let expected = self.attempts.last().map_or(1, |last| last.number + 1);
        if number != expected {
            return Err(Refusal::WrongAttempt { expected });
        }
        let attempt = Attempt { number, at: stamp.at, date: before.date, note, next_date: None };
        if number >= means.terms.max_attempts {
            self.attempts.push(attempt);
            return self.fail(FailureReason::RecipientAbsent, stamp);
        }
        let next = means
            .plan
            .later_slot(&before, wished, stamp.at.date_naive())
            .map_err(|alternatives| Refusal::NoDayWithRoom { alternatives })?;
        self.attempts.push(Attempt { next_date: Some(next.date), ..attempt });
        self.slot = Some(next.clone());
        Ok(Decision { slot: Some(SlotChange::Move { from: before, to: next }), ..Decision::none(self, stamp) })
    }

    /// It has arrived, and nothing else can become of it.
    pub(super) fn already_delivered(&self) -> Refusal {
        let received_by = self.proof.as_ref().map_or_else(String::new, |proof| proof.received_by.clone());
        Refusal::AlreadyDelivered { received_by }
    }
}
