//! What a side announced has not gone out.

use anyhow::Result;
use sagactl::{services::Side, stuck::Cause};
use serde_json::json;
use tests::{Env, PATIENCE, eventually};

use super::Stage;
use crate::outages::ALONE;

/// The lock by which one relay of a service is elected.
const RELAY_LOCK: i64 = 0x006f_7574_626f_7801;

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_nobody_relays_is_not_published() -> Result<()> {
    let env = Env::new("notpublished").await;
    let pool = env.pool(env.orders_database());
    let mut leader = pool.acquire().await?;
    // Somebody else leads, and sends nothing.
    sqlx::query("select pg_advisory_lock($1)").bind(RELAY_LOCK).execute(&mut *leader).await?;
    let orders = env.order_service().start().await;
    let stage = Stage::with(env, orders).await;
    let id = stage.places().await;
    let item = stage.is_listed(Side::OrderService, &id, "not_published").await;
    assert!(item["lane"]["announced"][0]["unsent_since"].is_string(), "{item}");
    let (row, report) = stage.is_named(&id, Cause::NotPublished, Side::OrderService).await;
    assert!(row.detail.contains("OrderCompleted v1 waits in the outbox since 2"), "{row:?}");
    assert!(!row.overdue && !report.is_anything_overdue() && report.is_whole(), "{report}");
    let journey = stage.shop.read(&format!("{}/orders/{id}/journey", stage.shop.orders)).await?;
    assert!(journey["announced"][0]["unsent_since"].is_string(), "{journey}");
    let consumer = stage.shop.read(&format!("{}/consumer", stage.shop.orders)).await?;
    assert_eq!(consumer["relay"], json!({ "standing": "standing_by", "in_flight": 0, "acknowledged_at": null }));

    sqlx::query("select pg_advisory_unlock($1)").bind(RELAY_LOCK).execute(&mut *leader).await?;
    stage.becomes(&id, "confirmed").await;
    stage.is_named(&id, Cause::DeadlineNotReached, Side::OrderService).await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_waits_for_a_broker_says_that_the_broker_is_away() -> Result<()> {
    let _alone = ALONE.lock().await;
    let env = Env::apart("brokeraway").await;
    let orders = env.order_service().start().await;
    let stage = Stage::with(env, orders).await;
    let before = stage.places().await;
    stage.becomes(&before, "confirmed").await;
    stage.pair.env.broker().await.kill().await?;

    let id = stage.places().await;
    let item = stage.is_listed(Side::OrderService, &id, "broker_away").await;
    assert_eq!(item["waiting_for"]["what"], json!("delivery_outcome"));
    stage.is_named(&id, Cause::BrokerAway, Side::OrderService).await;
    stage.is_named(&before, Cause::DeadlineNotReached, Side::OrderService).await;
    let consumer = stage.shop.read(&format!("{}/consumer", stage.shop.orders)).await?;
    let partitions = consumer["partitions"].as_array().expect("a list");
    assert_eq!(consumer["partitions_of_topic"], json!(null), "{consumer}");
    assert!(partitions.iter().all(|one| one["end"].is_null() && one["lag"].is_null()), "{consumer}");

    stage.pair.env.broker().await.restart().await?;
    stage.becomes(&id, "confirmed").await;
    eventually("the way to Kafka is known again", PATIENCE, async || {
        let consumer = stage.shop.read(&format!("{}/consumer", stage.shop.orders)).await?;
        anyhow::ensure!(consumer["partitions"][0]["lag"] == json!(0), "{consumer}");
        Ok(())
    })
    .await;
    stage.is_named(&id, Cause::DeadlineNotReached, Side::OrderService).await;
    Ok(())
}
