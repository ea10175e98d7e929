//! What flows through the whole consumer.

use anyhow::Result;
use bytes::Bytes;
use chassis::messaging::Record;
use shared_events::Topic;
use tests::{COMMIT, PATIENCE, Proxy, eventually, eventually_is, fresh_order};
use tokio_util::sync::CancellationToken;

use super::{Reader, completed};
use crate::inbox::{Parked, poison::poison};

#[tokio::test(flavor = "multi_thread")]
async fn broken_records_stop_nothing_and_are_kept_as_kafka_has_them() -> Result<()> {
    let reader = Reader::new("brokenflow", 1).await;
    let mut sent = Vec::new();
    let broken = poison(&reader.env.topic(Topic::Orders));
    let count = broken.len();
    for (mut record, _) in broken {
        // Without a key Kafka chooses a partition; there is only one.
        record.headers.push(("nothing".to_owned(), None));
        record.headers.push(("bytes".to_owned(), Some(vec![0, 1, 254, 255].into())));
        record.headers.push(("bytes".to_owned(), Some(Bytes::new())));
        sent.push(record);
        sent.push(reader.record(&completed(fresh_order(), 1)));
    }
    let consuming = reader.inbox.consume(&reader.env, "one");
    reader.env.produce(&sent).await;

    let total = i64::try_from(sent.len())?;
    eventually_is("the offset is past everything", PATIENCE, vec![Some(total)], async || reader.committed().await)
        .await;
    assert_eq!(reader.inbox.applied().await?, i64::try_from(count)?);
    let held: Vec<Record> = reader.env.read(Topic::Orders).await.into_iter().step_by(2).collect();
    let parked = Parked::all(&reader.inbox.pool).await;
    assert_eq!(parked.len(), held.len());
    for (parked, held) in parked.iter().zip(&held) {
        parked.ensure_is(held)?;
    }
    consuming.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_that_passes_holds_everything_up_and_loses_nothing() -> Result<()> {
    let reader = Reader::new("passes", 2).await;
    let orders: Vec<_> = (0..30).map(|_| fresh_order()).collect();
    for order in &orders[..3] {
        reader.inbox.reactions.fail_for_a_while(*order, 2, 2);
    }
    let consuming = reader.inbox.consume(&reader.env, "one");
    for version in 1..=3 {
        let records: Vec<_> = orders.iter().map(|order| reader.record(&completed(*order, version))).collect();
        reader.env.produce(&records).await;
    }
    eventually_is("everything is applied", PATIENCE, 90, async || reader.inbox.applied().await).await;
    reader.ensure_each_once_in_order(&orders, 3).await?;
    assert_eq!(Parked::all(&reader.inbox.pool).await, []);
    consuming.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_before_the_group_existed_is_read_too() -> Result<()> {
    let reader = Reader::new("before", 3).await;
    let records: Vec<_> = (0..30).map(|_| reader.record(&completed(fresh_order(), 1))).collect();
    reader.env.produce(&records).await;
    let consuming = reader.inbox.consume(&reader.env, "one");
    eventually_is("everything is applied", PATIENCE, 30, async || reader.inbox.applied().await).await;
    consuming.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn under_load_batches_grow_and_alone_an_event_is_applied_at_once() -> Result<()> {
    let reader = Reader::new("batches", 1).await;
    let consuming = reader.inbox.consume(&reader.env, "one");
    reader.env.produce(&[reader.record(&completed(fresh_order(), 1))]).await;
    eventually_is("the first is applied", PATIENCE, 1, async || reader.inbox.applied().await).await;
    let records: Vec<_> = (0..3_000).map(|_| reader.record(&completed(fresh_order(), 1))).collect();
    reader.env.produce(&records).await;
    eventually_is("all are applied", PATIENCE, 3_001, async || reader.inbox.applied().await).await;
    let batches = reader.inbox.reactions.batches();
    assert_eq!(batches[0], 1);
    assert!(batches.len() < 1_000, "{} transactions for 3,001 events", batches.len());
    assert!(batches.iter().all(|batch| *batch <= 1_000), "a batch has a limit");
    consuming.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gap_heals_by_itself_when_its_predecessor_comes() -> Result<()> {
    let reader = Reader::new("healsitself", 1).await;
    let stop = CancellationToken::new();
    // The retry worker of a running service, woken by the consumer beside it.
    let twin = reader.inbox.twin(&reader.env);
    let consuming = twin.consume(&reader.env, "one");
    let retrying = tokio::spawn(twin.retries.run(stop.clone()));
    let order = fresh_order();
    for version in [3, 2, 4, 1] {
        reader.env.produce(&[reader.record(&completed(order, version))]).await;
    }
    eventually_is("the lane is whole", PATIENCE, 4, async || reader.inbox.applied().await).await;
    reader.ensure_each_once_in_order(&[order], 4).await?;
    consuming.stop().await?;
    stop.cancel();
    Ok(retrying.await?)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_away_for_long_pauses_the_consumer_and_costs_nothing() -> Result<()> {
    // The waits between so many failures add up to more than the ten seconds after which partitions are paused.
    const FAILURES: usize = 9;
    let reader = Reader::new("paused", 2).await;
    let proxy = Proxy::before(reader.env.deliveries_database()).await;
    let through = reader.inbox.twin_at(&reader.env, &proxy.url(reader.env.deliveries_database()));
    proxy.lose_questions(COMMIT, usize::MAX);
    let consuming = through.consume(&reader.env, "one");
    let orders: Vec<_> = (0..1_000).map(|_| fresh_order()).collect();
    for version in 1..=4 {
        let records: Vec<_> = orders.iter().map(|order| reader.record(&completed(*order, version))).collect();
        reader.env.produce(&records).await;
    }
    eventually("commits have failed for long", PATIENCE, async || {
        let failed = proxy.sprung();
        if failed >= FAILURES { Ok(()) } else { Err(format!("{failed} have failed")) }
    })
    .await;
    assert_eq!(reader.committed().await?, [None, None]);

    proxy.lose_questions(COMMIT, 0);
    eventually_is("everything is applied", PATIENCE, 4_000, async || reader.inbox.applied().await).await;
    reader.ensure_each_once_in_order(&orders, 4).await?;
    assert_eq!(Parked::all(&reader.inbox.pool).await, []);
    eventually_is("the offsets have followed", PATIENCE, 4_000, async || reader.behind().await).await;
    consuming.stop().await
}
