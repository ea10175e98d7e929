//! What leaves late and what arrives late is flagged on both sides, until it moves on.

use anyhow::{Context, Result, ensure};
use chrono::{DateTime, TimeDelta, Utc};
use http::StatusCode;
use serde_json::{Value, json};

use super::{Stage, delivery_deadlines, delivery_sweeper, oldest_open, order_deadlines, order_sweeper};

#[tokio::test(flavor = "multi_thread")]
async fn a_parcel_that_leaves_or_arrives_late_is_flagged_on_both_sides_until_it_moves_on() -> Result<()> {
    let stage = Stage::opens("late").await;
    let id = stage.places().await;
    let order = stage.becomes(&id, "confirmed").await;
    let late_from = late_from(&order)?;
    for side in [&order, &delivery(&stage, &id).await?] {
        assert_eq!(side["waiting_for"]["what"], "dispatch");
        let until = side["waiting_for"]["until"].as_str().context("a moment")?;
        assert_eq!(until.parse::<DateTime<Utc>>()?, late_from);
    }
    let delivery_id = order["delivery"]["id"].as_str().context("an id")?;
    staff(&stage, delivery_id, "courier", &json!({ "courier_id": "anna" })).await?;
    sweep(&stage, late_from - TimeDelta::microseconds(1), 0).await?;
    sweep(&stage, late_from, 1).await?;
    sweep(&stage, late_from + TimeDelta::days(9), 0).await?;
    is_flagged(&stage, &id, json!("late_dispatch"), "dispatch").await?;
    both_have_open(&stage, Some(&id)).await?;

    staff(&stage, delivery_id, "dispatch", &json!({})).await?;
    stage.becomes(&id, "in_delivery").await;
    is_flagged(&stage, &id, json!(null), "delivery").await?;
    sweep(&stage, late_from, 1).await?;
    is_flagged(&stage, &id, json!("late_delivery"), "delivery").await?;

    staff(&stage, delivery_id, "completion", &json!({ "received_by": "Ada" })).await?;
    let order = stage.becomes(&id, "delivered").await;
    for side in [&order, &delivery(&stage, &id).await?] {
        assert_eq!((&side["waiting_for"], &side["attention"]), (&json!(null), &json!(null)), "{side}");
    }
    let events =
        ["placed", "DeliveryCreated", "deadline_passed", "DeliveryDispatched", "deadline_passed", "DeliveryCompleted"];
    assert_eq!(stage.whats(&id).await, events);
    both_have_open(&stage, None).await?;
    stage.pair.settles().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_parcel_can_still_be_cancelled_and_the_flag_goes() -> Result<()> {
    let stage = Stage::opens("latecancel").await;
    let id = stage.places().await;
    let order = stage.becomes(&id, "confirmed").await;
    let younger = stage.places().await;
    stage.becomes(&younger, "confirmed").await;
    both_have_open(&stage, Some(&id)).await?;
    sweep(&stage, late_from(&order)?, 2).await?;
    assert_eq!(stage.shop.cancel(&id).await?.status, StatusCode::ACCEPTED);
    let order = stage.becomes(&id, "cancelled").await;
    assert_eq!((&order["attention"], &order["payment"]), (&json!(null), &json!("refunded")));
    assert_eq!(delivery(&stage, &id).await?["attention"], json!(null));
    both_have_open(&stage, Some(&younger)).await?;
    stage.pair.settles().await;
    Ok(())
}

/// An hour after the day that the customer was told.
fn late_from(order: &Value) -> Result<DateTime<Utc>> {
    let promised: chrono::NaiveDate = serde_json::from_value(order["delivery"]["promised_date"].clone())?;
    let next = promised.succ_opt().and_then(|next| next.and_hms_opt(1, 0, 0)).context("a day")?;
    Ok(next.and_utc())
}

async fn sweep(stage: &Stage, at: DateTime<Utc>, rows: usize) -> Result<()> {
    let swept = (order_sweeper(&stage.orders).step(at).await?, delivery_sweeper(&stage.deliveries).step(at).await?);
    ensure!(swept == (rows, rows), "{swept:?} instead of {rows} each at {at}");
    Ok(())
}

async fn delivery(stage: &Stage, id: &str) -> Result<Value> {
    stage.shop.delivery_of(id).await?.context("a delivery")
}

/// Whether both sides show this flag, and wait for this; until some time where they are not flagged.
async fn is_flagged(stage: &Stage, id: &str, flag: Value, what: &str) -> Result<()> {
    for side in [stage.order(id).await, delivery(stage, id).await?] {
        let waits = &side["waiting_for"];
        ensure!(side["attention"] == flag && waits["what"] == what, "{side}");
        ensure!(waits["until"].is_null() != flag.is_null(), "{side}");
    }
    Ok(())
}

async fn staff(stage: &Stage, delivery_id: &str, command: &str, body: &Value) -> Result<Value> {
    stage.shop.staff(delivery_id, command, body).await?.require(StatusCode::OK)
}

async fn both_have_open(stage: &Stage, id: Option<&str>) -> Result<()> {
    let here = oldest_open(&order_deadlines(&[]), &stage.orders).await?;
    let there = oldest_open(&delivery_deadlines(), &stage.deliveries).await?;
    ensure!((here.as_deref(), there.as_deref()) == (id, id), "{here:?} and {there:?} instead of {id:?}");
    Ok(())
}
