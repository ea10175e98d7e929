//! Why an order waits, as far as one side can tell: one named cause, and what shows it. What it takes the other side to know, the operator's
//! command finds out by asking both.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared_events::{OrderId, Topic};
use sqlx::PgConnection;
use uuid::Uuid;

use super::lane::{Announcement, Held, Lane, Parked};

/// So many unanswered questions, and a cancellation counts as failing: asked, and asked again twice.
const ASKS_BEFORE_FAILING: u32 = 3;

/// The one thing that holds an order up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// What this side announced has not gone out.
    NotPublished,
    /// The same, and no broker answers.
    BrokerAway,
    /// What the other side announced is here, and cannot be applied.
    Parked,
    /// An operator holds back what would come next.
    Paused,
    /// It waits for a person, who has time until then.
    DeadlineNotReached,
    /// It waits for a person, whose time is up.
    Late,
    /// It is to be undone, and that does not come to an end.
    CompensationFailing,
    /// All of it has gone out, and the other side's answer has not come.
    AwaitingPeer,
    /// It waits for nothing any more.
    Nothing,
}

/// What an order or a delivery waits for, by its service's own table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// For the other side to say something.
    Peer,
    /// For the answer to a cancellation.
    Undoing {
        /// How many times it was asked for.
        asked: u32,
        /// Whether somebody has to look at it.
        is_flagged: bool,
    },
    /// For a person, until then; without a moment their time is up.
    Person {
        /// When their time is up.
        until: Option<DateTime<Utc>>,
    },
    /// For nothing: it has come to an end, or is not known here.
    Nothing,
}

/// Names the cause, with a sentence on what shows it. `broker_answers` is asked only where something has not gone out.
#[must_use]
pub fn cause(lane: &Lane, wait: Wait, announces_on: Topic, broker_answers: bool) -> (Cause, String) {
    let held = |holds: fn(&Held, Topic) -> bool| lane.held.iter().find(|held| holds(held, announces_on));
    if let Some(parked) = lane.waiting() {
        let held = lane.held.iter().find(|held| held.what == "order" && parked.cause == "paused");
        let by_whom = held.map(|held| format!("; {held}")).unwrap_or_default();
        return (parked_cause(parked, wait), format!("{}{by_whom}", told(parked)));
    }
    if let Some((unsent, since)) = lane.unsent() {
        let told = format!("{} waits in the outbox since {}", name(unsent), moment(since));
        return match held(Held::holds_sending) {
            Some(held) => (Cause::Paused, format!("{told}; {held}")),
            None if broker_answers => (Cause::NotPublished, told),
            None => (Cause::BrokerAway, told),
        };
    }
    match (wait, held(Held::holds_reading)) {
        (Wait::Undoing { .. } | Wait::Peer, Some(held)) => (Cause::Paused, format!("{}; {held}", awaited(lane))),
        (Wait::Undoing { asked, is_flagged }, None) if is_flagged || asked >= ASKS_BEFORE_FAILING => {
            (Cause::CompensationFailing, format!("asked {asked} times to cancel, and no answer has come"))
        }
        (Wait::Undoing { .. } | Wait::Peer, None) => (Cause::AwaitingPeer, awaited(lane)),
        (Wait::Person { until: Some(until) }, _) => {
            (Cause::DeadlineNotReached, format!("a person has until {}", moment(until)))
        }
        (Wait::Person { until: None }, _) => (Cause::Late, "a person should have acted by now".to_owned()),
        (Wait::Nothing, _) => (Cause::Nothing, "it waits for nothing here".to_owned()),
    }
}

fn parked_cause(parked: &Parked, wait: Wait) -> Cause {
    match wait {
        _ if parked.cause == "paused" => Cause::Paused,
        Wait::Undoing { .. } if parked.cause == "rejected" => Cause::CompensationFailing,
        Wait::Undoing { .. } | Wait::Peer | Wait::Person { .. } | Wait::Nothing => Cause::Parked,
    }
}

