//! The delivery and its state table.

use chrono::{DateTime, Utc};
use shared_events::{
    Address, CreationFailure, DeliveryCancelled, DeliveryCompleted, DeliveryCreated, DeliveryDispatched,
    DeliveryFailed, DeliveryId, Event, Item, OrderCompleted, OrderId, Proof, Slot, Stamp, Version,
};

use super::{
    Attempt, Attention, Command, CourierChange, Couriers, Decision, FailureReason, Means, Plan, Refusal, SlotChange,
    Status,
};

/// What became of one order on this side. An order has at most one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its own identity.
    pub id: DeliveryId,
    /// The order, and with it the saga.
    pub order_id: OrderId,
    /// Where it stands.
    pub status: Status,
    /// The place it took, or the one that the last attempt led to; still named after it was given back.
    pub slot: Option<Slot>,
    /// The times at which it was brought and nobody was there.
    pub attempts: Vec<Attempt>,
    /// What the parcel weighs.
    pub weight_g: i64,
    /// Where it goes. None only for a tombstone, which never learned it.
    pub address: Option<Address>,
    /// Who carries it, or last did.
    pub courier: Option<String>,
    /// What shows that it was handed over.
    pub proof: Option<Proof>,
    /// Why it was refused or failed.
    pub failure: Option<DeliveryFailed>,
    /// Why somebody has to look at it, if somebody has to.
    pub attention: Option<Attention>,
    /// Until when it waits. None where it has ended or is flagged, and, until [`Decision::due`], where a new wait begins.
    pub deadline: Option<DateTime<Utc>>,
    /// How many events were announced about it.
    pub version: Version,
}

impl Delivery {
    /// The first event about an order that has no delivery yet: the row "none" of the table.
    #[must_use]
    pub fn begin(order_id: OrderId, event: &Event, plan: &mut Plan, stamp: Stamp) -> Decision {
        let delivery = Self::blank(order_id, stamp);
        match event {
            Event::OrderCompleted(order) => delivery.planned(order, plan, stamp),
            Event::OrderCancelled(_) => {
                let cancelled = Event::DeliveryCancelled(DeliveryCancelled {});
                Decision::announced(delivery, Status::Void, cancelled, stamp)
            }
            // Our own words do not come back on the other side's topic. If they did: a tombstone that says so.
            Event::DeliveryCreated(_)
            | Event::DeliveryFailed(_)
            | Event::DeliveryCancelled(_)
            | Event::DeliveryDispatched(_)
            | Event::DeliveryCompleted(_) => Decision::anomaly(delivery, event, stamp),
        }
    }

    /// The order's first event can never be applied, and an operator gives it up: there will be no delivery.
    #[must_use]
    pub fn give_up(order_id: OrderId, stamp: Stamp) -> Decision {
        Self::blank(order_id, stamp).refuse(CreationFailure::Unprocessable, vec![], stamp)
    }

    /// An event about an order that has a delivery. It has happened, so there is always an answer.
    #[must_use]
    pub fn react(self, event: &Event, stamp: Stamp) -> Decision {
        match (self.status, event) {
            (Status::Scheduled, Event::OrderCancelled(_)) => self.cancel(stamp),
            // What this status was announced with is the answer.
            (Status::Refused | Status::Dispatched | Status::Failed | Status::Delivered, Event::OrderCancelled(_)) => {
                Decision::none(self, stamp)
            }
            (Status::Void | Status::Cancelled, Event::OrderCancelled(_)) => Decision::anomaly(self, event, stamp),
            (
                Status::Void
                | Status::Refused
                | Status::Scheduled
                | Status::Dispatched
                | Status::Failed
                | Status::Delivered
                | Status::Cancelled,
                Event::OrderCompleted(_)
                | Event::DeliveryCreated(_)
                | Event::DeliveryFailed(_)
                | Event::DeliveryCancelled(_)
                | Event::DeliveryDispatched(_)
                | Event::DeliveryCompleted(_),
            ) => Decision::anomaly(self, event, stamp),
        }
    }

    /// Staff or a courier asks for something. The same once more is granted and changes nothing.
    ///
    /// # Errors
    /// The business says no; plan and couriers are as they were.
    pub fn decide(self, command: Command, means: &mut Means<'_>, stamp: Stamp) -> Result<Decision, Refusal> {
        let status = self.status;
        let refused = Err(Refusal::WrongStatus { command: command.name(), status });
        let decision = match (status, command) {
            (Status::Scheduled, Command::AssignCourier { courier }) => self.assign(courier, means.couriers, stamp),
            (Status::Scheduled, Command::Dispatch) => self.dispatch(stamp),
            (Status::Scheduled | Status::Dispatched, Command::Fail { reason }) => self.fail(reason, stamp),
            (Status::Dispatched | Status::Failed | Status::Delivered, Command::Attempt { number, .. })
                if self.has_last_recorded(number) =>
            {
                Ok(Decision::none(self, stamp))
            }
            (Status::Dispatched, Command::Attempt { number, note, date }) => {
                self.attempt(number, note, date, means, stamp)
            }
            (Status::Dispatched, Command::Complete { proof }) => Ok(self.complete(proof, stamp)),
            (Status::Dispatched, Command::Dispatch) => Ok(Decision::none(self, stamp)),
            (Status::Delivered, Command::Complete { proof }) if self.proof.as_ref() == Some(&proof) => {
                Ok(Decision::none(self, stamp))
            }
            (Status::Failed, Command::Fail { reason }) if self.failure == Some(reason.failed()) => {
                Ok(Decision::none(self, stamp))
            }
            (Status::Delivered, Command::Attempt { .. } | Command::Complete { .. } | Command::Fail { .. }) => {
                Err(self.already_delivered())
            }
            (Status::Scheduled, Command::Attempt { .. } | Command::Complete { .. })
            | (Status::Dispatched | Status::Delivered, Command::AssignCourier { .. })
            | (Status::Delivered, Command::Dispatch)
            | (
                Status::Void | Status::Refused | Status::Failed | Status::Cancelled,
                Command::AssignCourier { .. }
                | Command::Dispatch
                | Command::Attempt { .. }
                | Command::Complete { .. }
                | Command::Fail { .. },
            ) => refused,
        }?;
        decision.slot.iter().for_each(|change| means.plan.apply(change));
        decision.couriers.iter().for_each(|change| means.couriers.apply(change));
        Ok(decision)
    }

