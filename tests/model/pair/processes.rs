//! What runs beside the databases and forgets everything when it dies: relays and consumers.

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{Hash, Hasher},
    mem,
};

use chassis::messaging::Flights;
use shared_events::OrderId;
use uuid::Uuid;

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

/// A relay. What may be in flight, and which pointers may go, says the relay's own [`Flights`], which live and die with it.
#[derive(Debug, Clone, Default)]
pub struct Relay {
    flights: Flights,
    /// How far each of these has come: the relay does not know which ones have arrived before it is told.
    stages: BTreeMap<Pointer, Stage>,
    /// What commits have handed over, and what was not taken yet.
    handed_over: BTreeSet<Pointer>,
    /// For [`Bug::CursorRelay`] alone.
    passed: BTreeSet<Pointer>,
    bug: Option<Bug>,
}

/// What a relay knows: two that know the same are the same, whenever they came to know it.
type View<'a> = (&'a BTreeMap<Pointer, Stage>, &'a BTreeSet<Pointer>, &'a BTreeSet<Pointer>, Vec<OrderId>, Vec<i64>);

impl Relay {
    pub fn new(bug: Option<Bug>) -> Self {
        Self { bug, ..Self::default() }
    }

    fn view(&self) -> View<'_> {
        let mut orders: Vec<OrderId> = self.flights.orders().collect();
        orders.sort_unstable();
        (&self.stages, &self.handed_over, &self.passed, orders, self.acknowledged())
    }

    pub fn flights(&self) -> &BTreeMap<Pointer, Stage> {
        &self.stages
    }

    /// As which order's the flights know it. With [`Bug::TwoInFlight`] each event is taken for another order's.
    fn order_id(&self, pointer: Pointer) -> OrderId {
        if self.bug == Some(Bug::TwoInFlight) {
            return OrderId(Uuid::from_u64_pair(0, pointer.seq.unsigned_abs()));
        }
        pointer.order_id
    }

    fn may_fly(&self, pointer: Pointer) -> bool {
        !self.flights.have(self.order_id(pointer), pointer.seq)
    }

    /// What it may give to Kafka's client now, of what it finds in the outbox.
    pub fn may_give(&self, outbox: &Outbox) -> Vec<Pointer> {
        let mut offered = match self.bug {
            Some(Bug::TwoInFlight) => outbox.unsent(),
            _ => outbox.offered(),
        };
        offered.retain(|pointer| self.may_fly(*pointer) && !self.passed.contains(pointer));
        offered
    }

    pub fn give(&mut self, pointer: Pointer) {
        self.flights.begin(self.order_id(pointer), pointer.seq, 0);
        self.stages.insert(pointer, Stage::Given);
        if self.bug == Some(Bug::CursorRelay) {
            self.passed.insert(pointer);
        }
    }

    /// A commit of its process has announced these.
    pub fn is_handed(&mut self, first: Vec<Pointer>) {
        self.handed_over.extend(first);
    }

    pub fn handed_over(&self) -> &BTreeSet<Pointer> {
        &self.handed_over
    }

    /// Gives all that was handed over, without a look at the outbox. What is in flight is not sent again. Says what is given.
    pub fn give_handed_over(&mut self) -> Vec<Pointer> {
        let taken = mem::take(&mut self.handed_over).into_iter();
        let given: Vec<Pointer> = taken.filter(|pointer| self.may_fly(*pointer)).collect();
        given.iter().for_each(|pointer| self.give(*pointer));
        given
    }

    /// The broker has it.
    pub fn arrives(&mut self, pointer: Pointer) {
        self.stages.insert(pointer, Stage::Arrived);
    }

    pub fn is_acknowledged(&mut self, pointer: Pointer) {
        self.flights.acknowledge(self.order_id(pointer), pointer.seq);
        self.stages.insert(pointer, Stage::Acknowledged);
    }

    /// It did not arrive, or nobody says that it did.
    pub fn fails(&mut self, pointer: Pointer) {
        self.flights.fail(self.order_id(pointer), pointer.seq);
        self.stages.remove(&pointer);
    }

    /// Its client breaks and is replaced: of what that one had nobody hears any more.
    pub fn client_breaks(&mut self) {
        self.flights.forget_unacknowledged();
        self.stages.retain(|_, stage| *stage == Stage::Acknowledged);
    }

    pub fn dies(&mut self) {
        *self = Self { passed: mem::take(&mut self.passed), ..Self::new(self.bug) };
    }

    /// The pointers that may be deleted, by their numbers.
    pub fn acknowledged(&self) -> Vec<i64> {
        let mut seqs = self.flights.acknowledged();
        seqs.sort_unstable();
        seqs
    }

    /// These pointers are deleted.
    pub fn settled(&mut self, deleted: &[i64]) {
        self.flights.end_acknowledged();
        self.stages.retain(|pointer, _| !deleted.contains(&pointer.seq));
    }

    /// Whether nothing of it is under way. What its flights hold on to without reason does not count: nobody would wait for that.
    pub fn is_idle(&self) -> bool {
        self.stages.is_empty()
    }
}

impl PartialEq for Relay {
    fn eq(&self, other: &Self) -> bool {
        self.view() == other.view()
    }
}

impl Eq for Relay {}

impl Hash for Relay {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.view().hash(state);
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
