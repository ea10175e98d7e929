//! What has to be right before events travel. A service looks when its lanes open, and does not open them where something is wrong; the
//! operator's command looks at any time.
//!
//! | module | is looked at |
//! |---|---|
//! | `clients` | the settings that our own Kafka clients are made from |
//! | `lanes` | the topics: their width, also as the database remembers it, their replicas, how long they keep records |
//! | `database` | what the service's role may do, and the database's clock |

mod clients;
mod database;
mod lanes;

use std::fmt;

use chrono::TimeDelta;
use serde::Serialize;
use sqlx::PgPool;

pub use clients::clients;
pub use database::{MOST_SKEW, clock_skew, database};
pub use lanes::{equal_partitions, lanes, remember, remembered};

use crate::messaging::{KafkaSettings, kafka, topics::Shape};

/// What the topics have to withstand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Profile {
    /// One broker is enough.
    Development,
    /// A broker may be lost at any time, and with it nothing that was acknowledged.
    Production,
}

impl Profile {
    fn replicas(self) -> usize {
        match self {
            Profile::Development => 1,
            Profile::Production => 3,
        }
    }

    fn in_sync(self) -> usize {
        match self {
            Profile::Development => 1,
            Profile::Production => 2,
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Profile::Development => "development",
            Profile::Production => "production",
        })
    }
}

/// What follows from a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// It is as it should be.
    Fine,
    /// It may be wrong, or cannot be known: no reason to stand still.
    Warning,
    /// No event may travel like this.
    Refusal,
}

impl Severity {
    fn refusal_unless(fits: bool) -> Self {
        if fits { Severity::Fine } else { Severity::Refusal }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What it is called.
    pub name: String,
    /// What was found.
    pub found: String,
    /// What is wanted, and why.
    pub wanted: &'static str,
    /// What follows from it.
    pub severity: Severity,
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: found {}; wanted: {}", self.name, self.found, self.wanted)
    }
}

/// Everything that a service looks at.
///
/// # Errors
/// Kafka or the database does not answer. That may pass.
pub(crate) async fn all(
    settings: &KafkaSettings,
    group: &str,
    pool: &PgPool,
    shapes: &[Shape; 2],
    profile: Profile,
    longest_wait: TimeDelta,
) -> anyhow::Result<Vec<Check>> {
    let mut checks = clients(&kafka::producer(settings), &kafka::consumer(settings, group));
    checks.extend(lanes(settings, shapes, profile, longest_wait).await?);
    checks.extend(remembered(pool, shapes).await?);
    checks.extend(database(pool).await?);
    Ok(checks)
}

/// Says what was found. Where something is wrong that is an error, unless it is to be done despite it.
///
/// # Errors
/// A sentence for each check that refuses.
pub(crate) fn judge(checks: &[Check], despite: bool) -> anyhow::Result<()> {
    let mut refusals = String::new();
    for check in checks {
        match (check.severity, despite) {
            (Severity::Fine, _) => tracing::debug!("preflight: {check}"),
            (Severity::Warning, _) => tracing::warn!("preflight: {check}"),
            (Severity::Refusal, true) => tracing::warn!("preflight, and it goes on despite it: {check}"),
            (Severity::Refusal, false) => refusals.push_str(&format!("\n  {check}")),
        }
    }
    anyhow::ensure!(refusals.is_empty(), "the preflight found what is wrong (--despite-preflight goes on):{refusals}");
    Ok(())
}

#[cfg(test)]
mod tests;
