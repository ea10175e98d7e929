//! The partitions of the event log: made ahead of time, and dropped when nothing in them can be needed any more.

use std::fmt;

use chrono::{DateTime, Utc};
use shared_events::OrderId;
use sqlx::{AssertSqlSafe, PgPool};

use super::{
    alone, finish,
    periods::{self, Period},
};
use crate::{Deadlines, Tx};

/// How many events are moved out of the default partition at most, while nobody can write there. Where there are more, they stay
/// until they are old enough to go.
const MOVED: i64 = 20_000;

/// A partition that is there.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Partition {
    /// As it stands in SQL.
    name: String,
    period: Period,
}

/// All partitions but the default one. Their bounds are the catalogue's, whatever their names say.
pub(super) async fn all<'c>(database: impl sqlx::PgExecutor<'c>) -> sqlx::Result<Vec<Partition>> {
    let rows = sqlx::query!(
        r#"select c.oid::regclass::text as "name!", pg_get_expr(c.relpartbound, c.oid) as bounds
           from pg_inherits i join pg_class c on c.oid = i.inhrelid
           where i.inhparent = 'event_log'::regclass"#
    )
    .fetch_all(database)
    .await?;
    // One that goes at this very moment has no bounds any more.
    let known =
        rows.into_iter().filter_map(|row| Some(Partition { period: Period::parse(&row.bounds?)?, name: row.name }));
    let mut partitions: Vec<_> = known.collect();
    partitions.sort_by_key(|partition| partition.period.from);
    Ok(partitions)
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name.fmt(f)
    }
}

impl Partition {
    /// Where it ends: its youngest order was placed before.
    pub(super) fn ends_at(&self) -> DateTime<Utc> {
        periods::placed_at(self.period.to)
    }
}

/// The periods that need a partition at this moment and have none.
pub(super) async fn missing(pool: &PgPool, now: DateTime<Utc>, days: u16) -> sqlx::Result<Vec<Period>> {
    let there: Vec<_> = all(pool).await?.into_iter().map(|partition| partition.period).collect();
    Ok(periods::missing(now, days, &there))
}

/// The partitions that hold only orders from before this one, oldest first.
pub(super) async fn before(pool: &PgPool, keep_from: OrderId) -> sqlx::Result<Vec<Partition>> {
    Ok(all(pool).await?.into_iter().filter(|partition| partition.period.to <= keep_from).collect())
}

/// Makes the partition of this period, and moves what the default partition already has of it; says how many events that were.
/// None where somebody else makes it, or where too many would have to be moved.
pub(super) async fn create(pool: &PgPool, period: &Period) -> sqlx::Result<Option<u64>> {
    let Some(mut tx) = alone(pool).await? else { return Ok(None) };
    let moved = create_in(&mut tx, period).await;
    finish(tx, moved).await
}

async fn create_in(tx: &mut Tx<'_>, period: &Period) -> sqlx::Result<Option<u64>> {
    if all(&mut **tx).await?.iter().any(|there| there.period == *period) {
        return Ok(None);
    }
    let (name, Period { from, to }) = (period.partition_name(), period);
    let make = format!("create table {name} (like event_log including defaults including constraints)");
    sqlx::raw_sql(AssertSqlSafe(make)).execute(&mut **tx).await?;
    // ATTACH and not CREATE … PARTITION OF: that would lock the whole log against everybody. This locks only the default partition,
    // into which nobody writes but where a partition is missing.
    sqlx::raw_sql("lock table event_log_default in access exclusive mode; set local statement_timeout = '2s'")
        .execute(&mut **tx)
        .await?;
    if many_in_default(tx, period).await? {
        tracing::warn!("the default partition of the event log holds too much of {name} to be moved: it stays there");
        return Ok(None);
    }
    let moved = format!(
        "with moved as (delete from event_log_default where order_id >= '{from}' and order_id < '{to}' returning *)
         insert into {name} select * from moved"
    );
    let moved = sqlx::raw_sql(AssertSqlSafe(moved)).execute(&mut **tx).await?.rows_affected();
    let attach = format!("alter table event_log attach partition {name} for values from ('{from}') to ('{to}')");
    sqlx::raw_sql(AssertSqlSafe(attach)).execute(&mut **tx).await?;
    Ok(Some(moved))
}

async fn many_in_default(tx: &mut Tx<'_>, period: &Period) -> sqlx::Result<bool> {
    let found = sqlx::query_scalar!(
        r#"select count(*) as "found!" from (
               select from event_log_default where order_id >= $1 and order_id < $2 limit $3
           ) as events"#,
        period.from.0,
        period.to.0,
        MOVED + 1,
    );
    Ok(found.fetch_one(&mut **tx).await? > MOVED)
}

/// Drops a partition if nothing in it may still be needed, and says whether it did. None while somebody else is at work.
pub(super) async fn drop_unneeded(
    pool: &PgPool,
    deadlines: &impl Deadlines,
    partition: &Partition,
) -> sqlx::Result<Option<bool>> {
    let Some(mut tx) = alone(pool).await? else { return Ok(None) };
    let dropped = drop_in(&mut tx, deadlines, partition).await;
    finish(tx, dropped).await
}

async fn drop_in(tx: &mut Tx<'_>, deadlines: &impl Deadlines, partition: &Partition) -> sqlx::Result<Option<bool>> {
    if !all(&mut **tx).await?.contains(partition) {
        return Ok(None);
    }
    // First without a lock: what is needed is found without anybody having to wait.
    if is_needed(tx, deadlines, &partition.period).await? {
        tracing::debug!("the partition {partition} of the event log is old, but not all in it is settled");
        return Ok(Some(false));
    }
    // And again when nobody can announce anything. What is committed by now is seen; what was not announced before finds the
    // partition gone, and goes into the default one.
    sqlx::raw_sql("set local statement_timeout = '500ms'; lock table only event_log in access exclusive mode")
        .execute(&mut **tx)
        .await?;
    if is_needed(tx, deadlines, &partition.period).await? {
        return Ok(Some(false));
    }
    // Only a vacuum can be there now, and everybody would wait for it with us.
    let drop = format!("lock table only {partition} in access exclusive mode nowait; drop table {partition}");
    sqlx::raw_sql(AssertSqlSafe(drop)).execute(&mut **tx).await?;
    set_horizon(tx, partition.period.to).await?;
    Ok(Some(true))
}

/// Whether something in it is unsent, or may have to be announced again.
async fn is_needed(tx: &mut Tx<'_>, deadlines: &impl Deadlines, period: &Period) -> sqlx::Result<bool> {
    let unsent = sqlx::query_scalar!(
        r#"select exists (select from outbox where order_id >= $1 and order_id < $2) as "unsent!""#,
        period.from.0,
        period.to.0,
    );
    if unsent.fetch_one(&mut **tx).await? {
        return Ok(true);
    }
    Ok(deadlines.oldest_open(tx, period.from).await?.is_some_and(|open| open < period.to))
}

/// Writes down of which orders events may be gone, so that whoever checks the log does not take them for lost.
pub(super) async fn set_horizon(tx: &mut Tx<'_>, before: OrderId) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into event_log_horizon as horizon (before) values ($1)
         on conflict (one) do update set before = greatest(horizon.before, excluded.before)",
        before.0
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
