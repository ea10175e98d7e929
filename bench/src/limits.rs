//! What PostgreSQL, Kafka and HTTP come to by themselves on this machine, so that a figure of the pair can be told as a ratio.
//!
//! - L1: the transaction that places an order, one order each, by pgbench.
//! - L2: the same work, a hundred orders a transaction.
//! - L3: the record that announces an order, from a bare producer.
//! - L4: the services' own HTTP server with a handler that does nothing.
//!
//! Nothing else runs meanwhile, and PostgreSQL and Kafka are as they are under the pair.

mod database;
mod nothing;
mod pgbench;
mod placing;
mod producer;
#[cfg(test)]
mod tests;

use std::time::Duration;

use anyhow::Result;
use devstack::{Binaries, Kafka, KafkaOptions, Postgres, Progress};

use crate::load::{Asked, Load as HttpLoad, closed};
use crate::options::Options;
use crate::report::{Report, Unit};
use crate::stage::HEAP_MB;
use crate::targets::{L1, L3};

pub use nothing::{SERVE as SERVE_NOTHING, serve as serve_nothing};

use database::Database;
use nothing::Server;
use pgbench::{Load, Until};

/// How many single orders are on their way at once.
const SINGLES: u32 = 32;
/// How many connections ask the server that does nothing.
const CONNECTIONS: u32 = 64;
/// How many batches are: one is written while another is made up.
const BATCHES: u32 = 2;

/// Measures all of them, one after the other.
pub async fn measure(options: &Options, progress: &Progress, report: &mut Report) -> Result<()> {
    of_postgres(options, progress, report).await?;
    of_kafka(options, progress, report).await?;
    of_http(options, report).await
}

async fn of_postgres(options: &Options, progress: &Progress, report: &mut Report) -> Result<()> {
    let binaries = match &options.services {
        Some(directory) => Binaries::in_directory(directory)?,
        None => devstack::binaries(progress).await?,
    };
    let postgres = Postgres::start(progress).await?;
    let seconds = options.sized(10, 1);
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
    let kafka = Kafka::start(&KafkaOptions { heap_mb: HEAP_MB, ..KafkaOptions::default() }, progress).await?;
    let sent = producer::records_per_second(&kafka, options.sized(200_000, 20_000)).await?;
    report.add(L3, sent, Unit::PerSecond);
    Ok(())
}

async fn of_http(options: &Options, report: &mut Report) -> Result<()> {
    let server = Server::start().await?;
    let addresses = vec![server.address];
    // As long as a real one, which nobody looks at there.
    let token = "t".repeat(300);
    let (seed, connections) = (options.seed, CONNECTIONS);
    let load = HttpLoad { addresses, seed, number: 1, connections, asked: Asked::Plain, token };
    let tally = closed(&load, options.length_s(10, 2)).await?;
    report.add("limits.l4_requests_per_s", tally.accepted_per_s(), Unit::PerSecond);
    Ok(())
}
