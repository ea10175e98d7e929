//! What the chassis keeps for a service that reads, in memory: inbox and parked events.
//! The version rule is the chassis' own function.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use chassis::messaging::{Candidate, Outcome, Plan, Reason, plan};
use shared_events::{Envelope, Event, OrderId, Version};

use super::bugs::Bug;

/// An order, and a place on its lane.
pub type Place = (OrderId, Version);

/// How far each lane has come.
pub type Seen = BTreeMap<OrderId, Version>;

/// An event as it lies on a topic. Alike are those that hold the same.
#[derive(Clone)]
pub struct Record {
    envelope: Arc<Envelope>,
    print: u64,
}

impl Record {
    pub fn new(envelope: Envelope) -> Self {
        let mut hasher = DefaultHasher::new();
        format!("{envelope:?}").hash(&mut hasher);
        Self { envelope: Arc::new(envelope), print: hasher.finish() }
    }

    pub fn place(&self) -> Place {
        (self.envelope.order_id, self.envelope.version)
    }

    pub fn order_id(&self) -> OrderId {
        self.envelope.order_id
    }

    pub fn event(&self) -> &Event {
        &self.envelope.event
    }

    pub fn id(&self) -> String {
        self.envelope.id.to_string()
    }

    fn candidate(&self, bug: Option<Bug>) -> Candidate {
        let (order_id, version) = self.place();
        let may_jump = self.event().kind().may_jump_a_gap() || bug == Some(Bug::GapsApplied);
        Candidate::Readable { order_id, version, may_jump }
    }
}

impl PartialEq for Record {
    fn eq(&self, other: &Self) -> bool {
        self.print == other.print
    }
}

impl Eq for Record {}

impl Hash for Record {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.print.hash(state);
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}#{:x}", self.event().kind(), self.envelope.version, self.print)
    }
}

/// A record that waits.
#[derive(Debug, Clone)]
struct Parked {
    record: Record,
    is_due: bool,
}

/// The receiving side of a service.
#[derive(Debug, Clone, Default)]
pub struct Inbox {
    seen: Seen,
    parked: BTreeMap<usize, Parked>,
    /// What was applied of each order, in that order: kept by the test alone.
    applied: BTreeMap<OrderId, Vec<Version>>,
    /// The same of all orders, where the reader goes by it.
    remembered: Vec<Place>,
}

/// What one batch came to, for the caller to apply and to tell.
#[derive(Debug)]
pub struct Planned {
    pub outcomes: Vec<Outcome>,
    plan: Plan,
}

impl Planned {
    /// Whether a version of this order was jumped.
    pub fn jumps(&self, order_id: OrderId) -> bool {
        let has_jumped = |first: Version, seen: Option<Version>| first > seen.unwrap_or_default().next();
        self.plan.claims.iter().any(|claim| claim.order_id == order_id && has_jumped(claim.first, claim.seen))
    }
}

/// A batch: records with the offsets at which they lie.
pub type Batch = Vec<(usize, Record)>;

impl Inbox {
    pub fn seen(&self) -> &Seen {
        &self.seen
    }

    pub fn applied(&self) -> &BTreeMap<OrderId, Vec<Version>> {
        &self.applied
    }

    pub fn was_applied(&self, place: Place) -> bool {
        self.applied.get(&place.0).is_some_and(|versions| versions.contains(&place.1))
    }

    /// What would become of these records, if the lanes had come so far.
    pub fn plan(believed: &Seen, batch: &Batch, bug: Option<Bug>) -> Planned {
        Self::planned(believed, batch.iter().map(|(_, record)| record.candidate(bug)))
    }

    /// What becomes of a record that cannot be applied.
    pub fn plan_rejected(believed: &Seen, batch: &Batch) -> Planned {
        let reason = || Reason::Rejected("the database has had enough".to_owned());
        let unreadable =
            |(_, one): &(usize, Record)| Candidate::Unreadable { place: Some(one.place()), reason: reason() };
        Self::planned(believed, batch.iter().map(unreadable))
    }

    fn planned(believed: &Seen, candidates: impl Iterator<Item = Candidate>) -> Planned {
        let seen: HashMap<OrderId, Version> = believed.iter().map(|(order_id, seen)| (*order_id, *seen)).collect();
        let plan = plan(&seen, &candidates.collect::<Vec<_>>(), &HashMap::new());
        Planned { outcomes: plan.outcomes.clone(), plan }
    }

