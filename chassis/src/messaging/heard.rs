//! How far the other side has come with what we told it, and what of an order is held up here. Who waits for an answer looks at both
//! before asking again: a question does not help where nothing can come back.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use shared_events::{OrderId, Topic, Version};
use sqlx::PgPool;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    inbox::{Candidate, Outcome},
    record::Record,
};
use crate::{Tx, database::answered};

/// The rows are written at most so often.
const EVERY: Duration = Duration::from_secs(1);

/// Remembers, for each partition, the youngest order whose first event this instance has applied. The other side works off a lane in
/// order, so whatever is older on that lane has had its chance over there. Cheap, and never part of a transaction.
#[derive(Debug, Clone)]
pub struct Heard(watch::Sender<BTreeMap<i32, OrderId>>);

impl Default for Heard {
    fn default() -> Self {
        Self(watch::Sender::new(BTreeMap::new()))
    }
}

impl Heard {
    /// These have been committed.
    pub(super) fn note(&self, batch: &[Record], candidates: &[Candidate], outcomes: &[Outcome]) {
        let first_words = batch.iter().zip(candidates).zip(outcomes).filter_map(|((record, candidate), outcome)| {
            let order_id = is_first_word(candidate, outcome)?;
            Some((record.partition, order_id))
        });
        self.0.send_if_modified(|heard| {
            let mut is_further = false;
            for (partition, order_id) in first_words {
                let youngest = heard.entry(partition).or_insert(OrderId(Uuid::nil()));
                is_further |= order_id > *youngest;
                *youngest = order_id.max(*youngest);
            }
            is_further
        });
    }

    /// Keeps the rows of this topic current until told to stop: soon after something was heard, at most once a second, and at the
    /// end once more, so the last word is never left out. A database that is away is tried again; what a crash loses, the next
    /// first word brings back.
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
            // Given up where it is told to stop: it is written once more below.
            tokio::select! {
                () = stop.cancelled() => {}
                () = write_down(&pool, topic, &mut heard) => {}
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(EVERY) => {}
            }
        }
        write_down(&pool, topic, &mut heard).await;
    }
}

/// The order that the other side has spoken of for the first time, if that is what this record was.
fn is_first_word(candidate: &Candidate, outcome: &Outcome) -> Option<OrderId> {
    match (candidate, outcome) {
        (Candidate::Readable { order_id, version, .. }, Outcome::Handled) if *version == Version::NONE.next() => {
            Some(*order_id)
        }
        (Candidate::Readable { .. } | Candidate::Unreadable { .. }, _) => None,
    }
}

async fn write_down(pool: &PgPool, topic: Topic, heard: &mut watch::Receiver<BTreeMap<i32, OrderId>>) {
    let (partitions, orders): (Vec<i32>, Vec<Uuid>) =
        heard.borrow_and_update().iter().map(|(partition, order_id)| (*partition, order_id.0)).unzip();
    if partitions.is_empty() {
        return;
    }
    if let Err(error) = answered(write(pool, topic, &partitions, &orders)).await {
        tracing::debug!(%error, "how far the other side was heard is not written down, trying again: {error}");
        heard.mark_changed();
    }
}

/// In the order of the partitions, like every other instance: they lock each other's rows for a moment.
async fn write(pool: &PgPool, topic: Topic, partitions: &[i32], orders: &[Uuid]) -> sqlx::Result<()> {
    sqlx::query!(
        r#"insert into heard (topic, "partition", order_id)
           select $1, * from unnest($2::integer[], $3::uuid[])
           on conflict (topic, "partition") do update set order_id = greatest(heard.order_id, excluded.order_id)"#,
        topic.name(),
        partitions,
        orders
    )
    .execute(pool)
    .await
    .map(drop)
}

/// On every lane of this topic that has ever spoken, the other side has come at least as far as this order, as far as it was written
/// down by now. The lowest of the lanes: on which of them an order travels is not known here, and too low only means more patience.
pub async fn heard_until(tx: &mut Tx<'_>, topic: Topic) -> sqlx::Result<Option<OrderId>> {
    let lowest =
        sqlx::query_scalar!("select order_id from heard where topic = $1 order by order_id limit 1", topic.name());
    Ok(lowest.fetch_optional(&mut **tx).await?.map(OrderId))
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
    // A record too broken to say whose it is still has its key, and under a key there are records of one order alone.
    let rows = sqlx::query!(
        r#"select order_id as "order_id!", bool_or(unsent) as "unsent!"
           from (select order_id, true as unsent from outbox where order_id = any ($1)
                 union all
                 select order_id, false from parked_events where order_id = any ($1) and resolved_at is null
                 union all
                 select asked.id, false from unnest($1::uuid[]) as asked (id)
                 join parked_events on key = convert_to(asked.id::text, 'UTF8')
                 where order_id is null and resolved_at is null) as held
           group by order_id"#,
        &ids
    )
    .fetch_all(&mut **tx)
    .await?;
    let held_up = |unsent| if unsent { HeldUp::Unsent } else { HeldUp::Parked };
    Ok(rows.into_iter().map(|row| (OrderId(row.order_id), held_up(row.unsent))).collect())
}
