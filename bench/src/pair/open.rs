//! The pair at a fixed rate: how long customers wait who know nothing of each other.

use std::time::Duration;

use anyhow::Result;
use chrono::Utc;

use super::{add_times, maximum, warm_up};
use crate::load::{Asked, open};
use crate::options::Options;
use crate::report::{Report, Unit};
use crate::stage::Stage;

/// How many orders come a second.
pub struct Rate {
    full: f64,
    quick: f64,
}

/// What everything is asked at that is to be compared.
pub const STEADY: Rate = Rate { full: 500.0, quick: 40.0 };

impl Rate {
    /// As it is for this run.
    pub fn of(&self, options: &Options) -> f64 {
        options.sized(self.full, self.quick)
    }
}

/// How long a customer waits for the outcome.
const WAIT_S: u32 = 10;

/// How long a load lasts before it is measured.
const LEAD_IN: Duration = Duration::from_secs(10);
const QUICK_LEAD_IN: Duration = Duration::from_millis(300);

/// More than are ever on their way at once while the pair keeps up.
pub fn connections(options: &Options) -> u32 {
    options.sized(256, 32)
}

/// 500 orders a second.
pub async fn steady(stage: &mut Stage, options: &Options, report: &mut Report) -> Result<()> {
    warm_up(stage, options).await?;
    at_rate(stage, "steady", STEADY.of(options), options, report).await
}

/// 30 % and 70 % of what the pair can do.
pub async fn shares(stage: &mut Stage, options: &Options, report: &mut Report) -> Result<()> {
    let maximum = maximum(stage, "open_max", options, report).await?;
    warm_up(stage, options).await?;
    at_rate(stage, "open30", 0.3 * maximum, options, report).await?;
    at_rate(stage, "open70", 0.7 * maximum, options, report).await
}

/// First customers who wait for the outcome, then as many who only want to know that the order is accepted.
async fn at_rate(
    stage: &mut Stage,
    section: &str,
    per_second: f64,
    options: &Options,
    report: &mut Report,
) -> Result<()> {
    let length = options.length_s(30, 1);
    waiting(stage, section, per_second, options, report).await?;
    let load = stage.load(connections(options), Asked::Plain)?;
    let plain = open(&load, per_second, length).await?;
    stage.settle(plain.accepted).await?;
    add_times(&plain, &format!("{section}.http"), report);
    report.add(&format!("{section}.http_refused"), plain.refused as f64, Unit::Count);
    Ok(())
}

/// Customers who wait for the outcome.
pub async fn waiting(
    stage: &mut Stage,
    section: &str,
    per_second: f64,
    options: &Options,
    report: &mut Report,
) -> Result<()> {
    let length = options.length_s(30, 1);
    // A load of another kind than the one before: at first connections are made, and code is compiled that no load has needed yet.
    let load = stage.load(connections(options), Asked::Waiting(WAIT_S))?;
    let lead_in = open(&load, per_second, options.sized(LEAD_IN, QUICK_LEAD_IN)).await?;
    stage.settle(lead_in.accepted).await?;
    let load = stage.load(connections(options), Asked::Waiting(WAIT_S))?;
    let watch = stage.watch()?;
    let began = Utc::now();
    let waited = open(&load, per_second, length).await?;
    stage.drain().await?;
    let cost = watch.end().await?;
    stage.check(waited.accepted).await?;
    report.add(&format!("{section}.rate_per_s"), per_second, Unit::PerSecond);
    add_times(&waited, &format!("{section}.saga"), report);
    report.add(&format!("{section}.saga_refused"), waited.refused as f64, Unit::Count);
    report.add(&format!("{section}.saga_undecided"), waited.undecided as f64, Unit::Count);
    stage.books.waits_since(began).await?.report(section, report);
    cost.report(section, waited.accepted, report);
    Ok(())
}
