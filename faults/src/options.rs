//! What can be said on the command line.

use std::path::PathBuf;

use clap::Parser;

use crate::profile::Name;

/// Breaks the running pair on purpose, and audits what is left of it.
#[derive(Debug, Parser)]
#[command(name = "cargo faults --", bin_name = "cargo faults --", version)]
pub struct Options {
    /// How much is broken
    #[arg(long, value_enum, default_value_t = Name::Smoke)]
    pub profile: Name,
    /// What the plan, the orders and the customers are drawn from: the same seed, the same plan
    #[arg(long, default_value_t = 7)]
    pub seed: u64,
    /// Where the report goes, as JSON
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Where the journal and the services' logs are kept [default: target/faults/PROFILE-SEED]
    #[arg(long, value_name = "DIRECTORY")]
    pub keep: Option<PathBuf>,
    /// Plant this bug in both services: the run has to notice (docs/faults.md names them all)
    #[arg(long, value_name = "NAME")]
    pub bug: Option<String>,
    /// Print the plan and do nothing
    #[arg(long)]
    pub plan: bool,
}
