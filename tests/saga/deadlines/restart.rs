//! A deadline is a row: whoever comes after a crash finds it.

use anyhow::Result;
use serde_json::json;

use super::Stage;

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_that_passes_while_order_service_is_dead_is_dealt_with_when_it_is_back() -> Result<()> {
    let mut stage = Stage::opens("restart").await;
    stage.pair.deliveries.kill().await?;
    let id = stage.places().await;
    let waits = stage.order(&id).await["waiting_for"].clone();
    assert_eq!((&waits["what"], &waits["extended"]), (&json!("delivery_outcome"), &json!(0)));
    stage.pair.orders.kill().await?;
    // Time passes: every deadline is an hour nearer.
    let passes = "update orders set deadline_at = deadline_at - interval '1 hour'";
    sqlx::raw_sql(passes).execute(&stage.orders).await?;

    stage.pair.orders.restart().await?;
    stage.pair.orders.wait_ready(tests::PATIENCE).await?;
    tests::eventually_is("it waits once more", tests::PATIENCE, json!(1), async || {
        Ok(stage.shop.order(&id).await?["waiting_for"]["extended"].clone())
    })
    .await;
    assert_eq!(stage.whats(&id).await, ["placed", "deadline_extended"]);
    stage.pair.deliveries.restart().await?;
    stage.becomes(&id, "confirmed").await;
    stage.pair.settles().await;
    Ok(())
}
