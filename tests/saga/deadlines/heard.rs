//! Up to when the other side has been heard.

use anyhow::{Context, Result, ensure};
use chassis::{clock, messaging};
use chrono::{DateTime, TimeDelta, Utc};
use shared_events::{Envelope, Topic};
use sqlx::PgPool;
use tests::{Env, PATIENCE, TestInbox, envelope, eventually_is, fresh_order, golden, record};
use tokio_util::sync::CancellationToken;

/// Announced at this moment.
fn announced(at: DateTime<Utc>) -> Envelope {
    Envelope { time: at, ..envelope(fresh_order(), 1, golden("OrderCompleted.v1.least")) }
}

async fn heard_until(pool: &PgPool) -> Result<Option<DateTime<Utc>>> {
    let mut tx = pool.begin().await?;
    Ok(messaging::heard_until(&mut tx, Topic::Orders).await?)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_latest_event_that_was_applied_is_written_down_also_when_many_come_at_once() -> Result<()> {
    let env = Env::new("heard").await;
    let inbox = TestInbox::new(&env).await;
    let stop = CancellationToken::new();
    let keeping = tokio::spawn(inbox.inbox.heard().keep(inbox.pool.clone(), Topic::Orders, stop.clone()));
    assert_eq!(heard_until(&inbox.pool).await?, None);
    let now = clock::now();
    let (mut offset, mut latest) = (0, now);
    // Faster than the row is written, and the last is not the latest.
    for ago_ms in [50_i64, 40, 30, 20, 10, 25] {
        let at = now - TimeDelta::milliseconds(ago_ms);
        let record = record(&env.topic(Topic::Orders), &announced(at));
        inbox.apply(&[messaging::Record { partition: 0, offset, ..record }]).await;
        offset += 1;
        latest = now - TimeDelta::milliseconds(10);
    }
    eventually_is("the latest is written down", PATIENCE, Some(latest), async || heard_until(&inbox.pool).await).await;

    // A clock that is ahead over there: what is still to come is not heard yet.
    let record = record(&env.topic(Topic::Orders), &announced(now + TimeDelta::days(1)));
    inbox.apply(&[messaging::Record { partition: 0, offset, ..record }]).await;
    let applied_by = clock::now();
    // Whatever was not written before, is written at the end.
    stop.cancel();
    keeping.await.context("the keeper died")?;
    let until = heard_until(&inbox.pool).await?.context("a moment")?;
    ensure!(until > latest && until <= applied_by, "{until} is not between {latest} and {applied_by}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_parked_or_a_repeat_is_not_heard() -> Result<()> {
    let env = Env::new("unheard").await;
    let inbox = TestInbox::new(&env).await;
    let now = clock::now();
    let rejected = announced(now - TimeDelta::seconds(1));
    inbox.reactions.reject(rejected.order_id, 1);
    let first = announced(now - TimeDelta::seconds(9));
    let repeat = Envelope { time: now, ..first.clone() };
    for (offset, envelope) in (0..).zip([&first, &rejected, &repeat]) {
        let record = record(&env.topic(Topic::Orders), envelope);
        inbox.apply(&[messaging::Record { partition: 0, offset, ..record }]).await;
    }
    let stop = CancellationToken::new();
    stop.cancel();
    inbox.inbox.heard().keep(inbox.pool.clone(), Topic::Orders, stop).await;
    assert_eq!(heard_until(&inbox.pool).await?, Some(first.time));
    Ok(())
}
