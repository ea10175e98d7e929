//! What is only looked at: no lock, each entry from one statement or one snapshot and so of one moment.

use chassis::http::journey::Step;
use shared_events::{Address, DeliveryFailed, DeliveryId, OrderId, Proof, Version};
use sqlx::{PgConnection, PgExecutor, PgPool, types::Json};
use uuid::Uuid;

use super::{
    Transition,
    deliveries::{Row, select_deliveries},
};
use crate::domain::{Attempt, Courier, Delivery, Status, Zone};

/// One list of columns for every way to select zones, with their prefixes sorted.
macro_rules! select_zones {
    ($tail:tt, $($argument:expr),+) => {
        sqlx::query_as!(
            Zone,
            "select id, country, capacity_per_day, weight_limit_g,
                    array(select prefix from zone_prefixes where zone_id = zones.id order by prefix) as \"prefixes!\"
             from zones " + $tail,
            $($argument),+
        )
    };
}
pub(super) use select_zones;

/// One delivery, if it is there for whoever asks: with `courier`, only if it is theirs to bring.
///
/// # Errors
/// The database refuses or does not answer.
pub async fn find_delivery(
    pool: &PgPool,
    id: DeliveryId,
    courier: Option<&str>,
) -> sqlx::Result<Option<(Delivery, Vec<Transition>)>> {
    Ok(deliveries(pool, &[id.0], courier).await?.pop())
}

pub(super) async fn deliveries(
    executor: impl PgExecutor<'_>,
    ids: &[Uuid],
    courier: Option<&str>,
) -> sqlx::Result<Vec<(Delivery, Vec<Transition>)>> {
    let rows = select_deliveries!(
        "(select coalesce(
              jsonb_agg(jsonb_build_object('status', t.status, 'at', t.at, 'cause', t.what, 'cause_id', t.cause_id)
                        order by t.number),
              '[]')
          from delivery_transitions t
          where t.delivery_id = deliveries.id)",
        "where id = any($1) and ($2::text is null or courier_id = $2) order by id desc",
        ids,
        courier
    );
    let rows = rows.fetch_all(executor).await?;
    rows.into_iter().map(Row::read).collect()
}

/// The delivery of an order, and everything that happened to it, also what changed no status.
///
/// # Errors
/// The database refuses or does not answer.
pub async fn journey_of(
    connection: &mut PgConnection,
    order_id: OrderId,
) -> sqlx::Result<Option<(Delivery, Vec<Step>)>> {
    let found = select_deliveries!("null::jsonb", "where order_id = $1", order_id.0);
    let Some(row) = found.fetch_optional(&mut *connection).await? else { return Ok(None) };
    let delivery = row.stored()?.delivery;
    let lines = sqlx::query!(
        "select number, at, what, status, cause_id, event_version from delivery_history where delivery_id = $1 order by number",
        delivery.id.0
    );
    let steps = lines.fetch_all(connection).await?.into_iter().map(|line| {
        let status: Status = line.status.parse().map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
        Ok(Step {
            number: line.number,
            at: line.at,
            what: line.what,
            status: status.name(),
            cause_id: line.cause_id,
            event_version: line.event_version.map(Version),
        })
    });
    Ok(Some((delivery, steps.collect::<sqlx::Result<_>>()?)))
}

/// One zone, its prefixes sorted.
///
/// # Errors
/// The database refuses or does not answer.
pub async fn find_zone(pool: &PgPool, id: &str) -> sqlx::Result<Option<Zone>> {
    select_zones!("where id = $1", id).fetch_optional(pool).await
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
