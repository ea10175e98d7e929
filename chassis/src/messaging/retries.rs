//! Parked events tried again when they are due: the first of each lane with everything that waits behind it, through the same
//! claim as a live event.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use shared_events::{OrderId, Version};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use super::{
    apply::{Inbox, Reactions},
    outbox::Wake,
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

    /// Works until told to stop.
    pub async fn run(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
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
        for (order_id, version) in &due {
            let lane = waiting(&self.pool, *order_id, *version).await?;
            let outcomes = self.inbox.apply(&lane).await?;
            tracing::info!(%order_id, "parked events of order {order_id} were tried again: {outcomes:?}");
        }
        Ok(due.len())
    }
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
    let rows = sqlx::query!(
        r#"select topic, "partition", "offset", key, header_names, header_values as "header_values: Vec<Option<Vec<u8>>>", payload
           from parked_events
           where order_id = $1 and version >= $2 and resolved_at is null
           order by version, "offset"
           limit $3"#,
        order_id.0,
        from.0,
        EVENTS,
    )
    .fetch_all(pool)
    .await?;
    let records = rows.into_iter().map(|row| Record {
        topic: row.topic.into(),
        partition: row.partition,
        offset: row.offset,
        key: row.key.map(Bytes::from),
        headers: row
            .header_names
            .into_iter()
            .zip(row.header_values.into_iter().map(|value| value.map(Bytes::from)))
            .collect(),
        payload: row.payload.map(Bytes::from),
    });
    Ok(records.collect())
}
