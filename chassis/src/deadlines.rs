//! What has waited too long: found by the clock, dealt with in batches, each in one transaction like any other change.
//!
//! A deadline is a row, not a timer, so it survives a restart, and any instance may deal with it. It decides no winner: it only
//! makes a service ask, or makes a person look.

use std::{fmt::Debug, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use shared_events::OrderId;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::{Failure, Tx, clock, database::answered, messaging::HandOver};

/// How many overdue rows one transaction takes at most.
const BATCH: i64 = 200;
/// How long a row that cannot be dealt with is passed over, and how many such rows are. Where there are more it is not the rows.
const PASSED_OVER: TimeDelta = TimeDelta::minutes(1);
const MOST_PASSED_OVER: usize = 200;

/// What a service does about what has waited too long: load → decide → save.
pub trait Deadlines: Debug + Clone + Send + Sync + 'static {
    /// Locks up to `most` of what is overdue `now`, the longest overdue first, but for these orders, and says which they are. Rows that
    /// somebody else has locked are skipped: whoever holds them is about to change them.
    fn lock_overdue(
        &self,
        tx: &mut Tx<'_>,
        now: DateTime<Utc>,
        most: i64,
        but: &[OrderId],
    ) -> impl Future<Output = sqlx::Result<Vec<OrderId>>> + Send;

    /// Deals with these, which are overdue `now` and locked. None of them is overdue afterwards. The caller commits.
    fn sweep(
        &self,
        tx: &mut Tx<'_>,
        now: DateTime<Utc>,
        overdue: &[OrderId],
    ) -> impl Future<Output = Result<(), Failure>> + Send;

    /// The oldest order from this one on about which this service may still have to announce something, or something again. What
    /// was announced about it is kept for as long.
    fn oldest_open(&self, tx: &mut Tx<'_>, from: OrderId)
    -> impl Future<Output = sqlx::Result<Option<OrderId>>> + Send;
}

/// Sweeps again and again.
#[derive(Debug)]
pub struct Sweeper<D> {
    deadlines: D,
    pool: PgPool,
    relay: HandOver,
    every: Duration,
    passed_over: Vec<(OrderId, DateTime<Utc>)>,
}

impl<D: Deadlines> Sweeper<D> {
    /// A sweeper that looks every so often, and hands what it announces over to the relay.
    pub fn new(deadlines: D, pool: PgPool, relay: HandOver, every: Duration) -> Self {
        Self { deadlines, pool, relay, every, passed_over: vec![] }
    }

    /// Sweeps until told to stop. A database that is away is waited for: what is overdue stays so.
    pub async fn run(mut self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            match self.step(clock::now()).await {
                Ok(swept) if swept > 0 => {
                    tracing::info!(swept, "{swept} deadlines have passed");
                    continue;
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(%error, "deadlines could not be looked after, looking again soon: {error:#}")
                }
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(self.every) => {}
            }
        }
    }

    /// Deals with one batch of what is overdue at this moment, and says how many rows that were.
    ///
    /// A row that can never be dealt with as things are is found by halving, and passed over for a while: the longest overdue comes
    /// first, so it would be in everybody's way for ever.
    ///
    /// # Errors
    /// The database's, and the service's own where it is not a few rows that fail: nothing has changed then.
    pub async fn step(&mut self, now: DateTime<Utc>) -> Result<usize, Failure> {
        self.passed_over.retain(|(_, since)| now - *since < PASSED_OVER);
        let mut most = BATCH;
        loop {
            let mut taken = vec![];
            match answered(self.sweep(now, most, &mut taken)).await {
                Ok(()) => return Ok(taken.len()),
                Err(Failure::Permanent(error)) => match taken[..] {
                    [order_id] if self.passed_over.len() < MOST_PASSED_OVER => {
                        self.pass_over(order_id, now, &error);
                        most = BATCH;
                    }
                    [] | [_] => return Err(Failure::Permanent(error)),
                    [..] => most = i64::try_from(taken.len() / 2).unwrap_or(1),
                },
                Err(error @ (Failure::Transient(_) | Failure::UnknownOrders(_))) => return Err(error),
            }
        }
    }

    /// One transaction. `taken` says what it was about, also when it fails.
    async fn sweep(&self, now: DateTime<Utc>, most: i64, taken: &mut Vec<OrderId>) -> Result<(), Failure> {
        let but: Vec<OrderId> = self.passed_over.iter().map(|(order_id, _)| *order_id).collect();
        let mut tx = Tx::announcing_to(&self.relay, self.pool.begin().await?);
        *taken = self.deadlines.lock_overdue(&mut tx, now, most, &but).await?;
        if taken.is_empty() {
            return Ok(());
        }
        if let Err(failure) = self.deadlines.sweep(&mut tx, now, taken).await {
            // Waited for: what is still locked would be skipped by the next try.
            tx.rollback().await?;
            return Err(failure);
        }
        tx.commit().await?;
        Ok(())
    }

    fn pass_over(&mut self, order_id: OrderId, now: DateTime<Utc>, error: &anyhow::Error) {
        metrics::counter!("deadlines_failed_total").increment(1);
        tracing::error!(%order_id, %error, "the deadline of order {order_id} cannot be dealt with, passed over for a while: {error:#}");
        self.passed_over.push((order_id, now));
    }
}
