//! Something to sell and somewhere to deliver, so much of both that neither runs out.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::orders::{ARTICLES, COURIERS, ZONES, postal_prefix, price_minor, sku};

/// Pieces of each article, places a day in each zone, parcels that a courier can carry.
pub const PLENTY: u64 = 1_000_000;

/// Fills the shop over REST, as anybody would.
pub async fn fill(orders: &str, deliveries: &str) -> Result<()> {
    let http = reqwest::Client::new();
    for article in 0..ARTICLES {
        let sku = sku(article);
        let product = json!({
            "name": format!("Article {article}"), "price_minor": price_minor(article), "currency": "EUR", "weight_g": 100
        });
        done(http.put(format!("{orders}/products/{sku}")), &product).await?;
        done(http.post(format!("{orders}/products/{sku}/receipts")), &json!({ "quantity": PLENTY })).await?;
    }
    for zone in 0..ZONES {
        let terms = json!({
            "country": "DE", "prefixes": [postal_prefix(zone)], "capacity_per_day": PLENTY, "weight_limit_g": 30_000
        });
        done(http.put(format!("{deliveries}/zones/zone-{zone}")), &terms).await?;
    }
    for courier in 0..COURIERS {
        let terms = json!({ "name": format!("Courier {courier}"), "capacity": PLENTY });
        done(http.put(format!("{deliveries}/couriers/courier-{courier}")), &terms).await?;
    }
    Ok(())
}

async fn done(request: reqwest::RequestBuilder, body: &Value) -> Result<()> {
    let answer = request.json(body).send().await.context("the shop could not be filled")?;
    let status = answer.status();
    ensure!(status.is_success(), "the shop could not be filled: {status} {}", answer.text().await?);
    Ok(())
}
