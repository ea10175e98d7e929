//! Orders in pages, narrowed to what is asked for.

use chassis::{http::Flagged, list_snapshot, messaging::stuck::Which};
use shared_events::OrderId;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::{Known, OrderRow, known, select_known, select_orders};
use crate::domain::{Attention, Status};

/// Which orders are listed. What is not said narrows nothing.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Those of whoever asks, where that is all they may see.
    pub own: Option<String>,
    /// This customer's.
    pub customer_id: Option<String>,
    /// Those that stand at one of these; all, if there is none.
    pub statuses: Vec<Status>,
    /// Those from this id on: ids sort by the time of placing.
    pub from: Option<OrderId>,
    /// Those before this id.
    pub until: Option<OrderId>,
    /// Those that somebody has to look at, or nobody has to.
    pub attention: Option<Flagged<Attention>>,
}

/// So many of these orders, older than this one, newest first.
pub async fn page_of_orders(
    pool: &PgPool,
    which: &Filter,
    after: Option<OrderId>,
    rows: i64,
) -> sqlx::Result<Vec<Known>> {
    let statuses: Vec<String> = which.statuses.iter().map(|status| status.name().to_owned()).collect();
    let before = after.into_iter().chain(which.until).min().map_or(Uuid::max(), Uuid::from);
    let mut snapshot = list_snapshot(pool).await?;
    let rows = select_known!(
        "where id < $1 and id >= $2
           and ($3::text is null or customer_id = $3)
           and (cardinality($4::text[]) = 0 or status = any($4))
           and ($5::boolean is null or (attention is not null) = $5)
           and ($6::text is null or attention = $6)
           and ($7::text is null or customer_id = $7)
         order by id desc limit $8",
        before,
        which.from.map_or(Uuid::nil(), Uuid::from),
        which.customer_id.as_deref(),
        &statuses,
        which.attention.and_then(Flagged::at_all),
        which.attention.and_then(Flagged::cause).map(Attention::name),
        which.own.as_deref(),
        rows
    );
    let rows = rows.fetch_all(&mut *snapshot).await?;
    rows.into_iter().map(OrderRow::known).collect()
}

/// The orders of these that wait for something, the oldest first, so many at most; and of what lies here those that have ended.
pub async fn waiting(connection: &mut PgConnection, which: &Which, lying: &[OrderId]) -> sqlx::Result<Vec<Known>> {
    let open = sqlx::query_scalar!(
        "select id from orders
         where status in ('completed', 'confirmed', 'in_delivery', 'cancelling') and id > $1 and id < $2
           and (cardinality($3::uuid[]) = 0 or id = any ($3))
         order by id limit $4",
        which.after.0,
        which.before.0,
        &which.ids(),
        which.rows
    );
    let open = open.fetch_all(&mut *connection).await?;
    let ids: Vec<OrderId> = open.into_iter().map(OrderId).chain(lying.iter().copied()).collect();
    known(connection, &ids).await
}
