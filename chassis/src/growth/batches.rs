//! What goes row by row: so many in a statement, each statement its own transaction, and a pause in between.

use std::time::Duration;

use chrono::{DateTime, Utc};
use shared_events::OrderId;
use sqlx::{PgPool, Postgres, postgres::PgArguments, query::Query};
use uuid::Uuid;

use super::{alone, alone_with, finish, partitions::set_horizon};
use crate::{Deadlines, Tx};

/// How many rows one statement removes at most.
pub(super) const ROWS: i64 = 1_000;
/// How many such statements one turn makes at most, for each kind of row.
pub(super) const MOST: u32 = 20;
/// What everybody else gets in between.
pub(super) const PAUSE: Duration = Duration::from_millis(20);

/// Removes settled events of orders from before this one from the default partition. None while somebody else is at work.
pub(super) async fn events(pool: &PgPool, deadlines: &impl Deadlines, keep_from: OrderId) -> sqlx::Result<Option<u64>> {
    // One moment for both questions: an order that opens between them, and announces something, would be missed by the first and
    // found by the second.
    let Some(mut tx) = alone_with(pool, "begin isolation level repeatable read").await? else { return Ok(None) };
    let removed = events_in(&mut tx, deadlines, keep_from).await;
    finish(tx, removed.map(Some)).await
}

async fn events_in(tx: &mut Tx<'_>, deadlines: &impl Deadlines, keep_from: OrderId) -> sqlx::Result<u64> {
    // Nothing about the oldest open order or a younger one: to ask about each would cost more than these few rows take up.
    let oldest_open = deadlines.oldest_open(tx, OrderId(Uuid::nil())).await?;
    let before = oldest_open.map_or(keep_from, |oldest| oldest.min(keep_from));
    let removed = sqlx::query!(
        "delete from event_log_default where ctid = any (array(
             select ctid from event_log_default settled
             where order_id < $1 and not exists (select from outbox where outbox.order_id = settled.order_id)
             order by order_id, version
             limit $2))",
        before.0,
        ROWS,
    )
    .execute(&mut **tx)
    .await?
    .rows_affected();
    if removed > 0 {
        set_horizon(tx, before).await?;
    }
    Ok(removed)
}

/// Removes parked events that were resolved before this moment. None while somebody else is at work.
pub(super) async fn parked_events(pool: &PgPool, before: DateTime<Utc>) -> sqlx::Result<Option<u64>> {
    let settled = sqlx::query!(
        "delete from parked_events where ctid = any (array(
             select ctid from parked_events where resolved_at < $1 order by resolved_at limit $2 for update skip locked))",
        before,
        ROWS,
    );
    remove(pool, settled).await
}

/// Removes what operators asked for and what had ended before this moment, or was never begun. Who asked, and why, stays: that stands
/// elsewhere. None while somebody else is at work.
pub(super) async fn operations(pool: &PgPool, before: DateTime<Utc>) -> sqlx::Result<Option<u64>> {
    let over = sqlx::query!(
        "with over as (
             select id from replays where coalesce(ended_at, case when started_at is null then made_at end) < $1
             union all select id from pauses where least(ended_at, until) < $1
             union all select id from republications where ended_at < $1
             limit $2
         ), replayed as (
             delete from replays where id in (select id from over) returning id
         ), paused as (
             delete from pauses where id in (select id from over) returning id
         ), republished as (
             delete from republications where id in (select id from over) returning id
         )
         select id from replayed union all select id from paused union all select id from republished",
        before,
        ROWS,
    );
    let Some(mut tx) = alone(pool).await? else { return Ok(None) };
    let removed = over.fetch_all(&mut *tx).await;
    finish(tx, removed.map(|removed| Some(removed.len() as u64))).await
}

/// Removes the marks of committers that have left none since this moment. None while somebody else is at work.
pub(super) async fn commit_marks(pool: &PgPool, before: DateTime<Utc>) -> sqlx::Result<Option<u64>> {
    let left = sqlx::query!(
        "delete from commit_marks where committer in (
             select committer from commit_marks where at < $1 limit $2 for update skip locked)",
        before,
        ROWS,
    );
    remove(pool, left).await
}

/// Removes answers that were given before this moment: the same key is a new request from then on. None while somebody else is at
/// work.
pub(super) async fn idempotency_keys(pool: &PgPool, before: DateTime<Utc>) -> sqlx::Result<Option<u64>> {
    let expired = sqlx::query!(
        "delete from idempotency_keys where ctid = any (array(
             select ctid from idempotency_keys where answered_at < $1 order by answered_at limit $2 for update skip locked))",
        before,
        ROWS,
    );
    remove(pool, expired).await
}

/// Carries out a statement that removes rows, as the only janitor at work. None while somebody else is.
async fn remove(pool: &PgPool, rows: Query<'_, Postgres, PgArguments>) -> sqlx::Result<Option<u64>> {
    let Some(mut tx) = alone(pool).await? else { return Ok(None) };
    let removed = rows.execute(&mut *tx).await;
    finish(tx, removed.map(|removed| Some(removed.rows_affected()))).await
}
