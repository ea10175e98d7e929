//! What has waited too long: found by the clock, dealt with in batches, each in one transaction like any other change.
//!
//! A deadline is a row, not a timer, so it survives a restart, and any instance may deal with it. It decides no winner: it only
//! makes a service ask, or makes a person look.

use std::{fmt::Debug, time::Duration};

use chrono::{DateTime, Utc};
use shared_events::OrderId;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::{Failure, Tx, clock, database::answered, messaging::Wake};

/// How many overdue rows one transaction takes at most.
const BATCH: i64 = 200;

/// What a service does about what has waited too long: load → decide → save.
pub trait Deadlines: Debug + Clone + Send + Sync + 'static {
    /// Deals with up to `most` of what is overdue `now`, and says with how many. Rows that somebody else has locked are skipped:
    /// whoever holds them is about to change them. The caller commits.
    fn sweep(
        &self,
        tx: &mut Tx<'_>,
        now: DateTime<Utc>,
        most: i64,
    ) -> impl Future<Output = Result<usize, Failure>> + Send;

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
    relay: Wake,
    every: Duration,
}

impl<D: Deadlines> Sweeper<D> {
    /// A sweeper that looks every so often, and wakes the relay when it has changed something.
    pub fn new(deadlines: D, pool: PgPool, relay: Wake, every: Duration) -> Self {
        Self { deadlines, pool, relay, every }
    }

    /// Sweeps until told to stop. A database that is away is waited for: what is overdue stays so.
    pub async fn run(self, stop: CancellationToken) {
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
    /// # Errors
    /// The database's, and the service's own: nothing has changed then.
    pub async fn step(&self, now: DateTime<Utc>) -> Result<usize, Failure> {
        let swept = answered(async {
            let mut tx = self.pool.begin().await?;
            let swept = self.deadlines.sweep(&mut tx, now, BATCH).await?;
            tx.commit().await?;
            Ok::<_, Failure>(swept)
        })
        .await?;
        if swept > 0 {
            self.relay.wake();
        }
        Ok(swept)
    }
}
