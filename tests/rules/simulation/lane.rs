//! What the chassis keeps for a service, in memory: event log, outbox, a reader's position, inbox and parked events.
//! The version rule is the chassis' own function.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chassis::messaging::{Candidate, Outcome, Plan, Reason, plan};
use shared_events::{Announce, Cause, Envelope, OrderId, Stamp, Version};

/// Whether the reader keeps to the version rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    Versions,
    /// Applies whatever arrives, as it arrives, but for the last so many, which it remembers: what many readers do.
    RememberTheLast(usize),
}

/// A topic: what was acknowledged, in order. Repeats are part of it.
#[derive(Debug, Default)]
pub struct Lane {
    pub records: Vec<Envelope>,
}

/// The sending side of a service.
#[derive(Debug, Default)]
pub struct Outbox {
    log: BTreeMap<(OrderId, Version), Envelope>,
    unsent: BTreeSet<(OrderId, Version)>,
}

impl Outbox {
    /// In the transaction of the change. `version` is the order's (the delivery's) after it.
    pub fn announce(&mut self, order_id: OrderId, version: Version, announce: Announce, stamp: Stamp, cause: String) {
        match announce {
            Announce::Nothing => {}
            Announce::New(event) => {
                let cause = Cause { id: cause, trace_parent: None };
                let envelope = Envelope { id: stamp.event_id, order_id, version, time: stamp.at, cause, event };
                let before = self.log.insert((order_id, version), envelope);
                assert!(before.is_none(), "version {version} of {order_id} is announced a second time: {before:?}");
                self.unsent.insert((order_id, version));
            }
            Announce::Again(version) => {
                assert!(self.log.contains_key(&(order_id, version)), "{order_id} never announced {version}");
                self.unsent.insert((order_id, version));
            }
        }
    }

    /// What the relay may offer: the lowest unsent version of each order.
    pub fn offered(&self) -> Vec<(OrderId, Version)> {
        let lowest: BTreeMap<OrderId, Version> = self.unsent.iter().rev().copied().collect();
        lowest.into_iter().collect()
    }

    pub fn envelope(&self, place: (OrderId, Version)) -> Envelope {
        self.log[&place].clone()
    }

    /// The broker has acknowledged it.
    pub fn acknowledged(&mut self, place: (OrderId, Version)) {
        self.unsent.remove(&place);
    }

    /// All that was ever announced about an order, in order.
    pub fn announced(&self, order_id: OrderId) -> impl Iterator<Item = &Envelope> {
        self.log.range((order_id, Version::NONE)..=(order_id, Version(i64::MAX))).map(|(_, envelope)| envelope)
    }
}

/// A record that waits.
#[derive(Debug, Clone)]
struct Parked {
    place: (OrderId, Version),
    is_due: bool,
}

/// The receiving side of a service.
#[derive(Debug, Default)]
pub struct Inbox {
    /// The offset that is read next.
    pub position: usize,
    seen: HashMap<OrderId, Version>,
    parked: BTreeMap<usize, Parked>,
    /// What was applied, in that order: kept by the test alone.
    pub applied: Vec<(OrderId, Version)>,
}

/// What one batch came to, for the caller to apply and to tell.
#[derive(Debug)]
pub struct Planned {
    pub outcomes: Vec<Outcome>,
    plan: Plan,
    /// The orders of which a version was jumped.
    pub jumped: HashSet<OrderId>,
}

impl Inbox {
    /// What would become of these records.
    pub fn plan(&self, batch: &[Envelope]) -> Planned {
        self.planned(batch.iter().map(|envelope| Candidate::Readable {
            order_id: envelope.order_id,
            version: envelope.version,
            may_jump: envelope.event.kind().may_jump_a_gap(),
        }))
    }

    /// What becomes of a record that cannot be applied.
    pub fn plan_rejected(&self, one: &Envelope) -> Planned {
        let reason = Reason::Rejected("the database has had enough".to_owned());
        self.planned([Candidate::Unreadable { place: Some((one.order_id, one.version)), reason }])
    }

    fn planned(&self, candidates: impl IntoIterator<Item = Candidate>) -> Planned {
        let plan = plan(&self.seen, &candidates.into_iter().collect::<Vec<_>>(), &HashMap::new());
        let has_jumped = |first: Version, seen: Option<Version>| first > seen.unwrap_or_default().next();
        let jumps = plan.claims.iter().filter(|claim| has_jumped(claim.first, claim.seen));
        let jumped = jumps.map(|claim| claim.order_id).collect();
        Planned { outcomes: plan.outcomes.clone(), plan, jumped }
    }

    /// Commits a plan: the claims, the parked and the released. Whatever is handled has been applied by the caller.
    pub fn commit(&mut self, offsets: &[usize], batch: &[Envelope], planned: Planned) {
        for claim in &planned.plan.claims {
            let before = self.seen.insert(claim.order_id, claim.next);
            assert_eq!(before, claim.seen, "the plan was made of something else");
        }
        for ((offset, envelope), outcome) in offsets.iter().zip(batch).zip(&planned.outcomes) {
            let place = (envelope.order_id, envelope.version);
            match outcome {
                Outcome::Handled => self.applied.push(place),
                Outcome::Duplicate => {}
                Outcome::Parked(reason) => {
                    let is_due = matches!(reason, Reason::Rejected(_));
                    self.parked.insert(*offset, Parked { place, is_due });
                }
            }
        }
        batch.iter().for_each(|envelope| self.settle(envelope.order_id));
    }

    /// Parked copies of what has been seen are closed, and what comes next is due.
    fn settle(&mut self, order_id: OrderId) {
        let seen = self.seen.get(&order_id).copied().unwrap_or_default();
        self.parked.retain(|_, parked| parked.place.0 != order_id || parked.place.1 > seen);
        for parked in self.parked.values_mut().filter(|parked| parked.place == (order_id, seen.next())) {
            parked.is_due = true;
        }
    }

    /// Whether it is among the last so many that were applied.
    pub fn remembers(&self, place: (OrderId, Version), last: usize) -> bool {
        self.applied.iter().rev().take(last).any(|applied| *applied == place)
    }

    /// Without the version rule: what was applied is only remembered by the test.
    pub fn commit_without_rule(&mut self, offset: usize, envelope: &Envelope, is_applied: bool) {
        let place = (envelope.order_id, envelope.version);
        if is_applied {
            self.applied.push(place);
            self.parked.remove(&offset);
        } else {
            self.parked.insert(offset, Parked { place, is_due: true });
        }
    }

    /// The offsets of a lane that is due, with all that waits behind its first.
    pub fn due(&self) -> Vec<Vec<usize>> {
        let heads = self.parked.values().filter(|parked| parked.is_due).map(|parked| parked.place);
        heads.map(|head| self.waiting(head)).collect()
    }

    fn waiting(&self, (order_id, from): (OrderId, Version)) -> Vec<usize> {
        let waits = |parked: &Parked| parked.place.0 == order_id && parked.place.1 >= from;
        let mut waiting: Vec<(Version, usize)> =
            self.parked.iter().filter(|(_, one)| waits(one)).map(|(offset, one)| (one.place.1, *offset)).collect();
        waiting.sort_unstable();
        waiting.into_iter().map(|(_, offset)| offset).collect()
    }

    /// Whether this place waits.
    pub fn is_parked(&self, place: (OrderId, Version)) -> bool {
        self.parked.values().any(|parked| parked.place == place)
    }

    pub fn parked(&self) -> Vec<(OrderId, Version)> {
        self.parked.values().map(|parked| parked.place).collect()
    }
}
