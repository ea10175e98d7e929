//! What is in flight: given to Kafka's client and not acknowledged yet, or acknowledged with a pointer that is still to be deleted.

use std::{collections::HashMap, mem, time::Duration};

use shared_events::OrderId;
use tokio::time::Instant;

use crate::planted::{Bug, Point, crash_at, planted};

/// How many events are in flight at most, and about how many bytes: a few produce requests for each partition. More would only wait in
/// the client's queue, and a hundred times as much would be all of our memory.
const MOST: usize = 4_000;
const MOST_BYTES: usize = 6 * 1024 * 1024;

/// One event of an order.
#[derive(Debug, Clone)]
struct Flight {
    seq: i64,
    /// What it takes of the client's memory.
    bytes: usize,
    /// None once it is acknowledged.
    unacknowledged_since: Option<Instant>,
    /// Whether there may be a next version of its order, which waits until this one's pointer is gone.
    is_followed: bool,
}

/// By what a flight is known: by its order, of which there is never a second one. With [`Bug::TwoInFlight`] each pointer flies by itself.
type Key = (OrderId, i64);

fn key(order_id: OrderId, seq: i64) -> Key {
    (order_id, if planted(Bug::TwoInFlight) { seq } else { 0 })
}

/// At most one event of each order. This is all of the relay's rule that the outbox does not keep itself, and it asks nobody for anything:
/// so the model can play it.
#[derive(Debug, Clone, Default)]
pub struct Flights {
    flights: HashMap<Key, Flight>,
    acknowledged: Vec<Key>,
    bytes: usize,
}

impl Flights {
    /// Whether nothing is in flight.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.flights.is_empty()
    }

    /// How many events are in flight.
    #[must_use]
    pub fn count(&self) -> usize {
        self.flights.len()
    }

    /// Whether one more may be in flight.
    #[must_use]
    pub fn have_room(&self) -> bool {
        self.flights.len() < MOST && self.bytes < MOST_BYTES
    }

    /// The orders of which an event is in flight.
    pub fn orders(&self) -> impl Iterator<Item = OrderId> {
        self.flights.keys().map(|(order_id, _)| *order_id)
    }

    /// Whether an event of this order is in flight, so that this pointer's has to wait.
    #[must_use]
    pub fn have(&self, order_id: OrderId, seq: i64) -> bool {
        self.flights.contains_key(&key(order_id, seq))
    }

    /// How long the oldest has gone without an acknowledgement.
    #[must_use]
    pub fn oldest(&self) -> Option<Duration> {
        self.flights.values().filter_map(|flight| flight.unacknowledged_since).min().map(|since| since.elapsed())
    }

    /// Kafka's client has taken an event of this order, which its pointer of this number points to.
    pub fn begin(&mut self, order_id: OrderId, seq: i64, bytes: usize) {
        self.bytes += bytes;
        let flight = Flight { seq, bytes, unacknowledged_since: Some(Instant::now()), is_followed: false };
        self.flights.insert(key(order_id, seq), flight);
        crash_at(Point::Given);
        if planted(Bug::DeleteBeforeAck) {
            self.acknowledge(order_id, seq);
        }
    }

    /// The next version of this order may be in the outbox, and has to wait for this one.
    pub fn follow(&mut self, order_id: OrderId, seq: i64) {
        if let Some(flight) = self.flights.get_mut(&key(order_id, seq)) {
            flight.is_followed = true;
        }
    }

    /// The same, of any of them.
    pub fn follow_all(&mut self) {
        self.flights.values_mut().for_each(|flight| flight.is_followed = true);
    }

    /// Its pointer may be deleted now.
    pub fn acknowledge(&mut self, order_id: OrderId, seq: i64) {
        let key = key(order_id, seq);
        if let Some(flight) = self.flights.get_mut(&key) {
            crash_at(Point::Acknowledged);
            flight.unacknowledged_since = None;
            self.bytes -= mem::take(&mut flight.bytes);
            self.acknowledged.push(key);
        }
    }

    /// Whether there are pointers that may be deleted.
    #[must_use]
    pub fn any_acknowledged(&self) -> bool {
        !self.acknowledged.is_empty()
    }

    /// The pointers that may be deleted.
    #[must_use]
    pub fn acknowledged(&self) -> Vec<i64> {
        self.acknowledged.iter().filter_map(|key| self.flights.get(key)).map(|flight| flight.seq).collect()
    }

    /// These pointers are deleted. Says whether a next version may have waited for one of them.
    pub fn end_acknowledged(&mut self) -> bool {
        let ended = mem::take(&mut self.acknowledged).into_iter().filter_map(|key| self.flights.remove(&key));
        ended.fold(false, |followed, flight| followed | flight.is_followed)
    }

    /// It did not arrive.
    pub fn fail(&mut self, order_id: OrderId, seq: i64) {
        self.bytes -= self.flights.remove(&key(order_id, seq)).map_or(0, |flight| flight.bytes);
    }

    /// Nobody is going to say any more what became of those that are not acknowledged.
    pub fn forget_unacknowledged(&mut self) {
        self.flights.retain(|_, flight| flight.unacknowledged_since.is_none());
        self.bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn an_order_is_in_flight_until_its_pointer_is_gone_and_its_next_version_is_looked_for_then() {
        let [one, other] = [1, 2].map(|id| OrderId(Uuid::from_u128(id)));
        let mut flights = Flights::default();
        flights.begin(one, 10, 100);
        flights.begin(other, 20, 100);
        flights.follow(one, 11);
        flights.acknowledge(other, 20);
        assert!(flights.have(other, 21), "acknowledged, and its pointer still there");
        assert_eq!((flights.acknowledged(), flights.end_acknowledged()), (vec![20], false));
        assert!(flights.have(one, 11) && !flights.have(other, 21));
        flights.acknowledge(one, 10);
        assert_eq!((flights.acknowledged(), flights.end_acknowledged()), (vec![10], true));
        assert!(flights.is_empty() && flights.bytes == 0);
    }

    #[test]
    fn what_a_broken_client_had_is_forgotten_and_what_was_acknowledged_is_not() {
        let [one, other] = [1, 2].map(|id| OrderId(Uuid::from_u128(id)));
        let mut flights = Flights::default();
        flights.begin(one, 10, 100);
        flights.begin(other, 20, 100);
        flights.acknowledge(one, 10);
        flights.forget_unacknowledged();
        assert_eq!((flights.acknowledged(), flights.have(other, 20), flights.oldest()), (vec![10], false, None));
    }

    #[test]
    fn what_is_in_flight_is_limited_in_number_and_in_bytes() {
        let mut flights = Flights::default();
        flights.begin(OrderId(Uuid::from_u128(0)), 0, MOST_BYTES);
        assert!(!flights.have_room());
        flights.fail(OrderId(Uuid::from_u128(0)), 0);
        for at in 0..MOST {
            assert!(flights.have_room(), "{at}");
            flights.begin(OrderId(Uuid::from_u128(at as u128)), 0, 1);
        }
        assert!(!flights.have_room());
    }
}
