//! What the databases say of the orders: they are what counts.

use anyhow::{Result, bail, ensure};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;

use crate::report::{Report, Unit};

/// Looks into order-service's database as its administrator.
pub struct Books {
    orders: PgPool,
}

/// PostgreSQL as it runs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Durability {
    /// Its version.
    pub version: String,
    /// What a commit waits for: on.
    pub fsync: String,
    /// The same.
    pub synchronous_commit: String,
    /// What a torn page is repaired from: on.
    pub full_page_writes: String,
}

/// How many orders there are, and how many of them are confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// All.
    pub orders: i64,
    /// Those that the delivery side said yes to.
    pub confirmed: i64,
}

/// How long orders waited for their confirmation, by the databases' own times: without the wait for the batch, and without the commit.
#[derive(Clone, Copy, Debug)]
pub struct Waits {
    p50_ms: f64,
    p99_ms: f64,
}

impl Waits {
    /// Adds them.
    pub fn report(self, section: &str, report: &mut Report) {
        report.add(&format!("{section}.database_p50_ms"), self.p50_ms, Unit::Ms);
        report.add(&format!("{section}.database_p99_ms"), self.p99_ms, Unit::Ms);
    }
}

impl Books {
    /// Nothing is asked yet.
    pub fn at(orders_database: &str) -> Result<Self> {
        Ok(Self { orders: PgPoolOptions::new().max_connections(1).connect_lazy(orders_database)? })
    }

    /// Asks PostgreSQL how durable it is.
    ///
    /// # Errors
    /// Where it is less than it could be: figures of that would flatter.
    pub async fn durability(&self) -> Result<Durability> {
        let ask = async |setting: &str| -> Result<String> {
            let question = "select current_setting($1)";
            Ok(sqlx::query_scalar(question).bind(setting).fetch_one(&self.orders).await?)
        };
        let durability = Durability {
            version: ask("server_version").await?,
            fsync: ask("fsync").await?,
            synchronous_commit: ask("synchronous_commit").await?,
            full_page_writes: ask("full_page_writes").await?,
        };
        let Durability { fsync, synchronous_commit, full_page_writes, .. } = &durability;
        let durable = [fsync, synchronous_commit, full_page_writes].iter().all(|setting| *setting == "on");
        ensure!(durable, "PostgreSQL is not as durable as it could be: {durability:?}");
        Ok(durability)
    }

    /// Counts all orders.
    pub async fn counts(&self) -> Result<Counts> {
        let question = "select count(*), count(*) filter (where status = 'confirmed') from orders";
        let (orders, confirmed) = sqlx::query_as(question).fetch_one(&self.orders).await?;
        Ok(Counts { orders, confirmed })
    }

    /// Whether an order waits for the delivery side's word.
    pub async fn any_undecided(&self) -> Result<bool> {
        let question = "select exists (select from orders where status in ('completed', 'cancelling'))";
        Ok(sqlx::query_scalar(question).fetch_one(&self.orders).await?)
    }

    /// How many wait.
    pub async fn undecided(&self) -> Result<i64> {
        let question = "select count(*) from orders where status in ('completed', 'cancelling')";
        Ok(sqlx::query_scalar(question).fetch_one(&self.orders).await?)
    }

    /// How many orders became confirmed in this time.
    pub async fn confirmed_between(&self, from: DateTime<Utc>, until: DateTime<Utc>) -> Result<i64> {
        let question =
            "select count(*) from order_history where status = 'confirmed' and number = 2 and at >= $1 and at < $2";
        Ok(sqlx::query_scalar(question).bind(from).bind(until).fetch_one(&self.orders).await?)
    }

    /// How long the orders waited that were placed since then.
    pub async fn waits_since(&self, from: DateTime<Utc>) -> Result<Waits> {
        let question = "
            select percentile_cont(0.5) within group (order by waited),
                   percentile_cont(0.99) within group (order by waited)
            from (
                select extract(epoch from confirmed.at - orders.placed_at)::float8 * 1000 as waited
                from orders
                join order_history as confirmed on confirmed.order_id = orders.id and confirmed.number = 2
                where orders.placed_at >= $1 and confirmed.status = 'confirmed'
            ) as waits";
        let waits: (Option<f64>, Option<f64>) = sqlx::query_as(question).bind(from).fetch_one(&self.orders).await?;
        let (Some(p50_ms), Some(p99_ms)) = waits else { bail!("no order was confirmed") };
        Ok(Waits { p50_ms, p99_ms })
    }
}
