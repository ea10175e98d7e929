//! Order per aggregate, and no loss.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use anyhow::Result;
use chassis::{
    Tx,
    messaging::{Outgoing, Relay, Step, announce},
};
use shared_events::OrderId;
use sqlx::PgPool;
use tests::{PATIENCE, eventually, fresh_order};
use tokio::sync::Barrier;

use super::{Outbox, event, repeats_and_disorder, turn, until_idle, versions};

const WRITERS: usize = 8;
/// How many orders a writer works on at once, each in a transaction of its own.
const OPEN: usize = 5;
const ROUNDS: usize = 50;
const VERSIONS: i64 = 3;

#[tokio::test(flavor = "multi_thread")]
async fn every_event_of_many_writers_arrives_in_order_though_their_commits_interleave() -> Result<()> {
    let outbox = Outbox::new("interleaved", 3).await;
    let pool = outbox.connections(u32::try_from(WRITERS * OPEN)?);
    let written = Arc::new(AtomicBool::new(false));
    let relaying = tokio::spawn(relay_until_empty(outbox.relay(), written.clone()));

    let writers: Vec<_> = (0..WRITERS).map(|writer| tokio::spawn(write(pool.clone(), writer))).collect();
    let mut orders = Vec::new();
    for writer in writers {
        orders.extend(writer.await??);
    }
    written.store(true, Ordering::SeqCst);
    relaying.await??;

    assert_eq!(outbox.unsent().await?, []);
    let lanes = outbox.lanes().await;
    assert_eq!(lanes.len(), WRITERS * ROUNDS * OPEN);
    for order in orders {
        assert_eq!(versions(&lanes[&order]), [1, 2, 3], "order {order}");
    }
    assert_eq!(repeats_and_disorder(&lanes), (0, 0));
    Ok(())
}

async fn relay_until_empty(mut relay: Relay, written: Arc<AtomicBool>) -> Result<()> {
    loop {
        // Looked at before the turn: what is written by then is seen by this turn.
        let is_last = written.load(Ordering::SeqCst);
        if relay.step().await? == Step::Idle && is_last {
            return Ok(());
        }
    }
}

/// Announces three versions of each order, several orders at once, and commits in another order than it began: the numbers of
/// the outbox are taken when a row is written, so lower ones become visible after higher ones.
async fn write(pool: PgPool, writer: usize) -> Result<Vec<OrderId>> {
    let mut all = Vec::new();
    for round in 0..ROUNDS {
        let orders: Vec<_> = (0..OPEN).map(|_| fresh_order()).collect();
        for version in 1..=VERSIONS {
            let mut open: Vec<Tx<'_>> = Vec::new();
            for order in &orders {
                let mut tx = Tx::from(pool.begin().await?);
                announce(&mut tx, &[Outgoing::New(event(*order, version))]).await?;
                open.push(tx);
            }
            open.reverse();
            open.rotate_left((writer + round) % OPEN);
            for tx in open {
                tx.commit().await?;
            }
        }
        all.extend(orders);
    }
    Ok(all)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_commits_late_is_not_missed() -> Result<()> {
    let outbox = Outbox::new("late", 1).await;
    let (late, early) = (fresh_order(), fresh_order());
    let mut held = Tx::from(outbox.pool.begin().await?);
    announce(&mut held, &[Outgoing::New(event(late, 1))]).await?;
    outbox.announce(early, 1).await?;
    let mut relay = outbox.relay();
    until_idle(&mut relay).await;
    assert_eq!(outbox.lanes().await.keys().collect::<Vec<_>>(), [&early]);

    held.commit().await?;
    until_idle(&mut relay).await;
    assert_eq!(outbox.lanes().await.len(), 2);
    assert_eq!(outbox.unsent().await?, []);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_commits_behind_what_has_been_read_is_not_missed() -> Result<()> {
    const BEHIND: usize = 3_000;
    let outbox = Outbox::new("behind", 3).await;
    let late = fresh_order();
    let mut held = Tx::from(outbox.pool.begin().await?);
    announce(&mut held, &[Outgoing::New(event(late, 1))]).await?;
    let mut tx = Tx::from(outbox.pool.begin().await?);
    let many: Vec<_> = (0..BEHIND).map(|_| Outgoing::New(event(fresh_order(), 1))).collect();
    announce(&mut tx, &many).await?;
    tx.commit().await?;

    let mut relay = outbox.relay();
    let mut relayed = 0;
    while relayed == 0 {
        relayed = turn(&mut relay, 1).await?;
    }
    // Its pointer is the first of all, and the relay is pages away from the beginning.
    held.commit().await?;
    assert!(!outbox.unsent().await?.is_empty());
    until_idle(&mut relay).await;
    let lanes = outbox.lanes().await;
    assert_eq!((lanes.len(), repeats_and_disorder(&lanes)), (BEHIND + 1, (0, 0)));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn two_relays_at_once_repeat_and_never_disorder() -> Result<()> {
    const ORDERS: usize = 300;
    let outbox = Outbox::new("tworelays", 3).await;
    let mut tx = Tx::from(outbox.pool.begin().await?);
    for _ in 0..ORDERS {
        let order = fresh_order();
        let events: Vec<_> = (1..=VERSIONS).map(|version| Outgoing::New(event(order, version))).collect();
        announce(&mut tx, &events).await?;
    }
    tx.commit().await?;

    let barrier = Arc::new(Barrier::new(2));
    let turning: Vec<_> = [outbox.relay(), outbox.relay()]
        .into_iter()
        .map(|relay| tokio::spawn(turn_together(relay, outbox.pool.clone(), barrier.clone())))
        .collect();
    for relay in turning {
        tokio::time::timeout(PATIENCE, relay).await???;
    }

    let lanes = outbox.lanes().await;
    assert_eq!(lanes.len(), ORDERS);
    let (repeats, disorder) = repeats_and_disorder(&lanes);
    assert!(repeats > 0, "the two relays never met");
    assert_eq!(disorder, 0, "with {repeats} repeats");
    assert!(lanes.values().all(|lane| lane.iter().any(|found| found.version.0 == VERSIONS)), "a lane is not whole");
    Ok(())
}

/// Both begin each turn at the same moment, for as long as there is something in the outbox.
async fn turn_together(mut relay: Relay, pool: PgPool, barrier: Arc<Barrier>) -> Result<()> {
    loop {
        barrier.wait().await;
        let unsent: i64 = sqlx::query_scalar("select count(*) from outbox").fetch_one(&pool).await?;
        // Neither turns before both have looked, so that both see the same and end together.
        barrier.wait().await;
        if unsent == 0 {
            return relay.finish(PATIENCE).await;
        }
        relay.step().await?;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_version_waits_until_the_one_before_is_acknowledged() -> Result<()> {
    let outbox = Outbox::new("oneinflight", 1).await;
    let order = fresh_order();
    for version in 1..=5 {
        outbox.announce(order, version).await?;
    }
    let mut relay = outbox.relay();
    for sent in 1..=5 {
        eventually("one event is acknowledged", PATIENCE, async || match relay.step().await {
            Ok(Step::Relayed(1)) => Ok(()),
            other => Err(format!("{other:?}")),
        })
        .await;
        // The pointers behind it are untouched: only the lowest version of an order goes out.
        assert_eq!(outbox.lanes().await[&order].len(), sent);
    }
    assert_eq!(relay.step().await?, Step::Idle);
    assert_eq!(versions(&outbox.lanes().await[&order]), [1, 2, 3, 4, 5]);
    Ok(())
}
