//! Saving decisions: rows and announcements of a whole batch, in a few statements of one transaction.

use std::collections::HashMap;

use chassis::{
    Tx,
    messaging::{Outgoing, announce},
};
use shared_events::{Announce, Cause, Envelope, EventId, OrderId, Stamp, Version};
use sqlx::types::Json;

use super::{
    checked_column, column,
    orders::cancellation_name,
    products::{Shift, shifts},
    unfit,
};
use crate::domain::{Anomaly, Change, Decision, Order, OrderItem, Status, StockMove, Transfer};

/// A decision, with what made it.
#[derive(Debug, Clone)]
pub struct Saved {
    /// Where the order stood before; none if there was no order.
    pub before: Option<Status>,
    /// What becomes of the order.
    pub decision: Decision,
    /// When, and under which ids.
    pub stamp: Stamp,
    /// Why.
    pub cause: Cause,
    /// The event that brought it, if one did.
    pub event: Option<Arrived>,
}

/// Which event of the other side it was.
#[derive(Debug, Clone, Copy)]
pub struct Arrived {
    /// Its id.
    pub id: EventId,
    /// Its place among those about the same order.
    pub version: Version,
}

impl Saved {
    fn order(&self) -> &Order {
        &self.decision.order
    }
}

/// Saves decisions, in the order in which they were made, and that pieces have arrived. Rows and announcements go together, or not at
/// all. Few statements: while one is on its way, everybody in the batch waits.
///
/// The orders and the products whose pieces move are locked already.
pub async fn save(tx: &mut Tx<'_>, saved: &[Saved], received: &[StockMove]) -> sqlx::Result<()> {
    let changed: Vec<&Saved> = saved.iter().filter(|one| one.decision.change.is_some()).collect();
    let placed: Vec<&Order> = changed.iter().filter(|one| one.before.is_none()).map(|one| one.order()).collect();
    let transfers: Vec<_> =
        changed.iter().flat_map(|one| one.decision.transfers.iter().map(move |transfer| (*one, transfer))).collect();
    let lines: Vec<_> = changed.iter().filter_map(|one| Some((*one, one.decision.change.as_ref()?))).collect();
    let shifts = shifts(received.iter().chain(changed.iter().flat_map(|one| &one.decision.stock)));
    insert_orders(tx, &placed).await?;
    update_orders(tx, &latest(&changed)).await?;
    book(tx, &transfers, &shifts, &lines).await?;
    insert_anomalies(tx, &changed).await?;
    announce(tx, &changed.iter().filter_map(|one| outgoing(one)).collect::<Vec<_>>()).await?;
    count(&changed);
    Ok(())
}

/// Of each order that existed before its last decision, what that decision made of it.
fn latest<'a>(changed: &[&'a Saved]) -> Vec<&'a Order> {
    let mut latest: HashMap<OrderId, &Order> = HashMap::new();
    for one in changed.iter().filter(|one| one.before.is_some()) {
        latest.insert(one.order().id, one.order());
    }
    latest.into_values().collect()
}

fn outgoing(saved: &Saved) -> Option<Outgoing> {
    let order = saved.order();
    match &saved.decision.announce {
        Announce::Nothing => None,
        Announce::New(event) => Some(Outgoing::New(Envelope {
            id: saved.stamp.event_id,
            order_id: order.id,
            version: order.version,
            time: saved.stamp.at,
            cause: saved.cause.clone(),
            event: event.clone(),
        })),
        Announce::Again(version) => Some(Outgoing::Again { order_id: order.id, version: *version }),
    }
}

/// Counted before the commit: a batch that is rolled back and tried again counts twice, which a rate does not notice.
fn count(changed: &[&Saved]) {
    for one in changed {
        let status = one.order().status;
        if one.before != Some(status) {
            metrics::counter!("order_transitions_total", "status" => status.name()).increment(1);
        }
        if let Some(Anomaly { event, status }) = one.decision.anomaly {
            metrics::counter!("anomalies_total", "event" => event.name(), "status" => status.name()).increment(1);
        }
    }
}

