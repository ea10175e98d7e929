//! Both databases, each as it was at one moment.

use anyhow::{Context, Result, ensure};
use sqlx::{PgConnection, PgPool, Postgres, Transaction};

use super::report::Checked;

/// What does not change while we look. No row is locked, and nothing can be written.
const SNAPSHOT: &str = "begin isolation level repeatable read read only";

/// A service's role has short limits; counting everything takes longer than answering a request.
const LIMITS: &str = "set local statement_timeout = '10min'; set local idle_in_transaction_session_timeout = '10min'";

/// One snapshot of each database.
pub(super) struct Snapshot {
    orders: Transaction<'static, Postgres>,
    deliveries: Transaction<'static, Postgres>,
}

impl Snapshot {
    /// The order side is read first: what it knows of the delivery side has happened before the second snapshot.
    pub async fn take(orders: &PgPool, deliveries: &PgPool) -> Result<Self> {
        let orders = begin(orders, "orders").await.context("order-service's database could not be looked at")?;
        let deliveries =
            begin(deliveries, "deliveries").await.context("delivery-service's database could not be looked at")?;
        Ok(Self { orders, deliveries })
    }

    /// Sees both as they are now, and not as they are when the first question is put. The order side first.
    pub async fn fix(&mut self) -> Result<()> {
        for database in [&mut self.orders, &mut self.deliveries] {
            sqlx::query("select 1").execute(&mut **database).await?;
        }
        Ok(())
    }

    pub fn both(&mut self) -> (&mut PgConnection, &mut PgConnection) {
        (&mut self.orders, &mut self.deliveries)
    }

    pub async fn count(&mut self) -> Result<Checked> {
        let here: Checked = sqlx::query_as(ORDERS_COUNTED).fetch_one(&mut *self.orders).await?;
        let there: Checked = sqlx::query_as(DELIVERIES_COUNTED).fetch_one(&mut *self.deliveries).await?;
        Ok(Checked {
            orders: here.orders,
            transfers: here.transfers,
            products: here.products,
            deliveries: there.deliveries,
            slots: there.slots,
            couriers: there.couriers,
            events: here.events + there.events,
            parked: here.parked + there.parked,
            anomalies: here.anomalies + there.anomalies,
        })
    }

    pub async fn end(self) -> Result<()> {
        self.orders.rollback().await?;
        self.deliveries.rollback().await?;
        Ok(())
    }
}

/// A partition that is dropped is gone for every snapshot, also for one from before. So the log is locked against that, and the
/// snapshot taken afterwards, by the first query.
const KEEP_THE_LOG: &str = "lock table event_log in access share mode";

async fn begin(pool: &PgPool, table: &str) -> Result<Transaction<'static, Postgres>> {
    let is_there: bool = sqlx::query_scalar("select to_regclass($1) is not null").bind(table).fetch_one(pool).await?;
    ensure!(is_there, "it has no table {table}: is it the other one, or was the service never started on it?");
    let mut snapshot = pool.begin_with(SNAPSHOT).await?;
    sqlx::raw_sql(LIMITS).execute(&mut *snapshot).await?;
    sqlx::raw_sql(KEEP_THE_LOG).execute(&mut *snapshot).await?;
    Ok(snapshot)
}

const ORDERS_COUNTED: &str = "
    select (select count(*) from orders) as orders, (select count(*) from transfers) as transfers,
           (select count(*) from products) as products, 0::bigint as deliveries, 0::bigint as slots, 0::bigint as couriers,
           (select count(*) from event_log) as events, (select count(*) from anomalies) as anomalies,
           (select count(*) from parked_events where resolved_at is null) as parked";

const DELIVERIES_COUNTED: &str = "
    select 0::bigint as orders, 0::bigint as transfers, 0::bigint as products,
           (select count(*) from deliveries) as deliveries, (select count(*) from slots) as slots,
           (select count(*) from couriers) as couriers,
           (select count(*) from event_log) as events, (select count(*) from anomalies) as anomalies,
           (select count(*) from parked_events where resolved_at is null) as parked";
