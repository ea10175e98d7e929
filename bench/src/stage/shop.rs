//! Something to sell and somewhere to deliver, so much of both that neither runs out.

use anyhow::{Context, Result, ensure};
use devstack::{ALL_SCOPES, Stack};
use reqwest::Client;
use serde_json::{Value, json};

use crate::load::orders::{ARTICLES, ZONES, postal_prefix, sku};

/// Pieces of each article.
const PIECES: u64 = 1_000_000;
/// Places a day in each zone.
const PLACES: u64 = 1_000_000;

/// Fills the shop over REST, as anybody would.
pub async fn fill(stack: &Stack) -> Result<()> {
    let (http, token) = (Client::new(), stack.token("bench", ALL_SCOPES)?);
    let (orders, deliveries) = (stack.order_service.url(), stack.delivery_service.url());
    for article in 0..ARTICLES {
        let sku = sku(article);
        let product = json!({
            "name": format!("Article {article}"), "price_minor": 500 + 10 * article, "currency": "EUR", "weight_g": 100,
        });
        done(http.put(format!("{orders}/products/{sku}")), &token, &product).await?;
        done(http.post(format!("{orders}/products/{sku}/receipts")), &token, &json!({"quantity": PIECES})).await?;
    }
    for zone in 0..ZONES {
        let terms = json!({
            "country": "DE", "prefixes": [postal_prefix(zone)], "capacity_per_day": PLACES, "weight_limit_g": 30_000,
        });
        done(http.put(format!("{deliveries}/zones/zone-{zone}")), &token, &terms).await?;
    }
    Ok(())
}

async fn done(request: reqwest::RequestBuilder, token: &str, body: &Value) -> Result<()> {
    let answer = request.bearer_auth(token).json(body).send().await.context("the shop could not be filled")?;
    let status = answer.status();
    ensure!(status.is_success(), "the shop could not be filled: {status} {}", answer.text().await?);
    Ok(())
}
