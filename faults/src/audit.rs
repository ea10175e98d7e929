//! The independent auditor: reads the journal and both databases by plain SQL. It shares no code with the services.

use std::collections::{HashMap, HashSet};

use anyhow::Result;
use serde::Serialize;
use sqlx::PgPool;
use uuid::Uuid;

use crate::load::journal::{Line, Outcome, What};

/// One sentence that must be true, and everything that contradicts it.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    pub name: &'static str,
    pub says: &'static str,
    pub violations: Vec<String>,
}

/// A sentence, and the statement that finds what contradicts it.
type Check = (&'static str, &'static str, &'static str);

const ORDERS: [Check; 9] = [
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
    ("parked", "nothing is parked: order-service", "select format('%s: %s', cause, error) from parked_events where resolved_at is null"),
    ("anomalies", "nothing impossible happened: order-service", "select format('order %s: %s while %s', order_id, kind, status) from anomalies"),
    ("one order a key", "no request was carried out twice",
     "select format('%s has %s orders', customer_id, count(*)) from orders group by customer_id having count(*) > 1"),
];

const DELIVERIES: [Check; 6] = [
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
    ("parked", "nothing is parked: delivery-service", "select format('%s: %s', cause, error) from parked_events where resolved_at is null"),
    ("anomalies", "nothing impossible happened: delivery-service", "select format('order %s: %s while %s', order_id, kind, status) from anomalies"),
];

/// How much there is to be looked at.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Seen {
    pub requests: usize,
    pub acknowledged: usize,
    pub open: usize,
    pub orders: usize,
    pub deliveries: usize,
}

/// Everything that must be true, once the pair has come to rest.
pub async fn audit(journal: &[Line], orders: &PgPool, deliveries: &PgPool) -> Result<(Vec<Finding>, Seen)> {
    let mut findings = Vec::new();
    for (pool, checks) in [(orders, ORDERS.as_slice()), (deliveries, DELIVERIES.as_slice())] {
        for (name, says, check) in checks {
            findings.push(Finding { name, says, violations: sqlx::query_scalar(*check).fetch_all(pool).await? });
        }
    }
    let placed: Vec<(Uuid, String, String, i64)> =
        sqlx::query_as("select id, customer_id, status, total_minor from orders").fetch_all(orders).await?;
    let planned: Vec<(Uuid, String)> =
        sqlx::query_as("select order_id, status from deliveries").fetch_all(deliveries).await?;
    findings.push(both_sides(&placed, &planned));
    let (acknowledged, refused) = asked(journal);
    findings.push(nothing_lost(&acknowledged, &placed));
    findings.push(nothing_refused_is_there(&acknowledged, &refused, &placed));
    let intents = journal.iter().filter(|line| matches!(line, Line::Intent { .. })).count();
    let seen = Seen {
        requests: intents,
        acknowledged: acknowledged.len(),
        open: placed.iter().filter(|(_, customer, ..)| !acknowledged.contains_key(customer.as_str())).count(),
        orders: placed.len(),
        deliveries: planned.len(),
    };
    Ok((findings, seen))
}

type Acknowledged<'a> = HashMap<&'a str, (Uuid, i64)>;

/// Who has been told that an order is placed, and who that it is not.
fn asked(journal: &[Line]) -> (Acknowledged<'_>, HashSet<&str>) {
    let mut customers = HashMap::new();
    let (mut acknowledged, mut refused) = (HashMap::new(), HashSet::new());
    for line in journal {
        match line {
            Line::Intent { key, customer, what: What::Place, .. } => {
                customers.insert(key, customer.as_str());
            }
            Line::Intent { .. } => {}
            Line::Outcome { key, outcome, order_id, total_minor, .. } => {
                let Some(customer) = customers.get(key) else { continue };
                match (outcome, order_id, total_minor) {
                    (Outcome::Ok, Some(id), Some(total)) => {
                        acknowledged.insert(*customer, (*id, *total));
                    }
                    (Outcome::Refused, _, _) => {
                        refused.insert(*customer);
                    }
                    (Outcome::Ok | Outcome::Unknown, _, _) => {}
                }
            }
        }
    }
    (acknowledged, refused)
}

fn nothing_lost(acknowledged: &Acknowledged<'_>, placed: &[(Uuid, String, String, i64)]) -> Finding {
    let there: HashMap<&str, (Uuid, i64)> =
        placed.iter().map(|(id, customer, _, total)| (customer.as_str(), (*id, *total))).collect();
    let lost = acknowledged.iter().filter(|(customer, told)| there.get(*customer) != Some(told));
    let violations = lost.map(|(customer, told)| format!("{customer} was told {told:?}")).collect();
    Finding { name: "acknowledged", says: "0 acknowledged orders lost", violations }
}

fn nothing_refused_is_there(
    acknowledged: &Acknowledged<'_>,
    refused: &HashSet<&str>,
    placed: &[(Uuid, String, String, i64)],
) -> Finding {
    let wrong = placed.iter().filter(|(_, customer, ..)| {
        refused.contains(customer.as_str()) && !acknowledged.contains_key(customer.as_str())
    });
    let violations = wrong.map(|(id, customer, ..)| format!("{customer} was refused, and has {id}")).collect();
    Finding { name: "refused", says: "what was refused was not done", violations }
}

/// What an order is and what its delivery is have to fit.
fn both_sides(placed: &[(Uuid, String, String, i64)], planned: &[(Uuid, String)]) -> Finding {
    let mut deliveries: HashMap<Uuid, &str> = planned.iter().map(|(order, status)| (*order, status.as_str())).collect();
    let mut violations = Vec::new();
    for (id, _, status, _) in placed {
        let delivery = deliveries.remove(id).unwrap_or("not there");
        let fits: &[&str] = match status.as_str() {
            "confirmed" => &["scheduled"],
            "in_delivery" => &["dispatched"],
            "delivered" => &["delivered"],
            "returned" => &["failed"],
            "cancelled" => &["cancelled", "refused", "failed", "void"],
            _ => &[],
        };
        if !fits.contains(&delivery) {
            violations.push(format!("order {id} is {status}, its delivery is {delivery}"));
        }
    }
    violations.extend(deliveries.keys().map(|order| format!("a delivery for order {order}, which nobody placed")));
    Finding { name: "I4, I7, I9", says: "both sides tell one story of every order", violations }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(status: &str) -> (Uuid, String, String, i64) {
        (Uuid::from_u128(1), "c1".to_owned(), status.to_owned(), 100)
    }

    #[test]
    fn an_acknowledged_order_that_is_gone_or_costs_something_else_is_lost() {
        let told = |id, total| HashMap::from([("c1", (Uuid::from_u128(id), total))]);
        assert!(nothing_lost(&told(1, 100), &[order("confirmed")]).violations.is_empty());
        for acknowledged in [told(2, 100), told(1, 99)] {
            assert_eq!(nothing_lost(&acknowledged, &[order("confirmed")]).violations.len(), 1);
        }
        assert_eq!(nothing_lost(&told(1, 100), &[]).violations.len(), 1);
    }

    #[test]
    fn two_stories_of_one_order_are_found() {
        let planned = |status: &str| [(Uuid::from_u128(1), status.to_owned())];
        assert!(both_sides(&[order("cancelled")], &planned("void")).violations.is_empty());
        assert_eq!(both_sides(&[order("cancelled")], &planned("delivered")).violations.len(), 1);
        assert_eq!(both_sides(&[order("confirmed")], &[]).violations.len(), 1);
        assert_eq!(both_sides(&[], &planned("scheduled")).violations.len(), 1);
    }
}
