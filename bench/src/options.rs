//! What can be said on the command line.

use std::path::PathBuf;

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
    /// Measure the services whose executables are in this directory, built elsewhere
    #[arg(long, value_name = "DIR")]
    pub services: Option<PathBuf>,
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

    /// `full`, or with `--quick` much less: for counts and lengths of time.
    pub fn sized<T>(&self, full: T, quick: T) -> T {
        if self.quick { quick } else { full }
    }
}
