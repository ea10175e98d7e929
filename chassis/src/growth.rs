//! What grows is kept for a while and no longer: the event log in partitions, parked events and kept answers in batches.
//!
//! Nothing that may still be needed goes, however old it is: not what is unsent, and not what was announced about an order that is
//! still open ([`Deadlines::oldest_open`]). The inbox, orders and deliveries, their histories and the ledger stay for ever.
//! Why: `docs/decisions/0008-what-may-be-forgotten.md`.

mod batches;
mod gauges;
mod partitions;
mod periods;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use shared_events::OrderId;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::{
    Deadlines, Tx, clock,
    database::{answered, is_in_the_way},
};

const EVERY: Duration = Duration::from_secs(5 * 60);
/// When somebody held a lock that was needed.
const AFTER_A_DELAY: Duration = Duration::from_secs(15);
/// When a turn did as much as a turn may.
const WHEN_THERE_IS_MORE: Duration = Duration::from_secs(1);
/// The advisory lock's number: any, as long as it is the same in every instance. A database belongs to one service.
const LOCK: i64 = 0x6772_6f77_7468_0001;

/// How long what is of use only for a while is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Announced events, from when their order was placed.
    pub event_log: TimeDelta,
    /// How many days of orders a new partition of the event log is for.
    pub partition_days: u16,
    /// Parked events, from when they were resolved.
    pub parked_events: TimeDelta,
    /// Answers under an `Idempotency-Key`, from when they were given.
    pub idempotency_keys: TimeDelta,
}

/// What one turn of the janitor did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Turn {
    /// Partitions of the event log that were made.
    pub created: usize,
    /// Events that moved from the default partition into one of these.
    pub moved: u64,
    /// Partitions that went, with everything in them.
    pub dropped: usize,
    /// Partitions that are old enough, but in which something may still be needed.
    pub kept: usize,
    /// Events of the default partition that went.
    pub events: u64,
    /// Parked events that went, all of them resolved.
    pub parked_events: u64,
    /// Kept answers that went.
    pub idempotency_keys: u64,
    /// Marks that went, of processes that have long ended.
    pub commit_marks: u64,
    /// Replays, pauses and republications that went: they had ended long before.
    pub operations: u64,
    /// What was put off because somebody held a lock.
    pub delayed: usize,
    /// There was more to remove than one turn may.
    pub more: bool,
}

/// Keeps what grows within bounds. Several instances may: only one works at a time, the others find nothing to do.
#[derive(Debug)]
pub struct Janitor<D> {
    deadlines: D,
    pool: PgPool,
    retention: Retention,
}

impl<D: Deadlines> Janitor<D> {
    /// A janitor of the database of this service.
    pub fn new(deadlines: D, pool: PgPool, retention: Retention) -> Self {
        Self { deadlines, pool, retention }
    }

