//! Deliveries, their history and what was impossible.

use std::collections::HashMap;

use chassis::{Tx, column};
use chrono::{DateTime, NaiveDate, Utc};
use shared_events::{Address, DeliveryFailed, DeliveryId, OrderId, Proof, Slot, Version};
use sqlx::types::Json;
use uuid::Uuid;

use super::{Made, Origin, Stored, Transition, latest};
use crate::domain::{Attempt, Attention, Delivery};

/// A row of `deliveries`.
pub(super) struct Row {
    pub(super) id: Uuid,
    pub(super) order_id: Uuid,
    pub(super) status: String,
    pub(super) zone_id: Option<String>,
    pub(super) slot_date: Option<NaiveDate>,
    pub(super) courier_id: Option<String>,
    pub(super) weight_g: i64,
    pub(super) address: Option<Json<Address>>,
    pub(super) proof: Option<Json<Proof>>,
    pub(super) failure: Option<Json<DeliveryFailed>>,
    pub(super) attempts: Json<Vec<Attempt>>,
    pub(super) attention: Option<String>,
    pub(super) deadline_at: Option<DateTime<Utc>>,
    pub(super) version: i64,
    pub(super) changes: i64,
    /// Only where it is asked for.
    pub(super) transitions: Option<Json<Vec<Transition>>>,
}

/// One list of columns for every way to select deliveries. The transitions are an expression of their own: not everybody reads them.
macro_rules! select_deliveries {
    ($transitions:tt, $tail:tt, $($argument:expr),+) => {
        sqlx::query_as!(
            Row,
            "select id, order_id, status, zone_id, slot_date, courier_id, weight_g,
                    address as \"address: Json<Address>\", proof as \"proof: Json<Proof>\",
                    failure as \"failure: Json<DeliveryFailed>\",
                    attempts as \"attempts: Json<Vec<Attempt>>\", attention, deadline_at, version, changes, "
                + $transitions + " as \"transitions: Json<Vec<Transition>>\"
             from deliveries " + $tail,
            $($argument),+
        )
    };
}
pub(super) use select_deliveries;

impl Row {
    pub(super) fn stored(self) -> sqlx::Result<Stored> {
        let status = self.status.parse().map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
        let attention = self.attention.as_deref().map(str::parse).transpose();
        let delivery = Delivery {
            id: DeliveryId(self.id),
            order_id: OrderId(self.order_id),
            status,
            slot: self.zone_id.zip(self.slot_date).map(|(zone, date)| Slot { zone, date }),
            attempts: self.attempts.0,
            weight_g: self.weight_g,
            address: self.address.map(|address| address.0),
            courier: self.courier_id,
            proof: self.proof.map(|proof| proof.0),
            failure: self.failure.map(|failure| failure.0),
            attention: attention.map_err(|error| sqlx::Error::Decode(Box::new(error)))?,
            deadline: self.deadline_at,
            version: Version(self.version),
        };
        Ok(Stored { delivery, changes: self.changes })
    }

    pub(super) fn read(mut self) -> sqlx::Result<(Delivery, Vec<Transition>)> {
        let transitions = self.transitions.take().map_or_else(Vec::new, |transitions| transitions.0);
        Ok((self.stored()?.delivery, transitions))
    }
}

/// Locks the deliveries with these ids and those of these orders.
///
/// # Errors
/// The database refuses or does not answer.
pub async fn lock_deliveries(tx: &mut Tx<'_>, ids: &[DeliveryId], orders: &[OrderId]) -> sqlx::Result<Vec<Stored>> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let orders: Vec<Uuid> = orders.iter().map(|id| id.0).collect();
    let rows = select_deliveries!(
        "null::jsonb",
        "where id = any($1) or order_id = any($2) order by id for no key update",
        &ids,
        &orders
    );
    let rows = rows.fetch_all(&mut **tx).await?;
    rows.into_iter().map(Row::stored).collect()
}

/// So many orders whose delivery's time is up, but for these, the longest overdue first, their deliveries locked until the transaction
/// ends. Those that somebody else has locked are passed over: they are about to change. So nobody waits here, and the order of locks
/// is kept without sorting. Nothing else is read, so that no row can be unreadable.
///
/// # Errors
/// The database refuses or does not answer.
pub async fn lock_overdue(
    tx: &mut Tx<'_>,
    now: DateTime<Utc>,
    most: i64,
    but: &[OrderId],
) -> sqlx::Result<Vec<OrderId>> {
    let but: Vec<Uuid> = but.iter().map(|id| id.0).collect();
    let overdue = sqlx::query_scalar!(
        "select order_id from deliveries where deadline_at <= $1 and order_id <> all($3)
         order by deadline_at limit $2 for no key update skip locked",
        now,
        most,
        &but
    );
    Ok(overdue.fetch_all(&mut **tx).await?.into_iter().map(OrderId).collect())
}

