//! What the planning promises. The state table is compared cell by cell elsewhere.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use shared_events::{
    Address, Announce, CancellationReason, CreationFailure, DeliveryFailed, Event, EventId, Item, Money,
    OrderCancelled, OrderCompleted, OrderId, Proof, Slot, Stamp,
};

use super::*;

const TODAY: &str = "2026-03-01T23:59:59Z";

fn id<T: std::str::FromStr<Err: std::fmt::Debug>>() -> T {
    "01932c07-209f-7401-9e4f-9a4ac0ca4d1b".parse().expect("an id")
}

fn stamp() -> Stamp {
    let at: DateTime<Utc> = TODAY.parse().expect("a time");
    Stamp { at, event_id: EventId(id()), fresh_id: id() }
}

fn day(of_march: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 3, of_march).expect("a day")
}

fn zone(id: &str, prefixes: &[&str], capacity_per_day: i64) -> Zone {
    Zone {
        id: id.into(),
        country: "DE".into(),
        prefixes: prefixes.iter().map(|prefix| (*prefix).to_owned()).collect(),
        capacity_per_day,
        weight_limit_g: 10_000,
    }
}

fn order(postal_code: &str) -> OrderCompleted {
    OrderCompleted {
        items: vec![Item { sku: "tea".into(), quantity: 2, weight_g: 500, unit_price_minor: None }],
        total: Money::new(100, "EUR".parse().expect("a currency")),
        delivery_address: Address {
            recipient: "Ada".into(),
            line1: "Street 1".into(),
            line2: None,
            city: "Berlin".into(),
            postal_code: postal_code.into(),
            country: "DE".into(),
        },
        wished_date: None,
        customer_id: None,
    }
}

const TERMS: Terms = Terms { max_attempts: 3, late_after: TimeDelta::hours(1) };

fn decide(delivery: Delivery, command: Command, plan: &mut Plan, couriers: &mut Couriers) -> Result<Decision, Refusal> {
    delivery.decide(command, &mut Means { plan, couriers, terms: TERMS }, stamp())
}

fn begin(order: OrderCompleted, plan: &mut Plan) -> Decision {
    Delivery::begin(OrderId(id()), &Event::OrderCompleted(order), plan, stamp())
}

/// Answers with the days that are offered instead.
fn check_refused(order: OrderCompleted, plan: &mut Plan, reason: CreationFailure) -> Vec<NaiveDate> {
    let before = plan.clone();
    let decision = begin(order, plan);
    let Some(DeliveryFailed::Creation { reason: told, alternatives }) = decision.delivery.failure.clone() else {
        panic!("not refused: {decision:?}")
    };
    assert_eq!((decision.delivery.status, told), (Status::Refused, reason));
    assert_eq!(decision.announce, Announce::New(Event::DeliveryFailed(decision.delivery.failure.expect("a reason"))));
    assert_eq!(*plan, before, "a refused order takes nothing");
    alternatives.into_iter().map(|slot| slot.date).collect()
}

fn check_scheduled(order: OrderCompleted, plan: &mut Plan, zone: &str, date: NaiveDate) -> Delivery {
    let decision = begin(order, plan);
    let slot = Slot { zone: zone.into(), date };
    assert_eq!(decision.slot, Some(SlotChange::Take(slot.clone())));
    assert_eq!((decision.delivery.status, &decision.delivery.slot), (Status::Scheduled, &Some(slot)));
    decision.delivery
}

#[test]
fn the_earliest_day_with_room_is_taken_from_tomorrow_on() {
    let mut plan = Plan::new([zone("north", &["1"], 1)], []);
    for date in 2..=15 {
        check_scheduled(order("10115"), &mut plan, "north", day(date));
    }
    assert_eq!(check_refused(order("10115"), &mut plan, CreationFailure::SlotFull), []);
}

