//! `cargo bench-saga`: how fast the pair is, how fast PostgreSQL, Kafka and HTTP are by themselves on the same machine, and what the one is
//! of the other. One run, one table, one JSON file.
//!
//! Read in this order: `targets.rs` (what is wanted), `sections.rs` (what is measured), `report.rs` (what comes of it).

#![allow(clippy::disallowed_methods, reason = "the load and the report: nothing that a service decides by")]

mod alone;
mod cost;
mod fill;
mod limits;
mod load;
mod options;
mod pair;
mod report;
mod sections;
mod stage;
mod targets;

use std::process::ExitCode;

use clap::Parser;
use devstack::Progress;

use crate::options::Options;
use crate::report::{Report, Verdict};
use crate::sections::Run;

/// Two threads: the client shares two cores with all that it measures.
#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some(limits::SERVE_NOTHING) {
        return limits::serve_nothing().await;
    }
    let options = Options::parse_from(std::env::args_os().filter(|arg| arg != "--"));
    match run(&options).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Every section in its turn, then the report. One that fails has no figures, and the others have theirs.
async fn run(options: &Options) -> anyhow::Result<ExitCode> {
    // First, or a wrong name would show when everything is measured.
    let before = options.compare.as_deref().map(Report::read).transpose()?;
    let progress = Progress::shown();
    let mut run = Run::new(options, &progress);
    for section in options.sections() {
        if let Err(error) = section.measure(&mut run).await {
            let failure = format!("{}: {error:#}", section.name());
            eprintln!("  {failure}");
            run.report.failures.push(failure);
        }
    }
    let report = run.end().await?;
    report.print(before.as_ref())?;
    let file = options.file(report.machine.began);
    report.save(&file)?;
    println!("\nAll figures are in {}.", file.display());
    let verdict = Verdict::of(&report, options);
    for sentence in verdict.sentences() {
        eprintln!("bench: {sentence}");
    }
    Ok(ExitCode::from(&verdict))
}
