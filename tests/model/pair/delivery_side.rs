//! The delivery side in memory: the real domain, with maps for tables.

use std::{collections::BTreeMap, sync::Arc};

use delivery_service::domain::{
    Coming, Command, Courier, Couriers, Decision, Delivery, FailureReason, Means, Places, Plan, Prospect, Refusal,
    SlotChange, Terms, outlook_of_none,
};
use shared_events::{OrderId, Proof, Slot, Stamp};

use super::{
    bugs::Bug,
    coverage::{self, Coverage, alternatives},
    lane::{Inbox, Record},
    outbox::Outbox,
    side::{Answer, Side},
    stamps,
};
use crate::fixtures::{day, zone};

/// How many places a day takes.
pub const PLACES_A_DAY: i64 = 1;
/// How many parcels a courier can carry.
pub const PARCELS_A_COURIER: i64 = 1;
/// What a parcel may weigh: many teas, no anvil.
pub const LIMIT_G: i64 = 50_000;
/// Who carries.
pub const COURIERS: [&str; 2] = ["anna", "bo"];

/// What staff and couriers may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Asked {
    /// One of the [`COURIERS`].
    Assign(usize),
    Dispatch,
    /// With the day that the recipient wishes, so many days after the first.
    Attempt(u32, Option<u64>),
    Complete,
    Fail(FailureReason),
}

impl Asked {
    fn command(self) -> Command {
        match self {
            Asked::Assign(courier) => Command::AssignCourier { courier: COURIERS[courier].to_owned() },
            Asked::Dispatch => Command::Dispatch,
            Asked::Attempt(number, wished) => Command::Attempt { number, note: None, date: wished.map(day) },
            Asked::Complete => {
                Command::Complete { proof: Proof { received_by: "the recipient".to_owned(), reference: None } }
            }
            Asked::Fail(reason) => Command::Fail { reason },
        }
    }
}

/// What may be asked of the delivery side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeliveryCommand {
    Ask(OrderId, Asked),
    /// A delivery is late.
    Late(OrderId),
    /// An operator gives up an OrderCompleted that cannot be applied.
    GiveUp(OrderId),
}

/// What comes is what may come, and leads where it was said to.
fn assert_foreseen(outlook: &[Prospect], coming: Coming, decision: &Decision) {
    let came = Prospect { coming, leads_to: decision.delivery.status };
    assert!(outlook.contains(&came), "{came:?} was not foreseen: {outlook:?}");
}

/// The database of the delivery side.
#[derive(Debug, Clone)]
pub struct DeliverySide {
    pub deliveries: BTreeMap<OrderId, Arc<Delivery>>,
    pub taken: BTreeMap<Slot, i64>,
    pub loads: BTreeMap<String, i64>,
    pub anomalies: Vec<String>,
    pub full_alternatives: Vec<String>,
    /// How many times a parcel is brought.
    pub max_attempts: u32,
    outbox: Outbox,
    inbox: Inbox,
    bug: Option<Bug>,
}

impl DeliverySide {
    pub fn new(max_attempts: u32, bug: Option<Bug>) -> Self {
        Self {
            deliveries: BTreeMap::new(),
            taken: BTreeMap::new(),
            loads: BTreeMap::new(),
            anomalies: vec![],
            full_alternatives: vec![],
            max_attempts,
            outbox: Outbox::default(),
            inbox: Inbox::default(),
            bug,
        }
    }

    fn plan(&self) -> Plan {
        let places = |(slot, taken): (&Slot, &i64)| (slot.clone(), Places { capacity: PLACES_A_DAY, taken: *taken });
        Plan::new([zone(PLACES_A_DAY, LIMIT_G)], self.taken.iter().map(places))
    }

    pub fn terms(&self) -> Terms {
        Terms { max_attempts: self.max_attempts, ..crate::fixtures::DELIVERY_TERMS }
    }

    fn couriers(&self) -> Couriers {
        Couriers::new(COURIERS.map(|id| {
            let load = self.loads.get(id).copied().unwrap_or_default();
            Courier { id: id.to_owned(), name: id.to_owned(), capacity: PARCELS_A_COURIER, load }
        }))
    }

