//! What one side announced cannot be applied at the other.

use anyhow::{Result, ensure};
use sagactl::{
    journey,
    services::{Services, Side, Sides},
    stuck::Cause,
};
use tests::{PATIENCE, eventually};

use super::Stage;

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_the_delivery_side_cannot_write_down_is_parked_at_the_peer() -> Result<()> {
    let stage = Stage::opens("parkedpeer").await;
    let spoil = "alter table deliveries add constraint no_luck check (address ->> 'recipient' <> 'Ada Lovelace')";
    sqlx::raw_sql(spoil).execute(&stage.deliveries).await?;
    let id = stage.places().await;
    stage.is_listed(Side::OrderService, &id, "awaiting_peer").await;
    let item = stage.is_listed(Side::DeliveryService, &id, "parked").await;
    assert!(item["status"].is_null() && item["lane"]["parked"][0]["cause"] == "rejected", "{item}");
    let (row, report) = stage.is_named(&id, Cause::ParkedAtThePeer, Side::DeliveryService).await;
    for told in ["OrderCompleted v1 is parked here as rejected", "no_luck"] {
        assert!(row.detail.contains(told), "{told}: {row:?}");
    }
    assert!(!report.is_anything_overdue(), "its time is not up: {report}");
    let text = report.to_string();
    assert!(text.contains(&id) && text.contains("parked_at_the_peer  delivery-service"), "{text}");
    sqlx::raw_sql("alter table deliveries drop constraint no_luck").execute(&stage.deliveries).await?;
    stage.becomes(&id, "confirmed").await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_the_order_side_cannot_write_down_is_parked_and_its_journey_says_so() -> Result<()> {
    let stage = Stage::opens("parkedhere").await;
    let spoil = "alter table orders add constraint no_luck check (status <> 'confirmed')";
    sqlx::raw_sql(spoil).execute(&stage.orders).await?;
    let id = stage.places().await;
    stage.is_listed(Side::OrderService, &id, "parked").await;
    let (row, _) = stage.is_named(&id, Cause::Parked, Side::OrderService).await;
    assert!(row.detail.contains("DeliveryCreated v1 is parked here as rejected"), "{row:?}");
    sqlx::raw_sql("alter table orders drop constraint no_luck").execute(&stage.orders).await?;
    stage.becomes(&id, "confirmed").await;

    let addresses = Sides { orders: Some(stage.shop.orders.clone()), deliveries: Some(stage.shop.deliveries.clone()) };
    let services = Services::at(addresses, None)?;
    eventually("what was parked was applied", PATIENCE, async || {
        let merged = journey::follow(&services, id.parse()?).await?;
        let whats: Vec<_> = merged.timeline.iter().map(|entry| entry.what.as_str()).collect();
        let [.., parked, applied] = whats.as_slice() else { anyhow::bail!("{merged}") };
        ensure!(parked.starts_with("parks DeliveryCreated as rejected (applied "), "{merged}");
        ensure!(*applied == "DeliveryCreated", "{merged}");
        anyhow::Ok(())
    })
    .await;
    stage.is_named(&id, Cause::DeadlineNotReached, Side::OrderService).await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_parked_of_an_order_that_nobody_knows_is_listed_and_has_no_end() -> Result<()> {
    use shared_events::{OrderId, Topic};
    use tests::{envelope, golden, record};

    let stage = Stage::opens("stranger").await;
    let stranger = uuid::Uuid::now_v7();
    let word = envelope(OrderId(stranger), 1, golden("DeliveryCreated.v1"));
    stage.pair.env.produce(&[record(&stage.pair.env.topic(Topic::Deliveries), &word)]).await;
    let id = stranger.to_string();
    let item = stage.is_listed(Side::OrderService, &id, "parked").await;
    assert!(item["status"].is_null() && item["waiting_for"].is_null(), "{item}");
    let report = eventually("it is named", PATIENCE, async || {
        let report = stage.report(&sagactl::stuck::Options::default()).await?;
        ensure!(report.rows.iter().any(|row| row.order_id == stranger), "{report}");
        anyhow::Ok(report)
    })
    .await;
    let row = &report.rows[0];
    assert_eq!((row.cause, row.at, row.overdue), (Cause::Parked, Side::OrderService, true), "{report}");
    assert!(row.detail.contains("unknown_order"), "{row:?}");
    Ok(())
}
