//! The same loads on a pair that has been through a million orders before, and through five million.

use anyhow::Result;
use devstack::Progress;

use super::open::{STEADY, waiting};
use super::saturate;
use crate::options::Options;
use crate::report::{Report, Unit};
use crate::stage::Stage;

/// How many finished orders are present, and how many with `--quick`; the last one is compared with the first.
const PRESENT: [(&str, u64, u64); 3] =
    [("growth_empty", 0, 0), ("growth_1m", 1_000_000, 500), ("growth_5m", 5_000_000, 1_000)];

/// Throughput, and how long customers wait, with more and more orders present.
pub async fn growth(stage: &mut Stage, options: &Options, progress: &Progress, report: &mut Report) -> Result<()> {
    let length = options.length_s(10, 1);
    let mut confirmed_per_s = Vec::new();
    for (section, full, quick) in PRESENT {
        let step = progress.step("Putting finished orders into both databases");
        let (missing, took) = stage.fill_up_to(options.sized(full, quick)).await?;
        step.done(&format!("{missing} finished orders put into both databases"));
        report.add(&format!("{section}.filled_s"), took.as_secs_f64(), Unit::S);
        confirmed_per_s.push(saturate(stage, section, length, options, report).await?);
        waiting(stage, &format!("{section}_steady"), STEADY.of(options), options, report).await?;
    }
    if let [empty, .., full] = confirmed_per_s[..] {
        report.add("growth.throughput_share_at_5m", full / empty, Unit::Share);
    }
    Ok(())
}
