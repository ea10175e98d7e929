//! What the delivery side is told, on the command line or by the environment.

use chassis::Settings;
use chrono::TimeDelta;
use clap::{Parser, value_parser};

use crate::domain::{MOST_ATTEMPTS, Terms};

/// How late anything may be before it is flagged, in milliseconds: thirty days.
const LONGEST_MS: i64 = 30 * 24 * 60 * 60 * 1000;

/// What an instance of delivery-service is told.
#[derive(Debug, Clone, Parser)]
#[command(name = "delivery-service", version, about = "Finds a zone and a day for every order, and brings it there.")]
pub struct DeliverySettings {
    /// What every service is told.
    #[command(flatten)]
    pub service: Settings,
    /// How many times a parcel is brought to a recipient who is absent before it comes back.
    #[arg(long, env = "MAX_ATTEMPTS", default_value_t = 3, value_parser = value_parser!(u32).range(1..=MOST_ATTEMPTS))]
    pub max_attempts: u32,
    /// How long after the end of its day (UTC) a delivery that has not left or not arrived is flagged, in milliseconds.
    #[arg(long, env = "LATE_AFTER_MS", default_value_t = 3_600_000, value_parser = value_parser!(i64).range(0..=LONGEST_MS))]
    pub late_after_ms: i64,
}

impl DeliverySettings {
    /// The part that the domain has to know.
    #[must_use]
    pub fn terms(&self) -> Terms {
        Terms { max_attempts: self.max_attempts, late_after: TimeDelta::milliseconds(self.late_after_ms) }
    }
}
