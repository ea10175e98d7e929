//! What both topics say, from offset 0: by the contract alone.

use std::collections::{BTreeMap, HashMap};

use shared_events::{DeliveryFailed, Envelope, Event};
use uuid::Uuid;

use super::Finding;
use crate::archive::Found;
use crate::broker::Record;

/// A record that is an event.
#[derive(Clone, Debug)]
pub struct Published {
    pub record: Record,
    pub envelope: Envelope,
    /// Whether the topic has lost it, so that it had to be sent once more.
    pub is_lost: bool,
}

/// What a service's own log says it announced: the event's id and its kind, by order and version.
pub type Log = HashMap<(Uuid, i64), (Uuid, String)>;

/// The events of a topic. Nobody may have written anything else, but the poison.
pub fn events(topic: &str, found: Vec<Found>) -> (Vec<Published>, Finding) {
    let (mut published, mut violations) = (Vec::new(), Vec::new());
    for Found { record, is_lost, .. } in found.into_iter().filter(|found| !found.is_poison) {
        let data = record.payload.as_deref().unwrap_or_default();
        match Envelope::from_wire(|name| record.header(name), data) {
            Ok(envelope) => published.push(Published { envelope, record, is_lost }),
            Err(error) => violations.push(format!("{topic}/{}/{}: {error}", record.partition, record.offset)),
        }
    }
    (published, Finding { name: "topics", says: "what is on the topic can be read", violations })
}

/// Of each order, in the order of the topic: its events without their repeats.
type Lanes<'a> = BTreeMap<Uuid, Vec<&'a Published>>;

fn lanes(published: &[Published]) -> Lanes<'_> {
    let mut lanes = Lanes::new();
    for one in published {
        let lane = lanes.entry(one.envelope.order_id.0).or_default();
        if !lane.iter().any(|first| first.envelope.version == one.envelope.version) {
            lane.push(one);
        }
    }
    lanes
}

/// I8: the first copies are 1…n, in order, on one partition.
pub fn in_order(published: &[Published]) -> Finding {
    let mut violations = Vec::new();
    for (order, lane) in lanes(published) {
        let versions: Vec<i64> = lane.iter().map(|one| one.envelope.version.0).collect();
        if versions.iter().zip(1..).any(|(version, wanted)| *version != wanted) {
            violations.push(format!("order {order}: {versions:?}"));
        }
    }
    let homes: HashMap<Uuid, i32> =
        published.iter().rev().map(|one| (one.envelope.order_id.0, one.record.partition)).collect();
    let strayed = published.iter().filter(|one| homes[&one.envelope.order_id.0] != one.record.partition);
    violations.extend(strayed.map(|one| format!("order {} is on two partitions", one.envelope.order_id)));
    Finding { name: "I8", says: "each order's events are 1…n, in order, on one partition", violations }
}

/// I8: a repeat is the same, byte for byte.
pub fn repeats_are_the_same(published: &[Published]) -> Finding {
    let mut first: HashMap<(Uuid, i64), &Record> = HashMap::new();
    let mut violations = Vec::new();
    for one in published {
        let (order, version) = (one.envelope.order_id.0, one.envelope.version.0);
        let before = *first.entry((order, version)).or_insert(&one.record);
        if !before.says_the_same(&one.record) {
            violations.push(format!("order {order}, version {version}: {before:?} and {:?}", one.record));
        }
    }
    Finding { name: "I8", says: "what was sent again is the same, byte for byte", violations }
}

/// How many records were there before.
pub fn repeats(published: &[Published]) -> usize {
    published.len() - lanes(published).values().map(Vec::len).sum::<usize>()
}

/// The lane of an order is chosen by the key, so the key has to be the order.
pub fn keyed(published: &[Published]) -> Finding {
    let key = |one: &Published| one.envelope.order_id.to_string().into_bytes();
    let astray = published.iter().filter(|one| one.record.key.as_ref() != Some(&key(one)));
    let violations = astray.map(|one| format!("order {} has another key: {:?}", one.envelope.order_id, one.record));
    Finding { name: "I8", says: "the key of every record is its order", violations: violations.collect() }
}

/// I11: what was committed is on the topic that is there now, and nothing else ever was.
pub fn as_logged(published: &[Published], log: &Log) -> Finding {
    let said = |one: &Published| {
        let Envelope { order_id, version, id, event, .. } = &one.envelope;
        ((order_id.0, version.0), (id.0, event.kind().name().to_owned()))
    };
    let ever: Log = published.iter().map(said).collect();
    let now: Log = published.iter().filter(|one| !one.is_lost).map(said).collect();
    let unsent = log.iter().filter(|(place, said)| now.get(*place) != Some(*said));
    let unsaid = ever.iter().filter(|(place, said)| log.get(*place) != Some(*said));
    let violations = unsent.map(|(place, said)| format!("{place:?} {said:?} is not on the topic"));
    let violations = violations
        .chain(unsaid.map(|(place, said)| format!("{place:?} {said:?} is on the topic, and was not committed")));
    Finding {
        name: "I11",
        says: "what was committed is on the topic, and nothing else",
        violations: violations.collect(),
    }
}

