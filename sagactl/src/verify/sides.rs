//! One saga as both databases see it: what the order side has, what the delivery side has, and how far the lanes are.

use std::collections::{BTreeSet, HashMap};

use anyhow::{Context, Result};
use sqlx::{AssertSqlSafe, PgConnection};
use uuid::Uuid;

/// How many orders are looked at together. Any number of them is looked at in this much memory.
const PAGE: i64 = 2_000;

/// One saga.
#[derive(Debug, Default)]
pub(super) struct Saga {
    pub order_id: Uuid,
    pub order: Option<Order>,
    /// Never more than one, while I7 holds.
    pub deliveries: Vec<Delivery>,
    pub at_orders: Lanes,
    pub at_deliveries: Lanes,
}

#[derive(Debug, sqlx::FromRow)]
pub(super) struct Order {
    id: Uuid,
    pub status: String,
    /// As DeliveryCreated told it.
    pub delivery_id: Option<Uuid>,
}

#[derive(Debug, sqlx::FromRow)]
pub(super) struct Delivery {
    pub id: Uuid,
    order_id: Uuid,
    pub status: String,
}

/// What one service has announced, and what it has taken in of the other side's events, for one order.
#[derive(Clone, Debug, Default, sqlx::FromRow)]
pub(super) struct Lanes {
    order_id: Uuid,
    /// Versions in the log, and those that it had once and need not keep.
    pub announced: Vec<i64>,
    /// Versions that the broker has not acknowledged yet.
    pub unsent: Vec<i64>,
    /// The highest version of the other side that was applied.
    pub seen: i64,
    /// Versions of the other side that could not be applied yet.
    pub parked: Vec<i64>,
}

impl Lanes {
    /// What was announced here and has not come to anything over there: it is in Kafka, or lost.
    pub fn on_the_way_to<'a>(&'a self, other: &'a Lanes) -> impl Iterator<Item = i64> + 'a {
        let has_arrived = |version: &i64| *version <= other.seen || other.parked.contains(version);
        self.announced.iter().copied().filter(move |version| !self.unsent.contains(version) && !has_arrived(version))
    }
}

const KNOWN_TO_ORDERS: &str = "
    (select id from orders where id > $1 order by id limit $2)
    union (select order_id from event_log where order_id > $1 order by order_id limit $2)
    union (select order_id from inbox where order_id > $1 order by order_id limit $2)
    order by 1 limit $2";

const KNOWN_TO_DELIVERIES: &str = "
    (select order_id from deliveries where order_id > $1 order by order_id limit $2)
    union (select order_id from event_log where order_id > $1 order by order_id limit $2)
    union (select order_id from inbox where order_id > $1 order by order_id limit $2)
    order by 1 limit $2";

/// `{rows}` and `{order}`: what knows how many events were announced of an order that the log need not keep any more.
const LANES: &str = "
    select order_id,
           coalesce(array_agg(announced) filter (where announced is not null), '{}') as announced,
           coalesce(array_agg(unsent) filter (where unsent is not null), '{}') as unsent,
           coalesce(max(seen), 0) as seen,
           coalesce(array_agg(parked) filter (where parked is not null), '{}') as parked
    from (
        select order_id, version as announced, null::bigint as unsent, null::bigint as seen, null::bigint as parked
        from event_log where order_id = any ($1)
        union all select order_id, null, version, null, null from outbox where order_id = any ($1)
        union all select order_id, null, null, seen, null from inbox where order_id = any ($1)
        union all select order_id, null, null, null, version
        from parked_events where order_id = any ($1) and resolved_at is null
        union all select {order}, gone, null, null, null
        from {rows} join event_log_horizon on {order} < before cross join generate_series(1, version) as gone
        where {order} = any ($1)
          and not exists (select from event_log where event_log.order_id = {rows}.{order} and event_log.version = gone)
    ) as marks
    group by order_id";

/// The events that a log has of these orders: versions and ids.
pub(super) async fn logged(database: &mut PgConnection, ids: &[Uuid]) -> Result<HashMap<Uuid, Vec<(i64, Uuid)>>> {
    let rows: Vec<(Uuid, i64, Uuid)> =
        sqlx::query_as("select order_id, version, event_id from event_log where order_id = any ($1)")
            .bind(ids)
            .fetch_all(database)
            .await
            .context("an event log could not be read")?;
    let mut logged: HashMap<Uuid, Vec<(i64, Uuid)>> = HashMap::new();
    rows.into_iter().for_each(|(order_id, version, event)| logged.entry(order_id).or_default().push((version, event)));
    Ok(logged)
}

/// The next orders of which either side knows anything, by id. None when there are no more.
pub(super) async fn page_after(
    orders: &mut PgConnection,
    deliveries: &mut PgConnection,
    after: Uuid,
) -> Result<Vec<Uuid>> {
    let here: Vec<Uuid> = sqlx::query_scalar(KNOWN_TO_ORDERS).bind(after).bind(PAGE).fetch_all(orders).await?;
    let there: Vec<Uuid> = sqlx::query_scalar(KNOWN_TO_DELIVERIES).bind(after).bind(PAGE).fetch_all(deliveries).await?;
    let known: BTreeSet<Uuid> = here.into_iter().chain(there).collect();
    Ok(known.into_iter().take(usize::try_from(PAGE)?).collect())
}

/// These sagas, in the order of their ids.
pub(super) async fn sagas(orders: &mut PgConnection, deliveries: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Saga>> {
    let lanes_here =
        lanes(orders, "orders", "id", ids).await.context("order-service's outbox and inbox could not be read")?;
    let placed: Vec<Order> = sqlx::query_as("select id, status, delivery_id from orders where id = any ($1)")
        .bind(ids)
        .fetch_all(orders)
        .await
        .context("orders could not be read")?;
    let lanes_there = lanes(deliveries, "deliveries", "order_id", ids)
        .await
        .context("delivery-service's outbox and inbox could not be read")?;
    let planned: Vec<Delivery> =
        sqlx::query_as("select id, order_id, status from deliveries where order_id = any ($1)")
            .bind(ids)
            .fetch_all(deliveries)
            .await
            .context("deliveries could not be read")?;

    let mut placed: HashMap<Uuid, Order> = placed.into_iter().map(|order| (order.id, order)).collect();
    let mut known: HashMap<Uuid, Vec<Delivery>> = HashMap::new();
    planned.into_iter().for_each(|delivery| known.entry(delivery.order_id).or_default().push(delivery));
    let saga = |order_id: &Uuid| Saga {
        order_id: *order_id,
        order: placed.remove(order_id),
        deliveries: known.remove(order_id).unwrap_or_default(),
        at_orders: lanes_here.get(order_id).cloned().unwrap_or_default(),
        at_deliveries: lanes_there.get(order_id).cloned().unwrap_or_default(),
    };
    Ok(ids.iter().map(saga).collect())
}

async fn lanes(database: &mut PgConnection, rows: &str, order: &str, ids: &[Uuid]) -> Result<HashMap<Uuid, Lanes>> {
    // Made of our own constants and nothing else.
    let sql = AssertSqlSafe(LANES.replace("{rows}", rows).replace("{order}", order));
    let lanes: Vec<Lanes> = sqlx::query_as(sql).bind(ids).fetch_all(database).await?;
    Ok(lanes.into_iter().map(|lanes| (lanes.order_id, lanes)).collect())
}
