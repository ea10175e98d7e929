//! `cargo bench-saga`: how fast the pair is, how fast PostgreSQL, Kafka and HTTP are by themselves on the same machine, and what the one is
//! of the other. One run, one table, one JSON file.
//!
//! Read in this order: `targets.rs` (what is wanted), `sections.rs` (what is measured), `report.rs` (what comes of it).

#![allow(clippy::disallowed_methods, reason = "the load and the report: nothing that a service decides by")]

mod limits;
mod options;
mod pair;
mod report;
mod sections;
mod targets;

use std::process::ExitCode;

use clap::Parser;
use devstack::Progress;

use crate::options::Options;
use crate::report::Report;

/// Two threads: the client shares two cores with all that it measures.
#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    let options = Options::parse_from(std::env::args_os().filter(|arg| arg != "--"));
    match run(&options).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Every section in its turn, then the report. A section that fails ends the run: figures of something broken are none.
async fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let progress = Progress::shown();
    let mut report = Report { quick: options.quick, ..Report::default() };
    for section in options.sections() {
        section.measure(options, &progress, &mut report).await?;
    }
    report.print()?;
    Ok(ExitCode::SUCCESS)
}
