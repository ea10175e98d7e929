//! How long an order waits, and for what. The clock decides no winner: it makes us ask, or makes somebody look.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use shared_events::{OrderId, Stamp};

use super::{ASKS_BEFORE_ATTENTION, Decision, Order, Status, What, names::named};

/// How many times the wait for an answer is doubled, once somebody has to look anyway: nothing may grow without end.
const MOST_DOUBLINGS: u32 = 6;

/// How long each wait may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// For the delivery side to say whether there will be a delivery.
    pub outcome: TimeDelta,
    /// How many times that wait begins anew where asking would be too early.
    pub extensions: u32,
    /// For the answer to a cancellation, before it is announced again.
    pub cancellation: TimeDelta,
    /// After the end of the promised day.
    pub late_after: TimeDelta,
}

impl Terms {
    /// The longest that an order waits for an event which may be on its way already.
    #[must_use]
    pub fn longest_wait(&self) -> TimeDelta {
        let outcome = self.outcome * i32::try_from(self.extensions).unwrap_or(i32::MAX).saturating_add(1);
        let answer = self.cancellation * 2_i32.pow(MOST_DOUBLINGS);
        outcome.max(answer).max(self.late_after)
    }
}

named! {
    /// What an order waits for.
    WaitingFor {
        /// The delivery side says whether there will be a delivery.
        DeliveryOutcome = "delivery_outcome",
        /// The delivery side says what became of our cancellation.
        CancellationAnswer = "cancellation_answer",
        /// A courier picks the parcel up.
        Dispatch = "dispatch",
        /// The parcel arrives.
        Delivery = "delivery",
    }
}

named! {
    /// Why it would be too early to ask: the delivery side may know nothing of the order, or we nothing of its answer.
    TooEarly {
        /// What we announced about the order has not gone out.
        Unsent = "event_unsent",
        /// What the delivery side announced about it is here, and cannot be applied.
        Parked = "outcome_parked",
        /// The delivery side is not known to have answered any younger order.
        Silent = "peer_silent",
    }
}

/// What is known, when an order's time is up, of the way to the delivery side and back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WayBack {
    /// Why nothing could come back, as far as this order alone shows it.
    pub held_up: Option<TooEarly>,
    /// How far the delivery side has come: on every lane it has answered this order, or a younger one.
    pub heard: Option<OrderId>,
}

impl WayBack {
    /// Orders are answered in the order in which they were placed, and ids sort by that. No clock over there takes part.
    fn too_early(self, order_id: OrderId) -> Option<TooEarly> {
        let is_silent = self.heard.is_none_or(|heard| heard < order_id);
        self.held_up.or(is_silent.then_some(TooEarly::Silent))
    }
}

impl Order {
    /// What it waits for; nothing once it has ended.
    #[must_use]
    pub fn waiting_for(&self) -> Option<WaitingFor> {
        match self.status {
            Status::Completed => Some(WaitingFor::DeliveryOutcome),
            Status::Cancelling => Some(WaitingFor::CancellationAnswer),
            Status::Confirmed => Some(WaitingFor::Dispatch),
            Status::InDelivery => Some(WaitingFor::Delivery),
            Status::Delivered | Status::Cancelled | Status::Returned => None,
        }
    }

    /// Its time is up. Where asking would be too early it waits once more, so many times; then what the table says. A question that
    /// has not gone out is not asked again: its time begins anew, and nothing is counted against the delivery side.
    #[must_use]
    pub fn overdue(self, way_back: WayBack, terms: &Terms, stamp: Stamp) -> Decision {
        if self.status == Status::Cancelling && way_back.held_up == Some(TooEarly::Unsent) {
            return self.put_off(terms, stamp);
        }
        let may_wait = self.status == Status::Completed && self.deadline_extended < terms.extensions;
        match way_back.too_early(self.id) {
            Some(reason) if may_wait => self.waiting_once_more().because(What::DeadlineExtended(reason), stamp),
            Some(_) | None => self.deadline_passed(stamp),
        }
    }

    /// Without a line in the history: this may go on for as long as Kafka is away.
    fn put_off(mut self, terms: &Terms, stamp: Stamp) -> Decision {
        self.deadline = self.due(stamp.at, terms);
        Decision::nothing(self)
    }

    fn waiting_once_more(mut self) -> Decision {
        self.deadline = None;
        self.deadline_extended += 1;
        Decision::nothing(self)
    }

    /// When the wait that begins at this moment has taken too long.
    fn due(&self, begins: DateTime<Utc>, terms: &Terms) -> Option<DateTime<Utc>> {
        match (self.waiting_for()?, self.attention) {
            (WaitingFor::DeliveryOutcome, _) => Some(begins + terms.outcome),
            (WaitingFor::CancellationAnswer, _) => Some(begins + self.patience(terms)),
            (WaitingFor::Dispatch | WaitingFor::Delivery, Some(_)) => None,
            (WaitingFor::Dispatch, None) => Some(self.promised_day_ends(begins) + terms.late_after),
            (WaitingFor::Delivery, None) => Some(self.promised_day_ends(begins).max(begins) + terms.late_after),
        }
    }

    fn patience(&self, terms: &Terms) -> TimeDelta {
        let doublings = self.cancellation_asked.saturating_sub(ASKS_BEFORE_ATTENTION).min(MOST_DOUBLINGS);
        terms.cancellation * 2_i32.pow(doublings)
    }

    /// Midnight (UTC) after the day that the customer was told; after today where nobody told one.
    fn promised_day_ends(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        end_of(self.delivery.promised_date.unwrap_or(now.date_naive()))
    }
}

fn end_of(day: NaiveDate) -> DateTime<Utc> {
    day.succ_opt().unwrap_or(day).and_time(NaiveTime::MIN).and_utc()
}

impl Decision {
    /// With the deadline of the wait that it begins, if it begins one. Every decision goes through here before it is saved.
    #[must_use]
    pub fn due(mut self, terms: &Terms) -> Self {
        if let Some(change) = self.change {
            self.order.deadline = self.order.deadline.or_else(|| self.order.due(change.at, terms));
        }
        self
    }
}
