//! Reads one topic from where it begins, or from a moment on, to where it ends now; and later on from there. By assignment, as nobody's
//! member, and nothing is committed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use chrono::{DateTime, Utc};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::BorrowedMessage;
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{Message, Offset, TopicPartitionList};
use shared_events::Topic;

use super::{
    kafka::{self, KafkaSettings},
    record::Record,
    topics,
};

/// How long Kafka may take for one answer, or be silent while there is something to read.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(200);

/// A record, and when its producer says that it sent it.
#[derive(Debug)]
pub struct Seen {
    /// The record, byte for byte.
    pub record: Record,
    /// Where the record has a timestamp.
    pub at: Option<DateTime<Utc>>,
}

/// Reads one topic. Blocks; use it where that is allowed.
pub struct Reader {
    consumer: BaseConsumer,
    topic: Topic,
    name: Arc<str>,
    partitions: BTreeMap<i32, Span>,
}

/// How far a partition has been read.
#[derive(Clone, Copy, Debug)]
struct Span {
    /// Where the partition began when the reader was made. Above nothing: the oldest records are gone.
    low: i64,
    /// The next offset to be read.
    next: i64,
    /// Where this round ends.
    end: i64,
}

impl Reader {
    /// Will read all that the topic holds.
    ///
    /// # Errors
    /// Kafka does not answer, or there is no such topic.
    pub fn from_beginning(settings: &KafkaSettings, topic: Topic) -> Result<Self> {
        let consumer: BaseConsumer = kafka::reader(settings).create().context("no Kafka client")?;
        let name = topics::name(settings, topic);
        let metadata = consumer
            .fetch_metadata(Some(&name), ANSWER_WITHIN)
            .with_context(|| format!("Kafka at {} does not answer", settings.bootstrap_servers))?;
        let found = metadata.topics().iter().find(|found| found.name() == name && !found.partitions().is_empty());
        let found = found.with_context(|| format!("topic `{name}` does not exist"))?;
        let ids: Vec<i32> = found.partitions().iter().map(rdkafka::metadata::MetadataPartition::id).collect();
        let mut reader = Self { consumer, topic, name: name.into(), partitions: BTreeMap::new() };
        for partition in ids {
            let (low, _) = reader.watermarks(partition)?;
            reader.partitions.insert(partition, Span { low, next: low, end: low });
        }
        Ok(reader)
    }

    /// Will read what the topic holds from this moment on, by the records' own timestamps.
    ///
    /// # Errors
    /// Kafka does not answer, or there is no such topic.
    pub fn since(settings: &KafkaSettings, topic: Topic, moment: DateTime<Utc>) -> Result<Self> {
        let mut reader = Self::from_beginning(settings, topic)?;
        let mut wanted = TopicPartitionList::new();
        for partition in reader.partitions.keys() {
            let moment = Offset::Offset(moment.timestamp_millis().max(0));
            wanted.add_partition_offset(&reader.name, *partition, moment)?;
        }
        let found = reader.consumer.offsets_for_times(wanted, ANSWER_WITHIN);
        let found = found.context("Kafka does not say which records are so young")?;
        for element in found.elements() {
            let partition = element.partition();
            // No record is so young: what comes from now on is.
            let next = match element.offset() {
                Offset::Offset(offset) => offset,
                Offset::Beginning | Offset::End | Offset::Stored | Offset::Invalid | Offset::OffsetTail(_) => {
                    reader.watermarks(partition)?.1
                }
            };
            if let Some(span) = reader.partitions.get_mut(&partition) {
                span.next = next;
            }
        }
        Ok(reader)
    }

    /// Which topic it is.
    #[must_use]
    pub fn topic(&self) -> Topic {
        self.topic
    }

    /// The partitions whose oldest records were gone when the reader was made.
    pub fn cut(&self) -> impl Iterator<Item = i32> {
        self.partitions.iter().filter(|(_, span)| span.low > 0).map(|(partition, _)| *partition)
    }

