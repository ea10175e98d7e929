//! What is only looked at: no transaction, no lock, each answer from one statement and so of one moment.

use shared_events::{Address, DeliveryFailed, DeliveryId, OrderId, Proof};
use sqlx::{PgPool, types::Json};

use super::{Transition, deliveries::Row};
use crate::domain::{Courier, Delivery, Zone};

/// One delivery.
///
/// # Errors
/// The database refuses or does not answer.
pub async fn find_delivery(pool: &PgPool, id: DeliveryId) -> sqlx::Result<Option<(Delivery, Vec<Transition>)>> {
    Ok(deliveries(pool, Some(id), None, None, 1).await?.pop())
}

/// Deliveries, the newest first, from the one after `after` on.
///
/// # Errors
/// The database refuses or does not answer.
pub async fn page_of_deliveries(
    pool: &PgPool,
    order: Option<OrderId>,
    after: Option<DeliveryId>,
    rows: i64,
) -> sqlx::Result<Vec<(Delivery, Vec<Transition>)>> {
    deliveries(pool, None, order, after, rows).await
}

async fn deliveries(
    pool: &PgPool,
    id: Option<DeliveryId>,
    order: Option<OrderId>,
    after: Option<DeliveryId>,
    rows: i64,
) -> sqlx::Result<Vec<(Delivery, Vec<Transition>)>> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        select id, order_id, status, zone_id, slot_date, courier_id, weight_g,
               address as "address: Json<Address>", proof as "proof: Json<Proof>",
               failure as "failure: Json<DeliveryFailed>", version, changes,
               (select coalesce(
                    jsonb_agg(jsonb_build_object('status', t.status, 'at', t.at, 'cause', t.cause_id) order by t.number),
                    '[]')
                from delivery_transitions t
                where t.delivery_id = deliveries.id) as "transitions: Json<Vec<Transition>>"
        from deliveries
        where ($1::uuid is null or id = $1) and ($2::uuid is null or order_id = $2) and ($3::uuid is null or id < $3)
        order by id desc
        limit $4
        "#,
        id.map(|id| id.0),
        order.map(|order| order.0),
        after.map(|after| after.0),
        rows
    )
    .fetch_all(pool)
    .await?;
    rows.into_iter().map(Row::read).collect()
}

/// One zone, its prefixes sorted.
///
/// # Errors
/// The database refuses or does not answer.
pub async fn find_zone(pool: &PgPool, id: &str) -> sqlx::Result<Option<Zone>> {
    sqlx::query_as!(
        Zone,
        r#"
        select id, country, capacity_per_day, weight_limit_g,
               array(select prefix from zone_prefixes where zone_id = zones.id order by prefix) as "prefixes!"
        from zones
        where id = $1
        "#,
        id
    )
    .fetch_optional(pool)
    .await
}

/// One courier.
///
/// # Errors
/// The database refuses or does not answer.
pub async fn find_courier(pool: &PgPool, id: &str) -> sqlx::Result<Option<Courier>> {
    sqlx::query_as!(Courier, "select id, name, capacity, load from couriers where id = $1", id)
        .fetch_optional(pool)
        .await
}
