//! A topic as its broker sees it, and who has read how far.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use devstack::Stack;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use crate::stage::PARTITIONS;

const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// Longer than a session of a member, should one have to be waited for after all.
const ASSIGNED_WITHIN: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(50);

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

/// Takes the reader of this topic, which has stopped, back to its beginning: under its name, so that nobody has to wait until its session
/// is over.
pub async fn rewind(stack: &Stack, topic: &Topic, reader: &str) -> Result<()> {
    let mut settings = settings(stack);
    settings.set("group.id", format!("{}{reader}", stack.topic_prefix()));
    // What devstack calls the first instance.
    settings.set("group.instance.id", format!("{reader}-1"));
    let (member, name): (BaseConsumer, _) =
        (settings.create().context("no Kafka client could be made")?, topic.name.clone());
    tokio::task::spawn_blocking(move || {
        member.subscribe(&[&name])?;
        let (began, all) = (Instant::now(), usize::try_from(PARTITIONS)?);
        while member.assignment()?.count() < all {
            ensure!(began.elapsed() < ASSIGNED_WITHIN, "not all partitions of {name} within {ASSIGNED_WITHIN:?}");
            // What it reads is of no interest.
            drop(member.poll(POLL).transpose()?);
        }
        let mut beginning = TopicPartitionList::new();
        for partition in 0..i32::try_from(PARTITIONS)? {
            beginning.add_partition_offset(&name, partition, Offset::Offset(0))?;
        }
        Ok(member.commit(&beginning, CommitMode::Sync)?)
    })
    .await?
}

fn settings(stack: &Stack) -> ClientConfig {
    let mut settings = ClientConfig::new();
    settings
        .set("bootstrap.servers", stack.kafka.bootstrap())
        .set("group.id", "bench")
        .set("enable.auto.commit", "false");
    settings
}