/// The oldest order from this one on whose delivery has not ended.
///
/// # Errors
/// The database refuses or does not answer.
pub async fn oldest_open(tx: &mut Tx<'_>, from: OrderId) -> sqlx::Result<Option<OrderId>> {
    let oldest = sqlx::query_scalar!(
        "select order_id from deliveries where status in ('scheduled', 'dispatched') and order_id >= $1
         order by order_id limit 1",
        from.0
    );
    Ok(oldest.fetch_optional(&mut **tx).await?.map(OrderId))
}

/// When these deliveries took on which status, the first first.
///
/// # Errors
/// The database refuses or does not answer.
pub async fn transitions(tx: &mut Tx<'_>, ids: &[DeliveryId]) -> sqlx::Result<HashMap<DeliveryId, Vec<Transition>>> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let rows = sqlx::query!(
        r#"
        select delivery_id as "delivery_id!", status as "status!", at as "at!", what as "what!", cause_id as "cause_id!"
        from delivery_transitions
        where delivery_id = any($1)
        order by delivery_id, number
        "#,
        &ids
    )
    .fetch_all(&mut **tx)
    .await?;
    let mut transitions: HashMap<DeliveryId, Vec<Transition>> = HashMap::new();
    for row in rows {
        let status = row.status.parse().map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
        let transition = Transition { status, at: row.at, cause: row.what, cause_id: row.cause_id };
        transitions.entry(DeliveryId(row.delivery_id)).or_default().push(transition);
    }
    Ok(transitions)
}

/// Writes each delivery as it is after the last decision about it, and one row of the history for every decision.
pub(super) async fn save_deliveries(tx: &mut Tx<'_>, made: &[Made]) -> sqlx::Result<()> {
    let last: Vec<&Made> = latest(made).into_values().collect();
    let deliveries = column(&last, |made| &made.decision.delivery);
    let slots = column(&deliveries, |delivery| delivery.slot.as_ref());
    sqlx::query!(
        r#"
        with deliveries as (
            insert into deliveries (id, order_id, status, zone_id, slot_date, courier_id, weight_g, address, proof,
                                    failure, version, changes, attention, deadline_at, attempts)
            select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::date[], $6::text[], $7::bigint[],
                                 $8::jsonb[], $9::jsonb[], $10::jsonb[], $11::bigint[], $12::bigint[], $13::text[],
                                 $14::timestamptz[], $15::jsonb[])
            on conflict (id) do update
            set status = excluded.status, zone_id = excluded.zone_id, slot_date = excluded.slot_date,
                attempts = excluded.attempts, courier_id = excluded.courier_id, proof = excluded.proof,
                failure = excluded.failure, version = excluded.version, changes = excluded.changes,
                attention = excluded.attention, deadline_at = excluded.deadline_at
        )
        insert into delivery_history (delivery_id, number, order_id, status, at, what, cause_id, event_version)
        select * from unnest($16::uuid[], $17::bigint[], $18::uuid[], $19::text[], $20::timestamptz[], $21::text[],
                             $22::text[], $23::bigint[])
        "#,
        &column(&deliveries, |delivery| delivery.id.0),
        &column(&deliveries, |delivery| delivery.order_id.0),
        &column(&deliveries, |delivery| delivery.status.name()) as _,
        &column(&slots, |slot| slot.map(|slot| slot.zone.as_str())) as _,
        &column(&slots, |slot| slot.map(|slot| slot.date)) as _,
        &column(&deliveries, |delivery| delivery.courier.as_deref()) as _,
        &column(&deliveries, |delivery| delivery.weight_g),
        &column(&deliveries, |delivery| delivery.address.as_ref().map(Json)) as _,
        &column(&deliveries, |delivery| delivery.proof.as_ref().map(Json)) as _,
        &column(&deliveries, |delivery| delivery.failure.as_ref().map(Json)) as _,
        &column(&deliveries, |delivery| delivery.version.0),
        &column(&last, |made| made.number),
        &column(&deliveries, |delivery| delivery.attention.map(Attention::name)) as _,
        &column(&deliveries, |delivery| delivery.deadline) as _,
        &column(&deliveries, |delivery| Json(&delivery.attempts)) as _,
        &column(made, |made| made.decision.delivery.id.0),
        &column(made, |made| made.number),
        &column(made, |made| made.decision.delivery.order_id.0),
        &column(made, |made| made.decision.delivery.status.name()) as _,
        &column(made, |made| made.decision.stamp.at),
        &column(made, |made| made.origin.what()) as _,
        &column(made, |made| made.cause.id.as_str()) as _,
        &column(made, |made| made.origin.event_version()) as _
    )
    .execute(&mut **tx)
    .await
    .map(drop)
}

/// Keeps what was impossible. Hardly ever anything, so one at a time.
pub(super) async fn save_anomalies(tx: &mut Tx<'_>, made: &[Made]) -> sqlx::Result<()> {
    for made in made {
        let (Some(anomaly), Origin::Event { id, version, .. }) = (made.decision.anomaly, made.origin) else { continue };
        sqlx::query!(
            "insert into anomalies (event_id, order_id, version, kind, status, at)
             values ($1, $2, $3, $4, $5, $6)",
            id.0,
            made.decision.delivery.order_id.0,
            version.0,
            anomaly.kind.name(),
            anomaly.status.name(),
            made.decision.stamp.at
        )
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}
