//! A topic as its broker sees it, and who has read how far.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use devstack::{Stack, wait_until};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};

use crate::stage::PARTITIONS;

const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// A member that has stopped counts as one until its session is over.
const EMPTY_WITHIN: Duration = Duration::from_secs(60);

/// One topic of a stack.
#[derive(Clone)]
pub struct Topic {
    name: String,
    client: Arc<BaseConsumer>,
}

impl Topic {
    /// The topic with this name, before any prefix.
    pub fn of(stack: &Stack, name: &str) -> Result<Self> {
        let client = settings(stack).create().context("no Kafka client could be made")?;
        Ok(Self { name: format!("{}{name}", stack.topic_prefix()), client: Arc::new(client) })
    }

    /// How many records it has taken.
    pub async fn records(&self) -> Result<u64> {
        let Self { name, client } = self.clone();
        // librdkafka waits in the calling thread.
        let counted = tokio::task::spawn_blocking(move || {
            let mut records = 0;
            for partition in 0..i32::try_from(PARTITIONS)? {
                let (_, end) = client.fetch_watermarks(&name, partition, ANSWER_WITHIN)?;
                records += end.unsigned_abs();
            }
            anyhow::Ok(records)
        });
        counted.await?.with_context(|| format!("Kafka does not say how much there is in {}", self.name))
    }
}

/// Makes Kafka forget how far this group has read. Nobody of it may be at work.
pub async fn forget(stack: &Stack, group: &str) -> Result<()> {
    let admin: AdminClient<DefaultClientContext> = settings(stack).create().context("no Kafka client could be made")?;
    let group = format!("{}{group}", stack.topic_prefix());
    let options = AdminOptions::new().request_timeout(Some(ANSWER_WITHIN));
    let forgotten = wait_until(EMPTY_WITHIN, async || {
        let outcomes = admin.delete_groups(&[&group], &options).await?;
        Ok(outcomes.iter().all(Result::is_ok).then_some(()))
    });
    forgotten.await?.with_context(|| format!("the group {group} is still there after {EMPTY_WITHIN:?}"))
}

fn settings(stack: &Stack) -> ClientConfig {
    let mut settings = ClientConfig::new();
    settings
        .set("bootstrap.servers", stack.kafka.bootstrap())
        .set("group.id", "bench")
        .set("enable.auto.commit", "false");
    settings
}
