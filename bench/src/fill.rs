//! Sagas put into both databases by statements over whole sets: orders that came one by one would take hours.
//!
//! Every row is there that the services would have written, and every invariant holds: `sagactl verify` finds nothing.

use std::env::temp_dir;
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use chrono::Utc;
use devstack::Stack;
use reqwest::Url;
use rustix::fs::statvfs;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

const PARTITIONS: &str = include_str!("fill/partitions.sql");
const SAGAS: &str = include_str!("fill/sagas.sql");
const ORDERS: &str = include_str!("fill/orders.sql");
const DELIVERIES: &str = include_str!("fill/deliveries.sql");

/// How many sagas one transaction puts in.
const AT_ONCE: u64 = 100_000;
/// What one finished saga takes in both databases together, and what is to be left free on top of all, in bytes.
const BYTES: u64 = 5_500;
const LEFT_FREE: u64 = 2_000_000_000;

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
/// Finished orders were placed from so many days ago on,
const FROM_DAYS: i64 = 60;
/// until so many days ago: by then each has come to its end.
const UNTIL_DAYS: i64 = 3;

/// What becomes of a saga, by its number: of twenty, twelve are delivered and one comes back; seven are cancelled, six of them because
/// no zone serves the address.
const FINISHED: &str = "case when number % 20 < 12 then 'delivered' when number % 20 < 18 then 'refused'
                             when number % 20 = 18 then 'cancelled' else 'returned' end";
/// Placed a moment ago; nobody has been told yet.
const PLACED: &str = "'placed'";

/// Which sagas are put in.
struct Sagas {
    number: u64,
    becomes: &'static str,
    /// The first is placed at this moment, the others over so much time.
    began_ms: i64,
    span_ms: i64,
}

/// Puts `orders` finished sagas into both databases and answers how long that took. The shop has been filled; the services may run.
///
/// # Errors
/// Where there is not enough room on the disk, or a database refuses.
pub async fn finished(stack: &Stack, orders: u64) -> Result<Duration> {
    ensure_room(orders)?;
    let began = Instant::now();
    let today_ms = Utc::now().timestamp_millis();
    let (began_ms, span_ms) = (today_ms - FROM_DAYS * DAY_MS, (FROM_DAYS - UNTIL_DAYS) * DAY_MS);
    let sagas = Sagas { number: orders, becomes: FINISHED, began_ms, span_ms };
    let (here, there) =
        (administrators(stack, stack.order_database_url())?, administrators(stack, stack.delivery_database_url())?);
    tokio::try_join!(sagas.put_into(&here, ORDERS), sagas.put_into(&there, DELIVERIES))?;
    Ok(began.elapsed())
}

/// Puts `orders` that were just placed into order-service's database, with an event each that is still to be sent.
///
/// # Errors
/// Where the database refuses.
pub async fn placed(stack: &Stack, orders: u64) -> Result<()> {
    let span_ms = 10_000;
    let sagas = Sagas { number: orders, becomes: PLACED, began_ms: Utc::now().timestamp_millis() - span_ms, span_ms };
    sagas.put_into(&administrators(stack, stack.order_database_url())?, ORDERS).await
}

/// The administrator's URL of a service's database.
fn administrators(stack: &Stack, database: &str) -> Result<String> {
    let url = Url::parse(database).context("A database's URL is none.")?;
    Ok(stack.postgres.url(url.path().trim_start_matches('/')))
}

impl Sagas {
    /// Puts them into a database, those of one transaction after those of the other, and leaves it as after a while of quiet.
    async fn put_into(&self, database: &str, side: &str) -> Result<()> {
        let mut database = PgConnection::connect(database).await.context("A database cannot be reached.")?;
        self.execute(&mut database, PARTITIONS, 0..=0).await?;
        let mut first = 0;
        while first < self.number {
            let last = (first + AT_ONCE).min(self.number) - 1;
            let mut tx = database.begin().await?;
            for script in [SAGAS, side] {
                self.execute(&mut tx, script, first..=last).await?;
            }
            tx.commit().await?;
            first = last + 1;
        }
        database.execute("vacuum (analyze)").await?;
        database.execute("checkpoint").await?;
        Ok(())
    }

    async fn execute(&self, database: &mut PgConnection, script: &str, numbers: RangeInclusive<u64>) -> Result<()> {
        // Made of numbers and of our own constants, and nothing else.
        let script = script
            .replace("{first}", &numbers.start().to_string())
            .replace("{last}", &numbers.end().to_string())
            .replace("{number}", &self.number.to_string())
            .replace("{began_ms}", &self.began_ms.to_string())
            .replace("{span_ms}", &self.span_ms.to_string())
            .replace("{becomes}", self.becomes);
        database.execute(sqlx::raw_sql(AssertSqlSafe(script))).await.context("The databases could not be filled.")?;
        Ok(())
    }
}

/// A full disk would end PostgreSQL, and perhaps more.
fn ensure_room(orders: u64) -> Result<()> {
    let disk = statvfs(temp_dir()).context("The disk cannot be looked at.")?;
    let (free, needed) = (disk.f_bavail * disk.f_frsize, orders * BYTES + LEFT_FREE);
    let gigabytes = |bytes: u64| bytes / 1_000_000_000;
    ensure!(
        free >= needed,
        "For {orders} orders {} GB have to be free in {}, but only {} GB are.",
        gigabytes(needed),
        temp_dir().display(),
        gigabytes(free)
    );
    Ok(())
}

#[cfg(test)]
mod tests;
