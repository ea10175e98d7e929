//! A consumer that has to begin further back reads again what was applied long ago.

use anyhow::{Context, Result};
use chassis::messaging::{Outcome, Record};
use shared_events::OrderId;
use tests::{PATIENCE, fresh_order};

use super::{Receiver, completed, gap};

/// Fifty orders, of each the first two events.
async fn applied(receiver: &mut Receiver) -> (Vec<OrderId>, Vec<Record>) {
    let orders: Vec<_> = (0..50).map(|_| fresh_order()).collect();
    let records: Vec<_> = orders.iter().flat_map(|order| receiver.records(*order, 1..=2)).collect();
    let outcomes = receiver.inbox.apply(&records).await;
    assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Handled), "{outcomes:?}");
    (orders, records)
}

async fn ensure_all_are_repeats(receiver: &Receiver, records: &[Record]) -> Result<()> {
    let outcomes = tokio::time::timeout(PATIENCE, receiver.inbox.inbox.apply(records)).await.context("it waits")??;
    assert_eq!(outcomes, vec![Outcome::Duplicate; records.len()]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_applied_is_passed_over_without_a_lock_and_without_being_read() -> Result<()> {
    let mut receiver = Receiver::new("replay").await;
    let (_, mut records) = applied(&mut receiver).await;
    // Whatever else is in it, at its place something was applied.
    records[7].payload = Some("{".into());
    records[8].key = None;
    let mut elsewhere = receiver.inbox.pool.begin().await?;
    sqlx::query("select from inbox for update").execute(&mut *elsewhere).await?;

    // The first batch tells what is going on: it begins nothing.
    ensure_all_are_repeats(&receiver, &records[60..]).await?;
    ensure_all_are_repeats(&receiver, &records[..60]).await?;
    ensure_all_are_repeats(&receiver, &records).await?;

    elsewhere.rollback().await?;
    assert_eq!(receiver.inbox.applied().await?, 100);
    assert_eq!(receiver.parked().await, []);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_new_among_repeats_is_applied() -> Result<()> {
    let mut receiver = Receiver::new("replayends").await;
    let (orders, mut records) = applied(&mut receiver).await;
    ensure_all_are_repeats(&receiver, &records).await?;
    let (old, new) = (orders[3], fresh_order());
    records.extend(receiver.records(old, [3]));
    records.extend(receiver.records(new, [1]));

    let outcomes = receiver.inbox.apply(&records).await;

    let (repeats, news) = outcomes.split_at(100);
    assert!(repeats.iter().all(|outcome| *outcome == Outcome::Duplicate), "{repeats:?}");
    assert_eq!(news, [Outcome::Handled, Outcome::Handled]);
    assert_eq!((receiver.applied(old).await, receiver.applied(new).await), (vec![1, 2, 3], vec![1]));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn repeats_do_not_hide_a_record_that_cannot_be_placed_or_a_gap() -> Result<()> {
    let mut receiver = Receiver::new("replaybroken").await;
    let (orders, records) = applied(&mut receiver).await;
    ensure_all_are_repeats(&receiver, &records).await?;
    let mut nameless = receiver.record(&completed(orders[0], 1));
    nameless.headers.retain(|(name, _)| name != "ce_subject");
    assert!(matches!(receiver.one(nameless).await, Outcome::Parked(_)));

    ensure_all_are_repeats(&receiver, &records).await?;
    assert_eq!(receiver.receive(orders[1], 4).await, gap(2));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_what_was_applied_that_is_parked_all_the_same_is_closed_by_a_repeat() -> Result<()> {
    let mut receiver = Receiver::new("replaystale").await;
    let (orders, records) = applied(&mut receiver).await;
    assert_eq!(receiver.receive(orders[0], 5).await, gap(2));
    // No path of ours leaves such a row. A hand in the database might.
    sqlx::query("update parked_events set version = 1").execute(&receiver.inbox.pool).await?;
    ensure_all_are_repeats(&receiver, &records).await?;
    let parked = receiver.parked().await;
    assert_eq!(parked[0].state(), ("gap", "stale"));
    Ok(())
}
