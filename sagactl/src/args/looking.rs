//! What can be said to the commands that ask both services and change nothing.

use clap::Args as ClapArgs;
use sagactl::services::Sides;
use uuid::Uuid;

use super::{Credentials, Kafka};

/// Where both services are, as far as they can be reached. What one does not tell is said, and the rest is shown.
#[derive(Debug, Clone, ClapArgs)]
pub struct Reach {
    /// Order-service: http://host:port
    #[arg(long, env = "ORDERS_URL", value_name = "URL", global = true)]
    orders_url: Option<String>,
    /// Delivery-service: http://host:port
    #[arg(long, env = "DELIVERIES_URL", value_name = "URL", global = true)]
    deliveries_url: Option<String>,
    #[command(flatten)]
    pub credentials: Credentials,
}

impl Reach {
    pub fn addresses(&self) -> Sides<Option<String>> {
        Sides { orders: self.orders_url.clone(), deliveries: self.deliveries_url.clone() }
    }
}

#[derive(Debug, ClapArgs)]
pub struct Journey {
    /// The order's id
    #[arg(value_name = "ORDER")]
    pub order: Uuid,
    /// Say where each event lies on its topic as well (needs --kafka)
    #[arg(long)]
    pub topics: bool,
    /// Print it as JSON
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub kafka: Kafka,
    #[command(flatten)]
    pub reach: Reach,
}

#[derive(Debug, ClapArgs)]
pub struct Stuck {
    /// Only these orders
    #[arg(value_name = "ORDER")]
    pub orders: Vec<Uuid>,
    /// Only orders that were placed so many seconds ago, or longer
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(0..=3_000_000_000))]
    pub older_than_s: Option<u64>,
    /// How many orders are looked at, the oldest first
    #[arg(long, default_value_t = 1_000, value_name = "ORDERS")]
    pub most: usize,
    /// Print it as JSON
    #[arg(long)]
    pub json: bool,
    /// With it, Kafka itself is asked how far both services have come
    #[command(flatten)]
    pub kafka: Kafka,
    #[command(flatten)]
    pub reach: Reach,
}
