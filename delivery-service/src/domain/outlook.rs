//! What may still become of a delivery, found by trying: every event and every command on a copy of it, with room and couriers enough.
//! There is no second table.

use chrono::{DateTime, NaiveTime, Utc};
use serde::Serialize;
use shared_events::{
    Address, CancellationReason, Event, EventId, EventKind, Item, Money, OrderCancelled, OrderCompleted, OrderId,
    Proof, Stamp, Topic,
};

use super::{Command, Courier, Couriers, Decision, Delivery, FailureReason, Means, Plan, Refusal, Status, Terms, Zone};

/// Something that may still come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "comes", rename_all = "snake_case")]
pub enum Coming {
    /// The order side may announce it.
    Event {
        /// What.
        event: EventKind,
    },
    /// Staff or a courier may ask for it.
    Command {
        /// What, as the history names it.
        command: &'static str,
        /// Why it fails, where it is to fail.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<&'static str>,
    },
    /// Its time may be up.
    Deadline,
}

/// What may come, and where it leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Prospect {
    /// What may come.
    #[serde(flatten)]
    pub coming: Coming,
    /// Where the delivery stands then.
    pub leads_to: Status,
}

impl Coming {
    /// What this command is, told apart as far as the table does.
    #[must_use]
    pub fn of(command: &Command) -> Self {
        let reason = match command {
            Command::Fail { reason } => Some(reason.name()),
            Command::AssignCourier { .. } | Command::Dispatch | Command::Attempt { .. } | Command::Complete { .. } => {
                None
            }
        };
        Coming::Command { command: command.name(), reason }
    }
}

/// Before there is a delivery: what the order side may announce, and what may become of it.
#[must_use]
pub fn outlook_of_none(order_id: OrderId) -> Vec<Prospect> {
    let stamp = Stamp { at: DateTime::UNIX_EPOCH, event_id: EventId(order_id.0), fresh_id: order_id.0 };
    let plans = [roomy("0"), Plan::default()];
    let mut found = Vec::new();
    for (event, plan) in examples().iter().flat_map(|event| plans.iter().map(move |plan| (event, plan))) {
        let decision = Delivery::begin(order_id, event, &mut plan.clone(), stamp);
        let prospect = Prospect { coming: Coming::Event { event: event.kind() }, leads_to: decision.delivery.status };
        if decision.anomaly.is_none() && !found.contains(&prospect) {
            found.push(prospect);
        }
    }
    found
}

impl Delivery {
    /// What may still come, and where each leads: every event that would be no anomaly, everything that would be granted and change
    /// something, where there are room and couriers, and the deadline where one stands.
    #[must_use]
    pub fn outlook(&self, terms: Terms) -> Vec<Prospect> {
        let stamp = Stamp { at: self.its_day(), event_id: EventId(self.id.0), fresh_id: self.id.0 };
        let examples = examples();
        let events = examples.iter().filter_map(|event| {
            let decision = self.clone().react(event, stamp);
            let coming = Coming::Event { event: event.kind() };
            decision.anomaly.is_none().then_some(Prospect { coming, leads_to: decision.delivery.status })
        });
        let commands = self.commands().into_iter().filter_map(|command| {
            let coming = Coming::of(&command);
            let decision = self.tried(command, terms, stamp).ok()?;
            (!decision.changes_nothing()).then_some(Prospect { coming, leads_to: decision.delivery.status })
        });
        let deadline = self.deadline.map(|_| {
            let leads_to = self.clone().overdue(stamp).delivery.status;
            Prospect { coming: Coming::Deadline, leads_to }
        });
        events.chain(commands).chain(deadline).collect()
    }

    fn tried(&self, command: Command, terms: Terms, stamp: Stamp) -> Result<Decision, Refusal> {
        let zone = self.slot.as_ref().map_or("", |slot| slot.zone.as_str());
        // Where nobody has a name there is always somebody else.
        let anybody = Courier { id: String::new(), name: String::new(), capacity: 1, load: 0 };
        let (mut plan, mut couriers) = (roomy(zone), Couriers::new([anybody]));
        self.clone().decide(command, &mut Means { plan: &mut plan, couriers: &mut couriers, terms }, stamp)
    }

    /// The beginning of the day it is planned for: whatever comes later is still to come then.
    fn its_day(&self) -> DateTime<Utc> {
        self.slot.as_ref().map_or(DateTime::UNIX_EPOCH, |slot| slot.date.and_time(NaiveTime::MIN).and_utc())
    }

    /// Every command there is.
    fn commands(&self) -> Vec<Command> {
        let number = self.attempts.last().map_or(1, |last| last.number + 1);
        let proof = Proof { received_by: String::new(), reference: None };
        let failures = FailureReason::ALL.map(|reason| Command::Fail { reason });
        let others = [
            Command::AssignCourier { courier: String::new() },
            Command::Dispatch,
            Command::Attempt { number, note: None, date: None },
            Command::Complete { proof },
        ];
        others.into_iter().chain(failures).collect()
    }
}

/// One zone, and room for everything there.
fn roomy(id: &str) -> Plan {
    let zone = Zone {
        id: id.to_owned(),
        country: "AA".to_owned(),
        prefixes: vec!["0".to_owned()],
        capacity_per_day: 1,
        weight_limit_g: 1,
    };
    Plan::new([zone], [])
}

/// What the order side may announce, one of each kind.
fn examples() -> Vec<Event> {
    let kinds = EventKind::ALL.into_iter().filter(|kind| kind.topic() == Topic::Orders);
    kinds.filter_map(example).collect()
}

fn example(kind: EventKind) -> Option<Event> {
    match kind {
        EventKind::OrderCompleted => Some(Event::OrderCompleted(OrderCompleted {
            items: vec![Item { sku: String::new(), quantity: 1, weight_g: 1, unit_price_minor: None }],
            total: Money::new(1, "EUR".parse().ok()?),
            delivery_address: Address {
                recipient: String::new(),
                line1: String::new(),
                line2: None,
                city: String::new(),
                postal_code: "0".to_owned(),
                country: "AA".to_owned(),
            },
            wished_date: None,
            customer_id: None,
        })),
        EventKind::OrderCancelled => {
            Some(Event::OrderCancelled(OrderCancelled { reason: CancellationReason::Customer }))
        }
        // Our own.
        EventKind::DeliveryCreated
        | EventKind::DeliveryFailed
        | EventKind::DeliveryCancelled
        | EventKind::DeliveryDispatched
        | EventKind::DeliveryCompleted => None,
    }
}
