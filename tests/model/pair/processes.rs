//! What runs beside the databases and forgets everything when it dies: relays and consumers.

use std::collections::{BTreeMap, BTreeSet};

use chassis::messaging::Flights;

use super::{
    bugs::Bug,
    lane::Seen,
    outbox::{Outbox, Pointer},
};

/// How far an event has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Kafka's client has it.
    Given,
    /// The broker has it, and the relay does not know.
    Arrived,
    /// The relay knows.
    Acknowledged,
}

/// A relay, with what it has in flight. What may be in flight, and which pointers may go, says the relay's own [`Flights`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Relay {
    flights: BTreeMap<Pointer, Stage>,
    /// For [`Bug::CursorRelay`] alone.
    passed: BTreeSet<Pointer>,
}

impl Relay {
    fn rule(&self) -> Flights {
        let mut flights = Flights::default();
        for (nth, (pointer, stage)) in (0..).zip(&self.flights) {
            flights.begin(pointer.order_id, nth, 0);
            if *stage == Stage::Acknowledged {
                flights.acknowledge(pointer.order_id);
            }
        }
        flights
    }

    pub fn flights(&self) -> &BTreeMap<Pointer, Stage> {
        &self.flights
    }

    /// What it may give to Kafka's client now.
    pub fn may_give(&self, outbox: &Outbox, bug: Option<Bug>) -> Vec<Pointer> {
        let mut offered = match bug {
            Some(Bug::TwoInFlight) => outbox.unsent(),
            _ => outbox.offered(),
        };
        if offered.is_empty() {
            return offered;
        }
        let rule = self.rule();
        offered.retain(|pointer| match bug {
            Some(Bug::TwoInFlight) => !self.flights.contains_key(pointer),
            Some(Bug::CursorRelay) => !rule.have(pointer.order_id) && !self.passed.contains(pointer),
            _ => !rule.have(pointer.order_id),
        });
        offered
    }

    pub fn give(&mut self, pointer: Pointer, bug: Option<Bug>) {
        self.flights.insert(pointer, Stage::Given);
        if bug == Some(Bug::CursorRelay) {
            self.passed.insert(pointer);
        }
    }

    pub fn becomes(&mut self, pointer: Pointer, stage: Stage) {
        self.flights.insert(pointer, stage);
    }

    /// It did not arrive, or nobody says that it did.
    pub fn fails(&mut self, pointer: Pointer) {
        self.flights.remove(&pointer);
    }

    pub fn dies(&mut self) {
        self.flights.clear();
    }

    /// The pointers that may be deleted.
    pub fn acknowledged(&self) -> Vec<Pointer> {
        if !self.flights.values().any(|stage| *stage == Stage::Acknowledged) {
            return vec![];
        }
        let nth = |nth: i64| self.flights.keys().nth(usize::try_from(nth).expect("few")).copied();
        self.rule().acknowledged().into_iter().filter_map(nth).collect()
    }

    /// These pointers are deleted.
    pub fn settled(&mut self, deleted: &[Pointer]) {
        deleted.iter().for_each(|pointer| self.fails(*pointer));
    }

    pub fn is_idle(&self) -> bool {
        self.flights.is_empty()
    }
}

/// What a consumer is doing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub enum Doing {
    #[default]
    Nothing,
    /// It has read these offsets, and planned when the lanes had come so far.
    Planned { offsets: Vec<usize>, believed: Seen },
    /// What it read is committed, and where to go on is not stored.
    Committed,
}

/// A consumer. Where it begins after its death is what its group has stored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Consumer {
    /// The offset that it reads next.
    pub position: usize,
    pub doing: Doing,
}
