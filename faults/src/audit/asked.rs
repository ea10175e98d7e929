//! What was asked for, as the journal has it, against what was done.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::Finding;
use crate::load::journal::{Line, Outcome, What};

/// An order as it stands in the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    pub id: Uuid,
    pub customer: String,
    pub status: String,
    pub total_minor: i64,
    /// Whether somebody wants it cancelled, or wanted to and was too late.
    pub cancellation_asked: bool,
}

/// A delivery as it stands in the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    pub id: Uuid,
    pub order: Uuid,
    pub status: String,
}

/// What the journal says.
#[derive(Debug, Default)]
pub struct Asked<'a> {
    /// Who was told that an order is placed: which, and what it costs.
    pub acknowledged: HashMap<&'a str, (Uuid, i64)>,
    /// Who was told that it is not.
    pub refused: HashSet<&'a str>,
    /// Everything else that was told to be done: what, to which order or delivery.
    pub done: Vec<(What, Uuid)>,
    pub requests: usize,
}

impl<'a> Asked<'a> {
    pub fn of(journal: &'a [Line]) -> Self {
        let mut asked = Self::default();
        let mut intents: HashMap<&str, (What, &str, Option<Uuid>)> = HashMap::new();
        for line in journal {
            match line {
                Line::Intent { key, customer, what, subject, .. } => {
                    asked.requests += 1;
                    intents.insert(key, (*what, customer, *subject));
                }
                Line::Outcome { key, outcome, order_id, total_minor, .. } => {
                    let Some((what, customer, subject)) = intents.get(key.as_str()) else { continue };
                    match (what, outcome) {
                        (What::Place, Outcome::Ok) => {
                            let told = order_id.zip(*total_minor);
                            asked.acknowledged.extend(told.map(|told| (*customer, told)));
                        }
                        (What::Place, Outcome::Refused) => drop(asked.refused.insert(*customer)),
                        (_, Outcome::Ok) => asked.done.extend(subject.map(|subject| (*what, subject))),
                        (_, Outcome::Refused | Outcome::Unknown) => {}
                    }
                }
            }
        }
        asked
    }

    pub fn nothing_lost(&self, placed: &[Placed]) -> Finding {
        let there: HashMap<&str, (Uuid, i64)> =
            placed.iter().map(|order| (order.customer.as_str(), (order.id, order.total_minor))).collect();
        let lost = self.acknowledged.iter().filter(|(customer, told)| there.get(*customer) != Some(told));
        let violations = lost.map(|(customer, told)| format!("{customer} was told {told:?}")).collect();
        Finding { name: "acknowledged", says: "0 acknowledged orders lost", violations }
    }

    pub fn nothing_refused_is_there(&self, placed: &[Placed]) -> Finding {
        let wrong = placed.iter().filter(|order| {
            let customer = order.customer.as_str();
            self.refused.contains(customer) && !self.acknowledged.contains_key(customer)
        });
        let violations = wrong.map(|order| format!("{} was refused, and has {}", order.customer, order.id)).collect();
        Finding { name: "refused", says: "what was refused was not done", violations }
    }

    /// What an order or a delivery is has to come from what somebody was told.
    pub fn all_done(&self, placed: &[Placed], planned: &[Planned]) -> Finding {
        let orders: HashMap<Uuid, &Placed> = placed.iter().map(|order| (order.id, order)).collect();
        let deliveries: HashMap<Uuid, &str> = planned.iter().map(|one| (one.id, one.status.as_str())).collect();
        let delivery_is = |id: &Uuid, fits: &[&str]| deliveries.get(id).is_some_and(|status| fits.contains(status));
        let is_done = |(what, subject): &&(What, Uuid)| match what {
            What::Place => true,
            What::Cancellation => orders.get(subject).is_some_and(|order| order.cancellation_asked),
            What::Courier => deliveries.contains_key(subject),
            What::Dispatch => delivery_is(subject, &["dispatched", "delivered", "failed"]),
            What::Completion => delivery_is(subject, &["delivered"]),
            What::Failure => delivery_is(subject, &["failed"]),
        };
        let undone = self.done.iter().filter(|one| !is_done(one));
        let violations = undone.map(|(what, subject)| format!("{what:?} of {subject} was acknowledged")).collect();
        Finding { name: "acknowledged", says: "0 acknowledged cancellations and commands lost", violations }
    }
}

/// What an order is and what its delivery is have to fit.
pub fn both_sides(placed: &[Placed], planned: &[Planned]) -> Finding {
    let mut deliveries: HashMap<Uuid, &str> = planned.iter().map(|one| (one.order, one.status.as_str())).collect();
    let mut violations = Vec::new();
    for Placed { id, status, .. } in placed {
        let delivery = deliveries.remove(id).unwrap_or("not there");
        let fits: &[&str] = match status.as_str() {
            "confirmed" => &["scheduled"],
            "in_delivery" => &["dispatched"],
            "delivered" => &["delivered"],
            "returned" => &["failed"],
            "cancelled" => &["cancelled", "refused", "failed", "void"],
            _ => &[],
        };
        if !fits.contains(&delivery) {
            violations.push(format!("order {id} is {status}, its delivery is {delivery}"));
        }
    }
    violations.extend(deliveries.keys().map(|order| format!("a delivery for order {order}, which nobody placed")));
    Finding { name: "I4, I7, I9", says: "both sides tell one story of every order", violations }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Uuid = Uuid::from_u128(1);

    fn order(status: &str) -> [Placed; 1] {
        let (customer, status) = ("c1".to_owned(), status.to_owned());
        [Placed { id: ONE, customer, status, total_minor: 100, cancellation_asked: false }]
    }

    fn delivery(status: &str) -> [Planned; 1] {
        [Planned { id: Uuid::from_u128(2), order: ONE, status: status.to_owned() }]
    }

    #[test]
    fn an_acknowledged_order_that_is_gone_or_costs_something_else_is_lost() {
        let told = |id, total| {
            let acknowledged = HashMap::from([("c1", (Uuid::from_u128(id), total))]);
            Asked { acknowledged, ..Asked::default() }
        };
        assert!(told(1, 100).nothing_lost(&order("confirmed")).violations.is_empty());
        for asked in [told(2, 100), told(1, 99)] {
            assert_eq!(asked.nothing_lost(&order("confirmed")).violations.len(), 1);
        }
        assert_eq!(told(1, 100).nothing_lost(&[]).violations.len(), 1);
    }

    #[test]
    fn an_acknowledged_command_that_was_not_carried_out_is_found() {
        let told = |what, subject| Asked { done: vec![(what, subject)], ..Asked::default() };
        let violations =
            |asked: Asked<'_>, status| asked.all_done(&order("confirmed"), &delivery(status)).violations.len();
        let second = Uuid::from_u128(2);
        assert_eq!(violations(told(What::Cancellation, ONE), "scheduled"), 1);
        assert_eq!(violations(told(What::Completion, second), "dispatched"), 1);
        assert_eq!(violations(told(What::Completion, second), "delivered"), 0);
        assert_eq!(violations(told(What::Failure, ONE), "failed"), 1, "no such delivery");
    }

    #[test]
    fn two_stories_of_one_order_are_found() {
        assert!(both_sides(&order("cancelled"), &delivery("void")).violations.is_empty());
        assert_eq!(both_sides(&order("cancelled"), &delivery("delivered")).violations.len(), 1);
        assert_eq!(both_sides(&order("confirmed"), &[]).violations.len(), 1);
        assert_eq!(both_sides(&[], &delivery("scheduled")).violations.len(), 1);
    }
}
