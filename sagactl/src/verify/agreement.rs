//! I4, I7 and I11, as far as it takes both databases to see them. Pure: one saga at a time.
//!
//! The order side is always read before the delivery side. What the order side knows of a delivery has happened before,
//! so the delivery may be further than the order, but never behind it.

use super::report::{Finding, Invariant};
use super::sides::{Lanes, Saga};

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
    let (here, there) = (&saga.at_orders, &saga.at_deliveries);
    for (from, to, sender, receiver) in
        [(here, there, "order-service", "delivery-service"), (there, here, "delivery-service", "order-service")]
    {
        lost(from, to, sender, receiver).into_iter().for_each(|evidence| find(Invariant::I11, evidence));
    }
    found
}

impl Saga {
    pub fn finding(&self, invariant: Invariant, evidence: String) -> Finding {
        Finding { invariant, subject: format!("order {}", self.order_id), evidence }
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

fn lost(from: &Lanes, to: &Lanes, sender: &str, receiver: &str) -> Vec<String> {
    let mut lost: Vec<String> = from
        .on_the_way_to(to)
        .map(|version| {
            format!(
                "version {version} has left {sender}'s outbox, but {receiver} has seen {} and not parked it: \
                 it is still in Kafka, or lost",
                to.seen
            )
        })
        .collect();
    let announced = from.announced.iter().max().copied().unwrap_or(0);
    if to.seen > announced {
        let seen = to.seen;
        lost.push(format!("{receiver} has applied version {seen}, but {sender} has announced only {announced}"));
    }
    lost
}
