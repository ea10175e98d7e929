//! Works off the replays that were started: event by event, in the order of the set, through the same claim as a live event.

use std::{sync::Arc, time::Duration};

use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    clock,
    database::answered,
    messaging::{
        Inbox, Outcome, Reactions,
        kept::{Kept, select_kept},
    },
};

const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How many events are worked on in one go.
const AT_ONCE: i64 = 20;

/// The worker. Several instances may have one: a set is worked on by who has its lease, and an event that is tried twice changes nothing
/// the second time.
pub(crate) struct Replayer<R> {
    inbox: Arc<Inbox<R>>,
    pool: PgPool,
}

/// An event whose turn it is.
struct Due {
    number: i32,
    parked_id: Uuid,
}

impl<R: Reactions> Replayer<R> {
    pub(crate) fn new(inbox: Arc<Inbox<R>>, pool: PgPool) -> Self {
        Self { inbox, pool }
    }

    /// Works until told to stop: then the event under way is finished, and the others are replayed after the next start. While what comes
    /// is held back, no set is taken: another instance may be free to go on with it.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let pauses = self.inbox.pauses();
        while !stop.is_cancelled() {
            tokio::select! {
                () = stop.cancelled() => return,
                () = pauses.reading() => {}
            }
            match self.step(&stop).await {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => tracing::warn!(%error, "a replay could not go on, trying again soon: {error:#}"),
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }

    /// Replays the next events of a set that was started, and lets go of it. `false` if there is none.
    async fn step(&self, stop: &CancellationToken) -> anyhow::Result<bool> {
        let Some((replay, per_second)) = answered(lease(&self.pool)).await? else { return Ok(false) };
        let due = answered(due(&self.pool, replay)).await?;
        if due.is_empty() {
            answered(end(&self.pool, replay)).await?;
            tracing::info!(%replay, "replay {replay} has come to its end");
            return Ok(true);
        }
        for one in due {
            // A pause may be longer than any lease: the set is let go, and taken again when the pause is over.
            if stop.is_cancelled() || self.inbox.pauses().now().reading {
                break;
            }
            let (outcome, error) = self.replay(one.parked_id).await?;
            answered(note(&self.pool, replay, one.number, outcome, error)).await?;
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(Duration::from_secs(1) / per_second.unsigned_abs().max(1)) => {}
            }
        }
        answered(release(&self.pool, replay)).await?;
        Ok(true)
    }

    /// Tries one event now, and says what became of it.
    async fn replay(&self, parked_id: Uuid) -> anyhow::Result<(&'static str, Option<String>)> {
        let waiting = answered(waiting(&self.pool, parked_id)).await?;
        let is_tried = waiting.is_some();
        if let Some(kept) = waiting {
            let outcomes = self.inbox.apply(&[kept.record()]).await?;
            if let Some(Outcome::Parked(reason)) = outcomes.first() {
                return Ok(("still_failing", Some(format!("{}: {}", reason.cause(), reason.text()))));
            }
        }
        let resolution = answered(resolution(&self.pool, parked_id)).await?;
        Ok(match resolution.as_deref() {
            Some("applied") if is_tried => ("applied", None),
            Some("applied") => ("duplicate", None),
            Some("stale") => ("stale", None),
            Some(_) | None => ("gone", None),
        })
    }
}

/// Takes or renews the lease on a set that is under way.
async fn lease(pool: &PgPool) -> sqlx::Result<Option<(Uuid, i32)>> {
    let leased = sqlx::query!(
        "update replays set leased_until = now() + interval '60 seconds'
         where id = (select id from replays
                     where started_at is not null and ended_at is null and (leased_until is null or leased_until < now())
                     order by started_at limit 1 for update skip locked)
         returning id, per_second"
    );
    Ok(leased.fetch_optional(pool).await?.map(|row| (row.id, row.per_second)))
}

async fn due(pool: &PgPool, replay: Uuid) -> sqlx::Result<Vec<Due>> {
    sqlx::query_as!(
        Due,
        "select number, parked_id from replay_events where replay_id = $1 and outcome is null order by number limit $2",
        replay,
        AT_ONCE
    )
    .fetch_all(pool)
    .await
}

async fn waiting(pool: &PgPool, parked_id: Uuid) -> sqlx::Result<Option<Kept>> {
    select_kept!("where id = $1 and resolved_at is null", parked_id).fetch_optional(pool).await
}

async fn resolution(pool: &PgPool, parked_id: Uuid) -> sqlx::Result<Option<String>> {
    let resolution = sqlx::query_scalar!("select resolution from parked_events where id = $1", parked_id);
    Ok(resolution.fetch_optional(pool).await?.flatten())
}

/// Writes down what became of an event, and renews the lease.
async fn note(pool: &PgPool, replay: Uuid, number: i32, outcome: &str, error: Option<String>) -> sqlx::Result<()> {
    let noted = sqlx::query!(
        "with renewed as (update replays set leased_until = now() + interval '60 seconds' where id = $1)
         update replay_events set outcome = $3, error = $4, at = $5 where replay_id = $1 and number = $2 and outcome is null",
        replay,
        number,
        outcome,
        error,
        clock::now()
    );
    noted.execute(pool).await.map(drop)
}

/// For whoever is next, be it this one.
async fn release(pool: &PgPool, replay: Uuid) -> sqlx::Result<()> {
    let released = sqlx::query!("update replays set leased_until = null where id = $1", replay);
    released.execute(pool).await.map(drop)
}

async fn end(pool: &PgPool, replay: Uuid) -> sqlx::Result<()> {
    let ended = sqlx::query!(
        "update replays set ended_at = $2, leased_until = null where id = $1 and ended_at is null",
        replay,
        clock::now()
    );
    ended.execute(pool).await.map(drop)
}