    /// Works every few minutes until told to stop. Cut off in the middle, it has done a part: whatever it does is one transaction.
    pub async fn run(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let wait = tokio::select! {
                () = stop.cancelled() => return,
                turned = self.step(clock::now()) => wait_after(turned),
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Makes the partitions for orders placed at this moment and for some time to come. To be called before anything is announced.
    ///
    /// # Errors
    /// The database's. A lock that somebody else holds is none: what is announced meanwhile goes into the default partition, and
    /// is moved when its own is made.
    pub async fn prepare(&self, now: DateTime<Utc>) -> sqlx::Result<Turn> {
        let mut turn = Turn::default();
        for missing in answered(partitions::missing(&self.pool, now, self.retention.partition_days)).await? {
            match answered(partitions::create(&self.pool, &missing)).await {
                Ok(Some(moved)) => {
                    tracing::info!(moved, "the event log has the partition {}", missing.partition_name());
                    turn.created += 1;
                    turn.moved += moved;
                }
                Ok(None) => {}
                Err(error) => turn.delay(error)?,
            }
        }
        Ok(turn)
    }

    /// One turn at this moment: makes partitions ahead, and removes what is older than its retention and of no more use.
    ///
    /// # Errors
    /// The database's. What was done before stays done.
    pub async fn step(&self, now: DateTime<Utc>) -> sqlx::Result<Turn> {
        let mut turn = self.prepare(now).await?;
        let keep_from = OrderId::earliest_at(now - self.retention.event_log);
        for overdue in answered(partitions::before(&self.pool, keep_from)).await? {
            match answered(partitions::drop_unneeded(&self.pool, &self.deadlines, &overdue)).await {
                Ok(Some(true)) => {
                    tracing::info!("the partition {overdue} of the event log was old and settled: it is dropped");
                    turn.dropped += 1;
                }
                Ok(Some(false)) => turn.kept += 1,
                Ok(None) => {}
                Err(error) => turn.delay(error)?,
            }
        }
        turn.events = turn.remove(|| batches::events(&self.pool, &self.deadlines, keep_from)).await?;
        let parked_before = now - self.retention.parked_events;
        turn.parked_events = turn.remove(|| batches::parked_events(&self.pool, parked_before)).await?;
        turn.operations = turn.remove(|| batches::operations(&self.pool, parked_before)).await?;
        let answered_before = now - self.retention.idempotency_keys;
        turn.idempotency_keys = turn.remove(|| batches::idempotency_keys(&self.pool, answered_before)).await?;
        turn.commit_marks = turn.remove(|| batches::commit_marks(&self.pool, answered_before)).await?;
        turn.count();
        answered(gauges::set(&self.pool, now)).await?;
        Ok(turn)
    }
}

impl Turn {
    /// A lock that somebody holds is waited for next time; everything else is an error.
    fn delay(&mut self, error: sqlx::Error) -> sqlx::Result<()> {
        if !is_in_the_way(&error) {
            return Err(error);
        }
        tracing::debug!(%error, "somebody is in the janitor's way: {error}");
        self.delayed += 1;
        Ok(())
    }

    /// Removes batch after batch, as many as one turn may.
    async fn remove<F>(&mut self, batch: impl Fn() -> F) -> sqlx::Result<u64>
    where
        F: Future<Output = sqlx::Result<Option<u64>>>,
    {
        let mut removed = 0;
        for _ in 0..batches::MOST {
            match answered(batch()).await {
                Ok(Some(rows)) if rows == batches::ROWS.unsigned_abs() => removed += rows,
                Ok(rows) => return Ok(removed + rows.unwrap_or(0)),
                Err(error) => {
                    self.delay(error)?;
                    return Ok(removed);
                }
            }
            tokio::time::sleep(batches::PAUSE).await;
        }
        self.more = true;
        Ok(removed)
    }

    fn count(&self) {
        let removed = [
            ("event_log_partitions", self.dropped as u64),
            ("events", self.events),
            ("parked_events", self.parked_events),
            ("operations", self.operations),
            ("idempotency_keys", self.idempotency_keys),
            ("commit_marks", self.commit_marks),
        ];
        for (what, count) in removed {
            metrics::counter!("growth_removed_total", "what" => what).increment(count);
        }
        metrics::counter!("growth_delayed_total").increment(self.delayed as u64);
        if self.events + self.parked_events + self.idempotency_keys > 0 {
            tracing::info!(?self, "what was old and settled went");
        }
    }
}

fn wait_after(turned: sqlx::Result<Turn>) -> Duration {
    match turned {
        Ok(turn) if turn.more => WHEN_THERE_IS_MORE,
        Ok(turn) if turn.delayed > 0 => AFTER_A_DELAY,
        Ok(_) => EVERY,
        Err(error) => {
            tracing::warn!(%error, "what grows could not be looked after, looking again soon: {error:#}");
            AFTER_A_DELAY
        }
    }
}

/// A transaction of the only janitor at work. None while another one is. Its statements are short or end, and it waits for a lock
/// only as long as nobody minds who then waits behind it.
async fn alone(pool: &PgPool) -> sqlx::Result<Option<Tx<'static>>> {
    alone_with(pool, "begin").await
}

async fn alone_with(pool: &PgPool, begin: &'static str) -> sqlx::Result<Option<Tx<'static>>> {
    let mut tx = Tx::from(pool.begin_with(begin).await?);
    sqlx::raw_sql("set local lock_timeout = '300ms'; set local statement_timeout = '5s'").execute(&mut *tx).await?;
    let taken = sqlx::query_scalar!(r#"select pg_try_advisory_xact_lock($1) as "taken!""#, LOCK);
    if taken.fetch_one(&mut *tx).await? {
        return Ok(Some(tx));
    }
    tx.rollback().await?;
    Ok(None)
}

/// Commits what was done. What was not is taken back now and not some time later: the next piece of work needs the same lock.
async fn finish<T>(tx: Tx<'_>, done: sqlx::Result<Option<T>>) -> sqlx::Result<Option<T>> {
    match done {
        Ok(Some(done)) => tx.commit().await.map(|()| Some(done)),
        Ok(None) => tx.rollback().await.map(|()| None),
        Err(error) => {
            if let Err(also) = tx.rollback().await {
                tracing::debug!(%also, "and could not be taken back: {also}");
            }
            Err(error)
        }
    }
}
