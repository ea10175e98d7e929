//! What a stack is called on the server and the broker, and how it is removed from there.

use anyhow::Result;
use uuid::Uuid;

use crate::{Kafka, Postgres};

/// Both databases, as roles reach them that may do nothing but read.
pub(super) struct Readers {
    pub orders: String,
    pub deliveries: String,
}

/// The names of what this stack makes on the server and the broker.
pub(super) struct Names {
    pub order_database: String,
    pub delivery_database: String,
    order_reader: String,
    delivery_reader: String,
    pub topic_prefix: String,
}

impl Names {
    /// Removes what was made on a server or broker of somebody else, and stops those that are ours. One that fails keeps none of
    /// the others from being tried.
    pub async fn remove(&self, postgres: &mut Postgres, kafka: &mut Kafka) -> Result<()> {
        let broker = if kafka.is_given() { self.delete_topics(kafka).await } else { kafka.stop().await };
        if !postgres.is_given() {
            return broker.and(postgres.stop().await);
        }
        let orders = postgres.drop_service_database(&self.order_database).await;
        let deliveries = postgres.drop_service_database(&self.delivery_database).await;
        let readers =
            (postgres.drop_reader(&self.order_reader).await, postgres.drop_reader(&self.delivery_reader).await);
        broker.and(orders).and(deliveries).and(readers.0).and(readers.1)
    }

    pub async fn make_readers(&self, postgres: &Postgres, orders: &str, deliveries: &str) -> Result<Readers> {
        let orders = postgres.create_reader(orders, &self.order_reader).await?;
        Ok(Readers { orders, deliveries: postgres.create_reader(deliveries, &self.delivery_reader).await? })
    }

    async fn delete_topics(&self, kafka: &Kafka) -> Result<()> {
        let topics = kafka.topics().await?;
        let ours: Vec<&str> =
            topics.iter().map(String::as_str).filter(|topic| topic.starts_with(&self.topic_prefix)).collect();
        if ours.is_empty() { Ok(()) } else { kafka.delete_topics(&ours).await }
    }

    /// Plain names where everything is ours; on somebody else's server or broker, names that nobody else has.
    pub fn new(postgres: &Postgres, kafka: &Kafka) -> Self {
        let run = Uuid::new_v4().simple().to_string();
        let database_suffix = if postgres.is_given() { format!("_{}", &run[..8]) } else { String::new() };
        let topic_prefix = if kafka.is_given() { format!("stack-{}-", &run[..8]) } else { String::new() };
        Self {
            order_database: format!("order_service{database_suffix}"),
            delivery_database: format!("delivery_service{database_suffix}"),
            order_reader: format!("order_reader{database_suffix}"),
            delivery_reader: format!("delivery_reader{database_suffix}"),
            topic_prefix,
        }
    }
}
