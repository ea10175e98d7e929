//! What the order side is told, on the command line or by the environment.

use chassis::Settings;
use chrono::TimeDelta;
use clap::{Parser, value_parser};

use crate::{domain::Terms, http::AdmissionLimits};

/// How long anything may be told to wait, in milliseconds: thirty days.
const LONGEST_MS: i64 = 30 * 24 * 60 * 60 * 1000;

/// What an instance of order-service is told.
#[derive(Debug, Clone, Parser)]
#[command(
    name = "order-service",
    version,
    about = "Takes orders, holds money and stock, and waits for the delivery side."
)]
pub struct OrderSettings {
    /// What every service is told.
    #[command(flatten)]
    pub service: Settings,
    /// How long a placed order waits for the delivery side to say whether there will be a delivery, in milliseconds.
    #[arg(long, env = "OUTCOME_DEADLINE_MS", default_value_t = 600_000, value_parser = value_parser!(i64).range(1..=LONGEST_MS))]
    pub outcome_deadline_ms: i64,
    /// How many times that wait begins anew while the order's event has not gone out yet or the delivery side says nothing at all.
    #[arg(long, env = "OUTCOME_EXTENSIONS", default_value_t = 3, value_parser = value_parser!(u32).range(0..=1_000))]
    pub outcome_extensions: u32,
    /// How long a cancellation waits for its answer before it is announced again, in milliseconds.
    #[arg(long, env = "CANCELLATION_DEADLINE_MS", default_value_t = 60_000, value_parser = value_parser!(i64).range(1..=LONGEST_MS))]
    pub cancellation_deadline_ms: i64,
    /// How long after the end of the promised day (UTC) a delivery that has not left or not arrived is flagged, in milliseconds.
    #[arg(long, env = "LATE_AFTER_MS", default_value_t = 3_600_000, value_parser = value_parser!(i64).range(0..=LONGEST_MS))]
    pub late_after_ms: i64,
    /// How long the oldest event may wait to go out before no orders are taken any more, in seconds.
    #[arg(long, env = "ADMISSION_OUTBOX_AGE_S", default_value_t = 300, value_parser = value_parser!(i64).range(1..=86_400))]
    pub admission_outbox_age_s: i64,
    /// How many orders may wait for the delivery side's word, about a delivery or about a cancellation, before no orders are taken any more.
    #[arg(long, env = "ADMISSION_UNDECIDED_ORDERS", default_value_t = 50_000, value_parser = value_parser!(i64).range(1..=10_000_000))]
    pub admission_undecided_orders: i64,
}

impl OrderSettings {
    /// The part that the domain has to know.
    #[must_use]
    pub fn terms(&self) -> Terms {
        Terms {
            outcome: TimeDelta::milliseconds(self.outcome_deadline_ms),
            extensions: self.outcome_extensions,
            cancellation: TimeDelta::milliseconds(self.cancellation_deadline_ms),
            late_after: TimeDelta::milliseconds(self.late_after_ms),
        }
    }

    /// When the door closes.
    #[must_use]
    pub fn admission(&self) -> AdmissionLimits {
        AdmissionLimits { outbox_age_s: self.admission_outbox_age_s, undecided_orders: self.admission_undecided_orders }
    }
}
