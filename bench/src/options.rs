//! What can be said on the command line.

use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};
use clap::{Parser, ValueEnum};

use crate::sections::Section;

/// Measures the pair and the limits of this machine, in one run.
#[derive(Debug, Parser)]
#[command(name = "cargo bench-saga --", bin_name = "cargo bench-saga --", version)]
pub struct Options {
    /// Only these sections, with commas between them
    #[arg(long, value_enum, value_delimiter = ',', value_name = "SECTION,…")]
    pub only: Vec<Section>,
    /// Small counts, everything within two minutes: tries the benchmark, says nothing about speed
    #[arg(long)]
    pub quick: bool,
    /// How long each load lasts, in seconds, instead of what is usual for it
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub seconds: Option<u64>,
    /// Measure the services whose executables are in this directory, built elsewhere
    #[arg(long, value_name = "DIR")]
    pub services: Option<PathBuf>,
    /// How many instances of each service there are at most, where it is measured what more of them bring
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=3))]
    pub instances: u32,
    /// Where the figures go [default: target/bench/DATE.json]
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Show beside each figure how many times that of an earlier run it is
    #[arg(long, value_name = "OLD.json")]
    pub compare: Option<PathBuf>,
    /// What the orders are made from: the same seed, the same orders
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

impl Options {
    /// The sections to measure, in the order in which they are listed.
    pub fn sections(&self) -> Vec<Section> {
        let wanted = |section: &Section| self.only.is_empty() || self.only.contains(section);
        Section::value_variants().iter().copied().filter(wanted).collect()
    }

    /// Where the figures of a run go that began then.
    pub fn file(&self, began: DateTime<Utc>) -> PathBuf {
        let usual = || PathBuf::from(format!("target/bench/{}.json", began.format("%Y-%m-%dT%H-%M-%S")));
        self.json.clone().unwrap_or_else(usual)
    }

    /// How long a load lasts.
    pub fn length_s(&self, full: u64, quick: u64) -> Duration {
        Duration::from_secs(self.seconds.unwrap_or(self.sized(full, quick)))
    }

    /// `full`, or with `--quick` much less: for counts and lengths of time.
    pub fn sized<T>(&self, full: T, quick: T) -> T {
        if self.quick { quick } else { full }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Options::command().debug_assert();
    }

    #[test]
    fn only_what_is_named_is_measured_in_the_order_of_the_list() {
        let sections = |flags: &[&str]| Options::parse_from(["bench"].iter().chain(flags)).sections();
        assert_eq!(sections(&[]), Section::value_variants());
        assert_eq!(sections(&["--only", "lone,burst"]), [Section::Burst, Section::Lone]);
        assert!(Options::try_parse_from(["bench", "--only", "nothing"]).is_err());
    }
}
