//! Two journeys as one timeline: by the clocks of both sides, and never an event before its announcement. Pure.

use std::collections::{HashMap, VecDeque};

use chassis::messaging::lane::{Announcement, Parked};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use shared_events::{EventId, Version};
use uuid::Uuid;

use super::known::{Journey, Step};
use crate::services::{Side, Sides};
use crate::topics::Found;

/// One line of the timeline.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Entry {
    /// When, by that side's clock.
    pub at: DateTime<Utc>,
    /// How long after the line before; less than nothing where the clocks differ by more than the event took.
    pub after_ms: Option<i64>,
    /// Whose.
    pub side: Side,
    /// The event, the command, the deadline; what was announced, or parked.
    pub what: String,
    /// The version of the event.
    pub version: Option<Version>,
    /// Where the order, or the delivery, stood afterwards.
    pub status: Option<String>,
    /// The event behind it, or the id of the request.
    pub cause: Option<String>,
    /// Since when it waits to go out.
    pub unsent_since: Option<DateTime<Utc>>,
    /// Where an announced event lies on its topic, each copy of it; only where the topics were read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub places: Option<Vec<Found>>,
    /// What it tells the other side, or takes in from there.
    #[serde(skip)]
    link: Link,
}

/// How a line hangs together with the other side's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Link {
    None,
    Announces(Version),
    TakesIn(Version),
}

impl Entry {
    /// The version of the event that it announces, if it announces one.
    pub(super) fn announces(&self) -> Option<Version> {
        match self.link {
            Link::Announces(version) => Some(version),
            Link::TakesIn(_) | Link::None => None,
        }
    }
}

/// The lines of both sides in the order in which they happened.
#[must_use]
pub fn timeline(journeys: &Sides<Journey>) -> Vec<Entry> {
    let names = names(journeys);
    let mut lines = Sides {
        orders: lines(Side::OrderService, &journeys.orders, &names),
        deliveries: lines(Side::DeliveryService, &journeys.deliveries, &names),
    };
    let mut merged: Vec<Entry> = Vec::new();
    while let Some(side) = next(&lines) {
        merged.extend(lines.of_mut(side).pop_front());
    }
    let times: Vec<DateTime<Utc>> = merged.iter().map(|entry| entry.at).collect();
    for (entry, before) in merged.iter_mut().skip(1).zip(times) {
        entry.after_ms = Some((entry.at - before).num_milliseconds());
    }
    merged
}

/// Which side's first line comes next: the older one, unless what it takes in is still to be announced by the other.
fn next(lines: &Sides<VecDeque<Entry>>) -> Option<Side> {
    let is_blocked = |side: Side| match lines.of(side).front()?.link {
        Link::TakesIn(version) => {
            let announced = lines.of(side.other()).iter().any(|entry| entry.link == Link::Announces(version));
            Some(announced)
        }
        Link::Announces(_) | Link::None => Some(false),
    };
    match (is_blocked(Side::OrderService), is_blocked(Side::DeliveryService)) {
        (None, None) => None,
        (Some(_), None) => Some(Side::OrderService),
        (None, Some(_)) => Some(Side::DeliveryService),
        (Some(true), Some(false)) => Some(Side::DeliveryService),
        (Some(false), Some(true)) => Some(Side::OrderService),
        (Some(_), Some(_)) => {
            let [one, other] = Side::BOTH.map(|side| lines.of(side).front().map(|entry| entry.at));
            Some(if one <= other { Side::OrderService } else { Side::DeliveryService })
        }
    }
}

/// What an event's id stands for: `OrderCompleted v1`.
fn names(journeys: &Sides<Journey>) -> HashMap<EventId, String> {
    let announced = Side::BOTH.into_iter().flat_map(|side| &journeys.of(side).announced);
    announced.map(|one| (one.event_id, format!("{} v{}", one.event, one.version))).collect()
}

fn lines(side: Side, journey: &Journey, names: &HashMap<EventId, String>) -> VecDeque<Entry> {
    let cause = |id: &str| {
        let event = id.parse::<Uuid>().ok().and_then(|id| names.get(&EventId(id)).cloned());
        Some(event.unwrap_or_else(|| id.to_owned()))
    };
    let steps = journey.steps.iter().map(|step| step_line(side, step, cause(&step.cause_id)));
    let announced = journey.announced.iter().map(|one| announced_line(side, one, cause(&one.cause_id)));
    let parked = journey.parked.iter().map(|one| parked_line(side, one));
    let mut lines: Vec<Entry> = parked.chain(steps).chain(announced).collect();
    // Stable: what was decided at one moment stands before what was announced of it.
    lines.sort_by_key(|entry| entry.at);
    lines.into()
}

