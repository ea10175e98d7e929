//! Talking to a broker as an administrator.

use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::metadata::{Metadata, MetadataPartition, MetadataTopic};
use rdkafka::types::RDKafkaErrorCode;

use crate::wait_until;

const ANSWER_WITHIN: Duration = Duration::from_secs(15);
/// One question: short, because a broker that is starting may swallow it.
const ONE_TRY: Duration = Duration::from_secs(1);
/// The broker's own choice (Kafka 2.4 and newer): a broker of ours has one node, a given one may have three.
const REPLICATION: TopicReplication<'_> = TopicReplication::Fixed(-1);

/// Waits until the broker answers a question about its topics: then it also takes records.
pub(super) async fn await_answer(bootstrap: &str, limit: Duration) -> Result<()> {
    let client = Client::new(bootstrap)?;
    let answer = wait_until(limit, async || match client.metadata().await {
        Ok(known) if !known.brokers().is_empty() => Ok(Some(())),
        Ok(_) | Err(_) => Ok(None),
    });
    answer.await?.with_context(|| format!("Kafka at {bootstrap} did not answer within {limit:?}."))
}

/// Whether the broker answers now.
pub(super) async fn answers(bootstrap: &str) -> bool {
    // Only a broker that is ready opens its port: asking the port first spares us a client that is told no and waits.
    if tokio::net::TcpStream::connect(bootstrap).await.is_err() {
        return false;
    }
    await_answer(bootstrap, ONE_TRY).await.is_ok()
}

/// Makes topics and waits until every partition has a leader.
pub(super) async fn create(bootstrap: &str, topics: &[(&str, u32)]) -> Result<()> {
    let client = Client::new(bootstrap)?;
    let mut wanted = Vec::new();
    for (name, partitions) in topics {
        wanted.push(NewTopic::new(name, i32::try_from(*partitions)?, REPLICATION));
    }
    let outcomes = client.admin.create_topics(&wanted, &within_limit()).await.context("Kafka made no topics.")?;
    require_all(outcomes, "made")?;
    let led = wait_until(ANSWER_WITHIN, async || {
        let known = client.metadata().await?;
        Ok(topics.iter().all(|(name, partitions)| is_led(&known, name, *partitions)).then_some(()))
    });
    led.await?.context("The topics were made, but their partitions have no leaders.")
}

/// Removes topics.
pub(super) async fn delete(bootstrap: &str, names: &[&str]) -> Result<()> {
    let client = Client::new(bootstrap)?;
    let outcomes = client.admin.delete_topics(names, &within_limit()).await.context("Kafka removed no topics.")?;
    require_all(outcomes, "removed")
}

/// The names of all topics.
pub(super) async fn names(bootstrap: &str) -> Result<Vec<String>> {
    let known = Client::new(bootstrap)?.metadata().await?;
    Ok(known.topics().iter().map(|topic| topic.name().to_owned()).collect())
}

/// Waits until every partition of every topic has a leader, and all its replicas are in sync.
pub(super) async fn await_in_sync(bootstrap: &str, limit: Duration) -> Result<()> {
    let client = Client::new(bootstrap)?;
    let whole = wait_until(limit, async || {
        let known = client.metadata().await;
        Ok(known.is_ok_and(|known| known.topics().iter().all(is_in_sync)).then_some(()))
    });
    whole.await?.with_context(|| format!("The replicas at {bootstrap} were not in sync within {limit:?}."))
}

fn is_in_sync(topic: &MetadataTopic) -> bool {
    let is_whole = |one: &MetadataPartition| one.leader() >= 0 && one.isr().len() == one.replicas().len();
    topic.partitions().iter().all(is_whole)
}

fn within_limit() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(ANSWER_WITHIN)).operation_timeout(Some(ANSWER_WITHIN))
}

fn require_all(outcomes: Vec<Result<String, (String, RDKafkaErrorCode)>>, done: &str) -> Result<()> {
    for outcome in outcomes {
        if let Err((topic, code)) = outcome {
            bail!("The topic {topic} could not be {done}: {code}.");
        }
    }
    Ok(())
}

fn is_led(known: &Metadata, name: &str, partitions: u32) -> bool {
    let topic = known.topics().iter().find(|topic| topic.name() == name);
    topic.is_some_and(|topic| {
        topic.partitions().len() == partitions as usize
            && topic.partitions().iter().all(|partition| partition.leader() >= 0)
    })
}

struct Client {
    admin: std::sync::Arc<AdminClient<DefaultClientContext>>,
}

impl Client {
    fn new(bootstrap: &str) -> Result<Self> {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", bootstrap);
        // We ask while the broker is still starting: try again at once, and say nothing of what is only to be expected.
        config.set("reconnect.backoff.ms", "20").set("reconnect.backoff.max.ms", "200");
        config.set_log_level(RDKafkaLogLevel::Emerg);
        let admin = config.create().map_err(|error| anyhow!("No Kafka client could be made: {error}."))?;
        Ok(Self { admin: std::sync::Arc::new(admin) })
    }

    /// librdkafka waits for the answer in the calling thread, so that is not one of tokio's own.
    async fn metadata(&self) -> Result<Metadata> {
        let admin = self.admin.clone();
        let answer = tokio::task::spawn_blocking(move || admin.inner().fetch_metadata(None, ONE_TRY)).await?;
        answer.context("Kafka did not say which topics it has.")
    }
}
