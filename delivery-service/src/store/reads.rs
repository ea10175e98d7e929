//! What is only looked at: no lock, each entry from one statement or one snapshot and so of one moment.

use shared_events::{Address, DeliveryFailed, DeliveryId, Proof};
use sqlx::{PgExecutor, PgPool, types::Json};
use uuid::Uuid;

use super::{
    Transition,
    deliveries::{Row, select_deliveries},
};
use crate::domain::{Attempt, Courier, Delivery, Zone};

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