fn step_line(side: Side, step: &Step, cause: Option<String>) -> Entry {
    Entry {
        at: step.at,
        after_ms: None,
        side,
        what: step.what.clone(),
        version: step.event_version,
        status: Some(step.status.clone()),
        cause,
        unsent_since: None,
        places: None,
        link: step.event_version.map_or(Link::None, Link::TakesIn),
    }
}

fn announced_line(side: Side, one: &Announcement, cause: Option<String>) -> Entry {
    let unsent = if one.unsent_since.is_some() { ", which has not gone out" } else { "" };
    Entry {
        at: one.at,
        after_ms: None,
        side,
        what: format!("announces {}{unsent}", one.event),
        version: Some(one.version),
        status: None,
        cause,
        unsent_since: one.unsent_since,
        places: None,
        link: Link::Announces(one.version),
    }
}

fn parked_line(side: Side, one: &Parked) -> Entry {
    let event = one.event.as_deref().unwrap_or("a record");
    let became = match (one.resolved_at, &one.resolution) {
        (Some(at), Some(resolution)) => {
            format!("{resolution} {} ms later", (at - one.since).max(TimeDelta::zero()).num_milliseconds())
        }
        (None, _) | (_, None) => format!("tried {} times: {}", one.attempts, one.error),
    };
    Entry {
        at: one.since,
        after_ms: None,
        side,
        what: format!("parks {event} as {} ({became})", one.cause),
        version: one.version,
        status: None,
        cause: None,
        unsent_since: None,
        places: None,
        link: Link::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::milliseconds(ms)
    }

    fn step(ms: i64, what: &str, cause: &str, event_version: Option<i64>) -> Step {
        let event_version = event_version.map(Version);
        let (what, cause_id) = (what.to_owned(), cause.to_owned());
        Step { number: 1, at: at(ms), what, status: "x".to_owned(), cause_id, event_version }
    }

    fn announces(ms: i64, event: &str, version: i64, id: u128) -> Announcement {
        let (event, event_id, version) = (event.to_owned(), EventId(Uuid::from_u128(id)), Version(version));
        Announcement { version, event, event_id, at: at(ms), cause_id: "c".to_owned(), unsent_since: None }
    }

    /// An order that is placed and confirmed, where the other side's clock is off by so much.
    fn confirmed(off: i64) -> Sides<Journey> {
        let [first, second] = [1, 2].map(|id| Uuid::from_u128(id).to_string());
        let orders = Journey {
            steps: vec![step(0, "placed", "request", None), step(30, "DeliveryCreated", &second, Some(1))],
            announced: vec![announces(0, "OrderCompleted", 1, 1)],
            ..Journey::default()
        };
        let deliveries = Journey {
            steps: vec![step(off + 10, "OrderCompleted", &first, Some(1))],
            announced: vec![announces(off + 10, "DeliveryCreated", 1, 2)],
            ..Journey::default()
        };
        Sides { orders, deliveries }
    }

    #[test]
    fn both_sides_become_one_timeline_in_which_every_event_names_its_cause() {
        let timeline = timeline(&confirmed(0));
        let told: Vec<_> =
            timeline.iter().map(|it| (it.side.name(), &*it.what, it.after_ms, it.cause.as_deref())).collect();
        let [orders, deliveries] = Side::BOTH.map(Side::name);
        assert_eq!(
            told,
            [
                (orders, "placed", None, Some("request")),
                (orders, "announces OrderCompleted", Some(0), Some("c")),
                (deliveries, "OrderCompleted", Some(10), Some("OrderCompleted v1")),
                (deliveries, "announces DeliveryCreated", Some(0), Some("c")),
                (orders, "DeliveryCreated", Some(20), Some("DeliveryCreated v1")),
            ]
        );
    }

    #[test]
    fn no_clock_puts_an_event_before_its_announcement() {
        let in_step: Vec<_> = timeline(&confirmed(0)).into_iter().map(|entry| entry.what).collect();
        for off in [-5_000, 5_000] {
            let timeline = timeline(&confirmed(off));
            let order: Vec<_> = timeline.iter().map(|entry| entry.what.clone()).collect();
            assert_eq!(order, in_step, "off by {off} ms");
            assert!(timeline.iter().any(|entry| entry.after_ms.is_some_and(|after| after < 0)), "and it is seen");
        }
    }

    #[test]
    fn an_event_whose_announcement_nobody_has_any_more_is_told_all_the_same() {
        let mut journeys = confirmed(0);
        journeys.deliveries.announced.clear();
        journeys.orders.announced.clear();
        assert_eq!(timeline(&journeys).len(), 3);
    }
}