/// I10: of each order, the other side has taken in what was announced last, and nothing that was never announced.
pub fn taken_in(reader: &str, published: &[Published], seen: &HashMap<Uuid, i64>) -> Finding {
    let mut last: HashMap<Uuid, i64> = HashMap::new();
    for one in published {
        let version = last.entry(one.envelope.order_id.0).or_default();
        *version = one.envelope.version.0.max(*version);
    }
    let not_all = last.iter().filter(|(order, version)| seen.get(*order) != Some(*version));
    let not_all = not_all.map(|(order, version)| {
        format!("order {order}: {reader} has seen {:?}, and {version} was announced", seen.get(order))
    });
    let never = seen.iter().filter(|(order, _)| !last.contains_key(*order));
    let never =
        never.map(|(order, version)| format!("order {order}: {reader} has seen {version}, and nothing was announced"));
    let says = "the last of each order's events is the last that was taken in";
    Finding { name: "I10", says, violations: not_all.chain(never).collect() }
}

/// I9: each OrderCompleted has one outcome, each OrderCancelled one answer.
pub fn answered(orders: &[Published], deliveries: &[Published]) -> Finding {
    let answers = lanes(deliveries);
    let mut violations = Vec::new();
    for (order, lane) in lanes(orders) {
        let said = answers.get(&order).map_or(&[][..], Vec::as_slice);
        let count = |counts: fn(&Event) -> bool| said.iter().filter(|one| counts(&one.envelope.event)).count();
        let (outcomes, ends) = (count(is_outcome), count(ends_the_race));
        let is_cancelled = lane.iter().any(|one| matches!(one.envelope.event, Event::OrderCancelled(_)));
        let is_void = outcomes == 0 && is_cancelled && ends == 1;
        if outcomes != 1 && !is_void {
            violations.push(format!("order {order} has {outcomes} outcomes"));
        }
        if ends > 1 || (is_cancelled && ends == 0) {
            violations.push(format!("order {order} has {ends} answers to its cancellation"));
        }
    }
    Finding { name: "I9", says: "each order has one outcome, each cancellation one answer", violations }
}

fn is_outcome(event: &Event) -> bool {
    matches!(event, Event::DeliveryCreated(_) | Event::DeliveryFailed(DeliveryFailed::Creation { .. }))
}

