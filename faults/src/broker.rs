//! Kafka by hand: everything that is on a topic, records as they are, how far a group has come. By librdkafka alone, past every proxy.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use devstack::wait_until;
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{BorrowedMessage, Header, Headers, Message, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// How long a group is waited for whose members were stopped: each is missed only when its session has run out.
const EMPTY_WITHIN: Duration = Duration::from_secs(60);

/// A record, byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub partition: i32,
    pub offset: i64,
    pub key: Option<Vec<u8>>,
    pub headers: Vec<(String, Option<Vec<u8>>)>,
    pub payload: Option<Vec<u8>>,
}

impl Record {
    fn copied(message: &BorrowedMessage<'_>) -> Self {
        let headers = message.headers().into_iter().flat_map(|headers| headers.iter());
        Self {
            partition: message.partition(),
            offset: message.offset(),
            key: message.key().map(<[u8]>::to_vec),
            headers: headers.map(|header| (header.key.to_owned(), header.value.map(<[u8]>::to_vec))).collect(),
            payload: message.payload().map(<[u8]>::to_vec),
        }
    }

    /// A header by its name.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers.iter().find(|(own, _)| own == name).and_then(|(_, value)| value.as_deref())
    }

    /// Whether all but the place is the same.
    pub fn says_the_same(&self, other: &Self) -> bool {
        (&self.key, &self.headers, &self.payload) == (&other.key, &other.headers, &other.payload)
    }
}

/// How far a group has come in one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    pub partition: i32,
    /// What is read next; none where nothing was ever committed.
    pub committed: Option<i64>,
    /// The first record that is still there.
    pub begin: i64,
    /// Behind the last record.
    pub end: i64,
}

/// Everything that a topic holds at this moment, partition after partition.
pub async fn read_all(bootstrap: &str, topic: &str) -> Result<Vec<Record>> {
    let (bootstrap, topic) = (bootstrap.to_owned(), topic.to_owned());
    tokio::task::spawn_blocking(move || read(&bootstrap, &topic)).await.context("the reader broke down")?
}

fn read(bootstrap: &str, topic: &str) -> Result<Vec<Record>> {
    let consumer = consumer(bootstrap, "auditor")?;
    let (mut records, mut assigned, mut left) = (Vec::new(), TopicPartitionList::new(), 0);
    for partition in partitions(&consumer, topic)? {
        let (begin, end) = consumer.fetch_watermarks(topic, partition, ANSWER_WITHIN)?;
        left += end - begin;
        assigned.add_partition_offset(topic, partition, Offset::Beginning)?;
    }
    consumer.assign(&assigned)?;
    while left > 0 {
        let Some(message) = consumer.poll(ANSWER_WITHIN) else { bail!("{topic} cannot be read to its end") };
        records.push(Record::copied(&message?));
        left -= 1;
    }
    records.sort_by_key(|record| (record.partition, record.offset));
    Ok(records)
}

/// Deletes these records, and whatever lies before them in their partitions.
pub async fn delete(bootstrap: &str, topic: &str, records: &[Record]) -> Result<()> {
    let ends: BTreeMap<i32, i64> = records.iter().map(|record| (record.partition, record.offset + 1)).collect();
    let mut until = TopicPartitionList::new();
    for (partition, end) in &ends {
        until.add_partition_offset(topic, *partition, Offset::Offset(*end))?;
    }
    let admin: AdminClient<DefaultClientContext> = ClientConfig::new().set("bootstrap.servers", bootstrap).create()?;
    let deleted = admin.delete_records(&until, &AdminOptions::new().operation_timeout(Some(ANSWER_WITHIN))).await?;
    deleted.elements().iter().try_for_each(|partition| partition.error()).context("records could not be deleted")
}

/// Sends records to the partitions that they name, in order; says where each came to lie.
pub async fn produce(bootstrap: &str, topic: &str, records: &[Record]) -> Result<Vec<(i32, i64)>> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", bootstrap).set("enable.idempotence", "true").set("linger.ms", "5");
    // What is sent together must not be more than the topics take.
    config.set("batch.size", "131072");
    let producer: FutureProducer = config.create()?;
    let mut sent = Vec::with_capacity(records.len());
    for record in records {
        let headers = record
            .headers
            .iter()
            .fold(OwnedHeaders::new(), |headers, (key, value)| headers.insert(Header { key, value: value.as_deref() }));
        let mut future = FutureRecord::<[u8], [u8]>::to(topic).headers(headers).partition(record.partition);
        (future.key, future.payload) = (record.key.as_deref(), record.payload.as_deref());
        sent.push(producer.send_result(future).map_err(|(error, _)| error)?);
    }
    let mut places = Vec::with_capacity(sent.len());
    for one in sent {
        let delivered = one.await?.map_err(|(error, _)| error)?;
        places.push((delivered.partition, delivered.offset));
    }
    Ok(places)
}

/// How many partitions a topic has, as their numbers.
pub fn partitions(consumer: &BaseConsumer, topic: &str) -> Result<Vec<i32>> {
    let metadata = consumer.fetch_metadata(Some(topic), ANSWER_WITHIN)?;
    let topic = metadata.topics().first().context("the topic is not there")?;
    Ok(topic.partitions().iter().map(|partition| partition.id()).collect())
}

/// How far a group has come on a topic.
pub async fn positions(bootstrap: &str, group: &str, topic: &str) -> Result<Vec<Position>> {
    let (bootstrap, group, topic) = (bootstrap.to_owned(), group.to_owned(), topic.to_owned());
    let asked = tokio::task::spawn_blocking(move || {
        let consumer = consumer(&bootstrap, &group)?;
        let mut asked = TopicPartitionList::new();
        let partitions = partitions(&consumer, &topic)?;
        for partition in &partitions {
            asked.add_partition(&topic, *partition);
        }
        let committed = consumer.committed_offsets(asked, ANSWER_WITHIN)?;
        let position = |partition: &i32| {
            let (begin, end) = consumer.fetch_watermarks(&topic, *partition, ANSWER_WITHIN)?;
            let offset = committed.find_partition(&topic, *partition).and_then(|found| found.offset().to_raw());
            Ok(Position { partition: *partition, committed: offset.filter(|offset| *offset >= 0), begin, end })
        };
        partitions.iter().map(position).collect()
    });
    asked.await.context("the question for offsets broke down")?
}

/// Deletes all that a group has committed, once its last member is missed.
pub async fn forget_offsets(bootstrap: &str, group: &str) -> Result<()> {
    let admin: AdminClient<DefaultClientContext> = ClientConfig::new().set("bootstrap.servers", bootstrap).create()?;
    let options = AdminOptions::new().operation_timeout(Some(ANSWER_WITHIN));
    let deleted = wait_until(EMPTY_WITHIN, async || {
        let outcomes = admin.delete_groups(&[group], &options).await?;
        Ok(outcomes.iter().all(Result::is_ok).then_some(()))
    });
    deleted.await?.with_context(|| format!("the offsets of {group} could not be deleted within {EMPTY_WITHIN:?}"))
}

fn consumer(bootstrap: &str, group: &str) -> Result<BaseConsumer> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", bootstrap).set("group.id", group).set("enable.auto.commit", "false");
    Ok(config.create()?)
}
