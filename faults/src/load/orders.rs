//! The orders that are placed, and what becomes of each customer: made from the seed.

use serde_json::{Value, json};

use crate::dice::Dice;

/// How many articles the shop has.
pub const ARTICLES: u64 = 20;
/// How many zones deliver, and how many couriers there are.
pub const ZONES: u64 = 8;
pub const COURIERS: u64 = 8;
/// One purpose of the dice.
const ORDERING: u64 = 2;

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
    pub dice: Dice,
}

impl Customer {
    /// The customer with this number.
    pub fn drawn(seed: u64, number: u64) -> Self {
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
        let order = json!({
            "customer_id": name,
            "currency": "EUR",
            "items": items,
            "delivery_address": {
                "recipient": "Ada Lovelace", "line1": "Hauptstr. 1", "city": "Berlin",
                "postal_code": postal_code, "country": "DE"
            }
        });
        Self { name, order, story, dice }
    }
}

fn story(dice: &mut Dice) -> Story {
    match dice.below(100) {
        0..52 => Story::Waits,
        52..62 => Story::CancelsAtOnce,
        62..70 => Story::CancelsLater(dice.below(4_000)),
        70..81 => Story::Delivered,
        81..85 => Story::Lost,
        85..89 => Story::ComesBack,
        89..93 => Story::NoCourier,
        93..97 => Story::Races,
        _ => Story::GivesUp,
    }
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
