//! Parked events are tried again: the first of a lane after growing waits, the others behind it.

use anyhow::Result;
use chassis::messaging::Outcome;
use chrono::{DateTime, TimeDelta, Utc};
use tests::fresh_order;

use super::{Parked, Receiver, completed};

/// What the waits are documented to be, in seconds: after the first failure, the second… and then it rests.
const WAITS: [i64; 7] = [1, 2, 4, 8, 16, 32, 64];

/// Lets the time of all waits pass.
async fn make_due(receiver: &Receiver) -> Result<()> {
    let pass =
        "update parked_events set next_attempt_at = now() - interval '1 second' where next_attempt_at is not null";
    sqlx::query(pass).execute(&receiver.inbox.pool).await?;
    Ok(())
}

fn waits(parked: &Parked, before: DateTime<Utc>, seconds: i64) {
    let wait = parked.next_attempt_at.expect("it is tried again") - before;
    let (least, most) = (TimeDelta::seconds(seconds), TimeDelta::seconds(seconds + 10));
    assert!(wait >= least && wait <= most, "the wait after {} tries is {wait}, not {seconds} s", parked.attempts);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_event_is_tried_after_longer_and_longer_waits_and_then_rests() -> Result<()> {
    let mut receiver = Receiver::new("backoff").await;
    let order = fresh_order();
    receiver.inbox.reactions.reject(order, 1);
    let mut before = chassis::clock::now();
    receiver.receive(order, 1).await;
    for (tries, seconds) in (1..).zip(WAITS) {
        let parked = receiver.parked().await.remove(0);
        assert_eq!((parked.attempts, parked.state()), (tries, ("rejected", "-")));
        waits(&parked, before, seconds);
        make_due(&receiver).await?;
        before = chassis::clock::now();
        assert_eq!(receiver.inbox.retries.step().await?, 1);
    }
    let parked = receiver.parked().await.remove(0);
    assert_eq!((parked.attempts, parked.next_attempt_at), (8, None), "it rests");
    assert_eq!(receiver.inbox.retries.step().await?, 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_tried_before_its_time() -> Result<()> {
    let mut receiver = Receiver::new("nottoosoon").await;
    let order = fresh_order();
    receiver.inbox.reactions.reject(order, 1);
    receiver.receive(order, 1).await;
    make_due(&receiver).await?;
    assert_eq!(receiver.inbox.retries.step().await?, 1);
    // Two seconds from now at the earliest.
    assert_eq!(receiver.inbox.retries.step().await?, 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lane_heals_in_order_once_its_first_event_can_be_applied() -> Result<()> {
    let mut receiver = Receiver::new("heals").await;
    let order = fresh_order();
    receiver.inbox.reactions.reject(order, 1);
    let lane = receiver.records(order, 1..=4);
    receiver.inbox.apply(&lane).await;
    make_due(&receiver).await?;
    receiver.retry_what_is_due().await?;
    assert_eq!(receiver.applied(order).await, Vec::<i64>::new());

    receiver.inbox.reactions.mend(order, 1);
    make_due(&receiver).await?;
    receiver.retry_what_is_due().await?;
    assert_eq!(receiver.applied(order).await, [1, 2, 3, 4]);
    assert!(receiver.parked().await.iter().all(|parked| parked.resolution.as_deref() == Some("applied")));
    let next = receiver.record(&completed(order, 5));
    assert_eq!(receiver.one(next).await, Outcome::Handled, "and flows again");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lane_with_two_culprits_heals_up_to_the_second() -> Result<()> {
    let mut receiver = Receiver::new("twoculprits").await;
    let order = fresh_order();
    receiver.inbox.reactions.reject(order, 1);
    receiver.inbox.reactions.reject(order, 3);
    let lane = receiver.records(order, 1..=5);
    receiver.inbox.apply(&lane).await;
    receiver.inbox.reactions.mend(order, 1);
    make_due(&receiver).await?;
    receiver.retry_what_is_due().await?;
    assert_eq!(receiver.applied(order).await, [1, 2]);
    let states: Vec<_> = receiver.parked().await.iter().map(|parked| parked.cause.clone()).collect();
    assert_eq!(states[2..], ["rejected", "gap", "gap"]);

    receiver.inbox.reactions.mend(order, 3);
    make_due(&receiver).await?;
    receiver.retry_what_is_due().await?;
    assert_eq!(receiver.applied(order).await, [1, 2, 3, 4, 5]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_order_heals_when_it_appears() -> Result<()> {
    let mut receiver = Receiver::new("appears").await;
    let order = fresh_order();
    receiver.inbox.reactions.forget(order);
    let lane = receiver.records(order, 1..=2);
    receiver.inbox.apply(&lane).await;
    make_due(&receiver).await?;
    receiver.retry_what_is_due().await?;
    assert_eq!(receiver.parked().await[0].state(), ("unknown_order", "-"));
    assert_eq!(receiver.parked().await[0].attempts, 2);

    receiver.inbox.reactions.learn(order);
    make_due(&receiver).await?;
    receiver.retry_what_is_due().await?;
    assert_eq!(receiver.applied(order).await, [1, 2]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_due_is_tried_by_one_of_two_instances() -> Result<()> {
    let mut receiver = Receiver::new("lease").await;
    let mut orders = Vec::new();
    for _ in 0..10 {
        let order = fresh_order();
        receiver.inbox.reactions.reject(order, 1);
        receiver.receive(order, 1).await;
        orders.push(order);
    }
    make_due(&receiver).await?;
    let twin = receiver.inbox.twin(&receiver.env);
    let (ours, theirs) = tokio::join!(receiver.inbox.retries.step(), twin.retries.step());
    assert_eq!(ours? + theirs?, 10);
    assert!(receiver.parked().await.iter().all(|parked| parked.attempts == 2), "each was tried once");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_that_meets_a_database_failure_is_not_counted() -> Result<()> {
    let mut receiver = Receiver::new("retrytransient").await;
    let order = fresh_order();
    receiver.inbox.reactions.reject(order, 1);
    receiver.receive(order, 1).await;
    receiver.inbox.reactions.mend(order, 1);
    receiver.inbox.reactions.fail_for_a_while(order, 1, 1);
    make_due(&receiver).await?;
    assert!(receiver.inbox.retries.step().await.is_err());
    assert_eq!(receiver.parked().await[0].attempts, 1);
    make_due(&receiver).await?;
    assert_eq!(receiver.inbox.retries.step().await?, 1);
    assert_eq!(receiver.applied(order).await, [1]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lane_of_many_orders_that_all_fail_does_not_keep_the_others_from_healing() -> Result<()> {
    let mut receiver = Receiver::new("manylanes").await;
    for position in 0..60 {
        let order = fresh_order();
        receiver.inbox.reactions.reject(order, 1);
        let lane = receiver.records(order, 1..=2);
        receiver.inbox.apply(&lane).await;
        if position >= 30 {
            receiver.inbox.reactions.mend(order, 1);
        }
    }
    make_due(&receiver).await?;
    receiver.retry_what_is_due().await?;
    assert_eq!(receiver.inbox.applied().await?, 60, "thirty lanes of two events");
    Ok(())
}
