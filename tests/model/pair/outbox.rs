//! The sending side of a service: its event log and its outbox.

use std::collections::BTreeMap;

use shared_events::{Announce, Cause, Envelope, OrderId, Stamp, Version};

use super::lane::{Place, Record};

/// A row of the outbox. Announcing an event again makes another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pointer {
    pub order_id: OrderId,
    pub version: Version,
    /// By what it is deleted: they are counted, and none is given twice.
    pub seq: i64,
}

impl Pointer {
    pub fn place(self) -> Place {
        (self.order_id, self.version)
    }
}

/// The sending side of a service.
#[derive(Debug, Clone, Default)]
pub struct Outbox {
    /// Each event, with the number of the pointer that was made with it.
    log: BTreeMap<Place, (Record, i64)>,
    pointers: BTreeMap<Place, i64>,
    last_seq: i64,
    said_twice: Option<Place>,
}

impl Outbox {
    /// In the transaction of the change. `version` is the order's (the delivery's) after it.
    pub fn announce(&mut self, order_id: OrderId, version: Version, announce: Announce, stamp: Stamp, cause: String) {
        match announce {
            Announce::Nothing => {}
            Announce::New(event) => {
                let cause = Cause { id: cause, trace_parent: None };
                let envelope = Envelope { id: stamp.event_id, order_id, version, time: stamp.at, cause, event };
                self.point((order_id, version));
                // The event log's primary key refuses it in life; here it is noted, so that a planted bug is found and not stumbled over.
                if self.log.insert((order_id, version), (Record::new(envelope), self.last_seq)).is_some() {
                    self.said_twice = Some((order_id, version));
                }
            }
            Announce::Again(version) => {
                assert!(self.log.contains_key(&(order_id, version)), "{order_id} never announced {version}");
                if !self.pointers.contains_key(&(order_id, version)) {
                    self.point((order_id, version));
                }
            }
        }
    }

    fn point(&mut self, place: Place) {
        self.last_seq += 1;
        self.pointers.insert(place, self.last_seq);
    }

    fn pointers(&self) -> impl DoubleEndedIterator<Item = Pointer> {
        self.pointers.iter().map(|((order_id, version), seq)| Pointer {
            order_id: *order_id,
            version: *version,
            seq: *seq,
        })
    }

    /// What the relay may offer as far as the outbox knows: the lowest version of each order.
    pub fn offered(&self) -> Vec<Pointer> {
        let lowest: BTreeMap<OrderId, Pointer> = self.pointers().rev().map(|one| (one.order_id, one)).collect();
        lowest.into_values().collect()
    }

    /// All pointers, for a relay that does not know the rule.
    pub fn unsent(&self) -> Vec<Pointer> {
        self.pointers().collect()
    }

    pub fn last_seq(&self) -> i64 {
        self.last_seq
    }

    /// The pointers to first events that were announced since this number was the last: what a commit hands over to the relay.
    pub fn first_since(&self, last_seq: i64) -> Vec<Pointer> {
        let new =
            self.log.iter().filter(|((_, version), (_, seq))| *version == Version::NONE.next() && *seq > last_seq);
        new.map(|((order_id, version), (_, seq))| Pointer { order_id: *order_id, version: *version, seq: *seq })
            .collect()
    }

    pub fn is_unsent(&self, place: Place) -> bool {
        self.pointers.contains_key(&place)
    }

    pub fn record(&self, place: Place) -> Record {
        self.log[&place].0.clone()
    }

    /// The one statement that deletes pointers.
    pub fn delete(&mut self, acknowledged: &[i64]) {
        self.pointers.retain(|_, seq| !acknowledged.contains(seq));
    }

    /// All that was ever announced about an order, in order.
    pub fn announced(&self, order_id: OrderId) -> impl Iterator<Item = &Record> {
        self.log.range((order_id, Version::NONE)..=(order_id, Version(i64::MAX))).map(|(_, (record, _))| record)
    }

    /// A version under which two things were announced.
    pub fn said_twice(&self) -> Option<Place> {
        self.said_twice
    }

    pub fn all(&self) -> impl Iterator<Item = Place> {
        self.log.keys().copied()
    }
}
