//! I4, I7 and I11, as far as it takes both databases to see them. Pure: one saga at a time.
//!
//! The order side is always read before the delivery side. What the order side knows of a delivery has happened before,
//! so the delivery may be further than the order, but never behind it.

use super::report::{Finding, Invariant};
use super::sides::{Lanes, Saga};
use crate::services::Side;

/// Where these two sides contradict each other.
pub(super) fn contradictions(saga: &Saga) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut find = |invariant, evidence| found.push(saga.finding(invariant, evidence));
    if let Some(evidence) = impossible_pair(saga) {
        find(Invariant::I4, evidence);
    }
    if let Some(evidence) = another_delivery(saga) {
        find(Invariant::I7, evidence);
    }
    for sender in Side::BOTH {
        found.extend(lost(saga, sender));
        found.extend(unannounced(saga, sender));
    }
    found
}

impl Saga {
    /// It takes both sides to see it, so it is looked at again before it counts.
    pub fn finding(&self, invariant: Invariant, evidence: String) -> Finding {
        Finding::new(invariant, format!("order {}", self.order_id), evidence).looked_again(0)
    }

    /// What this side has said and heard.
    pub fn at(&self, side: Side) -> &Lanes {
        match side {
            Side::OrderService => &self.at_orders,
            Side::DeliveryService => &self.at_deliveries,
        }
    }

    /// What has become of the delivery.
    pub fn delivery_status(&self) -> &str {
        self.deliveries.first().map_or("none", |delivery| delivery.status.as_str())
    }
}

/// What the delivery can be while the order is this.
fn possible_deliveries(order_status: &str) -> &'static [&'static str] {
    match order_status {
        "completed" | "cancelling" => {
            &["none", "void", "refused", "scheduled", "dispatched", "failed", "delivered", "cancelled"]
        }
        "confirmed" => &["scheduled", "dispatched", "failed", "delivered", "cancelled"],
        "in_delivery" => &["dispatched", "failed", "delivered"],
        "delivered" => &["delivered"],
        "returned" => &["failed"],
        "cancelled" => &["void", "refused", "failed", "cancelled"],
        _ => &[],
    }
}

fn impossible_pair(saga: &Saga) -> Option<String> {
    let order = saga.order.as_ref()?;
    let statuses: Vec<&str> = match saga.deliveries.as_slice() {
        [] => vec!["none"],
        deliveries => deliveries.iter().map(|delivery| delivery.status.as_str()).collect(),
    };
    let possible = possible_deliveries(&order.status);
    let impossible = statuses.into_iter().find(|status| !possible.contains(status))?;
    Some(format!("is {}, but its delivery is {impossible}; it could be {}", order.status, possible.join(", ")))
}

fn another_delivery(saga: &Saga) -> Option<String> {
    let Some(order) = &saga.order else {
        let delivery = saga.deliveries.first()?;
        return Some(format!("is not there, but has the delivery {} ({})", delivery.id, delivery.status));
    };
    let told = order.delivery_id?;
    let is_there = saga.deliveries.iter().any(|delivery| delivery.id == told);
    let have: Vec<String> = saga.deliveries.iter().map(|delivery| delivery.id.to_string()).collect();
    (!is_there).then(|| format!("was told of the delivery {told}, but delivery-service has [{}]", have.join(", ")))
}

fn lost(saga: &Saga, sender: Side) -> impl Iterator<Item = Finding> {
    let (from, to, receiver) = (saga.at(sender), saga.at(sender.other()), sender.other());
    from.on_the_way_to(to).map(move |version| {
        let evidence = format!(
            "version {version} has left {sender}'s outbox, but {receiver} has seen {} and not parked it: \
             it is still in Kafka, or lost",
            to.seen
        );
        saga.finding(Invariant::I11, evidence).healed_by(sender, saga.order_id, vec![version])
    })
}

/// What nobody said cannot be said again.
fn unannounced(saga: &Saga, sender: Side) -> Option<Finding> {
    let (seen, receiver) = (saga.at(sender.other()).seen, sender.other());
    let announced = saga.at(sender).announced.iter().max().copied().unwrap_or(0);
    let evidence = format!("{receiver} has applied version {seen}, but {sender} has announced only {announced}");
    (seen > announced).then(|| saga.finding(Invariant::I11, evidence))
}
