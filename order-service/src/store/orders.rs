//! Reading orders, locked and not.

mod lists;
mod overdue;

use std::{collections::HashMap, str::FromStr};

use chassis::Tx;
use chrono::{DateTime, NaiveDate, Utc};
use shared_events::{Address, CancellationReason, Cause, DeliveryFailed, DeliveryId, OrderId, Proof, Slot, Version};
use sqlx::{PgExecutor, PgPool, types::Json};
use uuid::Uuid;

pub use lists::{Filter, page_of_orders, waiting};
pub use overdue::{lock_overdue, put_off};

use super::unreadable;
use crate::domain::{Cancellation, Change, KnownDelivery, Order, OrderItem, Status};

/// An order and what it has been through.
#[derive(Debug, Clone)]
pub struct Known {
    /// The order.
    pub order: Order,
    /// Its history, oldest first.
    pub history: Vec<HistoryLine>,
}

/// One line of an order's history.
#[derive(Debug, Clone)]
pub struct HistoryLine {
    /// Where the order stood after it.
    pub status: Status,
    /// When.
    pub at: DateTime<Utc>,
    /// What brought it.
    pub what: String,
    /// The id of the event or of the HTTP request behind it.
    pub cause_id: String,
    /// The version of the delivery side's event that brought it, if one did.
    pub event_version: Option<Version>,
}

impl HistoryLine {
    /// The line that a change makes that somebody asked for.
    #[must_use]
    pub fn of(change: &Change, cause: &Cause) -> Self {
        let Change { number: _, status, at, what } = *change;
        Self { status, at, what: what.name().to_owned(), cause_id: cause.id.clone(), event_version: None }
    }
}

struct OrderRow {
    id: Uuid,
    customer_id: String,
    currency: String,
    total_minor: i64,
    delivery_address: Json<Address>,
    wished_date: Option<NaiveDate>,
    placed_at: DateTime<Utc>,
    status: String,
    payment: String,
    stock: String,
    cancellation: Option<String>,
    cancellation_rejected: bool,
    cancellation_asked: i32,
    attention: Option<String>,
    deadline_at: Option<DateTime<Utc>>,
    deadline_extended: i32,
    delivery_id: Option<Uuid>,
    slot_zone: Option<String>,
    slot_date: Option<NaiveDate>,
    promised_date: Option<NaiveDate>,
    courier: Option<String>,
    proof: Option<Json<Proof>>,
    failure: Option<Json<DeliveryFailed>>,
    version: i64,
    changes: i32,
    items: Vec<ItemRow>,
    history: Vec<LineRow>,
}

/// Sku, quantity, price and weight of a piece.
type ItemRow = (String, i32, i64, i32);
/// Status, time, what, the id of the cause, and the version of the event, 0 where it was none.
type LineRow = (String, DateTime<Utc>, String, String, i64);

/// One list of columns for every way to select orders. Their items always come along: an order without them would release, ship or
/// write off nothing, silently.
macro_rules! select_orders {
    ($history:tt, $tail:tt, $($argument:expr),+) => {
        sqlx::query_as!(
            OrderRow,
            r#"select id, customer_id, currency, total_minor, delivery_address as "delivery_address: _", wished_date,
                    placed_at, status, payment, stock, cancellation, cancellation_rejected, cancellation_asked,
                    attention, deadline_at, deadline_extended, delivery_id, slot_zone, slot_date, promised_date,
                    courier, proof as "proof: _", failure as "failure: _", version, changes,
                    array(select (sku, quantity, unit_price_minor, weight_g)
                          from order_items where order_id = orders.id order by position) as "items!: _","#
                + $history + r#" as "history!: _" from orders "# + $tail,
            $($argument),+
        )
    };
}
use select_orders;

/// Orders with their histories. One statement, so that an order and its history cannot tell different stories.
macro_rules! select_known {
    ($tail:tt, $($argument:expr),+) => {
        select_orders!(
            "array(select (status, at, what, cause_id, coalesce(event_version, 0))
                   from order_history where order_id = orders.id order by number)",
            $tail,
            $($argument),+
        )
    };
}
use select_known;

/// The orders among these, locked until the transaction ends, without their histories.
pub async fn lock_orders(tx: &mut Tx<'_>, ids: &[OrderId]) -> sqlx::Result<HashMap<OrderId, Order>> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let rows = select_orders!("array[]::record[]", "where id = any($1) order by id for no key update", &ids);
    let orders = rows.fetch_all(&mut **tx).await?.into_iter().map(|row| row.known().map(|known| known.order));
    orders.map(|order| order.map(|order| (order.id, order))).collect()
}

/// The oldest order from this one on that has not ended.
pub async fn oldest_open(tx: &mut Tx<'_>, from: OrderId) -> sqlx::Result<Option<OrderId>> {
    let oldest = sqlx::query_scalar!(
        "select id from orders where status in ('completed', 'confirmed', 'in_delivery', 'cancelling') and id >= $1
         order by id limit 1",
        from.0
    );
    Ok(oldest.fetch_optional(&mut **tx).await?.map(OrderId))
}

/// The orders among these, locked until the transaction ends, with their histories.
pub async fn lock_known(tx: &mut Tx<'_>, ids: &[OrderId]) -> sqlx::Result<HashMap<OrderId, Known>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    // Read by a statement of its own: the one that waits for a lock sees the histories as they were when it began to wait.
    let uuids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let locked = sqlx::query!("select from orders where id = any($1) order by id for no key update", &uuids);
    locked.execute(&mut **tx).await?;
    Ok(known(&mut **tx, ids).await?.into_iter().map(|known| (known.order.id, known)).collect())
}