    /// What is known before anything is: shown by nobody but an anomaly.
    pub(super) fn blank(order_id: OrderId, stamp: Stamp) -> Self {
        Self {
            id: DeliveryId(stamp.fresh_id),
            order_id,
            status: Status::Void,
            slot: None,
            attempts: Vec::new(),
            weight_g: 0,
            address: None,
            courier: None,
            proof: None,
            failure: None,
            attention: None,
            deadline: None,
            version: Version::NONE,
        }
    }

    fn planned(mut self, order: &OrderCompleted, plan: &mut Plan, stamp: Stamp) -> Decision {
        self = self.addressed(order);
        match plan.take(order, self.weight_g, stamp) {
            Ok(slot) => self.schedule(slot, stamp),
            Err(reason) => {
                let alternatives = plan.alternatives(order, self.weight_g, reason, stamp);
                self.refuse(reason, alternatives, stamp)
            }
        }
    }

    /// Where it goes, and what it weighs.
    pub(super) fn addressed(mut self, order: &OrderCompleted) -> Self {
        self.address = Some(order.delivery_address.clone());
        self.weight_g = weight_g(&order.items);
        self
    }

    pub(super) fn schedule(mut self, slot: Slot, stamp: Stamp) -> Decision {
        self.slot = Some(slot.clone());
        let created = DeliveryCreated { delivery_id: self.id, promised_date: slot.date, slot: slot.clone() };
        let decision = Decision::announced(self, Status::Scheduled, Event::DeliveryCreated(created), stamp);
        Decision { slot: Some(SlotChange::Take(slot)), ..decision }
    }

    pub(super) fn refuse(mut self, reason: CreationFailure, alternatives: Vec<Slot>, stamp: Stamp) -> Decision {
        let failed = DeliveryFailed::Creation { reason, alternatives };
        self.failure = Some(failed.clone());
        Decision::announced(self, Status::Refused, Event::DeliveryFailed(failed), stamp)
    }

    pub(super) fn cancel(self, stamp: Stamp) -> Decision {
        let (slot, couriers) = (self.place_given_back(), self.courier_freed());
        let cancelled = Event::DeliveryCancelled(DeliveryCancelled {});
        Decision { slot, couriers, ..Decision::announced(self, Status::Cancelled, cancelled, stamp) }
    }

    fn assign(mut self, courier: String, couriers: &Couriers, stamp: Stamp) -> Result<Decision, Refusal> {
        if self.courier.as_ref() == Some(&courier) {
            return Ok(Decision::none(self, stamp));
        }
        couriers.with_room(&courier)?;
        let mut changes = self.courier_freed();
        changes.push(CourierChange::Load(courier.clone()));
        self.courier = Some(courier);
        Ok(Decision { couriers: changes, ..Decision::none(self, stamp) })
    }

    fn dispatch(self, stamp: Stamp) -> Result<Decision, Refusal> {
        let courier = self.courier.clone().ok_or(Refusal::NoCourierAssigned)?;
        let dispatched = Event::DeliveryDispatched(DeliveryDispatched { courier });
        Ok(Decision::announced(self, Status::Dispatched, dispatched, stamp))
    }

    pub(super) fn complete(mut self, proof: Proof, stamp: Stamp) -> Decision {
        let couriers = self.courier_freed();
        self.proof = Some(proof.clone());
        let completed = Event::DeliveryCompleted(DeliveryCompleted { proof });
        Decision { couriers, ..Decision::announced(self, Status::Delivered, completed, stamp) }
    }

    pub(super) fn fail(mut self, reason: FailureReason, stamp: Stamp) -> Result<Decision, Refusal> {
        let status = self.status;
        if !reason.fits(status) {
            let fitting = FailureReason::ALL.into_iter().filter(|other| other.fits(status)).collect();
            return Err(Refusal::ReasonDoesNotFit { reason, status, fitting });
        }
        let failed = reason.failed();
        let slot = match &failed {
            // A courier's day is used up by what has left, whatever became of it.
            DeliveryFailed::Creation { .. } | DeliveryFailed::Transit { .. } => None,
            DeliveryFailed::Fulfilment { .. } => self.place_given_back(),
        };
        let couriers = self.courier_freed();
        self.failure = Some(failed.clone());
        let event = Event::DeliveryFailed(failed);
        Ok(Decision { slot, couriers, ..Decision::announced(self, Status::Failed, event, stamp) })
    }

    fn place_given_back(&self) -> Option<SlotChange> {
        self.slot.clone().map(SlotChange::GiveBack)
    }

    pub(super) fn courier_freed(&self) -> Vec<CourierChange> {
        self.courier.iter().cloned().map(CourierChange::Free).collect()
    }
}

/// What the whole parcel weighs. What does not fit into the number is too heavy for everybody anyway.
fn weight_g(items: &[Item]) -> i64 {
    items
        .iter()
        .map(|item| i64::from(item.quantity).saturating_mul(i64::from(item.weight_g)))
        .fold(0, i64::saturating_add)
}
