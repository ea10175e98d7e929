//! Something to sell and somewhere to deliver: so much of most of it that it never runs out, and so little of the rest that it does.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::orders::{
    ARTICLES, COURIERS, HEAVY, SCARCE, SMALL_COURIER, SMALL_ZONE, ZONES, courier, postal_prefix, price_minor, sku,
};

/// Pieces of each article, places a day in each zone, parcels that a courier can carry.
const PLENTY: u64 = 1_000_000;
/// The same where there is little of it.
const FEW: u64 = 3;
/// Two weeks can be booked, so that this many places are soon gone.
const FEW_A_DAY: u64 = 1;
const WEIGHT_LIMIT_G: u64 = 30_000;

/// Fills the shop over REST, as anybody would.
pub async fn fill(orders: &str, deliveries: &str) -> Result<()> {
    let http = reqwest::Client::new();
    let articles = (0..ARTICLES).map(|article| (sku(article), price_minor(article), 100, PLENTY));
    let others = [(SCARCE.to_owned(), 900, 100, FEW), (HEAVY.to_owned(), 900, WEIGHT_LIMIT_G + 1, PLENTY)];
    for (sku, price_minor, weight_g, pieces) in articles.chain(others) {
        let product = json!({ "name": sku, "price_minor": price_minor, "currency": "EUR", "weight_g": weight_g });
        done(http.put(format!("{orders}/products/{sku}")), &product).await?;
        done(http.post(format!("{orders}/products/{sku}/receipts")), &json!({ "quantity": pieces })).await?;
    }
    let zones = (0..ZONES).map(|zone| (zone, PLENTY)).chain([(SMALL_ZONE, FEW_A_DAY)]);
    for (zone, capacity_per_day) in zones {
        let terms = json!({
            "country": "DE", "prefixes": [postal_prefix(zone)], "capacity_per_day": capacity_per_day,
            "weight_limit_g": WEIGHT_LIMIT_G
        });
        done(http.put(format!("{deliveries}/zones/zone-{zone}")), &terms).await?;
    }
    let couriers = (0..COURIERS).map(|number| (number, PLENTY)).chain([(SMALL_COURIER, FEW)]);
    for (number, capacity) in couriers {
        let terms = json!({ "name": format!("Courier {number}"), "capacity": capacity });
        done(http.put(format!("{deliveries}/couriers/{}", courier(number))), &terms).await?;
    }
    Ok(())
}

async fn done(request: reqwest::RequestBuilder, body: &Value) -> Result<()> {
    let answer = request.json(body).send().await.context("the shop could not be filled")?;
    let status = answer.status();
    ensure!(status.is_success(), "the shop could not be filled: {status} {}", answer.text().await?);
    Ok(())
}
