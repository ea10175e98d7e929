//! A database of its own, with the tables of order-service and something to sell.

use anyhow::{Context, Result, ensure};
use devstack::{Binaries, Postgres};
use sqlx::{Connection, PgConnection};
use tokio::process::Command;

const NAME: &str = "order_service_limits";

/// A hundred articles of which there is always enough.
const ARTICLES: &str = "
    insert into products (sku, name, price_minor, currency, weight_g, received, on_hand)
    select 'ARTICLE-' || lpad(n::text, 3, '0'), 'Article ' || n, 1999, 'EUR', 500, 1000000000, 1000000000 from generate_series(0, 99) as n";

/// The database. It is there until it is removed.
pub struct Database {
    /// The administrator's URL of it.
    pub url: String,
}

impl Database {
    /// Makes it, as order-service itself would, and fills the shelves.
    pub async fn make(postgres: &Postgres, binaries: &Binaries) -> Result<Self> {
        postgres.drop_database(NAME).await?;
        let database = Self { url: postgres.create_database(NAME).await? };
        let migrated =
            Command::new(&binaries.order_service).arg("--migrate").env("DATABASE_URL", &database.url).output();
        let migrated = migrated.await.context("order-service could not be run.")?;
        ensure!(migrated.status.success(), "There are no tables: {}", String::from_utf8_lossy(&migrated.stderr));
        sqlx::raw_sql(ARTICLES).execute(&mut database.connect().await?).await?;
        Ok(database)
    }

    /// A connection to it.
    pub async fn connect(&self) -> Result<PgConnection> {
        PgConnection::connect(&self.url).await.context("The database for the limits cannot be reached.")
    }

    /// How many orders it has.
    pub async fn orders(&self) -> Result<u64> {
        let orders: i64 =
            sqlx::query_scalar("select count(*) from orders").fetch_one(&mut self.connect().await?).await?;
        Ok(orders.unsigned_abs())
    }

    /// Removes it.
    pub async fn remove(self, postgres: &Postgres) -> Result<()> {
        postgres.drop_database(NAME).await
    }
}