    /// Whether every lane is where the plan found it: the comparison of the claim's statement.
    pub fn can_claim(&self, planned: &Planned) -> bool {
        planned.plan.claims.iter().all(|claim| self.seen.get(&claim.order_id).copied() == claim.seen)
    }

    /// Commits a plan: the claims, the parked and the released. Whatever is handled has been applied by the caller.
    pub fn commit(&mut self, batch: &Batch, planned: &Planned, bug: Option<Bug>) {
        for claim in &planned.plan.claims {
            self.seen.insert(claim.order_id, claim.next);
        }
        for ((offset, record), outcome) in batch.iter().zip(&planned.outcomes) {
            match outcome {
                Outcome::Handled => self.note_applied(record.place()),
                Outcome::Parked(Reason::Rejected(_)) if bug == Some(Bug::PoisonSwallowed) => {
                    self.parked.remove(offset);
                }
                Outcome::Parked(reason) => {
                    let is_due = matches!(reason, Reason::Rejected(_));
                    self.parked.insert(*offset, Parked { record: record.clone(), is_due });
                }
                Outcome::Duplicate => {}
            }
        }
        batch.iter().for_each(|(_, record)| self.settle(record.order_id()));
    }

    fn note_applied(&mut self, place: Place) {
        self.applied.entry(place.0).or_default().push(place.1);
    }

    /// Parked copies of what has been seen are closed, and what comes next is due.
    fn settle(&mut self, order_id: OrderId) {
        let seen = self.seen.get(&order_id).copied().unwrap_or_default();
        self.parked.retain(|_, parked| parked.record.order_id() != order_id || parked.record.place().1 > seen);
        for parked in self.parked.values_mut().filter(|parked| parked.record.place() == (order_id, seen.next())) {
            parked.is_due = true;
        }
    }

    /// Whether the first event of this order is parked because it cannot be applied, and nothing of the order was applied.
    pub fn can_be_given_up(&self, order_id: OrderId) -> bool {
        let first = (order_id, Version::NONE.next());
        self.seen.get(&order_id).copied().unwrap_or_default() == Version::NONE && self.is_parked(first)
    }

    /// The first event of this order is dealt with by a hand, without having been applied.
    pub fn give_up(&mut self, order_id: OrderId) {
        self.seen.insert(order_id, Version::NONE.next());
        self.settle(order_id);
    }

    /// Whether it is among the last so many that were applied.
    pub fn remembers(&self, place: Place, last: usize) -> bool {
        self.remembered.iter().rev().take(last).any(|applied| *applied == place)
    }

    /// Without the version rule: what was applied is only remembered.
    pub fn commit_without_rule(&mut self, offset: usize, record: &Record, is_applied: bool) {
        if is_applied {
            self.note_applied(record.place());
            self.remembered.push(record.place());
            self.parked.remove(&offset);
        } else {
            self.parked.insert(offset, Parked { record: record.clone(), is_due: true });
        }
    }

    /// What waits on a lane that is due: its first, and all that waits behind it.
    pub fn due(&self) -> Vec<Batch> {
        let heads = self.parked.values().filter(|parked| parked.is_due).map(|parked| parked.record.place());
        let mut heads: Vec<Place> = heads.collect();
        heads.sort_unstable();
        heads.dedup_by_key(|(order_id, _)| *order_id);
        heads.into_iter().map(|head| self.waiting(head)).collect()
    }

    fn waiting(&self, (order_id, from): Place) -> Batch {
        let waits = |parked: &Parked| parked.record.order_id() == order_id && parked.record.place().1 >= from;
        let waiting = self.parked.iter().filter(|(_, one)| waits(one));
        let mut waiting: Batch = waiting.map(|(offset, one)| (*offset, one.record.clone())).collect();
        waiting.sort_by_key(|(offset, record)| (record.place().1, *offset));
        waiting
    }

    /// Whether this place waits.
    pub fn is_parked(&self, place: Place) -> bool {
        self.parked.values().any(|parked| parked.record.place() == place)
    }

    pub fn parked(&self) -> Vec<Place> {
        self.parked.values().map(|parked| parked.record.place()).collect()
    }
}
