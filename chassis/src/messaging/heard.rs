//! Up to when the other side has been heard, and what of an order is held up here. Who waits for an answer looks at both before
//! asking again: a question does not help where nothing can come back.

use std::{collections::HashMap, time::Duration};

use chrono::{DateTime, Utc};
use shared_events::{OrderId, Topic};
use sqlx::PgPool;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::apply::Incoming;
use crate::{Tx, clock};

/// The row is written at most so often.
const EVERY: Duration = Duration::from_secs(1);

/// Remembers the time of the latest event that this instance has applied. Cheap, and never part of a transaction.
#[derive(Debug, Clone)]
pub struct Heard(watch::Sender<DateTime<Utc>>);

impl Default for Heard {
    fn default() -> Self {
        Self(watch::Sender::new(DateTime::UNIX_EPOCH))
    }
}

impl Heard {
    /// These have been applied. A clock over there that is ahead of ours says nothing about what is still to come.
    pub(super) fn note(&self, events: &[Incoming]) {
        let Some(latest) = events.iter().map(|event| event.envelope.time).max() else { return };
        let latest = latest.min(clock::now());
        self.0.send_if_modified(|until| {
            let is_later = latest > *until;
            *until = latest.max(*until);
            is_later
        });
    }

    /// Keeps the row of this topic current until told to stop: soon after something was heard, at most once a second, and at the
    /// end once more, so the last word is never left out. A database that is away is tried again; what a crash loses, the next
    /// event brings back.
    pub async fn keep(self, pool: PgPool, topic: Topic, stop: CancellationToken) {
        let mut heard = self.0.subscribe();
        // What was noted before anybody kept it counts too.
        heard.mark_changed();
        while !stop.is_cancelled() {
            tokio::select! {
                () = stop.cancelled() => {}
                // Fails when nobody can note anything any more, and we hold one that can.
                changed = heard.changed() => if changed.is_err() { return },
            }
            write_down(&pool, topic, &mut heard).await;
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(EVERY) => {}
            }
        }
        write_down(&pool, topic, &mut heard).await;
    }
}

async fn write_down(pool: &PgPool, topic: Topic, heard: &mut watch::Receiver<DateTime<Utc>>) {
    let until = *heard.borrow_and_update();
    if until == DateTime::UNIX_EPOCH {
        return;
    }
    if let Err(error) = write(pool, topic, until).await {
        tracing::debug!(%error, "how far the other side was heard is not written down, trying again: {error}");
        heard.mark_changed();
    }
}

async fn write(pool: &PgPool, topic: Topic, until: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(
        r#"insert into heard (topic, "until") values ($1, $2)
           on conflict (topic) do update set "until" = greatest(heard."until", excluded."until")"#,
        topic.name(),
        until
    )
    .execute(pool)
    .await
    .map(drop)
}

/// When the latest event of this topic that was applied here was announced, as far as it was written down by now.
pub async fn heard_until(tx: &mut Tx<'_>, topic: Topic) -> sqlx::Result<Option<DateTime<Utc>>> {
    sqlx::query_scalar!(r#"select "until" from heard where topic = $1"#, topic.name()).fetch_optional(&mut **tx).await
}

/// Why nothing can come back about an order, however long one waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeldUp {
    /// An event about it has not gone out.
    Unsent,
    /// An event about it has come, and could not be applied yet.
    Parked,
}

/// The orders among these that are held up here. What has not gone out comes first.
pub async fn held_up(tx: &mut Tx<'_>, orders: &[OrderId]) -> sqlx::Result<HashMap<OrderId, HeldUp>> {
    let ids: Vec<_> = orders.iter().map(|order| order.0).collect();
    let rows = sqlx::query!(
        r#"select order_id as "order_id!", bool_or(unsent) as "unsent!"
           from (select order_id, true as unsent from outbox where order_id = any ($1)
                 union all
                 select order_id, false from parked_events where order_id = any ($1) and resolved_at is null) as held
           group by order_id"#,
        &ids
    )
    .fetch_all(&mut **tx)
    .await?;
    let held_up = |unsent| if unsent { HeldUp::Unsent } else { HeldUp::Parked };
    Ok(rows.into_iter().map(|row| (OrderId(row.order_id), held_up(row.unsent))).collect())
}
