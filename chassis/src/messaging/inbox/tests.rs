use std::collections::{HashMap, HashSet};

use proptest::prelude::*;
use uuid::Uuid;

use super::*;

fn order(number: u128) -> OrderId {
    OrderId(Uuid::from_u128(number))
}

fn waits(order_id: OrderId, version: i64) -> Candidate {
    Candidate::Readable { order_id, version: Version(version), may_jump: false }
}

fn jumps(order_id: OrderId, version: i64) -> Candidate {
    Candidate::Readable { order_id, version: Version(version), may_jump: true }
}

fn broken(place: Option<(OrderId, Version)>) -> Candidate {
    Candidate::Unreadable { place, reason: unreadable() }
}

fn unreadable() -> Reason {
    Reason::Undecodable("broken".to_owned())
}

fn gap(seen: i64) -> Outcome {
    Outcome::Parked(Reason::Gap { seen: Version(seen) })
}

fn claim(order_id: OrderId, seen: Option<i64>, first: i64, next: i64) -> Claim {
    Claim { order_id, seen: seen.map(Version), first: Version(first), next: Version(next) }
}

const HANDLED: Outcome = Outcome::Handled;
const DUPLICATE: Outcome = Outcome::Duplicate;

/// Plans a batch of events of one order, of which `seen` was applied (`None`: there is no row).
#[track_caller]
fn check(seen: Option<i64>, batch: &[Candidate], outcomes: &[Outcome], claims: &[Claim]) {
    let seen = seen.map(|seen| (order(1), Version(seen))).into_iter().collect();
    let plan = plan(&seen, batch, &HashMap::new());
    assert_eq!(plan.outcomes, outcomes);
    assert_eq!(plan.claims, claims);
}

#[test]
fn the_next_version_is_applied() {
    let one = order(1);
    check(None, &[waits(one, 1)], &[HANDLED], &[claim(one, None, 1, 1)]);
    check(Some(0), &[waits(one, 1)], &[HANDLED], &[claim(one, Some(0), 1, 1)]);
    check(Some(4), &[waits(one, 5)], &[HANDLED], &[claim(one, Some(4), 5, 5)]);
}

#[test]
fn a_run_of_versions_is_one_claim() {
    let one = order(1);
    let run = [waits(one, 3), waits(one, 4), waits(one, 5)];
    check(Some(2), &run, &[HANDLED, HANDLED, HANDLED], &[claim(one, Some(2), 3, 5)]);
}

#[test]
fn what_was_seen_is_a_duplicate_and_claims_nothing() {
    let one = order(1);
    check(Some(3), &[waits(one, 1), waits(one, 3), jumps(one, 2)], &[DUPLICATE, DUPLICATE, DUPLICATE], &[]);
}

#[test]
fn twins_in_a_batch_are_applied_once() {
    let one = order(1);
    check(None, &[waits(one, 1), waits(one, 1)], &[HANDLED, DUPLICATE], &[claim(one, None, 1, 1)]);
}

#[test]
fn what_is_beyond_the_next_version_is_parked() {
    let one = order(1);
    check(Some(2), &[waits(one, 4)], &[gap(2)], &[]);
    check(Some(2), &[waits(one, 4), waits(one, 3)], &[gap(2), HANDLED], &[claim(one, Some(2), 3, 3)]);
    check(Some(2), &[waits(one, 3), waits(one, 5)], &[HANDLED, gap(3)], &[claim(one, Some(2), 3, 3)]);
}

#[test]
fn a_gap_of_an_order_without_a_row_holds_its_place() {
    let one = order(1);
    check(None, &[waits(one, 2)], &[gap(0)], &[claim(one, None, 1, 0)]);
    check(Some(0), &[waits(one, 2)], &[gap(0)], &[]);
    let place = Some((one, Version(1)));
    check(None, &[broken(place)], &[Outcome::Parked(unreadable())], &[claim(one, None, 1, 0)]);
}

#[test]
fn one_event_may_jump_and_the_claim_tells_where_from() {
    let one = order(1);
    check(None, &[jumps(one, 2)], &[HANDLED], &[claim(one, None, 2, 2)]);
    check(None, &[jumps(one, 3), waits(one, 4)], &[HANDLED, HANDLED], &[claim(one, None, 3, 4)]);
    check(None, &[jumps(one, 3), waits(one, 1)], &[HANDLED, DUPLICATE], &[claim(one, None, 3, 3)]);
    check(None, &[waits(one, 1), jumps(one, 3)], &[HANDLED, HANDLED], &[claim(one, None, 1, 3)]);
    check(None, &[waits(one, 2), jumps(one, 3)], &[gap(0), HANDLED], &[claim(one, None, 3, 3)]);
}

#[test]
fn what_cannot_be_read_leaves_its_place_free_and_its_successors_wait() {
    let one = order(1);
    let place = Some((one, Version(1)));
    let parked = Outcome::Parked(unreadable());
    check(None, &[broken(place), waits(one, 2)], &[parked.clone(), gap(0)], &[claim(one, None, 1, 0)]);
    check(None, &[broken(place), waits(one, 1)], &[parked.clone(), HANDLED], &[claim(one, None, 1, 1)]);
    check(Some(1), &[broken(place)], &[DUPLICATE], &[]);
    check(None, &[broken(None)], &[parked], &[]);
}

