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

use super::handover::HandOver;
use crate::{
    Tx,
    database::answered,
    planted::{Bug, Point, crash_at, planted},
};

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

/// Writes events into the log and points the relay at them. The relay is told when the transaction is committed.
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
    let pointers = sqlx::query!(
        r#"with logged as (
               insert into event_log (order_id, version, event_id, event_type, data_schema, occurred_at, causation_id, trace_parent, data)
               select * from unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::text[], $5::text[], $6::timestamptz[], $7::text[], $8::text[], $9::bytea[])
           )
           insert into outbox (order_id, version) select * from unnest($1::uuid[], $2::bigint[])
           returning seq, order_id, version"#,
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
    .fetch_all(&mut **tx)
    .await?;
    let announced = tx.announced();
    for ((one, data), pointer) in new.iter().zip(data).zip(pointers) {
        // Rows come back as they went in. Nothing promises that, and another event's number would delete the wrong pointer.
        let is_its_pointer = (pointer.order_id, pointer.version) == (one.order_id.0, one.version.0);
        let is_first = one.version == Version::NONE.next() || planted(Bug::TwoInFlight);
        if is_its_pointer && is_first {
            let record = Some((one.attributes(), data));
            announced.first.push(Pending { seq: pointer.seq, order_id: one.order_id, record });
        } else {
            announced.more = true;
        }
    }
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
    tx.announced().more = true;
    Ok(())
}

/// Wakes a worker of this process after a commit. Cheap, and never part of a transaction.
#[derive(Debug, Clone, Default)]
pub struct Wake(Arc<Notify>);

impl Wake {
    /// There may be something to do.
    pub fn wake(&self) {
        self.0.notify_one();
    }

    /// Returns at the next wake, or at once if there was one since the last time.
    pub async fn woken(&self) {
        self.0.notified().await;
    }
}

/// Who is told after a commit.
#[derive(Debug, Clone, Default)]
pub struct Wakes {
    /// The relay: something was announced.
    pub relay: HandOver,
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

impl Pending {
    /// About how much memory it takes: the event's data, and half a kilobyte for what travels beside it.
    pub fn bytes(&self) -> usize {
        512 + self.record.as_ref().map_or(0, |(_, data)| data.len())
    }
}

/// What the outbox itself says of an event.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pointer {
    pub seq: i64,
    pub order_id: OrderId,
    pub version: Version,
}

/// The first pointers behind this number that may go out as far as the outbox knows: of each order only the lowest version.
pub(crate) async fn sendable(pool: &PgPool, after: i64, most: i64) -> sqlx::Result<Vec<Pointer>> {
    // Nothing is below the first version, and most are first: those need no second look.
    let rows = sqlx::query!(
        r#"select o.seq, o.order_id, o.version
           from outbox o
           where o.seq > $1
             and (o.version = 1 or not exists (select from outbox lower where lower.order_id = o.order_id and lower.version < o.version))
           order by o.seq
           limit $2"#,
        after,
        most,
    )
    .fetch_all(pool)
    .await?;
    let pointers = rows.into_iter().map(|row| Pointer {
        seq: row.seq,
        order_id: OrderId(row.order_id),
        version: Version(row.version),
    });
    Ok(pointers.collect())
}

/// What these point to, oldest first.
pub(crate) async fn read(pool: &PgPool, topic: Topic, pointers: &[Pointer]) -> sqlx::Result<Vec<Pending>> {
    let rows = sqlx::query!(
        r#"select o.seq as "seq!", o.order_id as "order_id!", o.version as "version!",
                  l.event_id as "event_id?", l.event_type as "event_type?", l.data_schema as "data_schema?",
                  l.occurred_at as "occurred_at?", l.causation_id as "causation_id?", l.trace_parent as "trace_parent?", l.data as "data?"
           from unnest($1::bigint[], $2::uuid[], $3::bigint[]) as o (seq, order_id, version)
           left join event_log l on l.order_id = o.order_id and l.version = o.version"#,
        &pointers.iter().map(|pointer| pointer.seq).collect::<Vec<_>>(),
        &pointers.iter().map(|pointer| pointer.order_id.0).collect::<Vec<_>>(),
        &pointers.iter().map(|pointer| pointer.version.0).collect::<Vec<_>>(),
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
    let mut pending: Vec<_> = pending.collect();
    // They come as they were asked for. Nothing promises that; sorting what is sorted costs next to nothing.
    pending.sort_by_key(|one| one.seq);
    Ok(pending)
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

/// Deletes the pointers of acknowledged events, if there are any: the only place where a pointer goes.
pub(crate) async fn delete_acknowledged(pool: &PgPool, seqs: &[i64]) -> sqlx::Result<()> {
    if !seqs.is_empty() {
        let delete = sqlx::query!("delete from outbox where seq = any ($1::bigint[])", seqs);
        answered(delete.execute(pool)).await?;
        crash_at(Point::Deleted);
    }
    Ok(())
}
