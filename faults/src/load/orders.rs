//! The orders that are placed, and what becomes of each customer: made from the seed.

use serde_json::{Value, json};

use crate::dice::Dice;

/// How many articles the shop has.
pub const ARTICLES: u64 = 20;
/// How many zones deliver, and how many couriers there are.
pub const ZONES: u64 = 8;
pub const COURIERS: u64 = 8;
/// What there is little of: pieces of one article, places a day in one zone, parcels that one courier can carry. And an article that is too
/// heavy for every zone.
pub const SCARCE: &str = "SCARCE";
pub const HEAVY: &str = "HEAVY";
pub const SMALL_ZONE: u64 = ZONES;
pub const SMALL_COURIER: u64 = COURIERS;
/// So many customers come without anybody who asks for what cannot be had.
const BETWEEN_HOPELESS: u64 = 12;
/// Two purposes of the dice.
const ORDERING: u64 = 2;
const HOPING: u64 = 4;

/// What a customer and the staff do with an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Story {
    /// Nothing more: it waits for its van.
    Waits,
    /// The customer cancels as soon as it is placed.
    CancelsAtOnce,
    /// The customer cancels after so many milliseconds.
    CancelsLater(u64),
    /// It is delivered.
    Delivered,
    /// It is delivered at the second time: at the first nobody is there.
    DeliveredLater,
    /// A courier is found, and it waits for its van.
    Assigned,
    /// It leaves, and is lost.
    Lost,
    /// It leaves, and comes back.
    ComesBack,
    /// There is nobody to bring it.
    NoCourier,
    /// It is cancelled while it is being dispatched.
    Races,
    /// Whoever placed it never asks again, whatever came back.
    GivesUp,
}

/// One customer with one order.
#[derive(Clone, Debug)]
pub struct Customer {
    /// Nobody else has this name, so that an order can be told by it.
    pub name: String,
    pub order: Value,
    pub story: Story,
    /// Who brings it, if somebody does.
    pub courier: String,
}

impl Customer {
    /// The customer with this number.
    fn drawn(seed: u64, number: u64) -> Self {
        let mut dice = Dice::of(seed, ORDERING + (number << 8));
        let name = format!("c{seed}-{number}");
        let mut items = Vec::new();
        let first = dice.below(ARTICLES);
        for line in 0..dice.between(1, 3) {
            items.push(json!({ "sku": sku((first + line) % ARTICLES), "quantity": dice.between(1, 3) }));
        }
        // Some live where nobody delivers.
        let zone = if dice.below(100) < 7 { 80 } else { 10 + dice.below(ZONES) };
        let postal_code = format!("{zone}{:03}", dice.below(1_000));
        let story = story(&mut dice);
        let order = order(&name, &json!(items), &postal_code);
        let courier = courier(dice.below(COURIERS));
        Self { name, order, story, courier }
    }

    /// Who comes with this number: now and then also somebody who asks for what is no order, or for what there is too little of.
    pub fn coming(seed: u64, number: u64) -> Vec<Self> {
        let hopeless = number.is_multiple_of(BETWEEN_HOPELESS).then(|| Self::hopeless(seed, number));
        [Self::drawn(seed, number)].into_iter().chain(hopeless).collect()
    }

    fn hopeless(seed: u64, number: u64) -> Self {
        let mut dice = Dice::of(seed, HOPING + (number << 8));
        let name = format!("h{seed}-{number}");
        let in_zone = |zone| format!("{}000", postal_prefix(zone));
        let mut order = order(&name, &json!([{ "sku": sku(0), "quantity": 1 }]), &in_zone(dice.below(ZONES)));
        match dice.below(7) {
            0 => order["items"][0]["quantity"] = json!(0),
            1 => order["items"][0]["sku"] = json!("NO-SUCH-ARTICLE"),
            2 => order["expected_total"] = json!(1),
            3 => order["items"][0]["sku"] = json!(SCARCE),
            4 => order["items"][0]["sku"] = json!(HEAVY),
            _ => order["delivery_address"]["postal_code"] = json!(in_zone(SMALL_ZONE)),
        }
        let story = dice.one_of(&[Story::Assigned, Story::DeliveredLater, Story::CancelsLater(2_000)]);
        Self { name, order, story, courier: courier(SMALL_COURIER) }
    }
}

fn order(customer: &str, items: &Value, postal_code: &str) -> Value {
    json!({
        "customer_id": customer,
        "currency": "EUR",
        "items": items,
        "delivery_address": {
            "recipient": "Ada Lovelace", "line1": "Hauptstr. 1", "city": "Berlin",
            "postal_code": postal_code, "country": "DE"
        }
    })
}

fn story(dice: &mut Dice) -> Story {
    match dice.below(100) {
        0..52 => Story::Waits,
        52..62 => Story::CancelsAtOnce,
        62..70 => Story::CancelsLater(dice.below(4_000)),
        70..79 => Story::Delivered,
        79..81 => Story::DeliveredLater,
        81..85 => Story::Lost,
        85..89 => Story::ComesBack,
        89..93 => Story::NoCourier,
        93..97 => Story::Races,
        _ => Story::GivesUp,
    }
}

pub fn courier(number: u64) -> String {
    format!("courier-{number}")
}

pub fn sku(article: u64) -> String {
    format!("ARTICLE-{article:02}")
}

pub fn postal_prefix(zone: u64) -> String {
    format!("{}", 10 + zone)
}

/// What a piece costs.
pub fn price_minor(article: u64) -> u64 {
    500 + 10 * article
}
