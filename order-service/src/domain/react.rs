//! What the delivery side's events do to an order: the table of `docs/saga.md`, cell by cell.

use shared_events::{DeliveryFailed, Event, Goods, Stamp};

use super::{Anomaly, Cancellation, Decision, Order, Status, StockChange, StockState, What};

impl Order {
    /// Takes in what the delivery side announced. There is always an answer: it has already happened.
    #[must_use]
    pub fn react(self, event: &Event, stamp: Stamp) -> Decision {
        self.reaction(event).because(What::Event(event.kind()), stamp)
    }

    fn reaction(self, event: &Event) -> Decision {
        use DeliveryFailed::{Creation, Fulfilment, Transit};
        use Event::{DeliveryCancelled, DeliveryCompleted, DeliveryCreated, DeliveryDispatched};
        use Event::{OrderCancelled, OrderCompleted};
        use Status::{Cancelled, Cancelling, Completed, Confirmed, Delivered, InDelivery, Returned};
        match (self.status, event) {
            (Completed, DeliveryCreated(created)) => {
                self.learning(|delivery| delivery.created(created)).capturing().status(Confirmed)
            }
            // Asked to cancel, the other side's answer is still to come: money waits for it.
            (Cancelling, DeliveryCreated(created)) if !self.knows_delivery() => {
                self.learning(|delivery| delivery.created(created))
            }
            (Cancelling, Event::DeliveryFailed(failed @ Creation { .. })) if !self.knows_delivery() => {
                self.cancelled_by(failed)
            }
            (Completed, Event::DeliveryFailed(failed @ Creation { .. }))
            | (Confirmed | Cancelling, Event::DeliveryFailed(failed @ Fulfilment { .. })) => self.cancelled_by(failed),
            (Cancelling, DeliveryCancelled(_)) => Decision::nothing(self).cancelled(),
            (Confirmed, DeliveryDispatched(dispatched)) => self.dispatched(&dispatched.courier),
            (Cancelling, DeliveryDispatched(dispatched)) => {
                Order { cancellation_rejected: true, ..self }.dispatched(&dispatched.courier)
            }
            (InDelivery, DeliveryCompleted(completed)) => self
                .learning(|delivery| delivery.proof = Some(completed.proof.clone()))
                .moving_stock(StockChange::Ship, StockState::Shipped)
                .status(Delivered),
            (InDelivery, Event::DeliveryFailed(failed @ Transit { goods, .. })) => self.returned(failed, *goods),

            // Impossible, if the other side keeps to its table.
            (Completed, Event::DeliveryFailed(Fulfilment { .. } | Transit { .. }))
            | (Completed, DeliveryCancelled(_) | DeliveryDispatched(_) | DeliveryCompleted(_))
            | (Confirmed, Event::DeliveryFailed(Creation { .. } | Transit { .. }))
            | (Confirmed, DeliveryCreated(_) | DeliveryCancelled(_) | DeliveryCompleted(_))
            // Created once, it is neither created again nor found impossible to create.
            | (Cancelling, DeliveryCreated(_) | Event::DeliveryFailed(Creation { .. }))
            | (Cancelling, Event::DeliveryFailed(Transit { .. }) | DeliveryCompleted(_))
            | (InDelivery, Event::DeliveryFailed(Creation { .. } | Fulfilment { .. }))
            | (InDelivery, DeliveryCreated(_) | DeliveryCancelled(_) | DeliveryDispatched(_))
            | (Delivered | Cancelled | Returned, DeliveryCreated(_) | Event::DeliveryFailed(_) | DeliveryCancelled(_))
            | (Delivered | Cancelled | Returned, DeliveryDispatched(_) | DeliveryCompleted(_))
            // Our own, which the other side never announces.
            | (
                Completed | Confirmed | Cancelling | InDelivery | Delivered | Cancelled | Returned,
                OrderCompleted(_) | OrderCancelled(_),
            ) => self.anomaly(event),
        }
    }

    fn knows_delivery(&self) -> bool {
        self.delivery.id.is_some()
    }

    fn learning(mut self, learn: impl FnOnce(&mut super::KnownDelivery)) -> Decision {
        learn(&mut self.delivery);
        Decision::nothing(self)
    }

    fn cancelled_by(mut self, failed: &DeliveryFailed) -> Decision {
        // Who asked first stays the reason; the failure is then only the answer.
        self.cancellation.get_or_insert_with(|| Cancellation::DeliveryFailed(failed.clone()));
        self.learning(|delivery| delivery.failure = Some(failed.clone())).cancelled()
    }

    fn dispatched(self, courier: &str) -> Decision {
        self.learning(|delivery| delivery.courier = Some(courier.to_owned())).capturing().status(Status::InDelivery)
    }

    fn returned(self, failed: &DeliveryFailed, goods: Goods) -> Decision {
        let (change, becomes) = match goods {
            Goods::Returned => (StockChange::Release, StockState::Released),
            Goods::Lost | Goods::Damaged => (StockChange::WriteOff, StockState::WrittenOff),
        };
        self.learning(|delivery| delivery.failure = Some(failed.clone()))
            .giving_money_back()
            .moving_stock(change, becomes)
            .status(Status::Returned)
    }

    fn anomaly(self, event: &Event) -> Decision {
        let anomaly = Anomaly { event: event.kind(), status: self.status };
        Decision { anomaly: Some(anomaly), ..Decision::nothing(self) }
    }
}

impl Decision {
    fn cancelled(self) -> Self {
        self.giving_money_back().moving_stock(StockChange::Release, StockState::Released).status(Status::Cancelled)
    }
}
