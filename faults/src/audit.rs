//! The independent auditor: reads the journal, both databases by plain SQL, and both topics from offset 0. It shares no code with the
//! services but the contract.

mod asked;
mod parked;
mod published;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use uuid::Uuid;

use self::asked::{Asked, Placed, Planned, both_sides};
use self::published::{Log, Published};
use crate::archive::Archive;
use crate::broker;
use crate::fault::Side;
use crate::load::journal::Line;

/// One sentence that must be true, and everything that contradicts it.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    pub name: &'static str,
    pub says: &'static str,
    pub violations: Vec<String>,
}

/// A sentence, and the statement that finds what contradicts it.
type Check = (&'static str, &'static str, &'static str);

const ORDERS: [Check; 8] = [
    ("I1", "every order has ended, or waits lawfully",
     "select format('order %s is %s', id, status) from orders where status in ('completed', 'cancelling')
      or (status in ('confirmed', 'in_delivery') and deadline_at is null and attention is null)"),
    ("I2", "captured minus refunded is what the status owes, and the total is the sum of the items",
     "select format('order %s is %s, costs %s, its items %s, and has paid %s', id, status, total_minor, items, paid) from orders
      cross join lateral (select coalesce(sum(case kind when 'capture' then amount_minor when 'refund' then -amount_minor end), 0) as paid
                          from transfers where order_id = id) as ledger
      cross join lateral (select sum(quantity * unit_price_minor) as items from order_items where order_id = id) as lines
      where total_minor is distinct from items
         or paid <> case when status in ('confirmed', 'in_delivery', 'delivered') then total_minor else 0 end"),
    ("I3", "0 second captures or refunds",
     "select format('order %s: %s times %s', order_id, count(*), kind) from transfers group by order_id, kind having count(*) > 1"),
    ("I5", "pieces are where the orders say, and none is missing",
     "select format('%s: %s reserved, %s shipped, %s written off', p.sku, reserved, shipped, written_off) from products p
      cross join lateral (select coalesce(sum(quantity) filter (where stock = 'reserved'), 0) as r,
                                 coalesce(sum(quantity) filter (where stock = 'shipped'), 0) as s,
                                 coalesce(sum(quantity) filter (where stock = 'written_off'), 0) as w
                          from order_items i join orders o on o.id = i.order_id where i.sku = p.sku) as held
      where (reserved, shipped, written_off) <> (r, s, w) or on_hand + shipped + written_off <> received or on_hand < reserved"),
    ("I10", "0 disorder in effects, and no event twice: order-service",
     "select format('order %s applied version %s after %s', order_id, event_version, before) from
      (select order_id, event_version, lag(event_version) over (partition by order_id order by number) as before
       from order_history where event_version is not null) as applied where event_version <= before"),
    ("I11", "nothing is unsent: order-service", "select format('%s unsent', count(*)) from outbox having count(*) > 0"),
    ("anomalies", "nothing impossible happened: order-service", "select format('order %s: %s while %s', order_id, kind, status) from anomalies"),
    ("one order a key", "no request was carried out twice",
     "select format('%s has %s orders', customer_id, count(*)) from orders group by customer_id having count(*) > 1"),
];

const DELIVERIES: [Check; 5] = [
    ("I6", "places and loads are what the deliveries say",
     "select format('%s on %s: %s taken, %s held', s.zone_id, date, taken, held) from slots s
      cross join lateral (select count(*) as held from deliveries d where d.zone_id = s.zone_id and d.slot_date = s.date
                          and (status in ('scheduled', 'dispatched', 'delivered')
                               or (status = 'failed' and failure ->> 'stage' = 'transit'))) as places
      where taken <> held or taken > capacity
      union all select format('courier %s: load %s, carries %s', c.id, load, carried) from couriers c
      cross join lateral (select count(*) as carried from deliveries d
                          where d.courier_id = c.id and status in ('scheduled', 'dispatched')) as parcels where load <> carried"),
    ("I7", "0 second deliveries",
     "select format('order %s has %s deliveries', order_id, count(*)) from deliveries group by order_id having count(*) > 1"),
    ("I10", "0 disorder in effects, and no event twice: delivery-service",
     "select format('order %s applied version %s after %s', order_id, event_version, before) from
      (select order_id, event_version, lag(event_version) over (partition by order_id order by number) as before
       from delivery_history where event_version is not null) as applied where event_version <= before"),
    ("I11", "nothing is unsent: delivery-service", "select format('%s unsent', count(*)) from outbox having count(*) > 0"),
    ("anomalies", "nothing impossible happened: delivery-service", "select format('order %s: %s while %s', order_id, kind, status) from anomalies"),
];

/// How much there is to be looked at.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Seen {
    pub requests: usize,
    pub acknowledged: usize,
    /// Acknowledged, besides the orders: cancellations, and what the staff did.
    pub commands: usize,
    pub open: usize,
    pub orders: usize,
    pub deliveries: usize,
    /// Records that nobody can read.
    pub poison: u64,
    /// Events on both topics, and how many of them are there once more.
    pub published: usize,
    pub repeats: usize,
}

/// Where the auditor looks.
pub struct Evidence<'a> {
    pub journal: &'a [Line],
    pub databases: [&'a PgPool; 2],
    pub bootstrap: &'a str,
    pub archive: &'a Archive,
}

impl Evidence<'_> {
    /// Everything that must be true, once the pair has come to rest.
    pub async fn audit(&self) -> Result<(Vec<Finding>, Seen)> {
        let (mut findings, mut seen) = self.stored().await?;
        let mut topics = Vec::new();
        for side in Side::BOTH {
            topics.push(self.published(side, &mut findings).await?);
        }
        findings.push(published::answered(&topics[0], &topics[1]));
        seen.published = topics.iter().map(Vec::len).sum();
        seen.repeats = topics.iter().map(|topic| published::repeats(topic)).sum();
        Ok((findings, seen))
    }

    /// What the databases and the journal tell: all that changes while things come to rest.
    pub async fn stored(&self) -> Result<(Vec<Finding>, Seen)> {
        let [orders, deliveries] = self.databases;
        let (mut findings, mut parked) = (Vec::new(), Vec::new());
        for (pool, checks) in [(orders, ORDERS.as_slice()), (deliveries, DELIVERIES.as_slice())] {
            for (name, says, check) in checks {
                findings.push(Finding { name, says, violations: sqlx::query_scalar(*check).fetch_all(pool).await? });
            }
            let waits =
                "select topic, partition, \"offset\", cause, error from parked_events where resolved_at is null";
            parked.extend(sqlx::query_as(waits).fetch_all(pool).await?);
        }
        let poison = self.archive.poison();
        findings.push(parked::only_poison(&poison, &parked));
        let (placed, planned) = (placed(orders).await?, planned(deliveries).await?);
        let asked = Asked::of(self.journal);
        findings.push(both_sides(&placed, &planned));
        findings.push(asked.nothing_lost(&placed));
        findings.push(asked.nothing_refused_is_there(&placed));
        findings.push(asked.all_done(&placed, &planned));
        let is_open = |order: &&Placed| !asked.acknowledged.contains_key(order.customer.as_str());
        let seen = Seen {
            requests: asked.requests,
            acknowledged: asked.acknowledged.len(),
            commands: asked.done.len(),
            open: placed.iter().filter(is_open).count(),
            orders: placed.len(),
            deliveries: planned.len(),
            poison: poison.values().map(|times| times.at_most).sum(),
            ..Seen::default()
        };
        Ok((findings, seen))
    }

    /// What one topic tells by itself, and compared with the log of who announces there and the offsets of who reads there.
    async fn published(&self, side: Side, findings: &mut Vec<Finding>) -> Result<Vec<Published>> {
        let topic = side.announces_on();
        let (published, readable) = published::events(topic, self.archive.all(self.bootstrap, side).await?);
        let log = log(self.databases[side.index()]).await?;
        let reader = side.other().service();
        let positions = broker::positions(self.bootstrap, reader, topic).await?;
        findings.extend([
            readable,
            published::in_order(&published),
            published::repeats_are_the_same(&published),
            published::as_logged(&published, &log),
            published::offsets_are_real(reader, &positions),
        ]);
        Ok(published)
    }
}

async fn placed(orders: &PgPool) -> Result<Vec<Placed>> {
    let all =
        "select id, customer_id, status, total_minor, cancellation is not null or cancellation_rejected from orders";
    let rows: Vec<(Uuid, String, String, i64, bool)> = sqlx::query_as(all).fetch_all(orders).await?;
    let placed = rows.into_iter().map(|(id, customer, status, total_minor, cancellation_asked)| Placed {
        id,
        customer,
        status,
        total_minor,
        cancellation_asked,
    });
    Ok(placed.collect())
}

async fn planned(deliveries: &PgPool) -> Result<Vec<Planned>> {
    let all = "select id, order_id, status from deliveries";
    let rows: Vec<(Uuid, Uuid, String)> = sqlx::query_as(all).fetch_all(deliveries).await?;
    Ok(rows.into_iter().map(|(id, order, status)| Planned { id, order, status }).collect())
}

async fn log(pool: &PgPool) -> Result<Log> {
    let all = "select order_id, version, event_id, event_type from event_log";
    let rows: Vec<(Uuid, i64, Uuid, String)> = sqlx::query_as(all).fetch_all(pool).await?;
    Ok(rows.into_iter().map(|(order, version, id, kind)| ((order, version), (id, kind))).collect())
}
