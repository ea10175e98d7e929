//! Deliveries, zones and couriers in pages, narrowed to what is asked for.

use chassis::{http::Flagged, list_snapshot, messaging::stuck::Which};
use shared_events::{DeliveryId, OrderId};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::{
    Transition,
    reads::{deliveries, select_zones},
};
use crate::domain::{Attention, Courier, Delivery, Status, Zone};

/// Which deliveries are listed. What is not said narrows nothing.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Those that are this courier's to bring, where that is all that whoever asks may see.
    pub courier: Option<String>,
    /// The one of this order.
    pub order: Option<OrderId>,
    /// Those that stand at one of these; all, if there is none.
    pub statuses: Vec<Status>,
    /// Those from this id on: ids sort by the time of planning.
    pub from: Option<DeliveryId>,
    /// Those before this id.
    pub until: Option<DeliveryId>,
    /// Those that somebody has to look at, or nobody has to.
    pub attention: Option<Flagged<Attention>>,
}

/// So many of these deliveries, older than this one, newest first.
///
/// # Errors
/// The database refuses or does not answer.
pub async fn page_of_deliveries(
    pool: &PgPool,
    which: &Filter,
    after: Option<DeliveryId>,
    rows: i64,
) -> sqlx::Result<Vec<(Delivery, Vec<Transition>)>> {
    let statuses: Vec<&str> = which.statuses.iter().map(|status| status.name()).collect();
    let before = after.into_iter().chain(which.until).min().map_or(Uuid::max(), Uuid::from);
    let mut snapshot = list_snapshot(pool).await?;
    let ids = sqlx::query_scalar!(
        r#"
        select id
        from deliveries
        where id < $1 and id >= $2
          and ($3::uuid is null or order_id = $3)
          and (cardinality($4::text[]) = 0 or status = any($4))
          and ($5::boolean is null or (attention is not null) = $5)
          and ($6::text is null or attention = $6)
          and ($7::text is null or courier_id = $7)
        order by id desc
        limit $8
        "#,
        before,
        which.from.map_or(Uuid::nil(), Uuid::from),
        which.order.map(Uuid::from),
        &statuses as _,
        which.attention.and_then(Flagged::at_all),
        which.attention.and_then(Flagged::cause).map(Attention::name),
        which.courier.as_deref(),
        rows
    )
    .fetch_all(&mut *snapshot)
    .await?;
    deliveries(&mut *snapshot, &ids, which.courier.as_deref()).await
}

/// The deliveries of these orders that wait for something, the oldest order first, so many at most; and of what lies here those that
/// have ended.
///
/// # Errors
/// The database refuses or does not answer.
pub async fn waiting(
    connection: &mut PgConnection,
    which: &Which,
    lying: &[OrderId],
) -> sqlx::Result<Vec<(Delivery, Vec<Transition>)>> {
    let lying: Vec<Uuid> = lying.iter().map(|order| order.0).collect();
    let ids = sqlx::query_scalar!(
        r#"
        select id as "id!"
        from (
            (select id from deliveries
             where status in ('scheduled', 'dispatched') and order_id > $1 and order_id < $2
               and (cardinality($3::uuid[]) = 0 or order_id = any ($3))
             order by order_id limit $4)
            union
            (select id from deliveries where order_id = any ($5::uuid[]))
        ) as waiting
        "#,
        which.after.0,
        which.before.0,
        &which.ids(),
        which.rows,
        &lying
    )
    .fetch_all(&mut *connection)
    .await?;
    deliveries(connection, &ids, None).await
}

/// So many zones after this one, by id: all of them, or those of a country.
///
/// # Errors
/// The database refuses or does not answer.
pub async fn page_of_zones(pool: &PgPool, country: Option<&str>, after: &str, rows: i64) -> sqlx::Result<Vec<Zone>> {
    let zones = select_zones!(
        "where id > $1 and ($2::text is null or country = $2) order by id limit $3",
        after,
        country,
        rows
    );
    zones.fetch_all(pool).await
}

/// So many couriers after this one, by id: all of them, or those who can carry one more parcel, or cannot.
///
/// # Errors
/// The database refuses or does not answer.
pub async fn page_of_couriers(
    pool: &PgPool,
    has_room: Option<bool>,
    after: &str,
    rows: i64,
) -> sqlx::Result<Vec<Courier>> {
    sqlx::query_as!(
        Courier,
        r#"
        select id, name, capacity, load
        from couriers
        where id > $1 and ($2::boolean is null or (load < capacity) = $2)
        order by id
        limit $3
        "#,
        after,
        has_room,
        rows
    )
    .fetch_all(pool)
    .await
}
