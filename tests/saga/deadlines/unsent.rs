//! Our own event has not gone out, or the answer lies here: asking would be too early.

use anyhow::{Result, ensure};
use chrono::{DateTime, Utc};
use http::StatusCode;
use serde_json::json;
use shared_events::{OrderId, Topic};
use tests::{Env, PATIENCE, envelope, eventually, golden, record};

use super::{Stage, minutes_from_now, order_sweeper};
use crate::outages::ALONE;

#[tokio::test(flavor = "multi_thread")]
async fn an_order_whose_event_cannot_go_out_is_put_off_and_confirmed_when_kafka_is_back() -> Result<()> {
    let _alone = ALONE.lock().await;
    let env = Env::apart("unsent").await;
    let launch = env.order_service().arg("--outcome-deadline-ms=300").arg("--outcome-extensions=1000");
    let impatient = launch.arg("--sweep-every-ms=20").start().await;
    let stage = Stage::with(env, impatient).await;
    stage.pair.env.broker().await.kill().await?;

    let id = stage.places().await;
    let order = eventually("it waits once more, again and again", PATIENCE, async || {
        let order = stage.shop.order(&id).await?;
        ensure!(order["waiting_for"]["extended"].as_i64() >= Some(3), "{order}");
        Ok(order)
    })
    .await;
    assert_eq!((&order["status"], &order["waiting_for"]["what"]), (&json!("completed"), &json!("delivery_outcome")));
    let causes: Vec<String> = stage.history(&id).await.into_iter().skip(1).map(|(_, _, cause)| cause).collect();
    assert!(causes.iter().all(|cause| cause == "event_unsent"), "{causes:?}");

    stage.pair.env.broker().await.restart().await?;
    let order = stage.becomes(&id, "confirmed").await;
    assert_eq!((&order["waiting_for"]["what"], &order["waiting_for"]["extended"]), (&json!("dispatch"), &json!(0)));
    let mut went_through = stage.history(&id).await.into_iter().map(|(_, status, _)| status).collect::<Vec<_>>();
    went_through.dedup();
    assert_eq!(went_through, ["completed", "confirmed"], "nobody asked to cancel it");
    stage.pair.settles().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_whose_answer_is_parked_here_is_put_off_and_confirmed_when_it_can_be_applied() -> Result<()> {
    let stage = Stage::opens("parkedhere").await;
    // The last of our own: whatever is to be confirmed now cannot be written.
    let spoil =
        "alter table orders add constraint no_luck check (status <> 'confirmed' or customer_id <> 'customer-1')";
    sqlx::raw_sql(spoil).execute(&stage.orders).await?;
    let id = stage.places().await;
    one_is_parked(&stage, "select count(*) from parked_events where resolved_at is null").await;
    stage.hears_of_younger_orders().await?;
    assert_eq!(order_sweeper(&stage.orders).step(minutes_from_now(11)).await?, 1);
    let last = stage.history(&id).await.pop();
    assert_eq!(last, Some(["deadline_extended", "completed", "outcome_parked"].map(str::to_owned).into()));
    sqlx::raw_sql("alter table orders drop constraint no_luck").execute(&stage.orders).await?;
    stage.becomes(&id, "confirmed").await;
    stage.pair.settles().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_too_broken_to_say_whose_it_is_puts_its_order_off_all_the_same() -> Result<()> {
    let mut stage = Stage::opens("placeless").await;
    stage.pair.deliveries.kill().await?;
    let (id, other) = (stage.places().await, stage.places().await);
    stage.announced_is_published().await;
    let answer = envelope(OrderId(id.parse()?), 1, golden("DeliveryCreated.v1"));
    let mut answer = record(&stage.pair.env.topic(Topic::Deliveries), &answer);
    answer.headers.retain(|(name, _)| name != "ce_subject");
    stage.pair.env.produce(&[answer]).await;
    one_is_parked(&stage, "select count(*) from parked_events where order_id is null").await;
    stage.hears_of_younger_orders().await?;
    assert_eq!(order_sweeper(&stage.orders).step(minutes_from_now(11)).await?, 2);
    let last = stage.history(&id).await.pop();
    assert_eq!(last, Some(["deadline_extended", "completed", "outcome_parked"].map(str::to_owned).into()));
    assert_eq!(stage.order(&other).await["status"], "cancelling", "nobody else is held up by it");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_that_cannot_go_out_is_not_counted_as_unanswered() -> Result<()> {
    let _alone = ALONE.lock().await;
    let env = Env::apart("unsentcancel").await;
    let launch = env.order_service().arg("--cancellation-deadline-ms=50").arg("--sweep-every-ms=20");
    let impatient = launch.start().await;
    let stage = Stage::with(env, impatient).await;
    stage.pair.env.broker().await.kill().await?;

    let id = stage.places().await;
    assert_eq!(stage.shop.cancel(&id).await?.status, StatusCode::ACCEPTED);
    let deadline = async || -> Result<DateTime<Utc>> {
        Ok(sqlx::query_scalar("select deadline_at from orders").fetch_one(&stage.orders).await?)
    };
    let first = deadline().await?;
    eventually("its deadline moves", PATIENCE, async || {
        ensure!(deadline().await? > first, "not yet");
        anyhow::Ok(())
    })
    .await;
    eventually("its deadline has moved more often than it would be asked for", PATIENCE, async || {
        let moved = "deadlines_extended_total{because=\"event_unsent\"}";
        let moved = stage.shop.counter(&stage.shop.orders, moved).await?;
        ensure!(moved > 8.0, "{moved}");
        anyhow::Ok(())
    })
    .await;
    let order = stage.order(&id).await;
    assert_eq!((&order["status"], &order["attention"]), (&json!("cancelling"), &json!(null)));
    assert_eq!(stage.whats(&id).await, ["placed", "cancellation_by_customer"]);
    let asked: i32 = sqlx::query_scalar("select cancellation_asked from orders").fetch_one(&stage.orders).await?;
    assert_eq!(asked, 1);

    stage.pair.env.broker().await.restart().await?;
    stage.becomes(&id, "cancelled").await;
    stage.pair.settles().await;
    Ok(())
}

/// Waits until this counts one.
async fn one_is_parked(stage: &Stage, counted: &'static str) {
    eventually("the answer is parked", PATIENCE, async || {
        let parked: i64 = sqlx::query_scalar(counted).fetch_one(&stage.orders).await?;
        ensure!(parked == 1, "{parked}");
        anyhow::Ok(())
    })
    .await;
}