/// What nothing can stop any more, or what has been stopped: the answer, if somebody asks.
fn ends_the_race(event: &Event) -> bool {
    match event {
        Event::DeliveryCancelled(_) | Event::DeliveryDispatched(_) => true,
        Event::DeliveryFailed(DeliveryFailed::Creation { .. } | DeliveryFailed::Fulfilment { .. }) => true,
        Event::DeliveryFailed(DeliveryFailed::Transit { .. })
        | Event::DeliveryCreated(_)
        | Event::DeliveryCompleted(_)
        | Event::OrderCompleted(_)
        | Event::OrderCancelled(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use shared_events::{
        CancellationReason, Cause, DeliveryCancelled, DeliveryDispatched, EventId, OrderCancelled, OrderId, Version,
    };

    use super::*;

    /// An event of the contract's golden records, about this order.
    fn event(order: u128, version: i64, event: Event) -> Published {
        let id = Uuid::from_u128(order * 100 + u128::try_from(version).expect("positive"));
        let envelope = Envelope {
            id: EventId(id),
            order_id: OrderId(Uuid::from_u128(order)),
            version: Version(version),
            time: "2026-01-01T00:00:00Z".parse().expect("a time"),
            cause: Cause { id: "test".to_owned(), trace_parent: None },
            event,
        };
        let wire = envelope.to_wire().expect("an event has a JSON form");
        let headers = wire.headers.into_iter().map(|(name, value)| (name.to_owned(), Some(value.into_bytes())));
        let key = Some(wire.key.into_bytes());
        let record =
            Record { partition: 0, offset: version, key, headers: headers.collect(), payload: Some(wire.data) };
        Published { record, envelope, is_lost: false }
    }

    fn cancelled(order: u128, version: i64) -> Published {
        event(order, version, Event::DeliveryCancelled(DeliveryCancelled {}))
    }

    fn dispatched(order: u128, version: i64) -> Published {
        event(order, version, Event::DeliveryDispatched(DeliveryDispatched { courier: "Bo".to_owned() }))
    }

    fn asked(order: u128, version: i64) -> Published {
        event(order, version, Event::OrderCancelled(OrderCancelled { reason: CancellationReason::Customer }))
    }

    #[test]
    fn a_hole_and_an_event_that_overtook_another_are_found_and_a_repeat_is_none() {
        let lanes = |versions: &[i64]| versions.iter().map(|version| cancelled(1, *version)).collect::<Vec<_>>();
        assert!(in_order(&lanes(&[1, 2, 1, 3, 2])).violations.is_empty());
        assert_eq!(in_order(&lanes(&[1, 3])).violations.len(), 1);
        assert_eq!(in_order(&lanes(&[2, 1])).violations.len(), 1);
        let mut strayed = lanes(&[1, 2]);
        strayed[1].record.partition = 4;
        assert_eq!(in_order(&strayed).violations.len(), 1);
    }

    #[test]
    fn a_repeat_that_says_something_else_is_found() {
        let (first, mut again) = (cancelled(1, 1), cancelled(1, 1));
        again.record.offset = 9;
        assert!(repeats_are_the_same(&[first.clone(), again.clone()]).violations.is_empty());
        assert_eq!(repeats(&[first.clone(), again.clone()]), 1);
        again.record.payload = Some(b"{ }".to_vec());
        assert_eq!(repeats_are_the_same(&[first, again]).violations.len(), 1);
    }

    #[test]
    fn what_was_committed_and_not_sent_is_found_and_so_is_the_opposite() {
        let published = [cancelled(1, 1)];
        let place = (Uuid::from_u128(1), 1);
        let log = |name: &str| Log::from([(place, (Uuid::from_u128(101), name.to_owned()))]);
        assert!(as_logged(&published, &log("DeliveryCancelled")).violations.is_empty());
        assert_eq!(as_logged(&[], &log("DeliveryCancelled")).violations.len(), 1);
        assert_eq!(as_logged(&published, &Log::new()).violations.len(), 1);
        assert_eq!(as_logged(&published, &log("DeliveryCreated")).violations.len(), 2);
        let mut before = published[0].clone();
        before.is_lost = true;
        let lost = as_logged(std::slice::from_ref(&before), &log("DeliveryCancelled"));
        assert_eq!(lost.violations.len(), 1, "the broker has lost it, and nobody has sent it again");
        assert!(as_logged(&[before, cancelled(1, 1)], &log("DeliveryCancelled")).violations.is_empty());
    }

    #[test]
    fn a_record_under_the_key_of_another_order_is_found() {
        let mut published = [cancelled(1, 1)];
        assert!(keyed(&published).violations.is_empty());
        published[0].record.key = Some(Uuid::from_u128(2).to_string().into_bytes());
        assert_eq!(keyed(&published).violations.len(), 1);
        published[0].record.key = None;
        assert_eq!(keyed(&published).violations.len(), 1);
    }

    #[test]
    fn an_order_whose_last_event_was_not_taken_in_is_found_and_so_is_one_that_was_never_announced() {
        let published = [cancelled(1, 1), cancelled(1, 2), cancelled(1, 1)];
        let violations = |seen: &[(u128, i64)]| {
            let seen = seen.iter().map(|(order, version)| (Uuid::from_u128(*order), *version)).collect();
            taken_in("readers", &published, &seen).violations.len()
        };
        assert_eq!(violations(&[(1, 2)]), 0);
        assert_eq!(violations(&[]), 1);
        assert_eq!(violations(&[(1, 1)]), 1);
        assert_eq!(violations(&[(1, 3)]), 1);
        assert_eq!(violations(&[(1, 2), (2, 1)]), 1);
    }

    #[test]
    fn a_cancellation_with_two_answers_or_none_is_found() {
        assert!(answered(&[asked(1, 1)], &[cancelled(1, 1)]).violations.is_empty(), "cancelled before it was known");
        assert_eq!(answered(&[asked(1, 1)], &[]).violations.len(), 2);
        assert_eq!(answered(&[asked(1, 1)], &[cancelled(1, 1), dispatched(1, 2)]).violations.len(), 2);
    }

    #[test]
    fn what_nobody_can_read_is_found_unless_it_is_known_to_be_poison() {
        let mut record = cancelled(1, 1).record;
        record.headers.clear();
        let violations = |is_poison| {
            events("deliveries", vec![Found { record: record.clone(), is_poison, is_lost: false }]).1.violations
        };
        assert_eq!((violations(false).len(), violations(true).len()), (1, 0));
    }
}
