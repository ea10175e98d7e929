//! Consumers that come, go, die, and take each other's name.

use std::{fs, time::Duration};

use anyhow::{Context, Result, ensure};
use shared_events::{OrderId, Topic};
use sqlx::PgPool;
use tests::{Env, PATIENCE, Service, eventually, eventually_is, fresh_order, golden, record};

use super::{Reader, completed};

/// A member that dies is given up after the session time-out of ten seconds: a rebalance may take that long.
const A_REBALANCE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_that_joins_and_leaves_costs_nothing_while_events_flow() -> Result<()> {
    const ORDERS: usize = 500;
    const VERSIONS: i64 = 10;
    let reader = Reader::new("rebalance", 4).await;
    let first = reader.inbox.consume(&reader.env, "one");
    let twin = reader.inbox.twin(&reader.env);
    let orders: Vec<_> = (0..ORDERS).map(|_| fresh_order()).collect();
    let mut second = None;
    for version in 1..=VERSIONS {
        let records: Vec<_> = orders.iter().map(|order| reader.record(&completed(*order, version))).collect();
        reader.env.produce(&records).await;
        if version == 3 {
            second = Some(twin.consume(&reader.env, "two"));
        }
        if version == 6 {
            let second = second.take().context("the second consumer")?;
            let is_assigned = async || second.assigned.borrow().is_some().then_some(()).context("no partitions");
            eventually("the second consumer has partitions", A_REBALANCE, is_assigned).await;
            second.stop().await?;
        }
    }
    let total = i64::try_from(ORDERS)? * VERSIONS;
    eventually_is("everything is applied", A_REBALANCE, total, async || reader.inbox.applied().await).await;
    reader.ensure_each_once_in_order(&orders, VERSIONS).await?;
    eventually_is("the offsets have followed", PATIENCE, total, async || reader.behind().await).await;
    first.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_that_dies_in_the_middle_is_followed_by_one_that_repeats_without_effect() -> Result<()> {
    let reader = Reader::new("dies", 2).await;
    let orders: Vec<_> = (0..200).map(|_| fresh_order()).collect();
    for version in 1..=5 {
        let records: Vec<_> = orders.iter().map(|order| reader.record(&completed(*order, version))).collect();
        reader.env.produce(&records).await;
    }
    let doomed = reader.inbox.consume(&reader.env, "one");
    let some = async || Ok::<_, anyhow::Error>(reader.inbox.applied().await? > 0);
    eventually_is("it has begun", PATIENCE, true, some).await;
    doomed.abort();
    let successor = reader.inbox.consume(&reader.env, "one");
    eventually_is("everything is applied", A_REBALANCE, 1_000, async || reader.inbox.applied().await).await;
    reader.ensure_each_once_in_order(&orders, 5).await?;
    successor.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_whose_name_is_taken_ends_with_an_error_that_says_so() -> Result<()> {
    let reader = Reader::new("fenced", 1).await;
    let first = reader.inbox.consume(&reader.env, "same");
    let mut assigned = first.assigned.clone();
    tokio::time::timeout(A_REBALANCE, assigned.wait_for(Option::is_some)).await??;
    let namesake = reader.inbox.twin(&reader.env).consume(&reader.env, "same");
    let error = tokio::time::timeout(A_REBALANCE, first.ended()).await?.expect_err("it was fenced");
    ensure!(format!("{error:#}").contains("instance id"), "{error:#}");
    reader.env.produce(&[reader.record(&completed(fresh_order(), 1))]).await;
    eventually_is("the namesake goes on", A_REBALANCE, 1, async || reader.inbox.applied().await).await;
    namesake.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_killed_and_started_again_keeps_its_partitions() -> Result<()> {
    let env = Env::new("static").await;
    env.create_topics(4).await;
    let mut first = env.delivery_service().partitions(4).instance("delivery-1").start().await;
    let second = env.delivery_service().partitions(4).instance("delivery-2").start().await;
    let pool = env.pool(env.deliveries_database());
    eventually("both have their share", A_REBALANCE, async || {
        match (shares(&first)?.last(), shares(&second)?.last()) {
            (Some(2), Some(2)) => Ok(()),
            other => Err(anyhow::anyhow!("{other:?}")),
        }
    })
    .await;
    let before = shares(&second)?;

    first.kill().await?;
    let orders: Vec<_> = (0..20).map(|_| fresh_order()).collect();
    let topic = env.topic(Topic::Orders);
    let event = |order: &OrderId| record(&topic, &tests::envelope(*order, 1, golden("OrderCompleted.v1")));
    env.produce(&orders.iter().map(event).collect::<Vec<_>>()).await;
    first.restart().await?;

    eventually_is("all are applied, those of the killed one too", A_REBALANCE, 20, async || seen(&pool).await).await;
    assert_eq!(shares(&second)?, before, "nothing was taken from or given to the other");
    Ok(())
}

async fn seen(pool: &PgPool) -> Result<i64> {
    Ok(sqlx::query_scalar("select count(*) from inbox where seen = 1").fetch_one(pool).await?)
}

/// How many partitions a service says that it was given, each time that it was.
fn shares(service: &Service) -> Result<Vec<u32>> {
    let log = fs::read_to_string(service.log_path())?;
    let given = log.lines().filter(|line| line.contains("partitions are ours"));
    given
        .map(|line| {
            let before = line.split(" partitions are ours").next().and_then(|before| before.split(' ').next_back());
            before.and_then(|count| count.parse().ok()).with_context(|| format!("no number in {line}"))
        })
        .collect()
}
