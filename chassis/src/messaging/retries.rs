//! Parked events tried again when they are due: the first of each lane with everything that waits behind it, through the same
//! claim as a live event.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use shared_events::{OrderId, Version, wire::Unreadable};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    apply::Inbox,
    kept::{Kept, select_kept},
    outbox::Wake,
    reactions::Reactions,
    record::Record,
};
use crate::clock;

/// How many lanes one turn of the retry worker takes, and how many events of each.
const LANES: i64 = 20;
const EVENTS: i64 = 100;
/// How long a lane that is being retried is left alone by the other instances. A worker that dies is succeeded then.
const LEASE: TimeDelta = TimeDelta::seconds(30);
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Tries parked events again when they are due, through the same claim as a live one.
pub struct Retries<R> {
    inbox: Arc<Inbox<R>>,
    pool: PgPool,
    wake: Wake,
}

impl<R: Reactions> Retries<R> {
    /// The worker that is woken by this inbox.
    pub fn new(inbox: Arc<Inbox<R>>, pool: PgPool, wake: Wake) -> Self {
        Self { inbox, pool, wake }
    }

    /// Works until told to stop. This program may read what the one before it could not: that is tried first.
    pub async fn run(self, stop: CancellationToken) {
        let mut has_looked = false;
        while !stop.is_cancelled() {
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.inbox.pauses.reading() => {}
            }
            if !has_looked {
                has_looked = self.release_readable().await.is_ok();
            }
            match self.step().await {
                Ok(0) => {}
                Ok(_) => continue,
                Err(error) => {
                    tracing::warn!(%error, "parked events could not be retried, looking again soon: {error:#}")
                }
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.wake.woken() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }

    /// One turn: takes what is due and tries each lane, with everything that waits behind its first. Returns how many lanes.
    ///
    /// # Errors
    /// The database's.
    pub async fn step(&self) -> anyhow::Result<usize> {
        let due = take_due(&self.pool, clock::now()).await?;
        // Of a lane that has several due, the first: what may jump a gap must not jump what is due as well.
        let mut lanes: BTreeMap<OrderId, Version> = BTreeMap::new();
        for (order_id, version) in due {
            let first = lanes.entry(order_id).or_insert(version);
            *first = version.min(*first);
        }
        for (order_id, version) in &lanes {
            let lane = waiting(&self.pool, *order_id, *version).await?;
            let outcomes = self.inbox.apply(&lane).await?;
            tracing::info!(%order_id, "parked events of order {order_id} were tried again: {outcomes:?}");
        }
        Ok(lanes.len())
    }

    /// Makes due what was of an unknown schema and is of a known one now, and says how much that is.
    ///
    /// # Errors
    /// The database's.
    pub async fn release_readable(&self) -> sqlx::Result<usize> {
        let (mut after, mut released) = (Uuid::nil(), 0);
        loop {
            let page = of_unknown_schema(&self.pool, after).await?;
            let Some((last, _)) = page.last() else { return Ok(released) };
            after = *last;
            let is_known =
                |record: &Record| !matches!(record.envelope(self.inbox.listens_to), Err(Unreadable::UnknownSchema(_)));
            let readable: Vec<_> = page.iter().filter(|(_, record)| is_known(record)).map(|(id, _)| *id).collect();
            make_due(&self.pool, &readable, clock::now()).await?;
            released += readable.len();
        }
    }
}

/// The next of those that were of an unknown schema, by id.
async fn of_unknown_schema(pool: &PgPool, after: Uuid) -> sqlx::Result<Vec<(Uuid, Record)>> {
    let rows = select_kept!(
        "where resolved_at is null and cause = 'unknown_schema' and order_id is not null and id > $1
         order by id limit $2",
        after,
        EVENTS,
    );
    Ok(rows.fetch_all(pool).await?.into_iter().map(|kept| (kept.id, kept.record())).collect())
}

async fn make_due(pool: &PgPool, parked: &[Uuid], now: DateTime<Utc>) -> sqlx::Result<()> {
    let made = sqlx::query!(
        "update parked_events set next_attempt_at = $2 where id = any ($1::uuid[]) and resolved_at is null",
        parked,
        now
    );
    made.execute(pool).await.map(drop)
}

/// Takes a lease on what is due, so that two instances do not try the same. Only lanes can be due: what names no order
/// is not retried.
async fn take_due(pool: &PgPool, now: DateTime<Utc>) -> sqlx::Result<Vec<(OrderId, Version)>> {
    let rows = sqlx::query!(
        r#"update parked_events set next_attempt_at = $2
           where id in (
               select id from parked_events
               where resolved_at is null and next_attempt_at <= $1 and order_id is not null
               order by next_attempt_at limit $3
               for update skip locked)
           returning order_id as "order_id!", version as "version!""#,
        now,
        now + LEASE,
        LANES,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|row| (OrderId(row.order_id), Version(row.version))).collect())
}

async fn waiting(pool: &PgPool, order_id: OrderId, from: Version) -> sqlx::Result<Vec<Record>> {
    let rows = select_kept!(
        r#"where order_id = $1 and version >= $2 and resolved_at is null order by version, "offset" limit $3"#,
        order_id.0,
        from.0,
        EVENTS,
    );
    Ok(rows.fetch_all(pool).await?.into_iter().map(Kept::record).collect())
}
