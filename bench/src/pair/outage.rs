//! Kafka away while orders come in: they are taken, wait in the outbox, and all is made good when it is back.

use std::time::{Duration, Instant};

use anyhow::Result;
use devstack::{Progress, StackOptions};

use super::{CONNECTIONS, warm_up};
use crate::load::{Asked, counted};
use crate::options::Options;
use crate::report::{Report, Series, Unit};
use crate::stage::Stage;

/// 100,000 orders are more than an order-service lets in by default while nobody decides any.
const ADMIT_ALL: [&str; 2] = ["--admission-undecided-orders=10000000", "--admission-outbox-age-s=86400"];

/// 100,000 orders behind.
pub async fn outage(options: &Options, progress: &Progress, report: &mut Report) -> Result<()> {
    let order_service_args = ADMIT_ALL.map(str::to_owned).into();
    let wanted = StackOptions { order_service_args, ..StackOptions::default() };
    let mut stage = Stage::raise_with(wanted, options, progress, report).await?;
    warm_up(&mut stage, options).await?;
    let load = stage.load(CONNECTIONS, Asked::Plain)?;
    let watch = stage.watch()?;
    stage.stack.kafka.pause()?;
    let tally = counted(&load, options.sized(100_000, 300)).await;
    // Whatever came of it: a broker that stands still cannot be stopped in good order.
    stage.stack.kafka.resume()?;
    let (tally, back) = (tally?, Instant::now());
    stage.drain().await?;
    let drained = back.elapsed();
    let cost = watch.end().await?;
    stage.check(tally.accepted).await?;
    report.add("outage.backlog_orders", tally.accepted as f64, Unit::Count);
    report.add("outage.accepted_per_s", tally.accepted_per_s(), Unit::PerSecond);
    report.add("outage.drained_s", drained.as_secs_f64(), Unit::S);
    report.add("outage.drained_per_s", per_second(tally.accepted, drained), Unit::PerSecond);
    cost.report("outage", tally.accepted, report);
    report.series.push(Series { name: "outage.backlog_orders".to_owned(), points: cost.seen.backlog });
    stage.strike().await
}

fn per_second(orders: u64, took: Duration) -> f64 {
    orders as f64 / took.as_secs_f64()
}
