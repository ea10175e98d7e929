//! One order at a time on a pair that has nothing else to do.

use std::time::Duration;

use anyhow::Result;
use chrono::Utc;

use super::{add_times, warm_up};
use crate::load::{Asked, spaced};
use crate::options::Options;
use crate::report::Report;
use crate::stage::{Stage, Steps};

/// Long enough that nothing of the order before is still under way.
const PAUSE: Duration = Duration::from_millis(50);
const WAIT_S: u32 = 10;

/// 200 whose customer only wants to know that the order is accepted, and 200 whose customer waits for the outcome.
pub async fn lone(stage: &mut Stage, options: &Options, report: &mut Report) -> Result<()> {
    warm_up(stage, options).await?;
    let load = stage.load(1, Asked::Plain)?;
    let plain = spaced(&load, options.sized(200, 20), PAUSE).await?;
    stage.settle(plain.accepted).await?;
    add_times(&plain, "lone.http", report);
    let load = stage.load(1, Asked::Waiting(WAIT_S))?;
    let began = Utc::now();
    let tally = spaced(&load, options.sized(200, 20), PAUSE).await?;
    stage.settle(tally.accepted).await?;
    add_times(&tally, "lone.saga", report);
    stage.books.waits_since(began).await?.report("lone", report);
    let steps = Steps::since(began, stage.stack.order_database_url(), stage.stack.delivery_database_url()).await?;
    steps.report("lone", tally.mean_ms(), report);
    Ok(())
}