#[test]
fn nothing_of_an_unknown_order_is_tried_and_the_others_are() {
    let (one, two) = (order(1), order(2));
    let batch = [waits(one, 1), jumps(one, 2), waits(two, 1)];
    let plan = plan(&HashMap::new(), &batch, &HashMap::from([(one, Reason::UnknownOrder)]));
    assert_eq!(plan.outcomes, [Outcome::Parked(Reason::UnknownOrder), Outcome::Parked(Reason::UnknownOrder), HANDLED]);
    assert_eq!(plan.claims, [claim(one, None, 1, 0), claim(two, None, 1, 1)]);
}

/// The version rule in its plainest form, one record after the other.
fn naive(seen: &mut HashMap<OrderId, i64>, candidate: &Candidate) -> Outcome {
    match candidate {
        Candidate::Readable { order_id, version, may_jump } => {
            let seen = seen.entry(*order_id).or_default();
            match version.0 - *seen {
                ..=0 => DUPLICATE,
                2.. if !may_jump => gap(*seen),
                _ => {
                    *seen = version.0;
                    HANDLED
                }
            }
        }
        Candidate::Unreadable { place: Some((order_id, version)), reason } => {
            let is_seen = version.0 <= seen.get(order_id).copied().unwrap_or_default();
            if is_seen { DUPLICATE } else { Outcome::Parked(reason.clone()) }
        }
        Candidate::Unreadable { place: None, reason } => Outcome::Parked(reason.clone()),
    }
}

fn any_candidate() -> impl Strategy<Value = Candidate> {
    let place = (0..4_u128, 1..8_i64).prop_map(|(number, version)| (order(number), Version(version)));
    prop_oneof![
        12 => (place.clone(), prop::bool::weighted(0.2))
            .prop_map(|((order_id, version), may_jump)| Candidate::Readable { order_id, version, may_jump }),
        2 => place.prop_map(|place| broken(Some(place))),
        1 => Just(broken(None)),
    ]
}

fn any_seen() -> impl Strategy<Value = HashMap<OrderId, Version>> {
    prop::collection::hash_map((0..4_u128).prop_map(order), (0..5_i64).prop_map(Version), 0..4)
}

/// What the database holds after the claims of a plan.
fn after(seen: &HashMap<OrderId, Version>, plan: &Plan) -> HashMap<OrderId, Version> {
    let claimed = plan.claims.iter().map(|claim| (claim.order_id, claim.next));
    seen.iter().map(|(order_id, version)| (*order_id, *version)).chain(claimed).collect()
}

proptest! {
    #[test]
    fn a_plan_is_the_version_rule_applied_to_one_record_after_the_other(
        seen in any_seen(),
        batch in prop::collection::vec(any_candidate(), 0..30),
    ) {
        let plan = plan(&seen, &batch, &HashMap::new());
        let mut walked = seen.iter().map(|(order_id, version)| (*order_id, version.0)).collect();
        let expected: Vec<_> = batch.iter().map(|candidate| naive(&mut walked, candidate)).collect();
        prop_assert_eq!(&plan.outcomes, &expected);
        let reached = after(&seen, &plan);
        for (order_id, version) in walked {
            prop_assert_eq!(reached.get(&order_id).copied().unwrap_or_default(), Version(version));
        }
    }

    #[test]
    fn where_a_batch_is_cut_makes_no_difference(
        seen in any_seen(),
        batch in prop::collection::vec(any_candidate(), 1..30),
        cut in any::<prop::sample::Index>(),
    ) {
        let whole = plan(&seen, &batch, &HashMap::new());
        let (first, second) = batch.split_at(cut.index(batch.len()));
        let before = plan(&seen, first, &HashMap::new());
        let then = plan(&after(&seen, &before), second, &HashMap::new());
        prop_assert_eq!(&whole.outcomes, &[before.outcomes.clone(), then.outcomes.clone()].concat());
        prop_assert_eq!(after(&seen, &whole), after(&after(&seen, &before), &then));
    }

    #[test]
    fn every_order_that_moves_or_waits_without_a_row_is_claimed_once_in_sorted_order(
        seen in any_seen(),
        batch in prop::collection::vec(any_candidate(), 0..30),
    ) {
        let plan = plan(&seen, &batch, &HashMap::new());
        prop_assert!(plan.claims.is_sorted_by(|a, b| a.order_id < b.order_id));
        let claimed: HashSet<_> = plan.claims.iter().map(|claim| claim.order_id).collect();
        for (candidate, outcome) in batch.iter().zip(&plan.outcomes) {
            let Some(order_id) = candidate.order_id() else { continue };
            let has_to_be = match outcome {
                Outcome::Handled => true,
                Outcome::Parked(_) => !seen.contains_key(&order_id),
                Outcome::Duplicate => false,
            };
            prop_assert!(!has_to_be || claimed.contains(&order_id), "{order_id} {outcome:?}");
        }
        for claim in &plan.claims {
            prop_assert_eq!(claim.seen, seen.get(&claim.order_id).copied());
            prop_assert!(claim.seen.is_none() || claim.seen < Some(claim.next));
        }
    }
}
