//! Whether the books of both sides add up and agree, once nothing is on its way. Sums of its own: it shares no line with what it checks.

use std::collections::HashMap;

use anyhow::Result;
use sqlx::PgPool;
use uuid::Uuid;

/// What is still on its way, by kind; nothing when both sides have come to rest.
///
/// # Errors
/// The database's.
pub async fn under_way(orders: &PgPool, deliveries: &PgPool) -> Result<Vec<String>> {
    let mut waiting = Vec::new();
    for pool in [orders, deliveries] {
        waiting.extend(told(pool, "select format('%s unsent', count(*)) from outbox having count(*) > 0").await?);
    }
    let unanswered = "select format('%s orders %s', count(*), status) from orders
                      where status in ('completed', 'cancelling') group by status";
    waiting.extend(told(orders, unanswered).await?);
    let (announced, seen): (Vec<Lane>, Vec<Lane>) = tokio::try_join!(announced(orders), seen(deliveries))?;
    waiting.extend(unread("orders", announced, seen));
    let (announced, seen): (Vec<Lane>, Vec<Lane>) = tokio::try_join!(self::announced(deliveries), self::seen(orders))?;
    waiting.extend(unread("deliveries", announced, seen));
    Ok(waiting)
}

/// Everything that is wrong, each in a sentence; nothing when all is well. Only for a pair at rest.
///
/// # Errors
/// The database's.
pub async fn complaints(orders: &PgPool, deliveries: &PgPool) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    for check in MONEY_AND_STOCK.iter().chain(&EVERY_SIDE) {
        wrong.extend(told(orders, check).await?);
    }
    for check in PLACES_AND_LOADS.iter().chain(&EVERY_SIDE) {
        wrong.extend(told(deliveries, check).await?);
    }
    wrong.extend(applied_otherwise(orders, "order_history", deliveries).await?);
    wrong.extend(applied_otherwise(deliveries, "delivery_history", orders).await?);
    wrong.extend(different_stories(orders, deliveries).await?);
    Ok(wrong)
}

const MONEY_AND_STOCK: [&str; 6] = [
    // What was taken is what the status owes.
    "select format('order %s is %s and has paid %s of %s', id, status, paid, total_minor) from orders
     cross join lateral (select coalesce(sum(case kind when 'capture' then amount_minor when 'refund' then -amount_minor end), 0) as paid
                         from transfers where order_id = orders.id) as ledger
     where paid <> case when status in ('confirmed', 'in_delivery', 'delivered') then total_minor else 0 end",
    // One hold, and whatever moved was the whole.
    "select format('order %s has %s holds, %s odd amounts, %s ends', id, holds, odd, ends) from orders
     cross join lateral (select count(*) filter (where kind = 'hold') as holds, count(*) filter (where amount_minor <> total_minor) as odd,
                                count(*) filter (where kind in ('void', 'refund')) as ends
                         from transfers where order_id = orders.id) as ledger
     where holds <> 1 or odd <> 0 or ends <> case when status in ('cancelled', 'returned') then 1 else 0 end",
    "select format('order %s costs %s, its items %s', id, total_minor, items) from orders
     cross join lateral (select coalesce(sum(quantity * unit_price_minor), 0) as items from order_items where order_id = orders.id) as lines
     where total_minor <> items",
    "select format('%s: reserved %s, shipped %s, written off %s of %s received; by the orders %s, %s, %s', products.sku, reserved, shipped,
                   written_off, received, by_orders.r, by_orders.s, by_orders.w) from products
     cross join lateral (select coalesce(sum(quantity) filter (where orders.stock = 'reserved'), 0) as r,
                                coalesce(sum(quantity) filter (where orders.stock = 'shipped'), 0) as s,
                                coalesce(sum(quantity) filter (where orders.stock = 'written_off'), 0) as w
                         from order_items join orders on orders.id = order_id where order_items.sku = products.sku) as by_orders
     where (reserved, shipped, written_off) <> (by_orders.r, by_orders.s, by_orders.w)
        or on_hand + shipped + written_off <> received or on_hand < reserved",
    "select format('order %s has announced %s events, its version is %s', id, count, version) from orders
     cross join lateral (select count(*) from event_log where order_id = orders.id) as log where count <> version",
    "select format('order %s is %s after %s changes, its history says otherwise', id, status, changes) from orders
     where (changes, status) is distinct from
           (select (count(*)::integer, (array_agg(status order by number desc))[1]) from order_history where order_id = orders.id)",
];

