//! Something to sell and somebody to deliver it. Over REST only, as a shop would do it. Puts what is absent and nothing else: a second
//! time changes nothing, and what somebody else has changed meanwhile stays as they want it.

use anyhow::{Context, Result, ensure};
use devstack::Progress;
use reqwest::Method;
use serde_json::{Value, json};

use crate::args::Urls;
use crate::ending::Ending;
use crate::shop::{Answer, Shop, Side};

/// The article of the small stories.
pub const LAMP: &str = "LAMP";
/// The article of the crowd.
pub const MUG: &str = "MUG";
/// Of this island only one parcel a day is delivered.
pub const ISLAND_POSTAL_CODE: &str = "25849";
/// Where everything else goes.
pub const HARBOUR_POSTAL_CODE: &str = "20457";
/// Who carries parcels.
pub const COURIER: &str = "anna";

/// More lamps than the small stories take.
const LAMPS_FOR_THE_STORIES: i64 = 20;

const NOT_FOUND: u16 = 404;

/// How much of everything.
#[derive(Clone, Copy, Debug)]
pub struct Amounts {
    mugs: u32,
    places_a_day: u32,
}

impl Amounts {
    /// Enough for so many orders of the crowd, and for whoever tries something afterwards.
    pub fn for_orders(orders: u32) -> Self {
        Self { mugs: orders * 3 + 1_000, places_a_day: orders / 4 + 100 }
    }

    /// For a pair that stays: places for the crowds of many days.
    pub fn lasting() -> Self {
        Self { mugs: 4_000, places_a_day: 100_000 }
    }
}

/// Runs `sagactl seed`.
pub async fn run(urls: &Urls) -> Result<Ending> {
    seed(&Shop::at(urls)?, Amounts::lasting()).await?;
    Ok(Ending::Well)
}

/// Fills the catalogue, the shelves and the zones, and engages couriers, as far as they are not there yet.
pub async fn seed(shop: &Shop, amounts: Amounts) -> Result<()> {
    let step = Progress::shown().step("Filling the shop over REST");
    for (sku, name, price_minor, weight_g, pieces) in [
        (LAMP, "Reading lamp", 2_990, 1_200, 100),
        (MUG, "Mug", 890, 350, amounts.mugs),
        ("PIANO", "Grand piano", 2_499_000, 480_000, 3),
    ] {
        let product = json!({"name": name, "price_minor": price_minor, "currency": "EUR", "weight_g": weight_g});
        if shop.find_product(sku).await?.is_none() {
            put(shop, Side::Orders, &format!("/products/{sku}"), product).await?;
        }
        first_receipt(shop, sku, pieces).await?;
    }
    for (zone, prefix, capacity) in [("harbour", "20", amounts.places_a_day), ("island", "25849", 1)] {
        let zone_terms =
            json!({"country": "DE", "prefixes": [prefix], "capacity_per_day": capacity, "weight_limit_g": 30_000});
        put_if_absent(shop, &format!("/zones/{zone}"), zone_terms).await?;
    }
    for (courier, name) in [(COURIER, "Anna"), ("bert", "Bert")] {
        put_if_absent(shop, &format!("/couriers/{courier}"), json!({"name": name, "capacity": 20})).await?;
    }
    step.done("3 products, 2 zones and 2 couriers are there, put over REST");
    Ok(())
}

/// What the stories are about to take has to be on the shelves, also when they have been told before.
pub async fn restock(shop: &Shop, orders: u32) -> Result<()> {
    for (sku, needed) in [(LAMP, LAMPS_FOR_THE_STORIES), (MUG, i64::from(orders))] {
        let missing = needed - shop.product(sku).await?.available;
        if missing > 0 {
            let (path, body) = (receipts(sku), json!({"quantity": missing}));
            let answer = shop.ask(Side::Orders, Method::POST, &path, Some(&body), None).await;
            done(&format!("POST {path}"), answer)?;
        }
    }
    Ok(())
}

/// A product that never had a piece gets its first ones. The key is for two who do this at the same moment; it is forgotten after a
/// while, and by then there is something to see.
async fn first_receipt(shop: &Shop, sku: &str, pieces: u32) -> Result<()> {
    let known = shop.product(sku).await?;
    if known.on_hand + known.shipped + known.written_off > 0 {
        return Ok(());
    }
    let path = receipts(sku);
    let answer = shop.post_keyed(Side::Orders, &path, &json!({"quantity": pieces}), &format!("seed-{sku}")).await;
    done(&format!("POST {path}"), answer)
}

fn receipts(sku: &str) -> String {
    format!("/products/{sku}/receipts")
}

/// Of the delivery side, where each can be asked for by its address.
async fn put_if_absent(shop: &Shop, path: &str, body: Value) -> Result<()> {
    let answer = shop.ask(Side::Deliveries, Method::GET, path, None, None).await;
    match &answer {
        Ok(Answer { status: NOT_FOUND, .. }) => put(shop, Side::Deliveries, path, body).await,
        Ok(_) | Err(_) => done(&format!("GET {path}"), answer),
    }
}

async fn put(shop: &Shop, side: Side, path: &str, body: Value) -> Result<()> {
    done(&format!("PUT {path}"), shop.ask(side, Method::PUT, path, Some(&body), None).await)
}

fn done(asked: &str, answer: Result<Answer>) -> Result<()> {
    let Answer { status, body } = answer.context("The shop could not be filled")?;
    ensure!((200..300).contains(&status), "The shop could not be filled: {asked} was answered {status}, {body}.");
    Ok(())
}
