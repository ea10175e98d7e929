//! The consumer's rule of `docs/saga.md`, as the chassis plans by it.

use std::collections::HashMap;

use chassis::messaging::{Candidate, Outcome, Plan, Reason, plan};
use proptest::prelude::*;
use shared_events::{OrderId, Version};
use uuid::Uuid;

fn order(n: u128) -> OrderId {
    OrderId(Uuid::from_u128(n))
}

fn event(order_id: OrderId, version: i64) -> Candidate {
    Candidate::Readable { order_id, version: Version(version), may_jump: false }
}

fn jumper(order_id: OrderId, version: i64) -> Candidate {
    Candidate::Readable { order_id, version: Version(version), may_jump: true }
}

fn broken(order_id: OrderId, version: i64) -> Candidate {
    Candidate::Unreadable { place: Some((order_id, Version(version))), reason: rejected() }
}

fn rejected() -> Reason {
    Reason::Rejected("it cannot be applied".to_owned())
}

fn gap(seen: i64) -> Outcome {
    Outcome::Parked(Reason::Gap { seen: Version(seen) })
}

fn lanes(seen: &[(OrderId, i64)]) -> HashMap<OrderId, Version> {
    seen.iter().map(|(order_id, seen)| (*order_id, Version(*seen))).collect()
}

fn planned(seen: &HashMap<OrderId, Version>, batch: &[Candidate]) -> Plan {
    plan(seen, batch, &HashMap::new())
}

#[test]
fn each_case_of_the_rule() {
    use Outcome::{Duplicate, Handled};
    let one = order(1);
    for (seen, candidate, outcome) in [
        (0, event(one, 1), Handled),
        (0, event(one, 2), gap(0)),
        (3, event(one, 3), Duplicate),
        (3, event(one, 1), Duplicate),
        (3, event(one, 4), Handled),
        (3, event(one, 5), gap(3)),
        (0, jumper(one, 2), Handled),
        (0, jumper(one, 1), Handled),
        (2, jumper(one, 2), Duplicate),
        (0, broken(one, 1), Outcome::Parked(rejected())),
        (1, broken(one, 1), Duplicate),
    ] {
        let plan = planned(&lanes(&[(one, seen)]), std::slice::from_ref(&candidate));
        assert_eq!(plan.outcomes, [outcome], "{candidate:?} where {seen} is seen");
    }
}

#[test]
fn what_cannot_be_applied_holds_up_its_own_order_and_no_other() {
    let (one, two) = (order(1), order(2));
    let batch = [broken(one, 1), event(one, 2), event(two, 1), event(one, 3), event(two, 2)];
    let outcomes = planned(&HashMap::new(), &batch).outcomes;
    assert_eq!(outcomes, [Outcome::Parked(rejected()), gap(0), Outcome::Handled, gap(0), Outcome::Handled]);
}

#[test]
fn a_jump_makes_what_it_jumped_stale() {
    let one = order(1);
    let plan = planned(&HashMap::new(), &[jumper(one, 2), event(one, 1), jumper(one, 2)]);
    assert_eq!(plan.outcomes, [Outcome::Handled, Outcome::Duplicate, Outcome::Duplicate]);
    let claims: Vec<_> = plan.claims.iter().map(|claim| (claim.first, claim.next)).collect();
    assert_eq!(claims, [(Version(2), Version(2))]);
}

#[test]
fn nothing_of_an_unknown_order_is_tried() {
    let (one, two) = (order(1), order(2));
    let batch = [event(one, 1), event(two, 1), event(one, 2)];
    let plan = plan(&HashMap::new(), &batch, &HashMap::from([(one, Reason::UnknownOrder)]));
    assert_eq!(plan.outcomes, [Outcome::Parked(Reason::UnknownOrder), Outcome::Handled, gap(0)]);
}

#[test]
fn a_record_that_names_no_order_is_parked_alone() {
    let one = order(1);
    let nameless =
        Candidate::Unreadable { place: None, reason: Reason::Undecodable("header ce_id is missing".to_owned()) };
    let outcomes = planned(&HashMap::new(), &[nameless, event(one, 1)]).outcomes;
    assert!(matches!(outcomes[..], [Outcome::Parked(Reason::Undecodable(_)), Outcome::Handled]), "{outcomes:?}");
}

fn candidate() -> impl Strategy<Value = Candidate> {
    (1_u128..4, 1_i64..6, 0_u8..5).prop_map(|(n, version, which)| match which {
        0 => jumper(order(n), version),
        1 => broken(order(n), version),
        _ => event(order(n), version),
    })
}

proptest! {
    /// Batches are for speed alone.
    #[test]
    fn a_batch_comes_to_what_its_records_come_to_one_by_one(
        batch in prop::collection::vec(candidate(), 0..20),
        begin in prop::collection::hash_map((1_u128..4).prop_map(order), (0_i64..4).prop_map(Version), 0..3),
    ) {
        let whole = planned(&begin, &batch);
        let mut seen = begin.clone();
        let mut outcomes = vec![];
        for candidate in &batch {
            let one = planned(&seen, std::slice::from_ref(candidate));
            outcomes.extend(one.outcomes);
            seen.extend(one.claims.iter().map(|claim| (claim.order_id, claim.next)));
        }
        prop_assert_eq!(whole.outcomes, outcomes);
        let mut after = begin;
        after.extend(whole.claims.iter().map(|claim| (claim.order_id, claim.next)));
        prop_assert_eq!(after, seen);
    }

    /// `seen` never goes back, and every claim begins where the lane was found.
    #[test]
    fn a_lane_only_ever_moves_on(
        batch in prop::collection::vec(candidate(), 0..20),
        begin in prop::collection::hash_map((1_u128..4).prop_map(order), (0_i64..4).prop_map(Version), 0..3),
    ) {
        let plan = planned(&begin, &batch);
        prop_assert!(plan.claims.is_sorted_by_key(|claim| claim.order_id));
        for claim in &plan.claims {
            prop_assert_eq!(claim.seen, begin.get(&claim.order_id).copied());
            prop_assert!(claim.seen.unwrap_or_default() <= claim.next);
        }
    }
}