/// Orders with their items.
async fn insert_orders(tx: &mut Tx<'_>, placed: &[&Order]) -> sqlx::Result<()> {
    if placed.is_empty() {
        return Ok(());
    }
    let items = placed
        .iter()
        .flat_map(|order| order.items.iter().zip(1_i32..).map(move |(item, position)| (order.id, position, item)));
    let items: Vec<(OrderId, i32, &OrderItem)> = items.collect();
    let inserted = sqlx::query!(
        "with placed as (
             insert into orders (id, customer_id, currency, total_minor, delivery_address, wished_date, placed_at, status,
                    payment, stock, deadline_at, version, changes, cancellation_rejected, cancellation_asked)
             select *, false, 0
             from unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::jsonb[], $6::date[], $7::timestamptz[],
                    $8::text[], $9::text[], $10::text[], $11::timestamptz[], $12::bigint[], $13::integer[])
         )
         insert into order_items (order_id, position, sku, quantity, unit_price_minor, weight_g)
         select * from unnest($14::uuid[], $15::integer[], $16::text[], $17::integer[], $18::bigint[], $19::integer[])",
        &column(placed, |order| order.id.0),
        &column(placed, |order| order.customer_id.as_str()) as _,
        &column(placed, |order| order.currency.code()) as _,
        &column(placed, |order| order.total_minor),
        &column(placed, |order| Json(&order.delivery_address)) as _,
        &column(placed, |order| order.wished_date) as _,
        &column(placed, |order| order.placed_at),
        &column(placed, |order| order.status.name()) as _,
        &column(placed, |order| order.payment.name()) as _,
        &column(placed, |order| order.stock.name()) as _,
        &column(placed, |order| order.deadline) as _,
        &column(placed, |order| order.version.0),
        &checked_column(placed, |order| order.changes.try_into().map_err(unfit))?,
        &column(&items, |(order_id, ..)| order_id.0),
        &column(&items, |(_, position, _)| *position),
        &column(&items, |(.., item)| item.sku.as_str()) as _,
        &checked_column(&items, |(.., item)| item.quantity.try_into().map_err(unfit))?,
        &column(&items, |(.., item)| item.unit_price_minor),
        &checked_column(&items, |(.., item)| item.weight_g.try_into().map_err(unfit))?,
    );
    inserted.execute(&mut **tx).await.map(drop)
}

async fn update_orders(tx: &mut Tx<'_>, orders: &[&Order]) -> sqlx::Result<()> {
    if orders.is_empty() {
        return Ok(());
    }
    let updated = sqlx::query!(
        "update orders set status = new.status, payment = new.payment, stock = new.stock, cancellation = new.cancellation,
                cancellation_rejected = new.rejected, cancellation_asked = new.asked, attention = new.attention,
                delivery_id = new.delivery_id, slot_zone = new.slot_zone, slot_date = new.slot_date,
                promised_date = new.promised_date, courier = new.courier, proof = new.proof, failure = new.failure,
                version = new.version, changes = new.changes, deadline_at = new.deadline_at,
                deadline_extended = new.deadline_extended
         from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::boolean[], $7::integer[],
                $8::text[], $9::uuid[], $10::text[], $11::date[], $12::date[], $13::text[], $14::jsonb[], $15::jsonb[],
                $16::bigint[], $17::integer[], $18::timestamptz[], $19::integer[])
              as new (id, status, payment, stock, cancellation, rejected, asked, attention, delivery_id, slot_zone,
                slot_date, promised_date, courier, proof, failure, version, changes, deadline_at, deadline_extended)
         where orders.id = new.id",
        &column(orders, |order| order.id.0),
        &column(orders, |order| order.status.name()) as _,
        &column(orders, |order| order.payment.name()) as _,
        &column(orders, |order| order.stock.name()) as _,
        &column(orders, |order| order.cancellation.as_ref().map(cancellation_name)) as _,
        &column(orders, |order| order.cancellation_rejected),
        &checked_column(orders, |order| order.cancellation_asked.try_into().map_err(unfit))?,
        &column(orders, |order| order.attention.map(|attention| attention.name())) as _,
        &column(orders, |order| order.delivery.id.map(|id| id.0)) as _,
        &column(orders, |order| order.delivery.slot.as_ref().map(|slot| slot.zone.as_str())) as _,
        &column(orders, |order| order.delivery.slot.as_ref().map(|slot| slot.date)) as _,
        &column(orders, |order| order.delivery.promised_date) as _,
        &column(orders, |order| order.delivery.courier.as_deref()) as _,
        &column(orders, |order| order.delivery.proof.as_ref().map(Json)) as _,
        &column(orders, |order| order.delivery.failure.as_ref().map(Json)) as _,
        &column(orders, |order| order.version.0),
        &checked_column(orders, |order| order.changes.try_into().map_err(unfit))?,
        &column(orders, |order| order.deadline) as _,
        &checked_column(orders, |order| order.deadline_extended.try_into().map_err(unfit))?,
    );
    updated.execute(&mut **tx).await.map(drop)
}

