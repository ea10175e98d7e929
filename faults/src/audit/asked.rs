//! What was asked for, as the journal has it, against what was done.

use std::collections::{HashMap, HashSet};
use std::fmt;

use serde_json::Value;
use uuid::Uuid;

use super::Finding;
use super::sides::{Placed, Planned};
use crate::load::journal::{Line, Outcome, What};

/// Something that was asked of an order or a delivery.
#[derive(Clone, Copy, Debug)]
pub struct Command<'a> {
    pub what: What,
    pub subject: Uuid,
    pub body: &'a Value,
}

impl fmt::Display for Command<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} of {} with {}", self.what, self.subject, self.body)
    }
}

/// What the journal says.
#[derive(Debug, Default)]
pub struct Asked<'a> {
    /// Who was told that an order is placed: which, and what it costs.
    pub acknowledged: HashMap<&'a str, (Uuid, i64)>,
    /// Who was told that it is not.
    pub refused: HashSet<&'a str>,
    /// Who said what they expect to pay.
    expected: HashMap<&'a str, i64>,
    /// Everything else that was told to be done, in the order in which it was, and what was told not to be.
    pub done: Vec<Command<'a>>,
    pub denied: Vec<Command<'a>>,
    pub requests: usize,
}

/// Something that was asked for under one key: by whom, and of what, if it was there already.
struct Intent<'a> {
    what: What,
    customer: &'a str,
    subject: Option<Uuid>,
    body: &'a Value,
}

impl<'a> Intent<'a> {
    fn command(&self) -> Option<Command<'a>> {
        self.subject.map(|subject| Command { what: self.what, subject, body: self.body })
    }
}

