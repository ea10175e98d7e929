//! Which findings a repeat heals, and what has to be asked of whom for that. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use uuid::Uuid;

use crate::services::Side;
use crate::verify::{Finding, Invariant, Report};

/// One event that its owner is to announce again.
#[derive(Clone, Debug, Serialize)]
pub struct Repeat {
    /// Of which order.
    pub order_id: Uuid,
    /// Which of its owner's events.
    pub version: i64,
    /// Who announced it.
    pub owner: Side,
    /// What it is to heal.
    pub findings: Vec<Finding>,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// What came of a repeat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// Nobody was asked: this was only to be shown.
    WouldBeAsked,
    /// There are more orders than are asked for in one go.
    NextTime,
    /// The owner has refused, or does not answer.
    NotAnnounced {
        /// Why.
        why: String,
    },
    /// It is in the owner's outbox, and does not go out.
    NotSent,
    /// It has arrived, and could not be applied.
    Parked,
    /// It has gone out, and nothing has changed.
    StillThere,
    /// Nothing is to be found any more.
    Healed,
}

/// What no repeat heals.
#[derive(Clone, Debug, Serialize)]
pub struct Beyond {
    /// What was found.
    #[serde(flatten)]
    pub finding: Finding,
    /// Why a repeat would not help.
    pub why: &'static str,
}

/// What is to be asked of whom, and what is left to people.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub repeats: Vec<Repeat>,
    pub beyond: Vec<Beyond>,
}

const MIGHT_BE_APPLIED_TWICE: &str =
    "what this order has heard and what changed it contradict each other, so a repeat might be applied a second time";

/// Sorted by order, and each order's events as they followed each other: a repeat must not overtake the one before it.
pub(super) fn plan(report: &Report, most_orders: usize) -> Plan {
    let doubtful: BTreeSet<&str> = report.findings.iter().filter(|finding| is_doubtful(finding)).map(subject).collect();
    let mut wanted: BTreeMap<(Uuid, Side, i64), Vec<Finding>> = BTreeMap::new();
    let mut plan = Plan::default();
    for finding in &report.findings {
        match &finding.repeat {
            Some(_) if doubtful.contains(subject(finding)) => {
                plan.beyond.push(Beyond { finding: finding.clone(), why: MIGHT_BE_APPLIED_TWICE });
            }
            Some(repeat) => {
                for version in &repeat.versions {
                    let key = (repeat.order_id, repeat.owner, *version);
                    wanted.entry(key).or_default().push(finding.clone());
                }
            }
            None => plan.beyond.push(Beyond { finding: finding.clone(), why: why_not(finding.invariant) }),
        }
    }
    let orders: BTreeSet<Uuid> = wanted.keys().map(|(order_id, ..)| *order_id).collect();
    let orders: BTreeSet<Uuid> = orders.into_iter().take(most_orders).collect();
    plan.repeats = wanted
        .into_iter()
        .map(|((order_id, owner, version), findings)| {
            let outcome = if orders.contains(&order_id) { Outcome::WouldBeAsked } else { Outcome::NextTime };
            Repeat { order_id, version, owner, findings, outcome }
        })
        .collect();
    plan
}

/// A finding of I10 that is not about a topic: the claims of the inbox are what makes a repeat harmless.
fn is_doubtful(finding: &Finding) -> bool {
    finding.invariant == Invariant::I10 && finding.repeat.is_none()
}

fn subject(finding: &Finding) -> &str {
    &finding.subject
}

fn why_not(invariant: Invariant) -> &'static str {
    match invariant {
        Invariant::I1 => "every event has arrived, so there is none to repeat",
        Invariant::I2 | Invariant::I3 => "it is between an order and its ledger, and no event is missing",
        Invariant::I4 | Invariant::I7 => "both sides have decided already, and a repeat decides nothing anew",
        Invariant::I5 | Invariant::I6 => "it is within one database, and no event is missing",
        Invariant::I8 => "what lies on a topic stays where it lies",
        Invariant::I9 => "its owner has no other word in its log than those that are there",
        Invariant::I10 => "it is between an inbox and a history, and no event is missing",
        Invariant::I11 => "its owner's log does not have the event that would have to be repeated",
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::{MIGHT_BE_APPLIED_TWICE, Outcome, plan};
    use crate::services::Side;
    use crate::verify::{Certainty, Finding, Invariant, Repeat, Report};

    fn finding(invariant: Invariant, order: u128, repeat: Option<(Side, &[i64])>) -> Finding {
        let order_id = Uuid::from_u128(order);
        let repeat = repeat.map(|(owner, versions)| Repeat { owner, order_id, versions: versions.to_vec() });
        let (subject, evidence) = (format!("order {order_id}"), "is broken".to_owned());
        Finding { invariant, subject, evidence, certainty: Certainty::Certain, repeat }
    }

    fn report(findings: Vec<Finding>) -> Report {
        Report { findings, ..Report::default() }
    }

    #[test]
    fn what_two_findings_have_in_common_is_asked_for_once_and_in_the_order_of_its_versions() {
        let (orders, deliveries) = (Side::OrderService, Side::DeliveryService);
        let report = report(vec![
            finding(Invariant::I9, 2, Some((deliveries, &[2, 1]))),
            finding(Invariant::I11, 2, Some((deliveries, &[1]))),
            finding(Invariant::I11, 1, Some((orders, &[1]))),
        ]);
        let plan = plan(&report, 10);
        let asked: Vec<_> = plan.repeats.iter().map(|one| (one.order_id.as_u128(), one.owner, one.version)).collect();
        assert_eq!(asked, [(1, orders, 1), (2, deliveries, 1), (2, deliveries, 2)]);
        assert_eq!(plan.repeats[1].findings.len(), 2);
        assert!(plan.beyond.is_empty());
    }

    #[test]
    fn no_more_orders_are_asked_for_in_one_go_than_may_be() {
        let lost = |order| finding(Invariant::I11, order, Some((Side::OrderService, &[1, 2])));
        let plan = plan(&report((1..=3).map(lost).collect()), 2);
        let would = plan.repeats.iter().filter(|one| one.outcome == Outcome::WouldBeAsked).count();
        let later = plan.repeats.iter().filter(|one| one.outcome == Outcome::NextTime).count();
        assert_eq!((would, later), (4, 2));
    }

    #[test]
    fn what_no_repeat_heals_is_left_with_the_reason() {
        let plan = plan(&report(Invariant::ALL.iter().map(|one| finding(*one, 1, None)).collect()), 10);
        assert!(plan.repeats.is_empty());
        assert_eq!(plan.beyond.len(), Invariant::ALL.len());
        assert!(plan.beyond.iter().all(|left| !left.why.is_empty()));
    }

    #[test]
    fn nothing_is_repeated_to_whom_it_might_be_new_a_second_time() {
        let lost = |order| finding(Invariant::I11, order, Some((Side::OrderService, &[1])));
        let plan = plan(&report(vec![finding(Invariant::I10, 1, None), lost(1), lost(2)]), 10);
        assert_eq!(plan.repeats.iter().map(|one| one.order_id.as_u128()).collect::<Vec<_>>(), [2]);
        assert!(plan.beyond.iter().any(|left| left.why == MIGHT_BE_APPLIED_TWICE));
    }
}
