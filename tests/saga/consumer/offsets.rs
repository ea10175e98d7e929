//! The offset goes last.

use anyhow::Result;
use tests::{COMMIT, PATIENCE, Proxy, eventually, eventually_is, fresh_order};

use super::{Reader, completed};

/// So many commits fail that the client, which commits stored offsets every second, would long have told the group.
const LONG_ENOUGH: usize = 6;

#[tokio::test(flavor = "multi_thread")]
async fn no_offset_is_stored_while_commits_fail_and_everything_is_applied_afterwards() -> Result<()> {
    let reader = Reader::new("nooffset", 1).await;
    let proxy = Proxy::before(reader.env.deliveries_database()).await;
    let through = reader.inbox.twin_at(&reader.env, &proxy.url(reader.env.deliveries_database()));
    proxy.lose_questions(COMMIT, usize::MAX);
    let consuming = through.consume(&reader.env, "one");
    let orders: Vec<_> = (0..50).map(|_| fresh_order()).collect();
    let records: Vec<_> = orders.iter().map(|order| reader.record(&completed(*order, 1))).collect();
    reader.env.produce(&records).await;

    eventually("commits have failed for a while", PATIENCE, async || {
        let failed = proxy.sprung();
        if failed >= LONG_ENOUGH { Ok(()) } else { Err(format!("{failed} have failed")) }
    })
    .await;
    assert_eq!(reader.committed().await?, [None], "an offset without its effect");
    assert_eq!(reader.inbox.applied().await?, 0);

    proxy.lose_questions(COMMIT, 0);
    eventually_is("everything is applied", PATIENCE, 50, async || reader.inbox.applied().await).await;
    eventually_is("and the offset has followed", PATIENCE, vec![Some(50)], async || reader.committed().await).await;
    reader.ensure_each_once_in_order(&orders, 1).await?;
    consuming.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_constraint_that_fails_only_at_commit_parks_its_event_and_moves_on() -> Result<()> {
    let reader = Reader::new("deferred", 1).await;
    let culprit = fresh_order();
    // Checked when the transaction commits: the latest moment at which a database can refuse.
    for statement in [
        "create function refuse() returns trigger language plpgsql as
         $$ begin if new.version = 7 then raise exception 'refused at commit'; end if; return null; end $$",
        "create constraint trigger refuse after insert on applied deferrable initially deferred
         for each row execute function refuse()",
    ] {
        sqlx::query(statement).execute(&reader.inbox.pool).await?;
    }
    let consuming = reader.inbox.consume(&reader.env, "one");
    let mut records: Vec<_> = (1..=8).map(|version| reader.record(&completed(culprit, version))).collect();
    records.extend((0..40).map(|_| reader.record(&completed(fresh_order(), 1))));
    reader.env.produce(&records).await;
    eventually_is("all others are applied", PATIENCE, 46, async || reader.inbox.applied().await).await;
    eventually_is("the offset moves past the culprit", PATIENCE, vec![Some(48)], async || reader.committed().await)
        .await;
    let causes: Vec<(i64, String)> = sqlx::query_as("select version, cause from parked_events order by version")
        .fetch_all(&reader.inbox.pool)
        .await?;
    assert_eq!(causes, [(7, "rejected".to_owned()), (8, "gap".to_owned())]);
    consuming.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_lost_after_the_commit_costs_a_repeat_and_no_effect() -> Result<()> {
    let reader = Reader::new("lostanswers", 1).await;
    let proxy = Proxy::before(reader.env.deliveries_database()).await;
    let through = reader.inbox.twin_at(&reader.env, &proxy.url(reader.env.deliveries_database()));
    proxy.lose_answers_to(COMMIT, 3);
    let consuming = through.consume(&reader.env, "one");
    let orders: Vec<_> = (0..20).map(|_| fresh_order()).collect();
    for version in 1..=3 {
        let records: Vec<_> = orders.iter().map(|order| reader.record(&completed(*order, version))).collect();
        reader.env.produce(&records).await;
        let expected = version * 20;
        eventually_is("they are applied", PATIENCE, expected, async || reader.inbox.applied().await).await;
    }
    eventually_is("the offset has followed", PATIENCE, vec![Some(60)], async || reader.committed().await).await;
    assert_eq!(proxy.sprung(), 3);
    reader.ensure_each_once_in_order(&orders, 3).await?;
    consuming.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_that_stops_in_good_order_leaves_nothing_to_repeat() -> Result<()> {
    let reader = Reader::new("goodorder", 3).await;
    let consuming = reader.inbox.consume(&reader.env, "one");
    let records: Vec<_> = (0..100).map(|_| reader.record(&completed(fresh_order(), 1))).collect();
    reader.env.produce(&records).await;
    eventually_is("they are applied", PATIENCE, 100, async || reader.inbox.applied().await).await;
    consuming.stop().await?;
    assert_eq!(reader.behind().await?, 100);
    Ok(())
}
