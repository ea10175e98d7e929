//! One cause for each waiting order. Pure.

use std::collections::BTreeSet;

use chassis::messaging::stuck::Cause as OwnCause;
use serde::Serialize;
use shared_events::Version;
use uuid::Uuid;

use super::facts::{Item, Lane, Saga};
use super::lags::Lags;
use crate::services::{Side, Sides};

/// The one thing that holds an order up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Published and consumed, and no trace of it: a bug.
    Lost,
    /// It is to be undone, and that does not come to an end.
    CompensationFailing,
    /// What the delivery side announced cannot be applied at the order side.
    Parked,
    /// What the order side announced cannot be applied at the delivery side.
    ParkedAtThePeer,
    /// An operator holds back what would come next.
    Paused,
    /// What a side announced has not gone out.
    NotPublished,
    /// The same, and no broker answers.
    BrokerAway,
    /// It is published, and the other side has not come so far.
    PeerBehind,
    /// A person should have acted by now.
    Late,
    /// A person has time until then.
    DeadlineNotReached,
    /// An answer is on its way.
    AwaitingPeer,
}

impl Cause {
    /// All of them, those first of which somebody should know first.
    pub const ALL: [Cause; 11] = [
        Cause::Lost,
        Cause::CompensationFailing,
        Cause::Parked,
        Cause::ParkedAtThePeer,
        Cause::Paused,
        Cause::NotPublished,
        Cause::BrokerAway,
        Cause::PeerBehind,
        Cause::Late,
        Cause::DeadlineNotReached,
        Cause::AwaitingPeer,
    ];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Cause::Lost => "lost",
            Cause::CompensationFailing => "compensation_failing",
            Cause::Parked => "parked",
            Cause::ParkedAtThePeer => "parked_at_the_peer",
            Cause::Paused => "paused",
            Cause::NotPublished => "not_published",
            Cause::BrokerAway => "broker_away",
            Cause::PeerBehind => "peer_behind",
            Cause::Late => "late",
            Cause::DeadlineNotReached => "deadline_not_reached",
            Cause::AwaitingPeer => "awaiting_peer",
        }
    }

    /// What helps.
    #[must_use]
    pub fn helps(self) -> &'static str {
        match self {
            Cause::Lost => {
                "Somebody has to find out how: keep the topics and both databases as they are, and look at both logs for the order's id."
            }
            Cause::CompensationFailing => {
                "Nothing is refunded without an answer: find out why the other side does not give one; until then the question is put again by itself."
            }
            Cause::Parked | Cause::ParkedAtThePeer => {
                "Put right what the error names; then the event is tried again by itself while it has tries left, and by hand once it rests."
            }
            Cause::Paused => {
                "Ask who holds it back, or end the pause (sagactl pause end); it ends by itself at its time."
            }
            Cause::NotPublished => {
                "See whether an instance's relay leads (/consumer), and what its log says of the event; it is sent as soon as it can be."
            }
            Cause::BrokerAway => {
                "Bring Kafka back, or the way to it. Nothing is lost meanwhile, and what waits goes out by itself."
            }
            Cause::PeerBehind => "See that the consumer there runs and its database answers; it catches up by itself.",
            Cause::Late => "Somebody has to dispatch the parcel, hand it over, or say that it failed.",
            Cause::DeadlineNotReached => "Nothing is wrong: a person still has time.",
            Cause::AwaitingPeer => "Wait a moment: the answer is on its way.",
        }
    }
}

/// What shows that something may be lost: an event that was published by this side and has come to nothing.
pub(super) type Evidence = (Side, Version);

/// What was found of one order.
#[derive(Clone, Debug)]
pub(super) struct Verdict {
    pub cause: Cause,
    /// Where it is.
    pub at: Side,
    pub detail: String,
    evidence: BTreeSet<Evidence>,
}

impl Verdict {
    fn of(cause: Cause, at: Side, detail: impl Into<String>) -> Self {
        Self { cause, at, detail: detail.into(), evidence: BTreeSet::new() }
    }

    /// What shows that it may be lost, if it may be.
    pub fn suspected(&self) -> Option<&BTreeSet<Evidence>> {
        (self.cause == Cause::Lost).then_some(&self.evidence)
    }

    /// It is lost only if the same was missing before; else it is on its way.
    pub fn confirmed(self, before: &BTreeSet<Evidence>) -> Self {
        if self.cause == Cause::Lost && self.evidence.is_disjoint(before) {
            return Self { cause: Cause::AwaitingPeer, ..self };
        }
        self
    }
}

/// Names the cause; none where neither side waits for anything any more.
pub(super) fn judge(order: Uuid, saga: &Saga, lags: &Lags) -> Option<Verdict> {
    let on_its_way = || Side::BOTH.into_iter().find_map(|from| on_its_way(order, from, &saga.lanes, lags));
    let lies_at = |side: Side| lies_there(side, saga.items.of(side).as_ref()?, saga);
    if let Some(verdict) = Side::BOTH.into_iter().find_map(lies_at) {
        let elsewhere = verdict.at.other();
        let reason = || {
            let lies = lies_at(elsewhere).map(|more| format!("{elsewhere} says: {}", more.detail));
            lies.or_else(|| Some(on_its_way().or_else(|| silent(order, &saga.lanes, lags))?.detail))
        };
        return Some(with_reason(verdict, reason));
    }
    let mut own = Side::BOTH.into_iter().filter_map(|side| Some((side, saga.items.of(side).as_ref()?)));
    on_its_way().or_else(|| own.find_map(|(side, item)| is_waited_for(order, side, item, &saga.lanes, lags)))
}