    /// Looks where the topic ends now. Says how many offsets there are to be read until there.
    ///
    /// # Errors
    /// Kafka does not answer.
    pub fn look_ahead(&mut self) -> Result<u64> {
        let mut missing = 0;
        for partition in self.partitions.keys().copied().collect::<Vec<_>>() {
            // What nobody has committed yet is behind the end, for who reads what is committed.
            let (_, high) = self.watermarks(partition)?;
            if let Some(span) = self.partitions.get_mut(&partition) {
                span.end = high.max(span.next);
                missing += span.end.abs_diff(span.next);
            }
        }
        Ok(missing)
    }

    /// Reads on to where the topic ended at the last [`Reader::look_ahead`]. Of each partition in its order; says how many records
    /// there were.
    ///
    /// # Errors
    /// Kafka does not answer, or deletes what has not been read yet.
    pub fn read(&mut self, mut each: impl FnMut(Seen)) -> Result<u64> {
        let mut left = self.assign()?;
        let (mut records, mut heard, mut trouble) = (0, Instant::now(), None);
        while !left.is_empty() {
            match self.consumer.poll(POLL) {
                None => ensure!(heard.elapsed() < ANSWER_WITHIN, self.silence(trouble)),
                Some(Err(KafkaError::PartitionEOF(partition))) => {
                    if left.remove(&partition) {
                        heard = Instant::now();
                    }
                }
                // Others pass, or else it stays silent.
                Some(Err(error)) => trouble = Some(self.unless_deleted(error)?),
                Some(Ok(message)) => {
                    if let Some(seen) = take(&mut self.partitions, &mut left, &self.name, &message) {
                        heard = Instant::now();
                        records += 1;
                        each(seen);
                    }
                }
            }
        }
        self.consumer.unassign()?;
        Ok(records)
    }

    /// Takes the partitions that have something to be read.
    fn assign(&mut self) -> Result<BTreeSet<i32>> {
        let mut wanted = TopicPartitionList::new();
        let mut left = BTreeSet::new();
        for (partition, span) in &self.partitions {
            if span.next < span.end {
                wanted.add_partition_offset(&self.name, *partition, Offset::Offset(span.next))?;
                left.insert(*partition);
            }
        }
        self.consumer.assign(&wanted).context("the topic cannot be read")?;
        Ok(left)
    }

    fn watermarks(&self, partition: i32) -> Result<(i64, i64)> {
        let marks = self.consumer.fetch_watermarks(&self.name, partition, ANSWER_WITHIN);
        marks.with_context(|| format!("Kafka does not say where partition {partition} of `{}` ends", self.name))
    }

    fn unless_deleted(&self, error: KafkaError) -> Result<KafkaError> {
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::AutoOffsetReset) {
            bail!("Kafka deletes the oldest records of `{}` faster than they are read; try again", self.name);
        }
        Ok(error)
    }

    fn silence(&self, trouble: Option<KafkaError>) -> String {
        let because = trouble.map(|error| format!(": {error}")).unwrap_or_default();
        format!("Kafka has sent nothing of `{}` for {ANSWER_WITHIN:?}{because}", self.name)
    }
}

/// The record, unless it lies behind where this round ends. The last one of a partition ends that partition's round.
fn take(
    partitions: &mut BTreeMap<i32, Span>,
    left: &mut BTreeSet<i32>,
    name: &Arc<str>,
    message: &BorrowedMessage<'_>,
) -> Option<Seen> {
    let partition = message.partition();
    let span = partitions.get_mut(&partition).filter(|_| left.contains(&partition))?;
    if message.offset() >= span.end {
        left.remove(&partition);
        return None;
    }
    span.next = message.offset() + 1;
    if span.next == span.end {
        left.remove(&partition);
    }
    let at = message.timestamp().to_millis().and_then(DateTime::from_timestamp_millis);
    Some(Seen { record: Record::copied(name, message), at })
}
