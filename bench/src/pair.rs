//! The pair as a whole. Here in a closed loop: as fast as it goes.

mod growth;
mod lone;
mod long;
mod open;
mod outage;
mod overload;
mod scale;

use std::time::Duration;

use anyhow::Result;
use chrono::Utc;

use crate::load::{Asked, Tally, closed};
use crate::options::Options;
use crate::report::{Report, Series, Unit};
use crate::stage::{Cost, Stage};

pub use self::growth::growth;
pub use self::lone::lone;
pub use self::long::long;
pub use self::open::{shares, steady};
pub use self::outage::outage;
pub use self::overload::overload;
pub use self::scale::scale;

const CONNECTIONS: u32 = 64;
/// The broker's compiler takes a whole core for about so long: what is measured meanwhile says how fast a broker starts.
const FIRST_WARM_UP: Duration = Duration::from_secs(40);
const WARM_UP: Duration = Duration::from_secs(3);
const QUICK_WARM_UP: Duration = Duration::from_millis(300);

/// As fast as 64 connections go, for ten seconds.
pub async fn burst(stage: &mut Stage, options: &Options, report: &mut Report) -> Result<()> {
    saturate(stage, "burst", options.length_s(10, 1), options, report).await.map(drop)
}

/// The same for five minutes: what piles up must not pile up without end.
pub async fn sustained(stage: &mut Stage, options: &Options, report: &mut Report) -> Result<()> {
    saturate(stage, "sustained", options.length_s(300, 2), options, report).await.map(drop)
}

/// What the pair can do: as this run has measured it already, or else as a short load shows.
async fn maximum(stage: &mut Stage, section: &str, options: &Options, report: &mut Report) -> Result<f64> {
    match report.value("sustained.confirmed_per_s").or(report.value("burst.confirmed_per_s")) {
        Some(maximum) => Ok(maximum),
        None => saturate(stage, section, options.length_s(10, 1), options, report).await,
    }
}

/// A closed loop on a pair that is warm, and what came of it. Answers with how many orders were confirmed a second.
pub async fn saturate(
    stage: &mut Stage,
    section: &str,
    length: Duration,
    options: &Options,
    report: &mut Report,
) -> Result<f64> {
    warm_up(stage, options).await?;
    let load = stage.load(CONNECTIONS, Asked::Plain)?;
    let watch = stage.watch()?;
    let began = Utc::now();
    let tally = closed(&load, length).await?;
    let drained = stage.drain().await?;
    let cost = watch.end().await?;
    stage.check(tally.accepted).await?;
    let confirmed = stage.books.confirmed_between(began, began + length).await?;
    let confirmed_per_s = confirmed as f64 / length.as_secs_f64();
    let figure = |what: &str| format!("{section}.{what}");
    report.add(&figure("accepted_per_s"), tally.accepted_per_s(), Unit::PerSecond);
    report.add(&figure("confirmed_per_s"), confirmed_per_s, Unit::PerSecond);
    report.add(&figure("confirmed_per_accepted"), confirmed_per_s / tally.accepted_per_s(), Unit::Share);
    report.add(&figure("refused"), tally.refused as f64, Unit::Count);
    report.add(&figure("drained_ms"), drained.as_secs_f64() * 1_000.0, Unit::Ms);
    add_times(&tally, &figure("http"), report);
    stage.books.waits_since(began).await?.report(section, report);
    add_backlog(&cost, length, section, report);
    cost.report(section, tally.accepted, report);
    Ok(confirmed_per_s)
}

/// What comes before a load and is nobody's figure: caches fill, and the first time the broker's compiler has its work.
pub async fn warm_up(stage: &mut Stage, options: &Options) -> Result<()> {
    let length = if stage.begins() { FIRST_WARM_UP } else { WARM_UP };
    let load = stage.load(CONNECTIONS, Asked::Plain)?;
    let tally = closed(&load, options.sized(length, QUICK_WARM_UP)).await?;
    stage.settle(tally.accepted).await
}

/// How long answers took: `what_p50_ms` and so on.
pub fn add_times(tally: &Tally, what: &str, report: &mut Report) {
    for (name, percent) in [("p50", 50.0), ("p95", 95.0), ("p99", 99.0), ("max", 100.0)] {
        report.add(&format!("{what}_{name}_ms"), tally.percentile_ms(percent), Unit::Ms);
    }
}

/// How many orders waited while the load lasted: at most, and whether they became more and more.
fn add_backlog(cost: &Cost, length: Duration, section: &str, report: &mut Report) {
    let under_load = cost.seen.backlog.iter().copied().filter(|(second, _)| *second <= length.as_secs_f64());
    let backlog = Series { name: format!("{section}.backlog_orders"), points: under_load.collect() };
    report.add(&format!("{section}.backlog_max_orders"), backlog.most(), Unit::Count);
    if let Some(growth) = backlog.growth() {
        report.add(&format!("{section}.backlog_growth"), growth, Unit::Share);
    }
    report.series.push(backlog);
}
