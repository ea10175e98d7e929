//! It is published, and the other side has not come so far.

use anyhow::Result;
use sagactl::{
    services::Side,
    stuck::{Cause, Options},
};

use super::Stage;

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_that_cannot_write_is_behind_by_so_many_records() -> Result<()> {
    let stage = Stage::opens("behind").await;
    // Whoever reads may read.
    let mut lock = stage.deliveries.begin().await?;
    sqlx::raw_sql("lock table inbox in exclusive mode").execute(&mut *lock).await?;
    let id = stage.places().await;
    stage.is_listed(Side::OrderService, &id, "awaiting_peer").await;
    let (row, report) = stage.is_named(&id, Cause::PeerBehind, Side::DeliveryService).await;
    assert!(row.detail.contains("is behind by 1 records on that partition"), "{row:?}");
    assert!(report.is_whole() && !row.overdue, "{report}");
    // Kafka itself says the same.
    let kafka = stage.pair.env.kafka("sagactl");
    let (row, _) = stage.is_named_with(Some(kafka), &id, Cause::PeerBehind, Side::DeliveryService).await;
    assert!(row.detail.contains("is behind by 1 records on that partition"), "{row:?}");
    lock.rollback().await?;
    stage.becomes(&id, "confirmed").await;
    stage.is_named(&id, Cause::DeadlineNotReached, Side::OrderService).await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_side_that_cannot_write_is_the_one_that_is_behind() -> Result<()> {
    let stage = Stage::opens("behindhere").await;
    let mut lock = stage.orders.begin().await?;
    sqlx::raw_sql("lock table inbox in exclusive mode").execute(&mut *lock).await?;
    let id = stage.places().await;
    let (row, _) = stage.is_named(&id, Cause::PeerBehind, Side::OrderService).await;
    assert!(row.detail.starts_with("DeliveryCreated v1 is published, and order-service is behind by 1 "), "{row:?}");
    lock.rollback().await?;
    stage.becomes(&id, "confirmed").await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_is_down_is_behind_and_kafka_knows_by_how_much() -> Result<()> {
    let mut stage = Stage::opens("peerdown").await;
    let before = stage.places().await;
    stage.becomes(&before, "confirmed").await;
    stage.pair.deliveries.kill().await?;
    let id = stage.places().await;
    let (row, report) = stage.is_named(&id, Cause::PeerBehind, Side::DeliveryService).await;
    assert!(
        row.detail.contains("delivery-service does not answer, so by how much it is behind is not known"),
        "{row:?}"
    );
    assert!(!report.is_whole(), "one side was not looked at: {report}");
    stage.is_named(&before, Cause::DeadlineNotReached, Side::OrderService).await;
    let kafka = stage.pair.env.kafka("sagactl");
    let (row, _) = stage.is_named_with(Some(kafka), &id, Cause::PeerBehind, Side::DeliveryService).await;
    // What it had read before it was killed it may not have committed.
    assert!(row.detail.contains("does not answer, and is behind by "), "{row:?}");

    stage.pair.orders.kill().await?;
    let nobody = stage.report(&Options::default()).await.expect_err("nobody is there");
    let said = format!("{nobody:#}");
    assert!(
        said.contains("order-service does not answer") && said.contains("delivery-service does not answer"),
        "{said}"
    );
    stage.pair.orders.restart().await?;
    stage.pair.deliveries.restart().await?;
    stage.shop = stage.pair.shop();
    stage.becomes(&id, "confirmed").await;
    Ok(())
}
