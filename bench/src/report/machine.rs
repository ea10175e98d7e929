//! Where and how figures were taken.

use std::fs;
use std::process::Command;
use std::thread::available_parallelism;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::options::Options;
use crate::stage::PARTITIONS;

/// The machine, the sources and the options of a run.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Machine {
    /// When the run began.
    pub began: DateTime<Utc>,
    /// The revision of the sources, with a `+` where they have changed since; none outside of a repository.
    pub revision: Option<String>,
    /// The directory of services that were built elsewhere.
    pub services: Option<String>,
    /// How many cores everything shares, the load included.
    pub cores: usize,
    /// What the processor calls itself.
    pub processor: Option<String>,
    /// Memory, in megabytes.
    pub memory_mb: Option<f64>,
    /// Partitions of each topic.
    pub partitions: u32,
    /// What the orders were made from.
    pub seed: u64,
    /// Whether the figures say anything about speed: full counts, optimised programs.
    pub comparable: bool,
}

impl Machine {
    /// This one, now.
    pub fn of(options: &Options) -> Self {
        Self {
            began: Utc::now(),
            revision: revision(),
            services: options.services.as_ref().map(|directory| directory.display().to_string()),
            cores: available_parallelism().map_or(0, usize::from),
            processor: line_of("/proc/cpuinfo", "model name")
                .map(|line| line.trim_start_matches([' ', '\t', ':']).to_owned()),
            memory_mb: line_of("/proc/meminfo", "MemTotal:").and_then(|line| kilobytes(&line)),
            partitions: PARTITIONS,
            seed: options.seed,
            comparable: !options.quick && !cfg!(debug_assertions),
        }
    }
}

fn kilobytes(line: &str) -> Option<f64> {
    let kilobytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1_024.0 / 1_000_000.0)
}

/// What stands behind a name in a file of names and values.
fn line_of(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    text.lines().find_map(|line| line.strip_prefix(name)).map(|rest| rest.trim().to_owned())
}

fn revision() -> Option<String> {
    let git = |args: &[&str]| {
        let output = Command::new("git").args(args).current_dir(env!("CARGO_MANIFEST_DIR")).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let changed = !git(&["status", "--porcelain"])?.is_empty();
    Some(format!("{}{}", git(&["rev-parse", "--short", "HEAD"])?, if changed { "+" } else { "" }))
}