    fn ask(&mut self, order_id: OrderId, asked: Asked, coverage: &mut Coverage) -> Answer {
        let (mut plan, mut couriers, terms) = (self.plan(), self.couriers(), self.terms());
        let mut means = Means { plan: &mut plan, couriers: &mut couriers, terms };
        let (before, command) = (self.deliveries[&order_id].clone(), asked.command());
        coverage.note(coverage::delivery_command(&before, &command, terms));
        let (coming, stamp) = (Coming::of(&command), stamps::of_delivery(&before));
        match Delivery::clone(&before).decide(command, &mut means, stamp) {
            Err(refusal) => {
                if matches!(refusal, Refusal::NoDayWithRoom { .. }) {
                    coverage.note("the day that an absent recipient wishes has no room");
                }
                return Answer::Refused(refusal.to_string());
            }
            Ok(decision) if decision.changes_nothing() => {}
            Ok(decision) => {
                assert_foreseen(&before.outlook(terms), coming, &decision);
                self.save(decision, stamp, "request".to_owned());
            }
        }
        Answer::Committed
    }

    fn late(&mut self, order_id: OrderId, coverage: &mut Coverage) {
        let delivery = self.deliveries[&order_id].clone();
        if let Some(deadline) = delivery.deadline {
            let stamp = Stamp { at: deadline, ..stamps::of_delivery(&delivery) };
            coverage.note("somebody has to look at a delivery");
            self.save(Delivery::clone(&delivery).overdue(stamp), stamp, "deadline".to_owned());
        }
    }

    fn give_up(&mut self, order_id: OrderId, coverage: &mut Coverage) -> Answer {
        if !self.inbox.can_be_given_up(order_id) {
            return Answer::Refused("it can still be applied, or has been".to_owned());
        }
        coverage.note("an operator gives up an OrderCompleted that cannot be applied");
        let stamp = stamps::beginning(order_id);
        self.inbox.give_up(order_id);
        self.save(Delivery::give_up(order_id, stamp), stamp, "operator".to_owned());
        Answer::Committed
    }

    fn begin(&mut self, record: &Record, stamp: Stamp) -> Decision {
        let decision = Delivery::begin(record.order_id(), record.event(), &mut self.plan(), stamp);
        let is_full = |slot: &&Slot| self.taken.get(slot).is_some_and(|taken| *taken >= PLACES_A_DAY);
        let named = alternatives(&decision.delivery).iter().filter(is_full);
        self.full_alternatives.extend(named.map(|slot| format!("{slot:?} was full when it was named")));
        decision
    }

    fn save(&mut self, decision: Decision, stamp: Stamp, cause: String) {
        let Decision { delivery, slot, couriers, announce, anomaly, stamp: _ } = decision.due(&self.terms());
        for (slot, places) in slot.iter().flat_map(SlotChange::places) {
            *self.taken.entry(slot.clone()).or_default() += places;
        }
        for change in &couriers {
            *self.loads.entry(change.courier().to_owned()).or_default() += change.parcels();
        }
        self.anomalies.extend(anomaly.map(|anomaly| format!("{anomaly:?}")));
        self.outbox.announce(delivery.order_id, delivery.version, announce, stamp, cause);
        self.deliveries.insert(delivery.order_id, Arc::new(delivery));
    }
}

impl Side for DeliverySide {
    type Command = DeliveryCommand;

    fn bug(&self) -> Option<Bug> {
        self.bug
    }

    fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    fn outbox_mut(&mut self) -> &mut Outbox {
        &mut self.outbox
    }

    fn inbox(&self) -> &Inbox {
        &self.inbox
    }

    fn inbox_mut(&mut self) -> &mut Inbox {
        &mut self.inbox
    }

    fn decide(&mut self, command: &DeliveryCommand, coverage: &mut Coverage) -> Answer {
        match command {
            DeliveryCommand::Ask(order_id, asked) => return self.ask(*order_id, *asked, coverage),
            DeliveryCommand::Late(order_id) => self.late(*order_id, coverage),
            DeliveryCommand::GiveUp(order_id) => return self.give_up(*order_id, coverage),
        }
        Answer::Committed
    }

    fn react(&mut self, record: &Record, coverage: &mut Coverage) {
        let (order_id, event) = (record.order_id(), record.event());
        let before = self.deliveries.get(&order_id).cloned();
        let stamp = before.as_deref().map_or_else(|| stamps::beginning(order_id), stamps::of_delivery);
        let (decision, outlook) = match &before {
            Some(delivery) => (Delivery::clone(delivery).react(event, stamp), delivery.outlook(self.terms())),
            None => (self.begin(record, stamp), outlook_of_none(order_id)),
        };
        if decision.anomaly.is_none() {
            assert_foreseen(&outlook, Coming::Event { event: event.kind() }, &decision);
        }
        coverage.note(coverage::delivery_event(before.as_deref(), event, &decision.delivery));
        if before.is_none() && !alternatives(&decision.delivery).is_empty() {
            coverage.note("a refusal names other days");
        }
        self.save(decision, stamp, record.id());
    }

    fn keep_refunds(&mut self, _: Self) {}
}
