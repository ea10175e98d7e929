//! What PostgreSQL, Kafka and HTTP come to by themselves on this machine, so that a figure of the pair can be told as a ratio.
//!
//! - L1: the transaction that places an order, one order each, by pgbench.
//! - L2: the same work, a hundred orders a transaction.
//! - L3: the record that announces an order, from a bare producer.
//!
//! Nothing else runs meanwhile, and PostgreSQL and Kafka are as they are under the pair.

mod database;
mod pgbench;
mod placing;
mod producer;
#[cfg(test)]
mod tests;

use std::time::Duration;

use anyhow::Result;
use devstack::{Kafka, KafkaOptions, Postgres, Progress};

use crate::options::Options;
use crate::report::{Report, Unit};
use crate::targets::{L1, L3};

use database::Database;
use pgbench::{Load, Until};

/// How many single orders are on their way at once.
const SINGLES: u32 = 32;
/// How many batches are: one is written while another is made up.
const BATCHES: u32 = 2;

/// Measures all of them, one after the other.
pub async fn measure(options: &Options, progress: &Progress, report: &mut Report) -> Result<()> {
    of_postgres(options, progress, report).await?;
    of_kafka(options, progress, report).await
}

async fn of_postgres(options: &Options, progress: &Progress, report: &mut Report) -> Result<()> {
    let binaries = devstack::binaries(progress).await?;
    let postgres = Postgres::start(progress).await?;
    let seconds = options.sized(10, 3);
    let until = || Until::Passed(Duration::from_secs(seconds));
    let one = Load { script: placing::ONE, orders: 1, clients: SINGLES, until: until() };
    let hundred = Load { script: placing::HUNDRED, orders: 100, clients: BATCHES, until: until() };
    for (name, load) in [(L1, one), ("limits.l2_orders_per_s", hundred)] {
        let database = Database::make(&postgres, &binaries).await?;
        let placed = load.run(&database).await;
        database.remove(&postgres).await?;
        report.add(name, placed?, Unit::PerSecond);
    }
    Ok(())
}

async fn of_kafka(options: &Options, progress: &Progress, report: &mut Report) -> Result<()> {
    let kafka = Kafka::start(&KafkaOptions::default(), progress).await?;
    let sent = producer::records_per_second(&kafka, options.sized(200_000, 20_000)).await?;
    report.add(L3, sent, Unit::PerSecond);
    Ok(())
}
