//! A pair of databases that is broken and made whole again, over and over.

use std::path::PathBuf;
use std::process::Output;

use anyhow::{Context, Result, ensure};
use devstack::Postgres;
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, PgPool};
use tokio::process::Command;

use crate::breaks::Side;

/// Two databases with the services' tables, but without the schema's protection.
pub struct Pair {
    pub orders: PgPool,
    pub deliveries: PgPool,
    pub orders_url: String,
    pub deliveries_url: String,
    name: String,
}

impl Pair {
    /// Makes both databases from the services' migrations, and takes all constraints away.
    pub async fn make(postgres: &Postgres, purpose: &str) -> Result<Self> {
        let name = format!("verify_{purpose}_{}", std::process::id());
        let orders_url = postgres.create_database(&format!("{name}_orders")).await?;
        let deliveries_url = postgres.create_database(&format!("{name}_deliveries")).await?;
        for (url, folder) in [(&orders_url, "order-service"), (&deliveries_url, "delivery-service")] {
            let mut database = PgConnection::connect(url).await?;
            for migration in migrations("chassis")?.into_iter().chain(migrations(folder)?) {
                database.execute(sqlx::raw_sql(AssertSqlSafe(migration))).await?;
            }
            database.execute(include_str!("lawless.sql")).await?;
            database.close().await?;
        }
        let pool = |url: &str| PgPoolOptions::new().max_connections(2).connect_lazy(url);
        Ok(Self { orders: pool(&orders_url)?, deliveries: pool(&deliveries_url)?, orders_url, deliveries_url, name })
    }

    /// Leaves both as the services would have left them, whatever was done to them before.
    pub async fn make_whole(&self) -> Result<()> {
        for (url, rows) in
            [(&self.orders_url, include_str!("orders.sql")), (&self.deliveries_url, include_str!("deliveries.sql"))]
        {
            // A connection of its own: what the file makes for itself goes with it.
            let mut database = PgConnection::connect(url).await?;
            database.execute(include_str!("empty.sql")).await?;
            database.execute(rows).await.with_context(|| format!("{} could not be filled", self.name))?;
            database.close().await?;
        }
        Ok(())
    }

    /// Does what no service would. `#N` is the id of order N.
    pub async fn break_by_hand(&self, side: Side, sql: &str) -> Result<()> {
        let pool = match side {
            Side::Orders => &self.orders,
            Side::Deliveries => &self.deliveries,
        };
        let id = |n: &str| format!("'{}'::uuid", order_id(n));
        let done = pool.execute(sqlx::raw_sql(AssertSqlSafe(replace_numbers(sql, id)))).await?;
        ensure!(done.rows_affected() > 0, "it changed nothing");
        Ok(())
    }

    /// The first order's event arrives over there, and is parked.
    pub async fn park_the_first(&self) -> Result<()> {
        let sql = "insert into parked_events
                   select gen_random_uuid(), topic, \"partition\", 3, #1, 1, key, header_names, header_values, payload,
                          cause, error, attempts, null, parked_at, null, null
                   from parked_events where order_id = #9";
        self.break_by_hand(Side::Deliveries, sql).await
    }

    /// Runs the command on this pair.
    pub async fn run_verify(&self, args: &[&str]) -> Result<Output> {
        Ok(self.verify(args).output().await?)
    }

    /// The command, with both databases named by the environment.
    pub fn verify(&self, args: &[&str]) -> Command {
        let mut verify = Command::new(env!("CARGO_BIN_EXE_sagactl"));
        verify
            .args(["verify", "--patience-seconds", "1"])
            .args(args)
            .env("ORDERS_DATABASE_URL", &self.orders_url)
            .env("DELIVERIES_DATABASE_URL", &self.deliveries_url);
        verify
    }

    /// Removes both: the server may be somebody else's.
    pub async fn remove(self, postgres: &Postgres) -> Result<()> {
        self.orders.close().await;
        self.deliveries.close().await;
        postgres.drop_database(&format!("{}_orders", self.name)).await?;
        postgres.drop_database(&format!("{}_deliveries", self.name)).await
    }
}

/// A text in which `#N` stands for the id of order N.
pub fn numbered(text: &str) -> String {
    replace_numbers(text, order_id)
}

fn order_id(number: &str) -> String {
    format!("00000000-0000-7000-8000-{number:0>12}")
}

fn replace_numbers(text: &str, id: impl Fn(&str) -> String) -> String {
    let mut parts = text.split('#');
    let mut replaced = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
        replaced.push_str(&id(&part[..digits]));
        replaced.push_str(&part[digits..]);
    }
    replaced
}

/// The migrations of a crate, in their order.
fn migrations(folder: &str) -> Result<Vec<String>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(folder).join("migrations");
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)?.map(|file| Ok(file?.path())).collect::<Result<_>>()?;
    files.sort();
    files.iter().map(|file| Ok(std::fs::read_to_string(file)?)).collect()
}
