//! `v <= seen` changes nothing, `v = seen + 1` is applied, what is beyond waits.

use anyhow::Result;
use chassis::messaging::Outcome;
use tests::fresh_order;

use super::{Receiver, cancelled, completed, gap};

#[tokio::test(flavor = "multi_thread")]
async fn the_second_time_changes_nothing() {
    let mut receiver = Receiver::new("twice").await;
    let order = fresh_order();
    let record = receiver.record(&completed(order, 1));
    assert_eq!(receiver.one(record.clone()).await, Outcome::Handled);
    assert_eq!(receiver.one(record.clone()).await, Outcome::Duplicate, "the same record");
    let repeated = receiver.place(record.clone());
    assert_eq!(receiver.one(repeated).await, Outcome::Duplicate, "the same event in another record");

    let order = fresh_order();
    let twins = [receiver.record(&completed(order, 1)), record, receiver.record(&completed(order, 1))];
    let outcomes = receiver.inbox.apply(&twins).await;
    assert_eq!(outcomes, [Outcome::Handled, Outcome::Duplicate, Outcome::Duplicate], "in one batch");
    assert_eq!(receiver.applied(order).await, [1]);
    assert_eq!(receiver.parked().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_version_changes_nothing_though_its_event_is_another() {
    let mut receiver = Receiver::new("stale").await;
    let order = fresh_order();
    let first = receiver.records(order, 1..=3);
    receiver.inbox.apply(&first).await;
    assert_eq!(receiver.receive(order, 2).await, Outcome::Duplicate);
    assert_eq!(receiver.receive(order, 4).await, Outcome::Handled);
    assert_eq!(receiver.applied(order).await, [1, 2, 3, 4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_before_its_predecessor_waits_for_it() -> Result<()> {
    let mut receiver = Receiver::new("gap").await;
    let order = fresh_order();
    assert_eq!(receiver.receive(order, 2).await, gap(0));
    assert_eq!(receiver.parked().await[0].next_attempt_at, None, "time alone does not heal a gap");
    assert_eq!(receiver.inbox.retries.step().await?, 0);

    assert_eq!(receiver.receive(order, 1).await, Outcome::Handled);
    assert_eq!(receiver.inbox.retries.step().await?, 1, "its predecessor makes it due");
    assert_eq!(receiver.applied(order).await, [1, 2]);
    assert_eq!(receiver.parked().await[0].state(), ("gap", "applied"));
    assert_eq!(receiver.inbox.retries.step().await?, 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lane_that_comes_backwards_is_applied_forwards() -> Result<()> {
    let mut receiver = Receiver::new("backwards").await;
    let order = fresh_order();
    for version in (2..=5).rev() {
        assert_eq!(receiver.receive(order, version).await, gap(0));
    }
    assert_eq!(receiver.receive(order, 1).await, Outcome::Handled);
    receiver.retry_what_is_due().await?;
    assert_eq!(receiver.applied(order).await, [1, 2, 3, 4, 5]);
    assert!(receiver.parked().await.iter().all(|parked| parked.state() == ("gap", "applied")));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_lane_behind_a_gap_heals_although_it_is_more_than_one_turn_takes() -> Result<()> {
    let mut receiver = Receiver::new("longgap").await;
    let order = fresh_order();
    let late = receiver.records(order, 2..=250);
    receiver.inbox.apply(&late).await;
    assert_eq!(receiver.receive(order, 1).await, Outcome::Handled);
    receiver.retry_what_is_due().await?;
    assert_eq!(receiver.applied(order).await, (1..=250).collect::<Vec<_>>());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gap_that_is_filled_in_the_same_batch_is_parked_and_heals() -> Result<()> {
    let mut receiver = Receiver::new("samebatch").await;
    let (order, other) = (fresh_order(), fresh_order());
    let mut batch = receiver.records(order, [2, 1]);
    batch.extend(receiver.records(other, [1, 2]));
    let outcomes = receiver.inbox.apply(&batch).await;
    assert_eq!(outcomes, [gap(0), Outcome::Handled, Outcome::Handled, Outcome::Handled]);
    receiver.retry_what_is_due().await?;
    assert_eq!(receiver.applied(order).await, [1, 2]);
    assert_eq!(receiver.applied(other).await, [1, 2]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_parked_is_closed_when_the_same_event_comes_again_in_order() -> Result<()> {
    let mut receiver = Receiver::new("comesagain").await;
    let order = fresh_order();
    let second = completed(order, 2);
    let record = receiver.record(&second);
    assert_eq!(receiver.one(record).await, gap(0));
    let batch = [receiver.record(&completed(order, 1)), receiver.record(&second)];
    assert_eq!(receiver.inbox.apply(&batch).await, [Outcome::Handled, Outcome::Handled]);
    assert_eq!(receiver.parked().await[0].state(), ("gap", "applied"));
    assert_eq!(receiver.inbox.retries.step().await?, 0);
    assert_eq!(receiver.applied(order).await, [1, 2]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn order_cancelled_jumps_a_gap_and_what_it_jumped_is_stale() -> Result<()> {
    let mut receiver = Receiver::new("jumps").await;
    let order = fresh_order();
    let cancelled = receiver.record(&cancelled(order, 2));
    assert_eq!(receiver.one(cancelled).await, Outcome::Handled);
    assert_eq!(receiver.receive(order, 1).await, Outcome::Duplicate);
    assert_eq!(receiver.applied(order).await, [2]);
    assert_eq!(receiver.receive(order, 3).await, Outcome::Handled, "the lane goes on behind it");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn order_cancelled_jumps_a_parked_order_completed() -> Result<()> {
    let mut receiver = Receiver::new("jumpsparked").await;
    let order = fresh_order();
    receiver.inbox.reactions.reject(order, 1);
    let parked = receiver.record(&completed(order, 1));
    receiver.one(parked.clone()).await;
    assert_eq!(receiver.parked().await[0].state(), ("rejected", "-"));

    let cancelled = receiver.record(&cancelled(order, 2));
    assert_eq!(receiver.one(cancelled).await, Outcome::Handled);
    assert_eq!(receiver.parked().await[0].state(), ("rejected", "stale"));

    receiver.inbox.reactions.mend(order, 1);
    assert_eq!(receiver.one(parked).await, Outcome::Duplicate, "it comes too late");
    receiver.retry_what_is_due().await?;
    assert_eq!(receiver.applied(order).await, [2]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_transaction_takes_a_whole_batch() {
    let mut receiver = Receiver::new("onebatch").await;
    let batch: Vec<_> = (0..500).map(|_| receiver.record(&completed(fresh_order(), 1))).collect();
    let outcomes = receiver.inbox.apply(&batch).await;
    assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Handled));
    assert_eq!(receiver.inbox.reactions.batches(), [500]);
}
