//! The delivery side in memory: the real domain, with maps for tables.

use std::collections::BTreeMap;

use delivery_service::domain::{
    Coming, Command, Courier, Couriers, Decision, Delivery, Means, Places, Plan, Prospect, Refusal, SlotChange, Terms,
    outlook_of_none,
};
use shared_events::{Envelope, OrderId, Slot, Stamp};

use super::{
    coverage::alternatives,
    lane::{Inbox, Outbox},
};
use crate::deadlines::DELIVERY_TERMS;
use crate::fixtures::zone;

/// How many parcels a day takes.
pub const PLACES_A_DAY: i64 = 1;
/// How many parcels a courier can carry.
pub const PARCELS_A_COURIER: i64 = 1;
/// What a parcel may weigh: many teas, no anvil.
pub const LIMIT_G: i64 = 50_000;
/// Who carries.
pub const COURIERS: [&str; 2] = ["anna", "bo"];

/// What comes is what may come, and leads where it was said to.
fn assert_foreseen(outlook: &[Prospect], coming: Coming, decision: &Decision) {
    let came = Prospect { coming, leads_to: decision.delivery.status };
    assert!(outlook.contains(&came), "{came:?} was not foreseen: {outlook:?}");
}

/// The database of the delivery side.
#[derive(Debug, Default)]
pub struct DeliverySide {
    pub deliveries: BTreeMap<OrderId, Delivery>,
    pub taken: BTreeMap<Slot, i64>,
    pub loads: BTreeMap<String, i64>,
    pub anomalies: Vec<String>,
    pub full_alternatives: Vec<String>,
    /// How many times a parcel is brought.
    pub max_attempts: u32,
    pub outbox: Outbox,
    pub inbox: Inbox,
}

impl DeliverySide {
    fn plan(&self) -> Plan {
        let places = |(slot, taken): (&Slot, &i64)| (slot.clone(), Places { capacity: PLACES_A_DAY, taken: *taken });
        Plan::new([zone(PLACES_A_DAY, LIMIT_G)], self.taken.iter().map(places))
    }

    pub fn terms(&self) -> Terms {
        Terms { max_attempts: self.max_attempts, ..DELIVERY_TERMS }
    }

    fn couriers(&self) -> Couriers {
        Couriers::new(COURIERS.map(|id| {
            let load = self.loads.get(id).copied().unwrap_or_default();
            Courier { id: id.to_owned(), name: id.to_owned(), capacity: PARCELS_A_COURIER, load }
        }))
    }

    pub fn decide(&mut self, order_id: OrderId, command: Command, stamp: Stamp) -> Result<(), Refusal> {
        let (mut plan, mut couriers, terms) = (self.plan(), self.couriers(), self.terms());
        let mut means = Means { plan: &mut plan, couriers: &mut couriers, terms };
        let (before, coming) = (&self.deliveries[&order_id], Coming::of(&command));
        let decision = before.clone().decide(command, &mut means, stamp)?;
        if !decision.changes_nothing() {
            assert_foreseen(&before.outlook(terms), coming, &decision);
        }
        self.save(decision, stamp, format!("request-{}", stamp.fresh_id));
        Ok(())
    }

    pub fn deadline(&mut self, order_id: OrderId, stamp: Stamp) {
        let delivery = self.deliveries[&order_id].clone();
        if delivery.deadline.is_some() {
            self.save(delivery.overdue(stamp), stamp, "deadline".to_owned());
        }
    }

    /// In the transaction that claimed it.
    pub fn react(&mut self, envelope: &Envelope, stamp: Stamp) {
        let (decision, outlook) = match self.deliveries.get(&envelope.order_id) {
            Some(delivery) => (delivery.clone().react(&envelope.event, stamp), delivery.outlook(self.terms())),
            None => (self.begin(envelope, stamp), outlook_of_none(envelope.order_id)),
        };
        if decision.anomaly.is_none() {
            assert_foreseen(&outlook, Coming::Event { event: envelope.event.kind() }, &decision);
        }
        self.save(decision, stamp, envelope.id.to_string());
    }

    fn begin(&mut self, envelope: &Envelope, stamp: Stamp) -> Decision {
        let decision = Delivery::begin(envelope.order_id, &envelope.event, &mut self.plan(), stamp);
        let is_full = |slot: &&Slot| self.taken.get(slot).is_some_and(|taken| *taken >= PLACES_A_DAY);
        let named = alternatives(&decision.delivery).iter().filter(is_full);
        self.full_alternatives.extend(named.map(|slot| format!("{slot:?} was full when it was named")));
        decision
    }

    fn save(&mut self, decision: Decision, stamp: Stamp, cause: String) {
        let Decision { delivery, slot, couriers, announce, anomaly, stamp: _ } = decision.due(&DELIVERY_TERMS);
        match slot {
            Some(SlotChange::Take(slot)) => *self.taken.entry(slot).or_default() += 1,
            Some(SlotChange::GiveBack(slot)) => *self.taken.entry(slot).or_default() -= 1,
            Some(SlotChange::Move { from, to }) => {
                *self.taken.entry(from).or_default() -= 1;
                *self.taken.entry(to).or_default() += 1;
            }
            None => {}
        }
        for change in &couriers {
            *self.loads.entry(change.courier().to_owned()).or_default() += change.parcels();
        }
        self.anomalies.extend(anomaly.map(|anomaly| format!("{anomaly:?}")));
        self.outbox.announce(delivery.order_id, delivery.version, announce, stamp, cause);
        self.deliveries.insert(delivery.order_id, delivery);
    }
}
