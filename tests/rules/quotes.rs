//! What is quoted and what is taken come from one rule: random zones, bookings and parcels, each day asked for.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use delivery_service::domain::{DAYS_ON_OFFER, Delivery, Destination, Places, Plan, Zone};
use shared_events::{CreationFailure, Event, OrderCompleted, Slot};

use crate::{
    delivery_lives::{LIMIT_G, completed, order_id},
    dice::Dice,
    fixtures::{day, plan, stamp},
};

const SEEDS: u64 = 2_000;
const ALL: usize = 14;

/// Some zones with some bookings, and a parcel for which somebody wants a day.
struct Question {
    plan: Plan,
    order: OrderCompleted,
    weight_g: i64,
}

impl Question {
    fn of(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let zones: Vec<Zone> = (0..1 + dice.roll(3)).map(|n| zone(&mut dice, n)).collect();
        let slots: Vec<(Slot, Places)> = zones.iter().flat_map(|zone| bookings(&mut dice, zone)).collect();
        let mut order = completed();
        order.delivery_address.postal_code =
            dice.pick(&["10", "1 0-2", "11", "20", "ß1", ""]).expect("some").to_owned();
        order.delivery_address.country = dice.pick(&["DE", "DE", "DE", "FR", "de"]).expect("some").to_owned();
        let weight_g = dice.pick(&[1, 500, 1_000, 1_001]).expect("some");
        Self { plan: Plan::new(zones, slots), order, weight_g }
    }

    fn options(&self, most: usize) -> Result<Vec<Slot>, CreationFailure> {
        self.plan.options(self.to(), self.weight_g, day(0), most)
    }

    fn to(&self) -> Destination<'_> {
        (&self.order.delivery_address).into()
    }

    /// What an order gets that wishes this day, or none.
    fn taken(&self, wished_date: Option<NaiveDate>) -> Result<Slot, CreationFailure> {
        let order = OrderCompleted { wished_date, ..self.order.clone() };
        self.plan.clone().take(&order, self.weight_g, stamp(1))
    }
}

fn zone(dice: &mut Dice, n: usize) -> Zone {
    let prefix = dice.pick(&["1", "10", "102", "2"]).expect("some").to_owned();
    let capacity_per_day = dice.pick(&[0, 1, 2]).expect("some");
    let weight_limit_g = dice.pick(&[500, 1_000, 5_000]).expect("some");
    Zone { id: format!("zone-{n}"), country: "DE".to_owned(), prefixes: vec![prefix], capacity_per_day, weight_limit_g }
}

/// Also on days that are not on offer. A day may have room for more or for fewer than the zone's next ones.
fn bookings(dice: &mut Dice, zone: &Zone) -> Vec<(Slot, Places)> {
    let full_percent = dice.pick(&[0, 30, 100]).expect("some");
    let mut slots = vec![];
    for date in (0..DAYS_ON_OFFER + 3).map(day) {
        let capacity = zone.capacity_per_day + i64::from(dice.happens(20));
        let taken = if dice.happens(full_percent) { capacity } else { 0 };
        if taken > 0 || dice.happens(30) {
            slots.push((Slot { zone: zone.id.clone(), date }, Places { capacity, taken }));
        }
    }
    slots
}

/// Yesterday, today, every day on offer, and some beyond.
fn days() -> impl Iterator<Item = NaiveDate> {
    let yesterday = day(0).pred_opt().expect("a day");
    [yesterday].into_iter().chain((0..DAYS_ON_OFFER + 3).map(day))
}

fn check_same_rule(seed: u64) {
    let question = Question::of(seed);
    let quoted = question.options(ALL);
    let without_a_wish = question.taken(None);
    match &quoted {
        Ok(options) => assert_eq!(without_a_wish.as_ref(), Ok(&options[0]), "seed {seed}: the earliest"),
        Err(reason) => assert_eq!(without_a_wish, Err(*reason), "seed {seed}: the same reason"),
    }
    let otherwise = quoted.as_ref().err().copied().unwrap_or(CreationFailure::SlotFull);
    let options = quoted.unwrap_or_default();
    for date in days() {
        let expected = options.iter().find(|slot| slot.date == date).cloned().ok_or(otherwise);
        assert_eq!(question.taken(Some(date)), expected, "seed {seed}: a wish for {date}");
    }
    for most in 1..=ALL {
        let fewer = question.options(most).unwrap_or_default();
        assert_eq!(fewer, options[..options.len().min(most)], "seed {seed}: at most {most}");
    }
}

#[test]
fn what_is_quoted_is_accepted_and_nothing_else_is() {
    (0..SEEDS).for_each(check_same_rule);
}

#[test]
fn what_was_filled_is_no_longer_quoted() {
    for seed in 0..SEEDS / 10 {
        let mut question = Question::of(seed);
        let mut before = question.options(ALL).unwrap_or_default();
        while let Some(wished) = before.first().map(|slot| slot.date) {
            let order = OrderCompleted { wished_date: Some(wished), ..question.order.clone() };
            let slot = question.plan.take(&order, question.weight_g, stamp(1)).expect("quoted");
            let places = question.plan.places(&slot);
            let after = question.options(ALL).unwrap_or_default();
            assert_eq!(after.contains(&slot), places.taken < places.capacity, "seed {seed}: {slot:?}, {places:?}");
            before = after;
        }
        assert_eq!(question.taken(None).err(), question.options(ALL).err(), "seed {seed}");
    }
}

#[test]
fn the_questions_come_through_every_answer() {
    let mut answers: BTreeMap<String, u64> = BTreeMap::new();
    for seed in 0..SEEDS {
        let answer = match Question::of(seed).options(ALL) {
            Ok(options) if options.len() == ALL => "every day".to_owned(),
            Ok(_) => "some days".to_owned(),
            Err(reason) => format!("{reason:?}"),
        };
        *answers.entry(answer).or_default() += 1;
    }
    let expected = ["AddressInvalid", "Overweight", "SlotFull", "ZoneUnserved", "every day", "some days"];
    assert_eq!(answers.keys().map(String::as_str).collect::<Vec<_>>(), expected, "{answers:?}");
    assert!(answers.values().all(|times| *times > SEEDS / 100), "{answers:?}");
}

#[test]
fn a_full_day_is_passed_over_and_full_days_are_refused() {
    let mut room = plan(1, LIMIT_G);
    let days: Vec<Option<u64>> = (0..16)
        .map(|n| {
            let order = Event::OrderCompleted(completed());
            let slot = Delivery::begin(order_id(), &order, &mut room, stamp(n)).delivery.slot;
            slot.map(|slot| u64::try_from((slot.date - day(0)).num_days()).expect("later"))
        })
        .collect();
    let expected: Vec<Option<u64>> = (1..=14).map(Some).chain([None, None]).collect();
    assert_eq!(days, expected, "the earliest day with room, for two weeks");
}
