//! Three times as many customers as the pair can serve: it has to go on serving as many as it can, and tell the others at once.

use std::time::Instant;

use anyhow::{Result, ensure};

use super::warm_up;
use crate::load::{Asked, closed, open};
use crate::options::Options;
use crate::report::{Report, Unit};
use crate::stage::Stage;

/// How many times the peak is offered.
const TIMES: f64 = 3.0;
/// With less, there was no overload: what is behind time is not sent at all.
const LEAST_TIMES: f64 = 2.5;
/// More than a service works on at once (`--max-concurrent-requests`), or there would be nothing to refuse: customers would wait for each
/// other, and not for the pair.
const CONNECTIONS: u32 = 2_048;
const QUICK_CONNECTIONS: u32 = 1_280;

/// The peak, and what is left of it.
pub async fn overload(stage: &mut Stage, options: &Options, report: &mut Report) -> Result<()> {
    warm_up(stage, options).await?;
    let load = stage.load(super::CONNECTIONS, Asked::Plain)?;
    let peak = closed(&load, options.length_s(10, 1)).await?;
    stage.settle(peak.accepted).await?;
    let peak = peak.accepted_per_s();

    let load = stage.load(options.sized(CONNECTIONS, QUICK_CONNECTIONS), Asked::Plain)?;
    let began = Instant::now();
    let tally = open(&load, TIMES * peak, options.length_s(30, 1)).await?;
    // All that come are sent, and where they could not be in time it took longer.
    let took_s = began.elapsed().as_secs_f64();
    let (accepted, offered) = (tally.accepted as f64 / took_s, (tally.accepted + tally.refused) as f64 / took_s);
    ensure!(
        options.quick || offered >= LEAST_TIMES * peak,
        "{offered:.0} orders a second were offered, which is not {LEAST_TIMES} times the peak of {peak:.0}"
    );
    stage.settle(tally.accepted).await?;
    report.add("overload.peak_per_s", peak, Unit::PerSecond);
    report.add("overload.offered_per_s", offered, Unit::PerSecond);
    report.add("overload.accepted_per_s", accepted, Unit::PerSecond);
    report.add("overload.accepted_per_peak", accepted / peak, Unit::Share);
    report.add("overload.refused", tally.refused as f64, Unit::Count);
    super::add_times(&tally, "overload.accepted", report);
    for (name, percent) in [("p50", 50.0), ("p99", 99.0), ("max", 100.0)] {
        report.add(&format!("overload.refused_{name}_ms"), tally.refusals_percentile_ms(percent), Unit::Ms);
    }
    Ok(())
}
