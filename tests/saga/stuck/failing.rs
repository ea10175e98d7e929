//! It is to be undone, and that does not come to an end.

use anyhow::Result;
use sagactl::{services::Side, stuck::Cause};
use serde_json::json;
use tests::Env;

use super::Stage;
use crate::operations::Operator;

/// With an order-service that asks for a cancellation again and again.
async fn impatient(name: &str) -> Stage {
    let env = Env::new(name).await;
    let launch = env.order_service().arg("--cancellation-deadline-ms=50").arg("--sweep-every-ms=20");
    let orders = launch.start().await;
    Stage::with(env, orders).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_that_was_asked_for_again_and_again_is_failing() -> Result<()> {
    let mut stage = impatient("failing").await;
    stage.pair.deliveries.kill().await?;
    let id = stage.places().await;
    stage.cancels(&id).await;
    let item = stage.is_listed(Side::OrderService, &id, "compensation_failing").await;
    assert_eq!(item["status"], json!("cancelling"), "{item}");
    let (row, _) = stage.is_named(&id, Cause::CompensationFailing, Side::OrderService).await;
    assert!(row.detail.starts_with("asked ") && row.detail.contains("delivery-service does not answer"), "{row:?}");
    stage.pair.deliveries.restart().await?;
    stage.becomes(&id, "cancelled").await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_whose_answer_cannot_be_written_down_is_failing() -> Result<()> {
    let stage = Stage::opens("failingparked").await;
    let id = stage.places().await;
    stage.becomes(&id, "confirmed").await;
    let spoil = "alter table orders add constraint no_luck check (status <> 'cancelled')";
    sqlx::raw_sql(spoil).execute(&stage.orders).await?;
    stage.cancels(&id).await;
    stage.is_listed(Side::OrderService, &id, "compensation_failing").await;
    let (row, _) = stage.is_named(&id, Cause::CompensationFailing, Side::OrderService).await;
    assert!(row.detail.contains("DeliveryCancelled v2 is parked here as rejected"), "{row:?}");
    sqlx::raw_sql("alter table orders drop constraint no_luck").execute(&stage.orders).await?;
    stage.becomes(&id, "cancelled").await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_that_the_delivery_side_cannot_write_down_is_failing_and_says_what_is_parked_there() -> Result<()>
{
    let stage = impatient("failingpeer").await;
    let id = stage.places().await;
    stage.becomes(&id, "confirmed").await;
    let spoil = "alter table deliveries add constraint no_luck check (status <> 'cancelled')";
    sqlx::raw_sql(spoil).execute(&stage.deliveries).await?;
    stage.cancels(&id).await;
    stage.is_listed(Side::OrderService, &id, "compensation_failing").await;
    stage.is_listed(Side::DeliveryService, &id, "parked").await;
    let (row, report) = stage.is_named(&id, Cause::CompensationFailing, Side::OrderService).await;
    let parked = "; delivery-service says: OrderCancelled v2 is parked here as rejected";
    for told in ["asked ", parked, "no_luck"] {
        assert!(row.detail.contains(told), "{told}: {row:?}");
    }
    assert!(report.is_whole(), "{report}");
    sqlx::raw_sql("alter table deliveries drop constraint no_luck").execute(&stage.deliveries).await?;
    stage.becomes(&id, "cancelled").await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_that_an_operator_holds_back_at_the_delivery_side_is_failing_and_says_by_whom() -> Result<()> {
    let stage = impatient("failingheld").await;
    let id = stage.places().await;
    stage.becomes(&id, "confirmed").await;
    let operator = Operator::of(&stage.pair.deliveries);
    let pause = operator.pauses("order", &id, 3_600).await;
    stage.cancels(&id).await;
    stage.is_listed(Side::OrderService, &id, "compensation_failing").await;
    stage.is_listed(Side::DeliveryService, &id, "paused").await;
    let (row, _) = stage.is_named(&id, Cause::CompensationFailing, Side::OrderService).await;
    let parked = "; delivery-service says: OrderCancelled v2 is parked here as paused";
    let held = format!("the order {id} is held back by anonymous until ");
    for told in [parked, &held] {
        assert!(row.detail.contains(told), "{told}: {row:?}");
    }
    operator.ends_pause(&pause).await;
    stage.becomes(&id, "cancelled").await;
    Ok(())
}
