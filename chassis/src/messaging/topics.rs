//! The topics themselves: created on demand, and checked at start.

use std::time::Duration;

use anyhow::{Context, bail};
use rdkafka::{
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer},
    metadata::MetadataTopic,
    types::RDKafkaErrorCode,
};
use shared_events::Topic;

use super::{
    dead_letters,
    kafka::{self, KafkaSettings},
};

/// How long Kafka may take for one answer.
pub(crate) const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// The largest batch of records that a topic takes, in bytes; twice what our producer makes. The largest order is a tenth of it.
const BATCH_BYTES: &str = "262144";
/// The largest dead letter: the largest record, and what became of it.
const LETTER_BYTES: &str = "524288";

/// How long a topic keeps its records, in milliseconds: 90 days, as long as the event log keeps them unless told otherwise. Kafka's own
/// week would be the end of every event that a service which is down for longer has not read.
const KEPT_MS: &str = "7776000000";

/// A topic's name in Kafka.
#[must_use]
pub fn name(settings: &KafkaSettings, topic: Topic) -> String {
    format!("{}{}", settings.prefix, topic.name())
}

/// Creates both topics where they are missing.
///
/// # Errors
/// What Kafka says.
pub async fn create(settings: &KafkaSettings, partitions: i32, replicas: i32) -> anyhow::Result<()> {
    let names = [Topic::Orders, Topic::Deliveries].map(|topic| name(settings, topic));
    make(settings, &names, partitions, replicas, BATCH_BYTES).await
}

/// Creates the topic of a service's dead letters where it is missing. One partition: nothing depends on their order.
///
/// # Errors
/// What Kafka says.
pub async fn create_dead_letters(settings: &KafkaSettings, service: &str, replicas: i32) -> anyhow::Result<()> {
    make(settings, &[dead_letters::topic(settings, service)], 1, replicas, LETTER_BYTES).await
}

async fn make(
    settings: &KafkaSettings,
    names: &[String],
    partitions: i32,
    replicas: i32,
    largest: &str,
) -> anyhow::Result<()> {
    let admin: AdminClient<DefaultClientContext> = kafka::admin(settings).create().context("no Kafka client")?;
    let topics: Vec<_> = names
        .iter()
        .map(|name| {
            NewTopic::new(name, partitions, TopicReplication::Fixed(replicas))
                .set("max.message.bytes", largest)
                .set("retention.ms", KEPT_MS)
        })
        .collect();
    let options = AdminOptions::new().operation_timeout(Some(ANSWER_WITHIN));
    for created in admin.create_topics(&topics, &options).await.context("topics could not be created")? {
        match created {
            Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((name, code)) => bail!("topic `{name}` could not be created: {code}"),
        }
    }
    Ok(())
}

/// A topic as Kafka has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// Which of the two.
    pub topic: Topic,
    /// Its name in Kafka.
    pub name: String,
    /// How many partitions it has.
    pub partitions: usize,
    /// On how many brokers each of them lies, at least.
    pub replicas: usize,
}

/// How many partitions `orders` and `deliveries` have. Blocks; call it where that is allowed.
///
/// # Errors
/// When Kafka does not answer, or a topic is missing: both may change.
pub fn partition_counts(settings: &KafkaSettings) -> anyhow::Result<[usize; 2]> {
    Ok(shapes(settings)?.map(|shape| shape.partitions))
}

/// The shapes of `orders` and `deliveries`. Blocks; call it where that is allowed.
///
/// # Errors
/// When Kafka does not answer, or a topic is missing: both may change.
pub fn shapes(settings: &KafkaSettings) -> anyhow::Result<[Shape; 2]> {
    let client: BaseConsumer = kafka::admin(settings).create().context("no Kafka client")?;
    let shape = |topic| {
        let name = name(settings, topic);
        let metadata = client
            .fetch_metadata(Some(&name), ANSWER_WITHIN)
            .with_context(|| format!("Kafka at {} does not answer", settings.bootstrap_servers))?;
        let found = metadata.topics().iter().find(|found| found.name() == name).map(MetadataTopic::partitions);
        let partitions = found
            .filter(|partitions| !partitions.is_empty())
            .with_context(|| format!("topic `{name}` does not exist: create it, or start with --create-topics"))?;
        let replicas = partitions.iter().map(|partition| partition.replicas().len()).min().unwrap_or_default();
        anyhow::Ok(Shape { topic, partitions: partitions.len(), replicas, name })
    };
    Ok([shape(Topic::Orders)?, shape(Topic::Deliveries)?])
}
