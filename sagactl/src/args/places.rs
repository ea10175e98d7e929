//! Where things are, for commands that make do with some of them.

use std::time::Duration;

use anyhow::Context;
use chassis::preflight::Profile;
use clap::Args as ClapArgs;
use sagactl::preflight::{LONGEST_WAIT_SECONDS, Places};
use sagactl::topics::{self, KafkaSettings};

use super::seconds;

/// Where the topics are.
#[derive(Debug, Clone, ClapArgs)]
pub struct Kafka {
    /// Kafka's bootstrap servers: host:port, several with commas
    #[arg(long, env = "KAFKA_BOOTSTRAP_SERVERS", value_name = "SERVERS")]
    kafka: Option<String>,
    /// What stands before the names of the topics
    #[arg(long, env = "TOPIC_PREFIX", default_value = "", hide_default_value = true, value_name = "PREFIX")]
    topic_prefix: String,
}

impl Kafka {
    /// The topics, if it is said where they are.
    pub fn settings(&self) -> Option<KafkaSettings> {
        self.kafka.as_ref().map(|servers| topics::at(servers, &self.topic_prefix))
    }

    /// The topics, without which the command can do nothing.
    ///
    /// # Errors
    /// It is not said where they are.
    pub fn needed(&self) -> anyhow::Result<KafkaSettings> {
        self.settings().context("it is not said where Kafka is (--kafka, KAFKA_BOOTSTRAP_SERVERS)")
    }
}

#[derive(Debug, ClapArgs)]
pub struct Preflight {
    /// Order-service: http://host:port
    #[arg(long, env = "ORDERS_URL", value_name = "URL")]
    orders_url: Option<String>,
    /// Delivery-service: http://host:port
    #[arg(long, env = "DELIVERIES_URL", value_name = "URL")]
    deliveries_url: Option<String>,
    /// Order-service's database, with its own role: postgres://user:password@host:port/name
    #[arg(long, env = "ORDERS_DATABASE_URL", hide_env_values = true, value_name = "URL")]
    orders_database: Option<String>,
    /// Delivery-service's database, with its own role
    #[arg(long, env = "DELIVERIES_DATABASE_URL", hide_env_values = true, value_name = "URL")]
    deliveries_database: Option<String>,
    #[command(flatten)]
    kafka: Kafka,
    /// What the topics have to withstand
    #[arg(long, env = "PROFILE", value_enum, default_value_t = Profile::Development)]
    pub profile: Profile,
    /// How long the services wait for an event at most; what is said here is right for their default settings
    #[arg(long, default_value = LONGEST_WAIT_SECONDS, value_name = "SECONDS", value_parser = seconds)]
    pub longest_wait_seconds: Duration,
    /// Print it as JSON
    #[arg(long)]
    pub json: bool,
}

impl Preflight {
    /// What is to be looked at.
    pub fn places(&self) -> Places {
        Places {
            urls: [self.orders_url.clone(), self.deliveries_url.clone()],
            databases: [self.orders_database.clone(), self.deliveries_database.clone()],
            kafka: self.kafka.settings(),
        }
    }
}
