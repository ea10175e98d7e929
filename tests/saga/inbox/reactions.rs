//! Reactions that fail: for good, for a while, or because they do not know the order.

use anyhow::{Context, Result};
use chassis::messaging::{Outcome, Reason};
use tests::{COMMIT, Proxy, fresh_order};

use super::{Receiver, completed, gap};

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_fails_for_good_is_found_in_its_batch_and_parked_alone() -> Result<()> {
    let mut receiver = Receiver::new("rejected").await;
    let culprits = [fresh_order(), fresh_order(), fresh_order()];
    let mut batch = Vec::new();
    for position in 0..200 {
        if position % 70 == 13 {
            let culprit = culprits[position / 70];
            receiver.inbox.reactions.reject(culprit, 1);
            batch.extend(receiver.records(culprit, 1..=3));
        } else {
            batch.extend(receiver.records(fresh_order(), [1]));
        }
    }
    let outcomes = receiver.inbox.apply(&batch).await;
    assert_eq!(outcomes.len(), batch.len());

    let parked = receiver.parked().await;
    assert_eq!(parked.len(), 9, "each culprit, and the two behind it");
    for culprit in culprits {
        let of_it = parked.iter().filter(|parked| parked.order_id == Some(culprit.0));
        let states: Vec<_> = of_it.map(|parked| (parked.version, parked.cause.as_str())).collect();
        assert_eq!(states, [(Some(1), "rejected"), (Some(2), "gap"), (Some(3), "gap")]);
    }
    assert!(parked.iter().any(|parked| parked.error.contains("told to reject version 1")), "the error is kept");
    assert_eq!(receiver.inbox.applied().await?, 197, "all the others are applied");
    for (record, outcome) in batch.iter().zip(&outcomes) {
        let expected = parked.iter().any(|parked| parked.offset == record.offset);
        assert_eq!(matches!(outcome, Outcome::Parked(_)), expected, "outcomes are in the order of the records");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_before_the_culprit_on_its_lane_is_applied() -> Result<()> {
    let mut receiver = Receiver::new("prefix").await;
    let order = fresh_order();
    receiver.inbox.reactions.reject(order, 3);
    let batch = receiver.records(order, 1..=5);
    let outcomes = receiver.inbox.apply(&batch).await;
    assert_eq!(outcomes[..2], [Outcome::Handled, Outcome::Handled]);
    assert!(matches!(&outcomes[2], Outcome::Parked(Reason::Rejected(_))));
    assert_eq!(outcomes[3..], [gap(2), gap(2)]);
    assert_eq!(receiver.applied(order).await, [1, 2]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_that_passes_parks_nothing_and_counts_no_try() -> Result<()> {
    let mut receiver = Receiver::new("transient").await;
    let order = fresh_order();
    receiver.inbox.reactions.fail_for_a_while(order, 1, 2);
    let batch = receiver.records(order, 1..=2);
    for _ in 0..2 {
        receiver.inbox.inbox.apply(&batch).await.err().context("the batch fails for a while")?;
        assert_eq!(receiver.parked().await, []);
        assert_eq!(receiver.inbox.applied().await?, 0);
    }
    assert_eq!(receiver.inbox.apply(&batch).await, [Outcome::Handled, Outcome::Handled]);
    assert_eq!(receiver.applied(order).await, [1, 2]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_never_arrives_leaves_nothing_and_one_without_an_answer_is_not_applied_twice() -> Result<()> {
    let mut receiver = Receiver::new("lostcommits").await;
    let proxy = Proxy::before(receiver.env.deliveries_database()).await;
    let through = receiver.inbox.twin_at(&receiver.env, &proxy.url(receiver.env.deliveries_database()));
    let order = fresh_order();
    let batch = receiver.records(order, [1, 2, 4]);

    proxy.lose_questions(COMMIT, 1);
    through.inbox.apply(&batch).await.err().context("the commit is lost")?;
    assert_eq!((receiver.applied(order).await, receiver.parked().await), (vec![], vec![]));

    proxy.lose_answers_to(COMMIT, 1);
    through.inbox.apply(&batch).await.err().context("the answer is lost")?;
    assert_eq!(proxy.sprung(), 2);
    let outcomes = through.inbox.apply(&batch).await?;
    assert_eq!(outcomes, [Outcome::Duplicate, Outcome::Duplicate, gap(2)]);
    assert_eq!(receiver.applied(order).await, [1, 2]);
    assert_eq!(receiver.parked().await.len(), 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_for_an_order_that_is_not_known_is_parked_and_the_rest_of_the_batch_flows() -> Result<()> {
    let mut receiver = Receiver::new("unknown").await;
    let strangers = [fresh_order(), fresh_order()];
    let known = fresh_order();
    for stranger in strangers {
        receiver.inbox.reactions.forget(stranger);
    }
    let mut batch = receiver.records(strangers[0], 1..=2);
    batch.extend(receiver.records(known, 1..=2));
    batch.extend(receiver.records(strangers[1], [1]));
    let unknown = || Outcome::Parked(Reason::UnknownOrder);
    let outcomes = receiver.inbox.apply(&batch).await;
    assert_eq!(outcomes, [unknown(), gap(0), Outcome::Handled, Outcome::Handled, unknown()]);
    assert_eq!(receiver.applied(known).await, [1, 2]);
    let causes: Vec<_> = receiver.parked().await.into_iter().map(|parked| parked.cause).collect();
    assert_eq!(causes, ["unknown_order", "gap", "unknown_order"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_that_changed_are_told_after_the_commit() -> Result<()> {
    let env = tests::Env::new("told").await;
    let seen = tests::TestInbox::new(&env).await;
    let applied = chassis::messaging::Applied::default();
    let mut told = applied.subscribe();
    let inbox = chassis::messaging::Inbox::new(
        seen.reactions.clone(),
        seen.pool.clone(),
        shared_events::Topic::Orders,
        chassis::messaging::Wakes::default(),
        applied,
    );
    let order = fresh_order();
    let record = tests::record("orders", &completed(order, 1));
    let record = chassis::messaging::Record { partition: 0, offset: 0, ..record };
    inbox.apply(std::slice::from_ref(&record)).await?;
    assert_eq!(*told.try_recv()?, [order]);
    inbox.apply(&[record]).await?;
    assert!(told.try_recv().is_err(), "a repeat changed nothing, so there is nothing to tell");
    Ok(())
}