fn told(parked: &Parked) -> String {
    let event = parked.event.as_deref().unwrap_or("a record");
    let version = parked.version.map(|version| format!(" v{version}")).unwrap_or_default();
    let next = parked.next_attempt_at.map_or("and rests".to_owned(), |at| format!("next at {}", moment(at)));
    let Parked { cause, error, attempts, .. } = parked;
    format!("{event}{version} is parked here as {cause}, tried {attempts} times, {next}: {error}")
}

fn awaited(lane: &Lane) -> String {
    let last = lane
        .announced
        .last()
        .map_or("nothing of it is in the log any more".to_owned(), |last| format!("{} has gone out", name(last)));
    let seen =
        lane.seen.map_or("nothing has come back".to_owned(), |seen| format!("v{seen} was the last that came back"));
    format!("{last}, {seen}")
}

fn name(announcement: &Announcement) -> String {
    format!("{} v{}", announcement.event, announcement.version)
}

fn moment(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Which orders are looked at: by id, the oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Which {
    /// Only those behind this id.
    pub after: OrderId,
    /// Only those before this one.
    pub before: OrderId,
    /// Only these; any, if there is none.
    pub among: Vec<OrderId>,
    /// So many at most.
    pub rows: i64,
}

impl Which {
    /// The ids of `among`, as the database takes them.
    #[must_use]
    pub fn ids(&self) -> Vec<Uuid> {
        self.among.iter().map(|order| order.0).collect()
    }
}

/// The orders among these of which something lies here: an event that has not gone out, or a record that could not be applied. Whatever
/// their status is.
///
/// # Errors
/// The database's.
pub async fn lying_here(connection: &mut PgConnection, which: &Which) -> sqlx::Result<Vec<OrderId>> {
    let orders = sqlx::query_scalar!(
        r#"select order_id as "order_id!" from (
               (select distinct order_id from outbox
                where order_id > $1 and order_id < $2 and (cardinality($3::uuid[]) = 0 or order_id = any ($3))
                order by order_id limit $4)
               union
               (select distinct order_id from parked_events
                where order_id > $1 and order_id < $2 and (cardinality($3::uuid[]) = 0 or order_id = any ($3))
                  and resolved_at is null
                order by order_id limit $4)
           ) as lying
           order by order_id limit $4"#,
        which.after.0,
        which.before.0,
        &which.ids(),
        which.rows
    );
    Ok(orders.fetch_all(connection).await?.into_iter().map(OrderId).collect())
}

#[cfg(test)]
mod tests {
    use shared_events::{EventId, Version};

    use super::*;

    fn announced(unsent: bool) -> Announcement {
        let at = DateTime::UNIX_EPOCH;
        Announcement {
            version: Version(1),
            event: "OrderCompleted".to_owned(),
            event_id: EventId(Uuid::nil()),
            at,
            cause_id: "x".to_owned(),
            unsent_since: unsent.then_some(at),
        }
    }

    fn parked(cause: &str) -> Parked {
        Parked {
            id: Uuid::nil(),
            version: Some(Version(1)),
            event: None,
            cause: cause.to_owned(),
            error: "why".to_owned(),
            attempts: 1,
            since: DateTime::UNIX_EPOCH,
            next_attempt_at: None,
            resolved_at: None,
            resolution: None,
        }
    }

    fn lane(unsent: bool, parked: Vec<Parked>) -> Lane {
        Lane { announced: vec![announced(unsent)], seen: None, parked, held: vec![] }
    }