#[test]
fn a_wish_is_kept_or_the_order_is_refused() {
    let wish = |date| OrderCompleted { wished_date: Some(date), ..order("10115") };
    let mut plan = Plan::new([zone("north", &["1"], 1)], []);
    check_scheduled(wish(day(5)), &mut plan, "north", day(5));
    // Other days are offered: the next ones that are left, this order's competitors in the batch counted.
    let offered = [2, 3, 4, 6, 7].map(day);
    assert_eq!(check_refused(wish(day(5)), &mut plan, CreationFailure::SlotFull), offered);
    assert_eq!(check_refused(wish(day(1)), &mut plan, CreationFailure::SlotFull), offered);
    check_scheduled(wish(day(15)), &mut plan, "north", day(15));
    check_refused(wish(day(16)), &mut plan, CreationFailure::SlotFull);
}

#[test]
fn the_longest_prefix_wins_and_then_the_lowest_id() {
    let zones = [zone("wide", &["1"], 9), zone("near", &["101 15", "102"], 9), zone("also-near", &["102"], 9)];
    let mut plan = Plan::new(zones, []);
    check_scheduled(order("10-115"), &mut plan, "near", day(2));
    check_scheduled(order("10215"), &mut plan, "also-near", day(2));
    check_scheduled(order("19999"), &mut plan, "wide", day(2));
    assert_eq!(check_refused(order("20115"), &mut plan, CreationFailure::ZoneUnserved), []);
}

#[test]
fn an_address_that_nobody_can_read_is_told_from_one_that_nobody_serves() {
    let mut plan = Plan::new([zone("north", &["1"], 9)], []);
    for unreadable in ["", " - ", "1/2", "1é", "1\u{0}"] {
        assert_eq!(check_refused(order(unreadable), &mut plan, CreationFailure::AddressInvalid), []);
    }
    for country in ["", "D", "de", "DEU", "D1", "ÄÖ"] {
        let mut order = order("1");
        order.delivery_address.country = country.into();
        check_refused(order, &mut plan, CreationFailure::AddressInvalid);
    }
    let mut abroad = order("1");
    abroad.delivery_address.country = "FR".into();
    check_refused(abroad, &mut plan, CreationFailure::ZoneUnserved);
}

#[test]
fn weight_is_limited_and_never_overflows() {
    let mut plan = Plan::new([zone("north", &["1"], 9)], []);
    let heavy = |quantity, weight_g| OrderCompleted {
        items: vec![Item { sku: "anvil".into(), quantity, weight_g, unit_price_minor: None }; 3],
        ..order("1")
    };
    check_scheduled(heavy(1, 3_333), &mut plan, "north", day(2));
    assert_eq!(check_refused(heavy(1, 3_334), &mut plan, CreationFailure::Overweight), []);
    check_refused(heavy(u32::MAX, u32::MAX), &mut plan, CreationFailure::Overweight);
}

#[test]
fn a_place_given_back_can_be_taken_again() {
    let mut plan = Plan::new([zone("north", &["1"], 1)], []);
    let delivery = check_scheduled(order("1"), &mut plan, "north", day(2));
    let cancelled = Event::OrderCancelled(OrderCancelled { reason: CancellationReason::Customer });
    let decision = delivery.react(&cancelled, stamp());
    decision.slot.iter().for_each(|change| plan.apply(change));
    check_scheduled(order("1"), &mut plan, "north", day(2));
}

#[test]
fn a_zone_keeps_what_is_taken_on_days_to_come() {
    let mut plan = Plan::new([zone("north", &["1"], 2)], []);
    check_scheduled(order("1"), &mut plan, "north", day(2));
    check_scheduled(order("1"), &mut plan, "north", day(2));
    let refusal = Refusal::CapacityBelowTaken { zone: "north".into(), days: vec![day(2)] };
    assert_eq!(plan.put_zone(zone("north", &["1"], 1), stamp()), Err(refusal));
    assert_eq!(plan.put_zone(zone("north", &["1"], 3), stamp()), Ok(Put::Replaced));
    check_scheduled(order("1"), &mut plan, "north", day(2));
    assert_eq!(plan.put_zone(zone("south", &["2"], 3), stamp()), Ok(Put::Created));
}