const PLACES_AND_LOADS: [&str; 6] = [
    "select format('zone %s has %s of %s places taken on %s, by its deliveries %s', slots.zone_id, taken, capacity, date, held) from slots
     cross join lateral (select count(*) as held from deliveries d
                         where (d.zone_id, d.slot_date) = (slots.zone_id, slots.date)
                           and (status in ('scheduled', 'dispatched', 'delivered') or (status = 'failed' and failure ->> 'stage' = 'transit'))) as places
     where taken <> held or taken > capacity",
    "select format('courier %s has a load of %s, by the deliveries %s', couriers.id, load, carried) from couriers
     cross join lateral (select count(*) as carried from deliveries d
                         where d.courier_id = couriers.id and status in ('scheduled', 'dispatched')) as parcels
     where load <> carried or load > capacity",
    "select format('the delivery of order %s is on %s after %s attempts', order_id, slot_date, attempts) from deliveries
     cross join lateral (select (one ->> 'next_date')::date as next from jsonb_array_elements(attempts) with ordinality as list (one, n)
                         order by n desc limit 1) as last
     where status in ('dispatched', 'delivered') and next is distinct from slot_date",
    "select format('the delivery of order %s: %s by its history', order_id, attempts) from deliveries
     where (select count(*) from jsonb_array_elements(attempts))
           <> (select count(*) from delivery_history where delivery_id = deliveries.id and what = 'attempt')",
    "select format('the delivery of order %s has announced %s events, its version is %s', order_id, count, version) from deliveries
     cross join lateral (select count(*) from event_log where order_id = deliveries.order_id) as log where count <> version",
    "select format('delivery %s is %s after %s changes, its history says otherwise', id, status, changes) from deliveries
     where (changes, status) is distinct from
           (select (count(*), (array_agg(status order by number desc))[1]) from delivery_history where delivery_id = deliveries.id)",
];

const EVERY_SIDE: [&str; 4] = [
    "select format('order %s: versions up to %s, but %s of them', order_id, max(version), count(*)) from event_log
     group by order_id having max(version) <> count(*) or min(version) <> 1",
    "select format('%s unsent', count(*)) from outbox having count(*) > 0",
    "select format('%s %s parked: %s', topic, cause, error) from parked_events where resolved_at is null",
    "select format('anomaly: %s came for order %s, which was %s', kind, order_id, status) from anomalies",
];

/// What was never applied because OrderCancelled came first: that one event may jump what is missing before it.
const JUMPED: &str = "select order_id, version from {history} as cancelled cross join lateral generate_series(1, event_version - 1) as version
    where what = 'OrderCancelled'
      and not exists (select from {history} as applied where applied.order_id = cancelled.order_id and applied.event_version = version)";

/// How far a lane has come: its order and a version.
type Lane = (Uuid, i64);

async fn told(pool: &PgPool, check: &'static str) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar(check).fetch_all(pool).await?)
}

async fn announced(pool: &PgPool) -> sqlx::Result<Vec<Lane>> {
    sqlx::query_as("select order_id, max(version) from event_log group by order_id").fetch_all(pool).await
}

async fn seen(pool: &PgPool) -> sqlx::Result<Vec<Lane>> {
    sqlx::query_as("select order_id, seen from inbox").fetch_all(pool).await
}

fn unread(topic: &str, announced: Vec<Lane>, seen: Vec<Lane>) -> Option<String> {
    let seen: HashMap<_, _> = seen.into_iter().collect();
    let behind =
        announced.into_iter().filter(|(order, version)| seen.get(order).copied().unwrap_or(0) < *version).count();
    (behind > 0).then(|| format!("{behind} lanes of `{topic}` unread"))
}

/// Every event that one side announced stands once in the other's history, and nothing else does.
async fn applied_otherwise(reader: &PgPool, history: &str, writer: &PgPool) -> Result<Vec<String>> {
    let applied =
        format!("select order_id, event_version from {history} where event_version is not null order by 1, 2");
    let applied: Vec<Lane> = sqlx::query_as(sqlx::AssertSqlSafe(applied)).fetch_all(reader).await?;
    let announced = "select order_id, version from event_log order by 1, 2";
    let announced: Vec<Lane> = sqlx::query_as(announced).fetch_all(writer).await?;
    let jumped: Vec<Lane> =
        sqlx::query_as(sqlx::AssertSqlSafe(JUMPED.replace("{history}", history))).fetch_all(reader).await?;
    let announced: Vec<Lane> = announced.into_iter().filter(|one| !jumped.contains(one)).collect();
    let same = applied == announced;
    let difference =
        format!("{history} has {} events, {} were announced to it, or others", applied.len(), announced.len());
    Ok(if same { Vec::new() } else { vec![difference] })
}

/// What an order is and what its delivery is have to fit.
async fn different_stories(orders: &PgPool, deliveries: &PgPool) -> Result<Vec<String>> {
    let orders: Vec<(Uuid, String)> = sqlx::query_as("select id, status from orders").fetch_all(orders).await?;
    let found: Vec<(Uuid, String)> =
        sqlx::query_as("select order_id, status from deliveries").fetch_all(deliveries).await?;
    let mut deliveries: HashMap<_, _> = found.into_iter().collect();
    let mut wrong = Vec::new();
    for (id, order) in orders {
        let delivery = deliveries.remove(&id).unwrap_or_else(|| "not there".to_owned());
        if !fits(&order, &delivery) {
            wrong.push(format!("order {id} is {order}, its delivery is {delivery}"));
        }
    }
    wrong.extend(
        deliveries
            .into_iter()
            .map(|(id, status)| format!("a delivery is {status} for order {id}, which nobody placed")),
    );
    Ok(wrong)
}

fn fits(order: &str, delivery: &str) -> bool {
    match order {
        "confirmed" => delivery == "scheduled",
        "in_delivery" => delivery == "dispatched",
        "delivered" => delivery == "delivered",
        "returned" => delivery == "failed",
        "cancelled" => ["cancelled", "refused", "failed", "void"].contains(&delivery),
        _ => false,
    }
}
