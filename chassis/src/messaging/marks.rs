//! Where the partitions of a topic begin and end, and how far a group has committed: asked of Kafka by a client of its own, which
//! joins no group.

use std::time::{Duration, Instant};

use anyhow::Context;
use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
};

use super::{
    complaints::Complaints,
    kafka::{self, KafkaSettings},
};

/// How a topic's partitions lie.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marks {
    /// How many partitions it has.
    pub count: usize,
    /// Those that were asked about and answered for.
    pub partitions: Vec<Mark>,
}

/// Where a partition begins and ends, and how far a group has come in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// Which one.
    pub partition: i32,
    /// The offset of its first record.
    pub beginning: i64,
    /// The offset that its next record will have.
    pub end: i64,
    /// The offset that the group reads next, as far as it has committed one.
    pub committed: Option<i64>,
}

impl Mark {
    /// Where the group goes on reading if it begins anew now.
    #[must_use]
    pub fn position(&self) -> i64 {
        self.committed.unwrap_or(self.beginning).max(self.beginning)
    }
}

/// The marks of these partitions of a topic, or of all where none are named. Blocks, at most so long; call it where that is allowed.
///
/// # Errors
/// Kafka does not answer in time, or there is no such topic.
pub fn marks(
    settings: &KafkaSettings,
    group: &str,
    topic: &str,
    named: &[i32],
    within: Duration,
) -> anyhow::Result<Marks> {
    let mut config = kafka::admin(settings);
    config.set("group.id", group);
    let client: BaseConsumer<Complaints> =
        config.create_with_context(Complaints::default()).context("no Kafka client")?;
    let asked = ask(&client, topic, named, Instant::now() + within);
    // Closing waits for the client's threads, and they may wait for a broker.
    std::thread::spawn(move || drop(client));
    asked
}

/// Whether a broker answers at all. Blocks, at most so long.
#[must_use]
pub fn broker_answers(settings: &KafkaSettings, topic: &str, within: Duration) -> bool {
    let client = kafka::admin(settings).create_with_context::<_, BaseConsumer<Complaints>>(Complaints::default());
    let Ok(client) = client else { return false };
    let answers = client.fetch_metadata(Some(topic), within).is_ok();
    std::thread::spawn(move || drop(client));
    answers
}

fn ask(client: &BaseConsumer<Complaints>, topic: &str, named: &[i32], until: Instant) -> anyhow::Result<Marks> {
    let left = || until.saturating_duration_since(Instant::now());
    let metadata = client.fetch_metadata(Some(topic), left()).context("Kafka does not answer")?;
    let found = metadata.topics().iter().find(|found| found.name() == topic && !found.partitions().is_empty());
    let there: Vec<i32> = found
        .with_context(|| format!("there is no topic `{topic}`"))?
        .partitions()
        .iter()
        .map(|one| one.id())
        .collect();
    let wanted = there.iter().filter(|partition| named.is_empty() || named.contains(partition));
    let mut asked = TopicPartitionList::new();
    for partition in wanted {
        asked.add_partition(topic, *partition);
    }
    let committed = client.committed_offsets(asked, left()).context("the group's offsets are not told")?;
    let mut partitions = Vec::new();
    for element in committed.elements() {
        let (beginning, end) =
            client.fetch_watermarks(topic, element.partition(), left()).context("a partition's end is not told")?;
        let committed = match element.offset() {
            Offset::Offset(offset) => Some(offset),
            Offset::Beginning | Offset::End | Offset::Stored | Offset::Invalid | Offset::OffsetTail(_) => None,
        };
        partitions.push(Mark { partition: element.partition(), beginning, end, committed });
    }
    partitions.sort_by_key(|mark| mark.partition);
    Ok(Marks { count: there.len(), partitions })
}
