//! What is only looked at: no lock, each entry from one statement or one snapshot and so of one moment.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use shared_events::{Address, DeliveryFailed, DeliveryId, Proof};
use sqlx::{PgExecutor, PgPool, types::Json};
use uuid::Uuid;

use super::{
    Transition,
    deliveries::{Row, select_deliveries},
    zones::{routes, slots},
};
use crate::domain::{Attempt, Courier, Delivery, Destination, Plan, Zone};

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

/// One delivery.
///
/// # Errors
/// The database refuses or does not answer.
pub async fn find_delivery(pool: &PgPool, id: DeliveryId) -> sqlx::Result<Option<(Delivery, Vec<Transition>)>> {
    Ok(deliveries(pool, &[id.0]).await?.pop())
}

pub(super) async fn deliveries(
    executor: impl PgExecutor<'_>,
    ids: &[Uuid],
) -> sqlx::Result<Vec<(Delivery, Vec<Transition>)>> {
    let rows = select_deliveries!(
        "(select coalesce(
              jsonb_agg(jsonb_build_object('status', t.status, 'at', t.at, 'cause', t.what, 'cause_id', t.cause_id)
                        order by t.number),
              '[]')
          from delivery_transitions t
          where t.delivery_id = deliveries.id)",
        "where id = any($1) order by id desc",
        ids
    );
    let rows = rows.fetch_all(executor).await?;
    rows.into_iter().map(Row::read).collect()
}

/// One zone, its prefixes sorted.
///
/// # Errors
/// The database refuses or does not answer.
pub async fn find_zone(pool: &PgPool, id: &str) -> sqlx::Result<Option<Zone>> {
    zone(pool, id).await
}

async fn zone(executor: impl PgExecutor<'_>, id: &str) -> sqlx::Result<Option<Zone>> {
    select_zones!("where id = $1", id).fetch_optional(executor).await
}

/// The plan for this destination as it is at this moment, with all days after this one. Whoever is first takes what it shows.
///
/// # Errors
/// The database refuses or does not answer.
pub async fn find_plan(pool: &PgPool, to: Destination<'_>, after: NaiveDate) -> sqlx::Result<Plan> {
    let mut snapshot = pool.begin_with("begin isolation level repeatable read read only").await?;
    let routes = routes(&mut snapshot, &[to]).await?;
    let Ok(id) = routes.zone_of(to).map(str::to_owned) else {
        return Ok(Plan::routed(routes, [], []));
    };
    let zone = zone(&mut *snapshot, &id).await?;
    let slots = slots(&mut snapshot, &BTreeSet::from([id]), after).await?;
    snapshot.rollback().await?;
    Ok(Plan::routed(routes, zone, slots))
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
