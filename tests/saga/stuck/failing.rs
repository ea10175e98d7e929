//! It is to be undone, and that does not come to an end.

use anyhow::Result;
use sagactl::{services::Side, stuck::Cause};
use serde_json::json;
use tests::Env;

use super::Stage;

#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_that_was_asked_for_again_and_again_is_failing() -> Result<()> {
    let env = Env::new("failing").await;
    let launch = env.order_service().arg("--cancellation-deadline-ms=50").arg("--sweep-every-ms=20");
    let impatient = launch.start().await;
    let mut stage = Stage::with(env, impatient).await;
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