impl<'a> Asked<'a> {
    pub fn of(journal: &'a [Line]) -> Self {
        let mut asked = Self::default();
        let mut intents: HashMap<&str, Intent<'_>> = HashMap::new();
        let mut open: HashSet<&str> = HashSet::new();
        for line in journal {
            match line {
                Line::Intent { key, customer, what, subject, body, .. } => {
                    asked.requests += 1;
                    asked.expected.extend(body["expected_total"].as_i64().map(|total| (customer.as_str(), total)));
                    intents.insert(key, Intent { what: *what, customer, subject: *subject, body });
                }
                Line::Outcome { key, outcome, order_id, total_minor, .. } => {
                    let Some(intent) = intents.get(key.as_str()) else { continue };
                    match (intent.what, outcome) {
                        (What::Place, Outcome::Ok) => {
                            let told = order_id.zip(*total_minor);
                            asked.acknowledged.extend(told.map(|told| (intent.customer, told)));
                        }
                        (_, Outcome::Ok) => asked.done.extend(intent.command()),
                        // A request whose answer is missing may still be carried out, when things are otherwise than they were for
                        // the one that was refused.
                        (_, Outcome::Refused) if open.contains(key.as_str()) => {}
                        (What::Place, Outcome::Refused) => drop(asked.refused.insert(intent.customer)),
                        (_, Outcome::Refused) => asked.denied.extend(intent.command()),
                        (_, Outcome::Unknown) => drop(open.insert(key)),
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

    /// Somebody has to have been refused: where nobody was, nothing would have been looked at.
    pub fn nothing_refused_is_there(&self, placed: &[Placed], planned: &[Planned]) -> Finding {
        let known = Known::of(placed, planned);
        let mut violations = Vec::new();
        if self.refused.is_empty() {
            violations.push("nobody was refused an order, so it was not looked at".to_owned());
        }
        for Placed { id, customer, total_minor, .. } in placed {
            let name = customer.as_str();
            if self.refused.contains(name) && !self.acknowledged.contains_key(name) {
                violations.push(format!("{name} was refused, and has {id}"));
            }
            if self.expected.get(name).is_some_and(|expected| expected != total_minor) {
                violations.push(format!("{name} expects another total, and pays {total_minor} for {id}"));
            }
        }
        let done = self.denied.iter().filter(|denied| known.has_happened(denied));
        violations.extend(done.map(|denied| format!("{denied} was refused, and is done")));
        Finding { name: "refused", says: "what was refused was not done", violations }
    }

    /// What an order or a delivery is has to come from what somebody was told.
    pub fn all_done(&self, placed: &[Placed], planned: &[Planned]) -> Finding {
        let known = Known::of(placed, planned);
        // A courier may give way to another one: the last who was acknowledged has it.
        let last: HashMap<(What, Uuid), &Value> =
            self.done.iter().map(|asked| ((asked.what, asked.subject), asked.body)).collect();
        let is_last = |asked: &&Command<'_>| last[&(asked.what, asked.subject)] == asked.body;
        let undone = self.done.iter().filter(is_last).filter(|asked| !known.is_kept(asked));
        let violations = undone.map(|asked| format!("{asked} was acknowledged, and is not done")).collect();
        Finding { name: "acknowledged", says: "0 acknowledged cancellations and commands lost", violations }
    }
}

/// Both databases, by id.
struct Known<'a> {
    orders: HashMap<Uuid, &'a Placed>,
    deliveries: HashMap<Uuid, &'a Planned>,
}

impl<'a> Known<'a> {
    fn of(placed: &'a [Placed], planned: &'a [Planned]) -> Self {
        let orders = placed.iter().map(|order| (order.id, order)).collect();
        Self { orders, deliveries: planned.iter().map(|one| (one.id, one)).collect() }
    }

    /// Whether a promise is kept. One to cancel is kept as well by saying that it was too late.
    fn is_kept(&self, asked: &Command<'_>) -> bool {
        let too_late = self.orders.get(&asked.subject).is_some_and(|order| {
            order.cancellation_rejected && matches!(order.status.as_str(), "in_delivery" | "delivered" | "returned")
        });
        self.has_happened(asked) || (asked.what == What::Cancellation && too_late)
    }

    fn has_happened(&self, Command { what, subject, body }: &Command<'_>) -> bool {
        let text = |field: &str| body[field].as_str();
        let delivery = |is: &dyn Fn(&Planned) -> bool| self.deliveries.get(subject).is_some_and(|one| is(one));
        match what {
            What::Place => self.orders.contains_key(subject),
            What::Cancellation => self.orders.get(subject).is_some_and(|order| order.status == "cancelled"),
            What::Courier => delivery(&|one| one.courier.is_some() && one.courier.as_deref() == text("courier_id")),
            What::Dispatch => delivery(&Planned::has_left),
            What::Attempt => delivery(&|one| Some(i64::from(one.attempts)) >= body["number"].as_i64()),
            What::Completion => delivery(&|one| one.status == "delivered"),
            What::Failure => delivery(&|one| one.status == "failed" && one.reason.as_deref() == text("reason")),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::sides::samples::{DELIVERY, ORDER, delivery, order};
    use super::*;

    #[test]
    fn an_acknowledged_order_that_is_gone_or_costs_something_else_is_lost() {
        let told = |id, total| {
            let acknowledged = HashMap::from([("c1", (Uuid::from_u128(id), total))]);
            Asked { acknowledged, ..Asked::default() }
        };
        let placed = [order("confirmed", "reserved")];
        assert!(told(1, 100).nothing_lost(&placed).violations.is_empty());
        for asked in [told(2, 100), told(1, 99)] {
            assert_eq!(asked.nothing_lost(&placed).violations.len(), 1);
        }
        assert_eq!(told(1, 100).nothing_lost(&[]).violations.len(), 1);
    }

    /// Whether an acknowledged command is missed, and a refused one found, where delivery and order are like this.
    fn judged(what: What, subject: Uuid, body: &Value, placed: &Placed, planned: &Planned) -> (bool, bool) {
        let commands = vec![Command { what, subject, body }];
        let (placed, planned) = ([placed.clone()], [planned.clone()]);
        let told = Asked { done: commands.clone(), ..Asked::default() };
        let denied = Asked { denied: commands, refused: HashSet::from(["somebody"]), ..Asked::default() };
        let refused = denied.nothing_refused_is_there(&placed, &planned);
        (!told.all_done(&placed, &planned).violations.is_empty(), !refused.violations.is_empty())
    }

    #[test]
    fn an_acknowledged_command_that_was_not_carried_out_is_found_and_so_is_a_refused_one_that_was() {
        let confirmed = order("confirmed", "reserved");
        let (lost, absent) = (["transit", "lost", "lost"], ["transit", "recipient_absent", "returned"]);
        let (scheduled, dispatched, delivered) =
            (delivery("scheduled", &[]), delivery("dispatched", &[]), delivery("delivered", &[]));
        let tried = Planned { attempts: 1, ..dispatched.clone() };
        let at_home = delivery("failed", &["fulfilment", "no_courier"]);
        let is = |what, body, planned: &Planned| judged(what, DELIVERY, &body, &confirmed, planned);
        let (undone, done) = ((true, false), (false, true));
        assert_eq!(is(What::Courier, json!({ "courier_id": "bo" }), &scheduled), done);
        assert_eq!(is(What::Courier, json!({ "courier_id": "al" }), &scheduled), undone, "somebody else has it");
        assert_eq!(is(What::Dispatch, json!({}), &delivery("failed", &lost)), done);
        assert_eq!(is(What::Dispatch, json!({}), &at_home), undone);
        assert_eq!(is(What::Attempt, json!({ "number": 1 }), &tried), done);
        assert_eq!(is(What::Attempt, json!({ "number": 1 }), &dispatched), undone);
        assert_eq!(is(What::Completion, json!({}), &delivered), done);
        assert_eq!(is(What::Completion, json!({}), &dispatched), undone);
        assert_eq!(is(What::Failure, json!({ "reason": "lost" }), &delivery("failed", &lost)), done);
        assert_eq!(is(What::Failure, json!({ "reason": "lost" }), &delivery("failed", &absent)), undone);
        assert_eq!(judged(What::Failure, ORDER, &json!({}), &confirmed, &at_home), undone, "no such delivery");
    }

    #[test]
    fn an_acknowledged_cancellation_ends_cancelled_or_says_that_it_was_too_late() {
        let planned = delivery("delivered", &[]);
        let is = |placed: Placed| judged(What::Cancellation, ORDER, &Value::Null, &placed, &planned);
        let delivered = order("delivered", "shipped");
        assert_eq!(is(order("cancelled", "released")), (false, true));
        assert_eq!(is(order("confirmed", "reserved")), (true, false));
        assert_eq!(is(delivered.clone()), (true, false));
        assert_eq!(is(Placed { cancellation_rejected: true, ..delivered }), (false, false));
    }

    fn asked(what: What, outcomes: &[Outcome]) -> Vec<Line> {
        let (key, customer) = ("k".to_owned(), "c1".to_owned());
        let intent = |attempt| Line::Intent {
            at_ms: 0,
            key: key.clone(),
            customer: customer.clone(),
            what,
            attempt,
            subject: Some(DELIVERY),
            body: json!({ "expected_total": 99 }),
        };
        let answer = |outcome, attempt| Line::Outcome {
            at_ms: 0,
            key: key.clone(),
            attempt,
            outcome,
            status: None,
            code: None,
            order_id: None,
            total_minor: None,
        };
        (1..).zip(outcomes).flat_map(|(attempt, outcome)| [intent(attempt), answer(*outcome, attempt)]).collect()
    }

    #[test]
    fn who_was_refused_has_no_order_and_nobody_pays_another_total_than_they_expect() {
        let placed = [order("confirmed", "reserved")];
        let journal = asked(What::Place, &[Outcome::Refused]);
        let violations = Asked::of(&journal).nothing_refused_is_there(&placed, &[]).violations;
        assert_eq!(violations.len(), 2, "{violations:?}");
        assert!(Asked::of(&journal).nothing_refused_is_there(&[], &[]).violations.is_empty());
        let nobody = Asked::default().nothing_refused_is_there(&[], &[]).violations;
        assert_eq!(nobody.len(), 1, "nothing was looked at");
    }

    #[test]
    fn a_refusal_behind_a_request_that_is_still_open_decides_nothing() {
        let journal = asked(What::Courier, &[Outcome::Unknown, Outcome::Refused]);
        assert!(Asked::of(&journal).denied.is_empty());
        let journal = asked(What::Courier, &[Outcome::Refused]);
        assert_eq!(Asked::of(&journal).denied.len(), 1);
    }
}