/// What one side shows by itself: something lies there, or an undoing fails.
fn lies_there(side: Side, item: &Item, saga: &Saga) -> Option<Verdict> {
    let cause = match (item.cause, side) {
        (OwnCause::Parked, Side::DeliveryService) if saga.items.orders.is_some() => Cause::ParkedAtThePeer,
        (OwnCause::Parked, Side::OrderService | Side::DeliveryService) => Cause::Parked,
        (OwnCause::Paused, _) if item.lane.has_something() => Cause::Paused,
        (OwnCause::NotPublished, _) => Cause::NotPublished,
        (OwnCause::BrokerAway, _) => Cause::BrokerAway,
        (OwnCause::CompensationFailing, _) => Cause::CompensationFailing,
        (OwnCause::Paused | OwnCause::AwaitingPeer | OwnCause::DeadlineNotReached, _) => return None,
        (OwnCause::Late | OwnCause::Nothing, _) => return None,
    };
    Some(Verdict::of(cause, side, &item.detail))
}

/// An undoing fails for a reason: something lies at the other side, or that is behind.
fn with_reason(verdict: Verdict, reason: impl Fn() -> Option<String>) -> Verdict {
    match verdict.cause {
        Cause::CompensationFailing => match reason() {
            Some(reason) => Verdict { detail: format!("{}; {reason}", verdict.detail), ..verdict },
            None => verdict,
        },
        Cause::Lost
        | Cause::Parked
        | Cause::ParkedAtThePeer
        | Cause::Paused
        | Cause::NotPublished
        | Cause::BrokerAway
        | Cause::PeerBehind
        | Cause::Late
        | Cause::DeadlineNotReached
        | Cause::AwaitingPeer => verdict,
    }
}

/// What this side has published and the other has not seen.
fn on_its_way(order: Uuid, from: Side, lanes: &Sides<Option<Lane>>, lags: &Lags) -> Option<Verdict> {
    let to = from.other();
    let (here, there) = (lanes.of(from).as_ref()?, lanes.of(to).as_ref()?);
    let first = here.on_the_way_to(there).next()?;
    let evidence = here.on_the_way_to(there).map(|one| (from, one.version)).collect();
    let named = format!("{} v{}", first.event, first.version);
    let detail = match lags.of(to, order) {
        Some(0) => {
            let detail =
                format!("{named} was published by {from}, {to} has read all there is, and knows nothing of it");
            return Some(Verdict { evidence, ..Verdict::of(Cause::Lost, to, detail) });
        }
        Some(behind) => format!("{named} is published, and {to} is behind by {behind} records on that partition"),
        None => format!("{named} is published, and {to} has not seen it; by how much it is behind is not known"),
    };
    Some(match there.held_reading(to) {
        Some(held) => Verdict::of(Cause::Paused, to, format!("{detail}; {held}")),
        None => Verdict::of(Cause::PeerBehind, to, detail),
    })
}

/// An answer is missing, and the delivery side cannot be asked: it counts as behind, unless Kafka says that it has read all there is.
fn silent(order: Uuid, lanes: &Sides<Option<Lane>>, lags: &Lags) -> Option<Verdict> {
    let to = Side::DeliveryService;
    let last = match lanes.deliveries {
        Some(_) => return None,
        None => lanes.orders.as_ref()?.announced.last()?,
    };
    let behind = match lags.of(to, order) {
        Some(0) => return None,
        Some(behind) => format!("and is behind by {behind} records on that partition"),
        None => "so by how much it is behind is not known".to_owned(),
    };
    let detail = format!("{} v{} is published; {to} does not answer, {behind}", last.event, last.version);
    Some(Verdict::of(Cause::PeerBehind, to, detail))
}

/// Nothing lies anywhere and nothing is on its way: somebody has to act, or an answer is missing that should be there.
fn is_waited_for(order: Uuid, side: Side, item: &Item, lanes: &Sides<Option<Lane>>, lags: &Lags) -> Option<Verdict> {
    match item.cause {
        OwnCause::Late => Some(Verdict::of(Cause::Late, side, &item.detail)),
        OwnCause::DeadlineNotReached => Some(Verdict::of(Cause::DeadlineNotReached, side, &item.detail)),
        OwnCause::AwaitingPeer | OwnCause::Paused => {
            let answerer = side.other();
            if lanes.of(answerer).is_none() {
                let detail = format!("{}; {answerer} does not answer", item.detail);
                let awaited = || Verdict::of(Cause::AwaitingPeer, answerer, detail);
                return Some(silent(order, lanes, lags).unwrap_or_else(awaited));
            }
            let last = item.lane.announced.last().map(|last| last.version).unwrap_or_default();
            let detail = format!("{}; {answerer} has taken it in, and has announced no answer", item.detail);
            Some(Verdict { evidence: BTreeSet::from([(side, last)]), ..Verdict::of(Cause::Lost, answerer, detail) })
        }
        OwnCause::NotPublished
        | OwnCause::BrokerAway
        | OwnCause::Parked
        | OwnCause::CompensationFailing
        | OwnCause::Nothing => None,
    }
}

#[cfg(test)]
mod tests;
