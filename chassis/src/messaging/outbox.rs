//! The sending side, up to Kafka: events are written down in the transaction of the change they tell of.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use shared_events::{
    Cause, Envelope, EventId, OrderId, Topic, Version,
    wire::{Attributes, data_schema},
};
use sqlx::PgPool;
use tokio::sync::Notify;
use uuid::Uuid;

use crate::Tx;

/// Something that goes into the outbox.
#[derive(Debug, Clone, PartialEq)]
#[allow(
    clippy::large_enum_variant,
    reason = "nearly all are new: a box for each would cost more than the room of the few others"
)]
pub enum Outgoing {
    /// An event that is announced for the first time.
    New(Envelope),
    /// An event of the log once more: the same id, the same version.
    Again {
        /// The order it is about.
        order_id: OrderId,
        /// Which of its events.
        version: Version,
    },
}

/// Writes events into the log and points the relay at them. The caller commits, and wakes the relay then.
///
/// # Errors
/// What the database says; an event that was announced before under this version is a unique violation.
///
/// # Panics
/// When an event has no JSON form: a mistake in the program.
pub async fn announce(tx: &mut Tx<'_>, outgoing: &[Outgoing]) -> sqlx::Result<()> {
    let mut new = Vec::new();
    let mut again = Vec::new();
    for one in outgoing {
        match one {
            Outgoing::New(envelope) => new.push(envelope),
            Outgoing::Again { order_id, version } => again.push((*order_id, *version)),
        }
    }
    if !new.is_empty() {
        announce_new(tx, &new).await?;
    }
    if !again.is_empty() {
        announce_again(tx, &again).await?;
    }
    Ok(())
}