    #[test]
    fn what_lies_here_comes_before_what_is_waited_for() {
        let undoing = |asked, is_flagged| Wait::Undoing { asked, is_flagged };
        let person = |until| Wait::Person { until };
        let of = |unsent, parked, wait, broker| cause(&lane(unsent, parked), wait, Topic::Orders, broker).0;
        for wait in [Wait::Peer, undoing(9, true), person(None), person(Some(DateTime::UNIX_EPOCH)), Wait::Nothing] {
            assert_eq!(of(true, vec![], wait, true), Cause::NotPublished, "{wait:?}");
            assert_eq!(of(true, vec![], wait, false), Cause::BrokerAway, "{wait:?}");
            assert_eq!(of(true, vec![parked("gap")], wait, true), Cause::Parked, "{wait:?}");
        }
        assert_eq!(of(false, vec![parked("rejected")], undoing(1, false), true), Cause::CompensationFailing);
        assert_eq!(of(false, vec![parked("rejected")], Wait::Peer, true), Cause::Parked);
        assert_eq!(of(false, vec![], Wait::Peer, true), Cause::AwaitingPeer);
        assert_eq!(of(false, vec![], person(None), true), Cause::Late);
        assert_eq!(of(false, vec![], person(Some(DateTime::UNIX_EPOCH)), true), Cause::DeadlineNotReached);
        assert_eq!(of(false, vec![], Wait::Nothing, true), Cause::Nothing);
    }

    #[test]
    fn a_cancellation_fails_when_it_is_flagged_or_was_asked_for_twice_more() {
        let of =
            |asked, is_flagged| cause(&lane(false, vec![]), Wait::Undoing { asked, is_flagged }, Topic::Orders, true).0;
        assert_eq!([of(1, false), of(2, false)], [Cause::AwaitingPeer; 2]);
        assert_eq!([of(3, false), of(1, true)], [Cause::CompensationFailing; 2]);
    }

    #[test]
    fn a_pause_is_named_where_it_holds_back_what_would_come_next() {
        let held = |what: &str, name: &str| Held {
            what: what.to_owned(),
            name: name.to_owned(),
            owner: "ops".to_owned(),
            reason: "a look".to_owned(),
            until: DateTime::UNIX_EPOCH,
        };
        let of = |unsent, parked, wait, held| {
            let lane = Lane { held: vec![held], ..lane(unsent, parked) };
            cause(&lane, wait, Topic::Orders, true)
        };
        let (sending, reading) = (held("topic", "orders"), held("topic", "deliveries"));
        let (order, consumer) = (held("order", "x"), held("consumer", "one"));
        let asked_often = Wait::Undoing { asked: 9, is_flagged: true };
        for wait in [Wait::Peer, asked_often] {
            for held in [&reading, &order, &consumer] {
                assert_eq!(of(false, vec![], wait, held.clone()).0, Cause::Paused, "{held}");
                assert_eq!(of(true, vec![], wait, held.clone()).0, Cause::NotPublished, "{held} is not in its way");
            }
            assert_ne!(of(false, vec![], wait, sending.clone()).0, Cause::Paused);
        }
        let (cause, detail) = of(true, vec![], Wait::Peer, sending);
        assert_eq!(cause, Cause::Paused);
        assert!(
            detail.ends_with("; the topic orders is held back by ops until 1970-01-01T00:00:00Z: a look"),
            "{detail}"
        );
        let (cause, detail) = of(false, vec![parked("paused")], Wait::Peer, order.clone());
        assert_eq!(cause, Cause::Paused);
        assert!(detail.ends_with("; the order x is held back by ops until 1970-01-01T00:00:00Z: a look"), "{detail}");
        assert_eq!(of(false, vec![parked("rejected")], Wait::Peer, order.clone()).0, Cause::Parked);
        assert_eq!(of(false, vec![], Wait::Person { until: None }, order).0, Cause::Late, "nothing has to come");
    }

    #[test]
    fn what_was_parked_once_holds_nothing_up() {
        let applied = Parked { resolved_at: Some(DateTime::UNIX_EPOCH), ..parked("gap") };
        let behind = Parked { version: Some(Version(2)), ..parked("gap") };
        let mut lane = lane(false, vec![applied.clone()]);
        assert_eq!((lane.waiting(), cause(&lane, Wait::Peer, Topic::Orders, true).0), (None, Cause::AwaitingPeer));
        lane.parked = vec![behind, parked("rejected"), applied];
        assert_eq!(lane.waiting().map(|first| first.cause.as_str()), Some("rejected"), "the first of the lane");
    }
}