#[test]
fn a_courier_carries_what_they_can_and_a_former_one_is_free_again() {
    let mut plan = Plan::new([zone("north", &["1"], 9)], []);
    let mut couriers = Couriers::default();
    for id in ["ada", "bob"] {
        assert_eq!(couriers.put(id, id, 1), Ok(Put::Created));
    }
    let load = |couriers: &Couriers, id| couriers.find(id).map(|courier| courier.load);
    let assign = |courier: &str| Command::AssignCourier { courier: courier.into() };
    let one = check_scheduled(order("1"), &mut plan, "north", day(2));
    let two = check_scheduled(order("1"), &mut plan, "north", day(2));

    assert_eq!(decide(one.clone(), Command::Dispatch, &mut plan, &mut couriers), Err(Refusal::NoCourierAssigned));
    let one = decide(one, assign("ada"), &mut plan, &mut couriers).expect("room").delivery;
    let full = Refusal::CourierFull { courier: "ada".into(), capacity: 1 };
    assert_eq!(decide(two, assign("ada"), &mut plan, &mut couriers), Err(full));
    let same = decide(one.clone(), assign("ada"), &mut plan, &mut couriers).expect("the same again");
    assert!(same.changes_nothing());
    let one = decide(one, assign("bob"), &mut plan, &mut couriers).expect("room").delivery;
    assert_eq!((load(&couriers, "ada"), load(&couriers, "bob")), (Some(0), Some(1)));
    let below = Refusal::CapacityBelowLoad { courier: "bob".into(), load: 1 };
    assert_eq!(couriers.put("bob", "Bob", 0), Err(below));
    let one = decide(one, Command::Dispatch, &mut plan, &mut couriers).expect("picked up").delivery;
    assert_eq!(load(&couriers, "bob"), Some(1));
    let proof = Proof { received_by: "Ada".into(), reference: None };
    decide(one, Command::Complete { proof }, &mut plan, &mut couriers).expect("handed over");
    assert_eq!(load(&couriers, "bob"), Some(0));
}

#[test]
fn what_fails_before_the_pivot_gives_its_place_back_and_what_fails_after_does_not() {
    let mut plan = Plan::new([zone("north", &["1"], 9)], []);
    let mut couriers = Couriers::default();
    assert_eq!(couriers.put("ada", "Ada", 9), Ok(Put::Created));
    let scheduled = check_scheduled(order("1"), &mut plan, "north", day(2));
    let assign = Command::AssignCourier { courier: "ada".into() };
    let assigned = decide(scheduled, assign, &mut plan, &mut couriers);
    let scheduled = assigned.expect("room").delivery;
    let dispatched =
        decide(scheduled.clone(), Command::Dispatch, &mut plan, &mut couriers).expect("picked up").delivery;
    for reason in FailureReason::ALL {
        for delivery in [&scheduled, &dispatched] {
            let failed = decide(delivery.clone(), Command::Fail { reason }, &mut plan.clone(), &mut couriers.clone());
            assert_eq!(failed.is_ok(), reason.fits(delivery.status), "{reason} for {}", delivery.status);
            let Ok(decision) = failed else { continue };
            assert_eq!(decision.slot.is_some(), delivery.status == Status::Scheduled);
            assert_eq!(decision.couriers, [CourierChange::Free("ada".into())]);
        }
    }
}

