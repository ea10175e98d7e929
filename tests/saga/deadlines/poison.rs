//! A deadline that cannot be dealt with stands in nobody else's way.

use anyhow::Result;
use serde_json::json;

use super::{Stage, minutes_from_now, order_sweeper};

#[tokio::test(flavor = "multi_thread")]
async fn orders_that_cannot_be_read_or_written_are_passed_over_and_dealt_with_once_they_can() -> Result<()> {
    let mut stage = Stage::opens("poison").await;
    stage.pair.deliveries.kill().await?;
    let mut ids = Vec::new();
    for _ in 0..6 {
        ids.push(stage.places().await);
    }
    // The two that come first: one that nobody can read, and one that nobody can write.
    let address: serde_json::Value = sqlx::query_scalar("select delivery_address from orders where id::text = $1")
        .bind(&ids[0])
        .fetch_one(&stage.orders)
        .await?;
    set_address(&stage, &ids[0], &json!({})).await?;
    let spoil = format!("alter table orders add constraint no_luck check (id <> '{}' or changes = 1)", ids[1]);
    sqlx::raw_sql(sqlx::AssertSqlSafe(spoil)).execute(&stage.orders).await?;

    let mut sweeper = order_sweeper(&stage.orders);
    assert_eq!(sweeper.step(minutes_from_now(11)).await?, 4, "all the others");
    assert_eq!(sweeper.step(minutes_from_now(11)).await?, 0);
    for id in &ids[2..] {
        assert_eq!(stage.whats(id).await, ["placed", "deadline_extended"]);
    }

    set_address(&stage, &ids[0], &address).await?;
    sqlx::raw_sql("alter table orders drop constraint no_luck").execute(&stage.orders).await?;
    assert_eq!(sweeper.step(minutes_from_now(13)).await?, 2, "a while later they are tried again");
    stage.pair.deliveries.restart().await?;
    stage.pair.settles().await;
    Ok(())
}

async fn set_address(stage: &Stage, id: &str, address: &serde_json::Value) -> Result<()> {
    let set = "update orders set delivery_address = $2 where id::text = $1";
    sqlx::query(set).bind(id).bind(address).execute(&stage.orders).await?;
    Ok(())
}
