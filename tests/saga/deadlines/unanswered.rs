//! The delivery side is there, but says nothing of an order, or nothing of its cancellation.

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use chassis::{Janitor, Retention, Turn, clock, messaging::Record};
use chrono::{DateTime, TimeDelta, Utc};
use http::StatusCode;
use order_service::deadlines::OrderDeadlines;
use serde_json::json;
use shared_events::Topic;
use tests::{PATIENCE, eventually};

use super::{Stage, minutes_from_now, oldest_open, order, order_deadlines, order_sweeper};

#[tokio::test(flavor = "multi_thread")]
async fn an_order_of_which_a_delivery_service_that_speaks_says_nothing_is_cancelled_at_its_first_deadline() -> Result<()>
{
    let stage = Stage::opens("unanswered").await;
    // Over there this order can be written down by nobody, and is parked.
    let spoil = "alter table deliveries add constraint no_luck check (address ->> 'recipient' <> 'Nobody')";
    sqlx::raw_sql(spoil).execute(&stage.deliveries).await?;
    let mut to_nobody = order();
    to_nobody["delivery_address"]["recipient"] = json!("Nobody");
    let unheard = stage.shop.place(&to_nobody).await?.require(StatusCode::CREATED)?;
    let unheard = unheard["id"].as_str().context("an id")?;
    let heard = stage.places().await;
    stage.becomes(&heard, "confirmed").await;
    eventually("it is written down that the delivery side speaks", PATIENCE, async || {
        let later = "select count(*) from heard join orders on order_id > id where id::text = $1";
        let later: i64 = sqlx::query_scalar(later).bind(unheard).fetch_one(&stage.orders).await?;
        ensure!(later == 1, "not yet");
        anyhow::Ok(())
    })
    .await;

    assert_eq!(order_sweeper(&stage.orders).step(minutes_from_now(9)).await?, 0, "its time is not up");
    assert_eq!(order_sweeper(&stage.orders).step(minutes_from_now(11)).await?, 1);
    let order = stage.becomes(unheard, "cancelled").await;
    assert_eq!(order["cancellation"]["reason"], "no_delivery_outcome");
    assert_eq!(stage.whats(unheard).await, ["placed", "deadline_passed", "DeliveryCancelled"]);
    assert_eq!(stage.order(&heard).await["status"], "confirmed");
    stage.pair.settles().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_without_an_answer_is_the_same_event_again_and_changes_nothing_when_read_twice() -> Result<()> {
    let mut stage = Stage::opens("again").await;
    stage.pair.deliveries.kill().await?;
    let id = stage.places().await;
    assert_eq!(stage.shop.cancel(&id).await?.status, StatusCode::ACCEPTED);
    let mut sweeper = order_sweeper(&stage.orders);
    for minutes in [2, 4, 6] {
        stage.announced_is_published().await;
        assert_eq!(sweeper.step(minutes_from_now(minutes)).await?, 1);
        assert_eq!(sweeper.step(minutes_from_now(minutes)).await?, 0, "the next time is a minute later");
    }
    stage.announced_is_published().await;
    let asked: Vec<_> = stage.pair.env.read(Topic::Orders).await.iter().filter_map(asks).collect();
    assert_eq!(asked.len(), 4, "asked once and three times again: {asked:?}");
    assert_eq!(
        oldest_open(&order_deadlines(&[]), &stage.orders).await?,
        Some(id.clone()),
        "its event may be needed again"
    );
    assert!(asked.iter().all(|one| *one == asked[0]), "the same id and version, the same bytes: {asked:?}");

    // Long after its retention: what may have to be said again is kept, and it is said again.
    let much_later = clock::now() + TimeDelta::days(200);
    let janitor = Janitor::new(order_deadlines(&[]), stage.orders.clone(), retention());
    let turn = undisturbed(&janitor, much_later).await;
    assert_eq!((turn.kept, logged(&stage).await?), (1, 2), "{turn:?}");
    assert_eq!(sweeper.step(much_later).await?, 1);
    stage.announced_is_published().await;
    let again: Vec<_> = stage.pair.env.read(Topic::Orders).await.iter().filter_map(asks).collect();
    assert!(again.len() == 5 && again[4] == asked[0], "{again:?}");

    stage.pair.deliveries.restart().await?;
    stage.becomes(&id, "cancelled").await;
    stage.pair.settles().await;
    let heard = "select count(*) from delivery_history where order_id::text = $1 and what = 'OrderCancelled'";
    let heard: i64 = sqlx::query_scalar(heard).bind(&id).fetch_one(&stage.deliveries).await?;
    assert_eq!(heard, 1);
    eventually("the repeats have been read", PATIENCE, async || {
        let duplicates = "inbox_events_total{outcome=\"duplicate\"}";
        let duplicates = stage.shop.counter(&stage.shop.deliveries, duplicates).await?;
        ensure!(duplicates >= 4.0, "{duplicates}");
        anyhow::Ok(())
    })
    .await;
    stage.pair.settles().await;
    let turn = undisturbed(&janitor, much_later).await;
    assert_eq!((turn.kept, logged(&stage).await?), (0, 0), "nobody needs it any more: {turn:?}");
    Ok(())
}

fn retention() -> Retention {
    Retention {
        event_log: TimeDelta::days(90),
        partition_days: 7,
        parked_events: TimeDelta::days(30),
        idempotency_keys: TimeDelta::hours(72),
    }
}

/// A turn of the janitor in which PostgreSQL's own vacuum was not in its way.
async fn undisturbed(janitor: &Janitor<OrderDeadlines>, now: DateTime<Utc>) -> Turn {
    eventually("the janitor is not disturbed", PATIENCE, async || {
        let turn = janitor.step(now).await?;
        ensure!(turn.delayed == 0, "{turn:?}");
        anyhow::Ok(turn)
    })
    .await
}

async fn logged(stage: &Stage) -> Result<i64> {
    Ok(sqlx::query_scalar("select count(*) from event_log").fetch_one(&stage.orders).await?)
}

/// Id, version and bytes of an `OrderCancelled`.
fn asks(record: &Record) -> Option<[Bytes; 3]> {
    let header = |name: &str| record.headers.iter().find(|(header, _)| header == name)?.1.clone();
    let is_it = header("ce_type")? == "OrderCancelled";
    is_it.then_some([header("ce_id")?, header("ce_sequence")?, record.payload.clone()?])
}