#[test]
fn an_absent_recipient_gets_another_day_and_in_the_end_the_parcel_comes_back() {
    let mut plan = Plan::new([zone("north", &["1"], 1)], []);
    let mut couriers = Couriers::default();
    assert_eq!(couriers.put("ada", "Ada", 9), Ok(Put::Created));
    let slot = |date| Slot { zone: "north".into(), date };
    let taken = |plan: &Plan| (2..=15).map(day).filter(|date| plan.places(&slot(*date)).taken > 0).collect::<Vec<_>>();
    let mut parcel = check_scheduled(order("1"), &mut plan, "north", day(2));
    check_scheduled(order("1"), &mut plan, "north", day(3));
    for command in [Command::AssignCourier { courier: "ada".into() }, Command::Dispatch] {
        parcel = decide(parcel, command, &mut plan, &mut couriers).expect("granted").delivery;
    }
    let attempt = |number, date| Command::Attempt { number, note: Some("nobody opens".into()), date };

    let first = decide(parcel, attempt(1, None), &mut plan, &mut couriers).expect("another day");
    assert_eq!(first.slot, Some(SlotChange::Move { from: slot(day(2)), to: slot(day(4)) }));
    assert_eq!(
        (first.delivery.status, &first.announce, &first.couriers),
        (Status::Dispatched, &Announce::Nothing, &vec![])
    );
    assert_eq!(taken(&plan), [3, 4].map(day));

    for unfit in [4, 3, 2, 1, 16].map(day) {
        let before = plan.clone();
        let refused = decide(first.delivery.clone(), attempt(2, Some(unfit)), &mut plan, &mut couriers);
        let alternatives = [5, 6, 7, 8, 9].map(day).map(slot).to_vec();
        assert_eq!(refused, Err(Refusal::NoDayWithRoom { alternatives }), "{unfit}");
        assert_eq!(plan, before, "a refusal changes nothing");
    }
    let second = decide(first.delivery, attempt(2, Some(day(9))), &mut plan, &mut couriers).expect("the wished day");
    assert_eq!((second.delivery.slot.clone(), second.delivery.promised_date()), (Some(slot(day(9))), Some(day(2))));
    assert_eq!(taken(&plan), [3, 9].map(day));

    let last = decide(second.delivery, attempt(3, None), &mut plan, &mut couriers).expect("it comes back");
    let returned = FailureReason::RecipientAbsent.failed();
    assert_eq!((last.delivery.status, &last.delivery.failure), (Status::Failed, &Some(returned.clone())));
    assert_eq!((last.announce, last.slot), (Announce::New(Event::DeliveryFailed(returned)), None));
    assert_eq!(last.couriers, [CourierChange::Free("ada".into())]);
    let days = last.delivery.attempts.iter().map(|one| (one.number, one.date, one.next_date));
    let expected = [(1, day(2), Some(day(4))), (2, day(4), Some(day(9))), (3, day(9), None)];
    assert_eq!(days.collect::<Vec<_>>(), expected);
    assert_eq!(taken(&plan), [3, 9].map(day), "a van that drove has used its place");
}

#[test]
fn what_has_arrived_does_not_come_back() {
    let mut plan = Plan::new([zone("north", &["1"], 9)], []);
    let mut couriers = Couriers::default();
    assert_eq!(couriers.put("ada", "Ada", 9), Ok(Put::Created));
    let mut parcel = check_scheduled(order("1"), &mut plan, "north", day(2));
    let completed = |by: &str| Command::Complete { proof: Proof { received_by: by.into(), reference: None } };
    for command in [Command::AssignCourier { courier: "ada".into() }, Command::Dispatch, completed("Eve")] {
        parcel = decide(parcel, command, &mut plan, &mut couriers).expect("granted").delivery;
    }
    let refusal = Refusal::AlreadyDelivered { received_by: "Eve".into() };
    assert!(refusal.to_string().contains("Eve has received it"), "{refusal}");
    let late = FailureReason::ALL.map(|reason| Command::Fail { reason });
    let more = [Command::Attempt { number: 1, note: None, date: None }, completed("Bob")];
    for command in late.into_iter().chain(more) {
        assert_eq!(decide(parcel.clone(), command, &mut plan, &mut couriers), Err(refusal.clone()));
    }
    assert!(decide(parcel, completed("Eve"), &mut plan, &mut couriers).expect("the same").changes_nothing());
}