/// The orders among these, in no particular order.
pub async fn known(executor: impl PgExecutor<'_>, ids: &[OrderId]) -> sqlx::Result<Vec<Known>> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let rows = select_known!("where id = any($1)", &ids).fetch_all(executor).await?;
    rows.into_iter().map(OrderRow::known).collect()
}

/// One order, if it is there for whoever asks: with `own`, only if it is that customer's.
pub async fn find_order(pool: &PgPool, id: OrderId, own: Option<&str>) -> sqlx::Result<Option<Known>> {
    let row = select_known!("where id = $1 and ($2::text is null or customer_id = $2)", id.0, own);
    row.fetch_optional(pool).await?.map(OrderRow::known).transpose()
}

/// Those among these orders that the delivery side has answered, or that are being cancelled.
pub async fn no_longer_waiting(pool: &PgPool, ids: &[OrderId]) -> sqlx::Result<Vec<OrderId>> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let answered = sqlx::query_scalar!("select id from orders where id = any($1) and status <> 'completed'", &ids);
    Ok(answered.fetch_all(pool).await?.into_iter().map(OrderId).collect())
}

/// How many orders wait for the delivery side's word, be it about a delivery or about a cancellation; counted up to `most`. An order
/// whose time is up is asked about and still has its money held: it counts.
pub async fn count_undecided(pool: &PgPool, most: i64) -> sqlx::Result<i64> {
    let counted = sqlx::query_scalar!(
        r#"select count(*) as "undecided!" from (
               select from orders where status in ('completed', 'cancelling') limit $1
           ) as undecided"#,
        most
    );
    counted.fetch_one(pool).await
}

impl OrderRow {
    fn known(mut self) -> sqlx::Result<Known> {
        let history = std::mem::take(&mut self.history).into_iter().map(line).collect::<sqlx::Result<_>>()?;
        Ok(Known { order: self.order()?, history })
    }

    fn order(mut self) -> sqlx::Result<Order> {
        let delivery = self.delivery();
        Ok(Order {
            id: OrderId(self.id),
            currency: read(&self.currency)?,
            items: self.items.into_iter().map(item).collect::<sqlx::Result<_>>()?,
            total_minor: self.total_minor,
            delivery_address: self.delivery_address.0,
            wished_date: self.wished_date,
            placed_at: self.placed_at,
            status: read(&self.status)?,
            payment: read(&self.payment)?,
            stock: read(&self.stock)?,
            cancellation: self
                .cancellation
                .map(|reason| cancellation(reason, delivery.failure.as_ref()))
                .transpose()?,
            cancellation_rejected: self.cancellation_rejected,
            cancellation_asked: self.cancellation_asked.try_into().map_err(unreadable)?,
            attention: self.attention.as_deref().map(read).transpose()?,
            deadline: self.deadline_at,
            deadline_extended: self.deadline_extended.try_into().map_err(unreadable)?,
            delivery,
            version: Version(self.version),
            changes: self.changes.try_into().map_err(unreadable)?,
            customer_id: self.customer_id,
        })
    }

    /// What is known of the delivery; taken out.
    fn delivery(&mut self) -> KnownDelivery {
        KnownDelivery {
            id: self.delivery_id.map(DeliveryId),
            slot: self.slot_zone.take().zip(self.slot_date).map(|(zone, date)| Slot { zone, date }),
            promised_date: self.promised_date,
            courier: self.courier.take(),
            proof: self.proof.take().map(|proof| proof.0),
            failure: self.failure.take().map(|failure| failure.0),
        }
    }
}

fn item((sku, quantity, unit_price_minor, weight_g): ItemRow) -> sqlx::Result<OrderItem> {
    let (quantity, weight_g) = (quantity.try_into().map_err(unreadable)?, weight_g.try_into().map_err(unreadable)?);
    Ok(OrderItem { sku, quantity, unit_price_minor, weight_g })
}

fn line((status, at, what, cause_id, event_version): LineRow) -> sqlx::Result<HistoryLine> {
    let event_version = Some(Version(event_version)).filter(|version| *version > Version::NONE);
    Ok(HistoryLine { status: read(&status)?, at, what, cause_id, event_version })
}

/// How a cancellation stands in its column; the failure itself stands in `failure`.
pub(super) fn cancellation_name(cancellation: &Cancellation) -> &'static str {
    match cancellation {
        Cancellation::Asked(CancellationReason::Customer) => "customer",
        Cancellation::Asked(CancellationReason::NoDeliveryOutcome) => "no_delivery_outcome",
        Cancellation::Asked(CancellationReason::Operator) => "operator",
        Cancellation::DeliveryFailed(_) => "delivery_failed",
    }
}

fn cancellation(name: String, failure: Option<&DeliveryFailed>) -> sqlx::Result<Cancellation> {
    match failure {
        Some(failed) if name == "delivery_failed" => Ok(Cancellation::DeliveryFailed(failed.clone())),
        Some(_) | None => serde_json::from_value(name.into()).map(Cancellation::Asked).map_err(unreadable),
    }
}

pub(super) fn read<T: FromStr>(text: &str) -> sqlx::Result<T>
where
    T::Err: std::error::Error + Send + Sync + 'static,
{
    text.parse().map_err(unreadable)
}
