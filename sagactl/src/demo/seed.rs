//! Something to sell and somebody to deliver it. Over REST only, as a shop would do it.

use anyhow::{Context, Result, ensure};
use devstack::Progress;
use reqwest::Method;
use serde_json::{Value, json};

use crate::shop::{Shop, Side};

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
}

/// Fills the catalogue, the shelves and the zones, and engages couriers.
pub async fn seed(shop: &Shop, amounts: Amounts) -> Result<()> {
    let step = Progress::shown().step("Filling the shop over REST");
    for (sku, name, price_minor, weight_g, pieces) in [
        (LAMP, "Reading lamp", 2_990, 1_200, 100),
        (MUG, "Mug", 890, 350, amounts.mugs),
        ("PIANO", "Grand piano", 2_499_000, 480_000, 3),
    ] {
        let product = json!({"name": name, "price_minor": price_minor, "currency": "EUR", "weight_g": weight_g});
        put(shop, Side::Orders, &format!("/products/{sku}"), product).await?;
        post(shop, Side::Orders, &format!("/products/{sku}/receipts"), json!({"quantity": pieces})).await?;
    }
    for (zone, prefix, capacity) in [("harbour", "20", amounts.places_a_day), ("island", "25849", 1)] {
        let zone_terms =
            json!({"country": "DE", "prefixes": [prefix], "capacity_per_day": capacity, "weight_limit_g": 30_000});
        put(shop, Side::Deliveries, &format!("/zones/{zone}"), zone_terms).await?;
    }
    for (courier, name) in [(COURIER, "Anna"), ("bert", "Bert")] {
        put(shop, Side::Deliveries, &format!("/couriers/{courier}"), json!({"name": name, "capacity": 20})).await?;
    }
    step.done("3 products, 2 zones and 2 couriers put over REST");
    Ok(())
}

async fn put(shop: &Shop, side: Side, path: &str, body: Value) -> Result<()> {
    send(shop, side, Method::PUT, path, body).await
}

async fn post(shop: &Shop, side: Side, path: &str, body: Value) -> Result<()> {
    send(shop, side, Method::POST, path, body).await
}

async fn send(shop: &Shop, side: Side, method: Method, path: &str, body: Value) -> Result<()> {
    let answer = shop.ask(side, method.clone(), path, Some(&body), None).await;
    let answer = answer.context("The shop could not be filled")?;
    let (status, detail) = (answer.status, &answer.body);
    ensure!(
        (200..300).contains(&status),
        "The shop could not be filled: {method} {path} was answered {status}, {detail}."
    );
    Ok(())
}
