//! What may still become of an order, found by trying: every event and every command on a copy of it. There is no second table.

use serde::Serialize;
use shared_events::{
    CreationFailure, DeliveryCancelled, DeliveryCompleted, DeliveryCreated, DeliveryDispatched, DeliveryFailed,
    DeliveryId, Event, EventId, EventKind, FulfilmentFailure, Goods, Proof, Slot, Stamp, Topic, TransitFailure,
};

use super::{CancelledBy, Command, Order, Status};

/// Something that may still come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "comes", rename_all = "snake_case")]
pub enum Coming {
    /// The delivery side may announce it.
    Event {
        /// What.
        event: EventKind,
        /// How far the delivery had come, where it failed.
        #[serde(skip_serializing_if = "Option::is_none")]
        stage: Option<Stage>,
    },
    /// Somebody may ask for the order to be cancelled.
    Cancellation {
        /// Who.
        by: CancelledBy,
    },
    /// Its time may be up.
    Deadline,
}

/// How far a delivery had come that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// It never came to be.
    Creation,
    /// The goods never left.
    Fulfilment,
    /// They had left.
    Transit,
}

/// What may come, and where it leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Prospect {
    /// What may come.
    #[serde(flatten)]
    pub coming: Coming,
    /// Where the order stands then.
    pub leads_to: Status,
}

impl Coming {
    /// What this event is, told apart as far as the table does.
    #[must_use]
    pub fn of(event: &Event) -> Self {
        let stage = match event {
            Event::DeliveryFailed(DeliveryFailed::Creation { .. }) => Some(Stage::Creation),
            Event::DeliveryFailed(DeliveryFailed::Fulfilment { .. }) => Some(Stage::Fulfilment),
            Event::DeliveryFailed(DeliveryFailed::Transit { .. }) => Some(Stage::Transit),
            Event::OrderCompleted(_)
            | Event::OrderCancelled(_)
            | Event::DeliveryCreated(_)
            | Event::DeliveryCancelled(_)
            | Event::DeliveryDispatched(_)
            | Event::DeliveryCompleted(_) => None,
        };
        Coming::Event { event: event.kind(), stage }
    }
}

impl Order {
    /// What may still come, and where each leads: every event that would be no anomaly, everything that would be granted and change
    /// something, and the deadline where one stands.
    #[must_use]
    pub fn outlook(&self) -> Vec<Prospect> {
        let stamp = Stamp { at: self.placed_at, event_id: EventId(self.id.0), fresh_id: self.id.0 };
        let kinds = EventKind::ALL.into_iter().filter(|kind| kind.topic() == Topic::Deliveries);
        let events = kinds.flat_map(|kind| self.examples(kind)).filter_map(|event| {
            let decision = self.clone().react(&event, stamp);
            let leads_to = decision.order.status;
            decision.anomaly.is_none().then_some(Prospect { coming: Coming::of(&event), leads_to })
        });
        let commands = CancelledBy::ALL.iter().filter_map(|by| {
            let decision = self.clone().decide(Command::Cancel { by: *by }, stamp).ok()?;
            decision.change?;
            Some(Prospect { coming: Coming::Cancellation { by: *by }, leads_to: decision.order.status })
        });
        let deadline = self.deadline.map(|_| {
            let leads_to = self.clone().deadline_passed(stamp).order.status;
            Prospect { coming: Coming::Deadline, leads_to }
        });
        events.chain(commands).chain(deadline).collect()
    }

    /// What an event of this kind may be, as far as the table tells events of one kind apart.
    fn examples(&self, kind: EventKind) -> Vec<Event> {
        let failed = [
            DeliveryFailed::Creation { reason: CreationFailure::SlotFull, alternatives: vec![] },
            DeliveryFailed::Fulfilment { reason: FulfilmentFailure::Operator },
            DeliveryFailed::Transit { reason: TransitFailure::Lost, goods: Goods::Lost },
        ];
        match kind {
            EventKind::DeliveryCreated => {
                let date = self.placed_at.date_naive();
                let slot = Slot { zone: String::new(), date };
                let delivery_id = DeliveryId(self.id.0);
                vec![Event::DeliveryCreated(DeliveryCreated { delivery_id, slot, promised_date: date })]
            }
            EventKind::DeliveryFailed => failed.map(Event::DeliveryFailed).to_vec(),
            EventKind::DeliveryCancelled => vec![Event::DeliveryCancelled(DeliveryCancelled {})],
            EventKind::DeliveryDispatched => {
                vec![Event::DeliveryDispatched(DeliveryDispatched { courier: String::new() })]
            }
            EventKind::DeliveryCompleted => {
                let proof = Proof { received_by: String::new(), reference: None };
                vec![Event::DeliveryCompleted(DeliveryCompleted { proof })]
            }
            // Our own.
            EventKind::OrderCompleted | EventKind::OrderCancelled => vec![],
        }
    }
}
