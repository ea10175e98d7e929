//! What can be said to `sagactl reconcile`.

use std::time::Duration;

use clap::Args as ClapArgs;

use super::{Kafka, Reach, seconds};

#[derive(Debug, ClapArgs)]
pub struct Reconcile {
    #[command(flatten)]
    pub mode: Mode,
    /// Why, for the owners to write down
    #[arg(long)]
    pub reason: Option<String>,
    /// Order-service's database: postgres://user:password@host:port/name
    #[arg(long, env = "ORDERS_DATABASE_URL", hide_env_values = true, value_name = "URL")]
    pub orders_database: String,
    /// Delivery-service's database
    #[arg(long, env = "DELIVERIES_DATABASE_URL", hide_env_values = true, value_name = "URL")]
    pub deliveries_database: String,
    #[command(flatten)]
    pub kafka: Kafka,
    #[command(flatten)]
    pub reach: Reach,
    /// For how many orders something is asked in one go
    #[arg(long, default_value_t = 100, value_name = "ORDERS", value_parser = clap::value_parser!(u16).range(1..=1_000))]
    pub most: u16,
    /// How long events may seem to be in flight, with none of them arriving, before they count as lost
    #[arg(long, default_value = "15", value_name = "SECONDS", value_parser = seconds)]
    pub patience_seconds: Duration,
    /// Print it as JSON
    #[arg(long)]
    pub json: bool,
}

/// One of the two has to be said.
#[derive(Debug, ClapArgs)]
#[group(required = true, multiple = false)]
pub struct Mode {
    /// Only show what would be asked of whom
    #[arg(long)]
    pub dry_run: bool,
    /// Ask for it, and wait until it has arrived
    #[arg(long, requires = "reason")]
    pub apply: bool,
}
