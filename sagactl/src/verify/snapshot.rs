//! Both databases, each as it was at one moment.

use anyhow::{Context, Result, ensure};
use sqlx::{PgConnection, PgPool, Postgres, Transaction};

use super::report::Checked;
use super::sources::Source;
use crate::services::Side;

/// What does not change while we look. No row is locked, and nothing can be written.
const SNAPSHOT: &str = "begin isolation level repeatable read read only";

/// A service's role has short limits; counting everything takes longer than answering a request.
const LIMITS: &str = "set local statement_timeout = '10min'; set local idle_in_transaction_session_timeout = '10min'";

/// One database as it was at one moment.
pub(super) struct Database {
    side: Side,
    snapshot: Transaction<'static, Postgres>,
}

impl Database {
    /// The moment is that of the first question.
    pub async fn take(pool: &PgPool, side: Side) -> Result<Self> {
        let table = match side {
            Side::OrderService => "orders",
            Side::DeliveryService => "deliveries",
        };
        Ok(Self { side, snapshot: begin(pool, table).await? })
    }

    pub fn side(&self) -> Side {
        self.side
    }

    pub fn connection(&mut self) -> &mut PgConnection {
        &mut self.snapshot
    }

    pub async fn count(&mut self) -> Result<Checked> {
        let counted = match self.side {
            Side::OrderService => ORDERS_COUNTED,
            Side::DeliveryService => DELIVERIES_COUNTED,
        };
        Ok(sqlx::query_as(counted).fetch_one(self.connection()).await?)
    }

    pub async fn end(self) -> Result<()> {
        Ok(self.snapshot.rollback().await?)
    }
}

/// One snapshot of each database.
pub(super) struct Snapshot {
    pub orders: Database,
    pub deliveries: Database,
}

impl Snapshot {
    /// Both as they are now. The order side is read first: what it knows of the delivery side has happened before the second snapshot.
    pub async fn take(orders: &PgPool, deliveries: &PgPool) -> Result<Self> {
        let side = async |pool, side| {
            Database::take(pool, side).await.with_context(|| format!("{} could not be looked at", Source::from(side)))
        };
        let (mut orders, mut deliveries) =
            (side(orders, Side::OrderService).await?, side(deliveries, Side::DeliveryService).await?);
        for database in [&mut orders, &mut deliveries] {
            sqlx::query("select 1").execute(database.connection()).await?;
        }
        Ok(Self { orders, deliveries })
    }

    pub fn both(&mut self) -> (&mut PgConnection, &mut PgConnection) {
        (self.orders.connection(), self.deliveries.connection())
    }

    pub async fn end(self) -> Result<()> {
        self.orders.end().await?;
        self.deliveries.end().await
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
