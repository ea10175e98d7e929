//! Orders whose time is up.

use chassis::Tx;
use chrono::{DateTime, Utc};
use shared_events::OrderId;
use uuid::Uuid;

use crate::{domain::Order, store::column};

/// So many orders whose time is up, but for these, the longest overdue first, locked until the transaction ends. Those that somebody
/// else has locked are passed over: they are about to change. So nobody waits here, and the order of locks is kept without sorting.
/// Nothing else is read, so that no row can be unreadable.
pub async fn lock_overdue(
    tx: &mut Tx<'_>,
    now: DateTime<Utc>,
    most: i64,
    but: &[OrderId],
) -> sqlx::Result<Vec<OrderId>> {
    let but: Vec<Uuid> = but.iter().map(|id| id.0).collect();
    let overdue = sqlx::query_scalar!(
        "select id from orders where deadline_at <= $1 and id <> all($3)
         order by deadline_at limit $2 for no key update skip locked",
        now,
        most,
        &but
    );
    Ok(overdue.fetch_all(&mut **tx).await?.into_iter().map(OrderId).collect())
}

/// Moves the deadlines of these orders, which are locked, and nothing else.
pub async fn put_off(tx: &mut Tx<'_>, orders: &[&Order]) -> sqlx::Result<()> {
    let moved = sqlx::query!(
        "update orders set deadline_at = new.deadline_at
         from unnest($1::uuid[], $2::timestamptz[]) as new (id, deadline_at) where orders.id = new.id",
        &column(orders, |order| order.id.0),
        &column(orders, |order| order.deadline) as _,
    );
    moved.execute(&mut **tx).await.map(drop)
}
