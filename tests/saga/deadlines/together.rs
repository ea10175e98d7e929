//! Several who deal with the same deadlines, or with the same order, at once.

use anyhow::{Context, Result, ensure};
use futures_util::{StreamExt, future, stream};
use http::StatusCode;
use sqlx::{Postgres, Transaction};
use tests::{Env, PATIENCE, eventually};
use tokio::time::timeout;

use super::{Stage, minutes_from_now, order, order_deadlines, order_sweeper, sweeper};

/// More than two batches of the sweeper.
const MANY: usize = 500;
const AN_HOUR: &str = "--cancellation-deadline-ms=3600000";

async fn places_many(stage: &Stage, count: usize) -> Vec<String> {
    stream::iter(0..count).map(|_| stage.places()).buffer_unordered(50).collect().await
}

#[tokio::test(flavor = "multi_thread")]
async fn each_deadline_is_dealt_with_by_one_of_many_instances() -> Result<()> {
    let mut stage = Stage::opens("instances").await;
    stage.pair.deliveries.kill().await?;
    places_many(&stage, MANY).await;
    let at = minutes_from_now(11);
    let instances = (0..4).map(async |_| {
        let pool = stage.pair.env.pool(stage.pair.env.orders_database());
        let (mut sweeper, mut all) = (order_sweeper(&pool), 0);
        loop {
            let swept = sweeper.step(at).await?;
            all += swept;
            if swept == 0 {
                return anyhow::Ok(all);
            }
        }
    });
    let swept = future::try_join_all(instances).await?;
    assert_eq!(swept.iter().sum::<usize>(), MANY, "{swept:?}");
    let twice = "select count(*) from orders where deadline_extended <> 1
                 or (select count(*) from order_history where order_id = orders.id) <> 2";
    let twice: i64 = sqlx::query_scalar(twice).fetch_one(&stage.orders).await?;
    assert_eq!(twice, 0, "orders were put off by two, or by nobody");
    stage.pair.deliveries.restart().await?;
    stage.pair.settles().await;
    Ok(())
}

/// Locks these orders' rows until it is dropped.
async fn hold<'a>(stage: &Stage, ids: impl Iterator<Item = &'a String>) -> Result<Transaction<'static, Postgres>> {
    let ids: Vec<_> = ids.collect();
    let mut held = stage.orders.begin().await?;
    let lock = sqlx::query("select 1 from orders where id::text = any($1) for no key update").bind(&ids);
    assert_eq!(lock.fetch_all(&mut *held).await?.len(), ids.len());
    Ok(held)
}

async fn somebody_waits(stage: &Stage) {
    eventually("somebody waits for a row", PATIENCE, async || {
        let waiting = "select count(*) from pg_stat_activity
                       where datname = current_database() and wait_event_type = 'Lock' and query like '%from orders%'";
        let waiting: i64 = sqlx::query_scalar(waiting).fetch_one(&stage.orders).await?;
        ensure!(waiting > 0, "nobody yet");
        anyhow::Ok(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_waits_for_no_row_and_takes_what_was_locked_the_next_time() -> Result<()> {
    let mut stage = Stage::opens("skips").await;
    stage.pair.deliveries.kill().await?;
    let ids = places_many(&stage, 3).await;
    let held = hold(&stage, ids.iter().take(1)).await?;
    let mut clock = order_sweeper(&stage.orders);
    let swept = timeout(PATIENCE, clock.step(minutes_from_now(11))).await.context("it waits for nobody")??;
    assert_eq!(swept, 2);
    assert_eq!(stage.whats(&ids[0]).await, ["placed"]);
    held.rollback().await?;
    assert_eq!(clock.step(minutes_from_now(11)).await?, 1);
    assert_eq!(stage.whats(&ids[0]).await, ["placed", "deadline_extended"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_and_the_clock_that_cancel_at_once_make_one_history_and_one_event() -> Result<()> {
    let env = Env::new("race").await;
    // A cancellation is not overdue itself when the orders are swept.
    let orders = env.order_service().arg(AN_HOUR).start().await;
    let mut stage = Stage::with(env, orders).await;
    stage.pair.deliveries.kill().await?;
    let ids = places_many(&stage, 100).await;
    let mut clock = sweeper(order_deadlines(&[AN_HOUR, "--outcome-extensions=0"]), &stage.orders);

    // Both win some: every second order is held where the clock comes by first, and somebody's cancellation waits for it by then.
    let held = hold(&stage, ids.iter().step_by(2)).await?;
    let first = timeout(PATIENCE, clock.step(minutes_from_now(11))).await.context("the clock waits for nobody")??;
    assert_eq!(first, ids.len() / 2);
    let waits = stage.shop.cancel(&ids[0]);
    let lets_go = async {
        somebody_waits(&stage).await;
        held.rollback().await
    };
    let (waited, let_go) = tokio::join!(waits, lets_go);
    assert_eq!(waited?.status, StatusCode::ACCEPTED);
    let_go?;

    let customers = stream::iter(&ids).for_each_concurrent(20, async |id| {
        let status = stage.shop.cancel(id).await.expect("there is an answer").status;
        assert!([StatusCode::ACCEPTED, StatusCode::OK].contains(&status), "{status}");
    });
    let sweeping = async {
        for _ in 0..20 {
            clock.step(minutes_from_now(11)).await.expect("swept");
        }
    };
    tokio::join!(customers, sweeping);
    while clock.step(minutes_from_now(11)).await? > 0 {}

    let mut by_clock = 0;
    for id in &ids {
        let whats = stage.whats(id).await;
        by_clock += usize::from(whats[1] == "deadline_passed");
        assert!(["deadline_passed", "cancellation_by_customer"].contains(&whats[1].as_str()), "{whats:?}");
        assert_eq!(whats.len(), 2, "{whats:?}");
    }
    assert!((ids.len() / 2..ids.len()).contains(&by_clock), "the clock was first {by_clock} times of {}", ids.len());
    let odd = "select count(*) from orders where status <> 'cancelling' or version <> 2 or cancellation_asked <> 1
               or (select count(*) from event_log where order_id = orders.id) <> 2";
    let odd: i64 = sqlx::query_scalar(odd).fetch_one(&stage.orders).await?;
    assert_eq!(odd, 0);
    stage.pair.deliveries.restart().await?;
    stage.pair.settles().await;
    assert_eq!(stage.shop.place(&order()).await?.status, StatusCode::CREATED);
    Ok(())
}
