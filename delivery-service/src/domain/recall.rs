//! A delivery found again: rebuilt from what this side itself announced about it, after the database was restored from an older copy.
//!
//! What was announced is a fact on the other side: the same day, the same delivery. It is not decided a second time.

use std::fmt;

use shared_events::{Announce, CreationFailure, DeliveryFailed, Event, OrderCompleted, OrderId, Stamp};

use super::{CourierChange, Decision, Delivery, FailureReason, Plan, Status};

/// Why a delivery cannot be rebuilt. Somebody has to see to it first, or to do it by hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotRecalled {
    /// The order's own event is in no topic any more: it had the address.
    OrderUnknown,
    /// The zone was not there when the copy was made.
    ZoneUnknown(String),
    /// The event cannot follow where the delivery stands.
    OutOfPlace(Option<Status>),
}

impl fmt::Display for NotRecalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotRecalled::OrderUnknown => {
                f.write_str("the order's own event, which has the address, is not in the topic")
            }
            NotRecalled::ZoneUnknown(zone) => write!(f, "there is no zone {zone}: put it there first"),
            NotRecalled::OutOfPlace(Some(status)) => write!(f, "what was announced cannot follow where it is {status}"),
            NotRecalled::OutOfPlace(None) => f.write_str("what was announced cannot be the first of a delivery"),
        }
    }
}

impl std::error::Error for NotRecalled {}

impl Delivery {
    /// The delivery as it was after this was announced; before it, as far as there was one. `order` is what the order side had
    /// announced, if it is known.
    ///
    /// # Errors
    /// [`NotRecalled`]; the plan is then as it was.
    pub fn recall(
        before: Option<Delivery>,
        announced: (OrderId, &Event),
        order: Option<&OrderCompleted>,
        plan: &Plan,
        stamp: Stamp,
    ) -> Result<Decision, NotRecalled> {
        let decision = match before {
            None => Self::begun_again(announced, order, plan, stamp)?,
            Some(delivery) => delivery.gone_on_again(announced.1, stamp)?,
        };
        // It has been announced: it is in the topic.
        Ok(Decision { announce: Announce::Nothing, ..decision })
    }

    fn begun_again(
        (order_id, event): (OrderId, &Event),
        order: Option<&OrderCompleted>,
        plan: &Plan,
        stamp: Stamp,
    ) -> Result<Decision, NotRecalled> {
        let blank = Self::blank(order_id, stamp);
        match event {
            Event::DeliveryCreated(created) => {
                if !plan.has_zone(&created.slot.zone) {
                    return Err(NotRecalled::ZoneUnknown(created.slot.zone.clone()));
                }
                let mut delivery = blank.addressed(order.ok_or(NotRecalled::OrderUnknown)?);
                delivery.id = created.delivery_id;
                Ok(delivery.schedule(created.slot.clone(), stamp))
            }
            Event::DeliveryFailed(DeliveryFailed::Creation { reason, alternatives }) => {
                let refused = match (order, reason) {
                    (_, CreationFailure::Unprocessable) => blank,
                    (Some(order), _) => blank.addressed(order),
                    (None, _) => return Err(NotRecalled::OrderUnknown),
                };
                Ok(refused.refuse(*reason, alternatives.clone(), stamp))
            }
            Event::DeliveryCancelled(_) => Ok(Decision::announced(blank, Status::Void, event.clone(), stamp)),
            Event::DeliveryFailed(DeliveryFailed::Fulfilment { .. } | DeliveryFailed::Transit { .. })
            | Event::DeliveryDispatched(_)
            | Event::DeliveryCompleted(_)
            | Event::OrderCompleted(_)
            | Event::OrderCancelled(_) => Err(NotRecalled::OutOfPlace(None)),
        }
    }

    fn gone_on_again(mut self, event: &Event, stamp: Stamp) -> Result<Decision, NotRecalled> {
        let out_of_place = NotRecalled::OutOfPlace(Some(self.status));
        match (self.status, event) {
            (Status::Scheduled, Event::DeliveryCancelled(_)) => Ok(self.cancel(stamp)),
            (Status::Scheduled, Event::DeliveryDispatched(dispatched)) => {
                let mut couriers = self.courier_freed();
                couriers.push(CourierChange::Load(dispatched.courier.clone()));
                self.courier = Some(dispatched.courier.clone());
                let gone = Decision::announced(self, Status::Dispatched, event.clone(), stamp);
                Ok(Decision { couriers, ..gone })
            }
            (Status::Dispatched, Event::DeliveryCompleted(completed)) => {
                Ok(self.complete(completed.proof.clone(), stamp))
            }
            (Status::Scheduled | Status::Dispatched, Event::DeliveryFailed(failed)) => {
                let reason = FailureReason::ALL.into_iter().find(|reason| reason.failed() == *failed);
                let failed = reason.and_then(|reason| self.fail(reason, stamp).ok());
                failed.ok_or(out_of_place)
            }
            (
                Status::Void
                | Status::Refused
                | Status::Scheduled
                | Status::Dispatched
                | Status::Failed
                | Status::Delivered
                | Status::Cancelled,
                _,
            ) => Err(out_of_place),
        }
    }
}