/// One statement for both tables: neither can be written without the other.
async fn announce_new(tx: &mut Tx<'_>, new: &[&Envelope]) -> sqlx::Result<()> {
    let data: Vec<_> = new.iter().map(|one| one.event.to_json().expect("an event has a JSON form")).collect();
    sqlx::query!(
        r#"with logged as (
               insert into event_log (order_id, version, event_id, event_type, data_schema, occurred_at, causation_id, trace_parent, data)
               select * from unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::text[], $5::text[], $6::timestamptz[], $7::text[], $8::text[], $9::bytea[])
           )
           insert into outbox (order_id, version) select * from unnest($1::uuid[], $2::bigint[])"#,
        &new.iter().map(|one| one.order_id.0).collect::<Vec<_>>(),
        &new.iter().map(|one| one.version.0).collect::<Vec<_>>(),
        &new.iter().map(|one| one.id.0).collect::<Vec<_>>(),
        &new.iter().map(|one| one.event.kind().name().to_owned()).collect::<Vec<_>>(),
        &new.iter().map(|one| data_schema(one.event.kind())).collect::<Vec<_>>(),
        &new.iter().map(|one| one.time).collect::<Vec<_>>(),
        &new.iter().map(|one| one.cause.id.clone()).collect::<Vec<_>>(),
        &new.iter().map(|one| one.cause.trace_parent.clone()).collect::<Vec<_>>() as &[Option<String>],
        &data,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn announce_again(tx: &mut Tx<'_>, again: &[(OrderId, Version)]) -> sqlx::Result<()> {
    // Where the pointer is still there, the event has not even gone out the first time: nothing to add.
    sqlx::query!(
        "insert into outbox (order_id, version) select * from unnest($1::uuid[], $2::bigint[]) on conflict do nothing",
        &again.iter().map(|(order_id, _)| order_id.0).collect::<Vec<_>>(),
        &again.iter().map(|(_, version)| version.0).collect::<Vec<_>>(),
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Tells the relay of this process that something was committed. Cheap, and never part of a transaction.
#[derive(Debug, Clone, Default)]
pub struct Wake(Arc<Notify>);

impl Wake {
    /// There may be something to send.
    pub fn wake(&self) {
        self.0.notify_one();
    }

    /// Returns at the next wake, or at once if there was one since the last time.
    pub async fn woken(&self) {
        self.0.notified().await;
    }
}

/// Who has to be woken after a commit.
#[derive(Debug, Clone, Default)]
pub struct Wakes {
    /// The relay: there may be something in the outbox.
    pub relay: Wake,
    /// The retries: a parked event may have become applicable.
    pub retries: Wake,
}

/// How long the oldest pointer has waited, by the database's own clock; none where everything has gone out.
///
/// # Errors
/// The database's.
pub async fn outbox_age(pool: &PgPool) -> sqlx::Result<Option<TimeDelta>> {
    let oldest = sqlx::query_scalar!(
        r#"select (extract(epoch from clock_timestamp() - since) * 1000)::bigint as "age_ms!" from outbox order by seq limit 1"#
    );
    Ok(oldest.fetch_optional(pool).await?.map(|age_ms| TimeDelta::milliseconds(age_ms.max(0))))
}

/// A pointer with what it points to.
#[derive(Debug)]
pub(crate) struct Pending {
    pub seq: i64,
    pub order_id: OrderId,
    /// None where the log has no such event. That is a defect, or a hand in the database: it waits and alerts.
    pub record: Option<(Attributes, Vec<u8>)>,
}

/// The oldest pointers that may go out now: of each order only the lowest version, and none of the orders held back.
pub(crate) async fn sendable(pool: &PgPool, topic: Topic, held_back: &[Uuid], most: i64) -> sqlx::Result<Vec<Pending>> {
    let rows = sqlx::query!(
        r#"select o.seq, o.order_id, o.version,
                  l.event_id as "event_id?", l.event_type as "event_type?", l.data_schema as "data_schema?",
                  l.occurred_at as "occurred_at?", l.causation_id as "causation_id?", l.trace_parent, l.data as "data?"
           from outbox o
           left join event_log l using (order_id, version)
           where not (o.order_id = any ($1::uuid[]))
             and not exists (select from outbox lower where lower.order_id = o.order_id and lower.version < o.version)
           order by o.seq
           limit $2"#,
        held_back,
        most,
    )
    .fetch_all(pool)
    .await?;
    let pending = rows.into_iter().map(|row| {
        let logged = Logged {
            event_id: row.event_id,
            event_type: row.event_type,
            data_schema: row.data_schema,
            occurred_at: row.occurred_at,
            causation_id: row.causation_id,
            trace_parent: row.trace_parent,
            data: row.data,
        };
        let order_id = OrderId(row.order_id);
        Pending { seq: row.seq, order_id, record: logged.record(topic, order_id, Version(row.version)) }
    });
    Ok(pending.collect())
}

/// A row of the log as an outer join gives it.
struct Logged {
    event_id: Option<Uuid>,
    event_type: Option<String>,
    data_schema: Option<String>,
    occurred_at: Option<DateTime<Utc>>,
    causation_id: Option<String>,
    trace_parent: Option<String>,
    data: Option<Vec<u8>>,
}

impl Logged {
    fn record(self, topic: Topic, order_id: OrderId, version: Version) -> Option<(Attributes, Vec<u8>)> {
        let attributes = Attributes {
            id: EventId(self.event_id?),
            source: topic.source(),
            event_type: self.event_type?,
            data_schema: self.data_schema?,
            order_id,
            version,
            time: self.occurred_at?,
            cause: Cause { id: self.causation_id?, trace_parent: self.trace_parent },
        };
        Some((attributes, self.data?))
    }
}

/// Deletes the pointers of acknowledged events: the only place where a pointer goes.
pub(crate) async fn delete_acknowledged(pool: &PgPool, seqs: &[i64]) -> sqlx::Result<u64> {
    Ok(sqlx::query!("delete from outbox where seq = any ($1::bigint[])", seqs).execute(pool).await?.rows_affected())
}