/// What moves besides the orders: money, goods, and the line that each has in its history.
async fn book(
    tx: &mut Tx<'_>,
    transfers: &[(&Saved, &Transfer)],
    shifts: &[(&str, Shift)],
    lines: &[(&Saved, &Change)],
) -> sqlx::Result<()> {
    if transfers.is_empty() && shifts.is_empty() && lines.is_empty() {
        return Ok(());
    }
    let booked = sqlx::query!(
        "with transferred as (
             insert into transfers (order_id, kind, debit, credit, amount_minor, currency, at)
             select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::timestamptz[])
         ), moved as (
             update products set received = products.received + by.received, on_hand = products.on_hand + by.on_hand,
                    reserved = products.reserved + by.reserved, shipped = products.shipped + by.shipped,
                    written_off = products.written_off + by.written_off
             from unnest($8::text[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[])
                  as by (sku, received, on_hand, reserved, shipped, written_off)
             where products.sku = by.sku
         )
         insert into order_history (order_id, number, status, at, what, cause_id, event_version)
         select * from unnest($14::uuid[], $15::integer[], $16::text[], $17::timestamptz[], $18::text[], $19::text[], $20::bigint[])",
        &column(transfers, |(one, _)| one.order().id.0),
        &column(transfers, |(_, transfer)| transfer.kind.name()) as _,
        &column(transfers, |(_, transfer)| transfer.kind.debit().name()) as _,
        &column(transfers, |(_, transfer)| transfer.kind.credit().name()) as _,
        &column(transfers, |(_, transfer)| transfer.amount_minor),
        &column(transfers, |(one, _)| one.order().currency.code()) as _,
        &column(transfers, |(one, _)| one.stamp.at),
        &column(shifts, |(sku, _)| *sku) as _,
        &column(shifts, |(_, by)| by.received),
        &column(shifts, |(_, by)| by.on_hand),
        &column(shifts, |(_, by)| by.reserved),
        &column(shifts, |(_, by)| by.shipped),
        &column(shifts, |(_, by)| by.written_off),
        &column(lines, |(one, _)| one.order().id.0),
        &checked_column(lines, |(_, change)| change.number.try_into().map_err(unfit))?,
        &column(lines, |(_, change)| change.status.name()) as _,
        &column(lines, |(_, change)| change.at),
        &column(lines, |(_, change)| change.what.name()) as _,
        &column(lines, |(one, _)| one.cause.id.as_str()) as _,
        &column(lines, |(one, _)| one.event.map(|event| event.version.0)) as _,
    );
    booked.execute(&mut **tx).await.map(drop)
}

async fn insert_anomalies(tx: &mut Tx<'_>, changed: &[&Saved]) -> sqlx::Result<()> {
    let of_one = |one: &&'_ Saved| Some((one.order().id, one.event?, one.decision.anomaly?, one.stamp.at));
    let anomalies: Vec<_> = changed.iter().filter_map(of_one).collect();
    if anomalies.is_empty() {
        return Ok(());
    }
    let inserted = sqlx::query!(
        "insert into anomalies (order_id, event_id, version, kind, status, at)
         select * from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::text[], $5::text[], $6::timestamptz[])",
        &column(&anomalies, |(order_id, ..)| order_id.0),
        &column(&anomalies, |(_, event, ..)| event.id.0),
        &column(&anomalies, |(_, event, ..)| event.version.0),
        &column(&anomalies, |(_, _, anomaly, _)| anomaly.event.name()) as _,
        &column(&anomalies, |(_, _, anomaly, _)| anomaly.status.name()) as _,
        &column(&anomalies, |(.., at)| *at),
    );
    inserted.execute(&mut **tx).await.map(drop)
}
