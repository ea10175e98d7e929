//! `sagactl preflight`.

use anyhow::Result;
use chrono::TimeDelta;
use sagactl::preflight::{self, Terms};

use crate::args::Preflight;
use crate::ending::Ending;
use crate::say::Page;

/// Runs the command.
pub async fn run(args: &Preflight) -> Result<Ending> {
    let terms = Terms { profile: args.profile, longest_wait: TimeDelta::from_std(args.longest_wait_seconds)? };
    let report = preflight::look(&args.places(), terms).await;
    let page = Page::new();
    if args.json {
        page.line(serde_json::to_string_pretty(&report)?)?;
    } else {
        page.line(report.to_string().trim_end())?;
    }
    Ok(match (report.is_refused(), report.is_whole()) {
        (true, _) => Ending::Failed,
        (false, false) => Ending::CouldNotLook,
        (false, true) => Ending::Well,
    })
}
