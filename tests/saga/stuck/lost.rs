//! Published and consumed, and no trace: what never happens, done by hand.

use anyhow::{Result, ensure};
use sagactl::{
    services::Side,
    stuck::{Cause, Options},
};
use sqlx::PgPool;
use tests::{PATIENCE, eventually};

use super::Stage;

/// From now on what is written into this table is not there.
async fn swallows(pool: &PgPool, table: &str) -> Result<()> {
    let swallow = format!(
        "create or replace function swallow() returns trigger language plpgsql as 'begin return null; end';
         create trigger swallowed before insert on {table} for each row execute function swallow()"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(swallow)).execute(pool).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_whose_pointer_vanished_before_it_went_out_is_lost() -> Result<()> {
    let stage = Stage::opens("lost").await;
    let well = stage.places().await;
    stage.becomes(&well, "confirmed").await;
    swallows(&stage.orders, "outbox").await?;
    let id = stage.places().await;
    // From its own side it looks like any other that waits for an answer.
    stage.is_listed(Side::OrderService, &id, "awaiting_peer").await;
    let (row, report) = stage.is_named(&id, Cause::Lost, Side::DeliveryService).await;
    assert!(
        row.detail.starts_with("OrderCompleted v1 was published by order-service, delivery-service has read all"),
        "{row:?}"
    );
    assert!(row.overdue && report.is_anything_overdue(), "nothing will ever end it: {report}");
    let kafka = stage.pair.env.kafka("sagactl");
    stage.is_named_with(Some(kafka), &id, Cause::Lost, Side::DeliveryService).await;
    let (row, _) = stage.is_named(&well, Cause::DeadlineNotReached, Side::OrderService).await;
    assert!(!row.overdue, "{row:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_vanished_is_lost_on_its_way_back() -> Result<()> {
    let stage = Stage::opens("lostanswer").await;
    swallows(&stage.deliveries, "outbox").await?;
    let id = stage.places().await;
    let (row, _) = stage.is_named(&id, Cause::Lost, Side::OrderService).await;
    assert!(row.detail.starts_with("DeliveryCreated v1 was published by delivery-service"), "{row:?}");
    assert_eq!((row.status.as_deref(), row.delivery.as_deref()), (Some("completed"), Some("scheduled")));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_was_taken_in_and_never_answered_is_lost() -> Result<()> {
    let stage = Stage::opens("lostsilent").await;
    swallows(&stage.deliveries, "outbox").await?;
    swallows(&stage.deliveries, "event_log").await?;
    let id = stage.places().await;
    let (row, _) = stage.is_named(&id, Cause::Lost, Side::DeliveryService).await;
    assert!(row.detail.contains("delivery-service has taken it in, and has announced no answer"), "{row:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_counts_as_lost_while_orders_come_and_go() -> Result<()> {
    let stage = Stage::opens("notlost").await;
    let orders = async {
        for _ in 0..150 {
            stage.places().await;
        }
    };
    let looks = async {
        for _ in 0..15 {
            let report = stage.report(&Options::default()).await?;
            let lost: Vec<_> = report.rows.iter().filter(|row| row.cause == Cause::Lost).collect();
            ensure!(lost.is_empty() && report.is_whole(), "{lost:#?}");
        }
        anyhow::Ok(())
    };
    let ((), looked) = tokio::join!(orders, looks);
    looked?;
    eventually("all of them wait for people", PATIENCE, async || {
        let report = stage.report(&Options::default()).await?;
        let people = report.rows.iter().filter(|row| row.cause == Cause::DeadlineNotReached).count();
        ensure!(people == 150 && report.rows.len() == 150, "{report}");
        anyhow::Ok(())
    })
    .await;
    Ok(())
}
