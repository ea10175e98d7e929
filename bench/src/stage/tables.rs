//! What PostgreSQL counts about the tables that a load writes to.

use anyhow::Result;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;

/// Of the order side, then of the delivery side. `outbox` and `inbox` are on both.
const OF_ORDERS: [&str; 5] = ["outbox", "inbox", "orders", "products", "idempotency_keys"];
const OF_DELIVERIES: [&str; 4] = ["outbox", "inbox", "deliveries", "slots"];

/// A table at one moment.
#[derive(Clone, Debug)]
pub struct Table {
    /// `order_outbox`: the side, and the table.
    pub name: String,
    /// Rows that are gone but still take room.
    pub dead_rows: f64,
    /// The table with its indexes, in megabytes.
    pub mb: f64,
}

/// Looks at the tables of both databases.
pub struct Tables {
    orders: PgPool,
    deliveries: PgPool,
}

impl Tables {
    /// Nothing is asked yet.
    pub fn at(orders: &str, deliveries: &str) -> Result<Self> {
        let pool = |url: &str| PgPoolOptions::new().max_connections(1).connect_lazy(url);
        Ok(Self { orders: pool(orders)?, deliveries: pool(deliveries)? })
    }

    /// All of them, now.
    pub async fn look(&self) -> Result<Vec<Table>> {
        let mut tables = look(&self.orders, "order", &OF_ORDERS).await?;
        tables.extend(look(&self.deliveries, "delivery", &OF_DELIVERIES).await?);
        Ok(tables)
    }
}

async fn look(pool: &PgPool, side: &str, names: &[&str]) -> Result<Vec<Table>> {
    let question = "
        select relname::text, n_dead_tup::float8, pg_total_relation_size(relid)::float8 / 1000000
        from pg_stat_user_tables where relname = any($1) order by relname";
    let rows: Vec<(String, f64, f64)> = sqlx::query_as(question).bind(names).fetch_all(pool).await?;
    Ok(rows.into_iter().map(|(name, dead_rows, mb)| Table { name: format!("{side}_{name}"), dead_rows, mb }).collect())
}
