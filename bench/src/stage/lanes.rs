//! What lies in a topic: every order on one partition, the versions of its events in order and without a hole. An event may be there
//! twice; that one before it is missing may not be.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{BorrowedMessage, Headers};
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};

const ANSWER_WITHIN: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(200);

/// What was seen of a topic, whose order holds.
#[derive(Clone, Debug, Default)]
pub struct Lanes {
    /// The highest version of each order that has been seen, and on which partition.
    orders: HashMap<Vec<u8>, (i32, i64)>,
    /// Records that were there before.
    pub repeats: u64,
    /// Records of each partition.
    pub records: Vec<u64>,
}

impl Lanes {
    /// Reads all of a topic.
    ///
    /// # Errors
    /// Where the order of an order's events does not hold.
    pub async fn read(bootstrap: &str, topic: &str) -> Result<Self> {
        let (bootstrap, topic) = (bootstrap.to_owned(), topic.to_owned());
        tokio::task::spawn_blocking(move || read_all(&bootstrap, &topic)).await?
    }

    /// Records of the partition with the fewest, as a share of what each would have were they all alike.
    pub fn least_partition_share(&self) -> f64 {
        let least = self.records.iter().min().copied().unwrap_or(0) as f64;
        least * self.records.len() as f64 / self.records.iter().sum::<u64>().max(1) as f64
    }

    fn see(&mut self, key: &[u8], partition: i32, version: i64) -> Result<()> {
        *self.records.get_mut(usize::try_from(partition)?).context("a partition that is none")? += 1;
        let (home, highest) = self.orders.entry(key.to_owned()).or_insert((partition, 0));
        let order = String::from_utf8_lossy(key);
        ensure!(*home == partition, "order {order} is on the partitions {home} and {partition}");
        ensure!(version <= *highest + 1, "of order {order} there is version {version} after {highest}");
        if version <= *highest {
            self.repeats += 1;
        }
        *highest = version.max(*highest);
        Ok(())
    }
}

fn read_all(bootstrap: &str, topic: &str) -> Result<Lanes> {
    let mut settings = ClientConfig::new();
    settings.set("bootstrap.servers", bootstrap).set("group.id", "bench").set("enable.auto.commit", "false");
    let consumer: BaseConsumer = settings.create()?;
    let known = consumer.fetch_metadata(Some(topic), ANSWER_WITHIN)?;
    let partitions = known.topics().first().context("there is no such topic")?.partitions().len();
    let mut lanes = Lanes { records: vec![0; partitions], ..Lanes::default() };
    let (mut wanted, mut missing) = (TopicPartitionList::new(), 0);
    for partition in 0..i32::try_from(partitions)? {
        let (first, end) = consumer.fetch_watermarks(topic, partition, ANSWER_WITHIN)?;
        wanted.add_partition_offset(topic, partition, Offset::Beginning)?;
        missing += end - first;
    }
    consumer.assign(&wanted)?;
    let mut last_progress = Instant::now();
    while missing > 0 {
        if let Some(record) = consumer.poll(POLL) {
            let record = record?;
            lanes.see(record.key().context("a record without a key")?, record.partition(), version(&record)?)?;
            missing -= 1;
            last_progress = Instant::now();
        } else if last_progress.elapsed() > ANSWER_WITHIN {
            bail!("{missing} records of {topic} cannot be read");
        }
    }
    Ok(lanes)
}

fn version(record: &BorrowedMessage<'_>) -> Result<i64> {
    let headers = record.headers().context("a record without headers")?;
    let header = headers.iter().find(|header| header.key == "ce_sequence").and_then(|header| header.value);
    std::str::from_utf8(header.context("a record without a version")?)?.parse().context("a version is no number")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(records: &[(&str, i32, i64)]) -> Result<Lanes> {
        let mut lanes = Lanes { records: vec![0; 3], ..Lanes::default() };
        records.iter().try_for_each(|(key, partition, version)| lanes.see(key.as_bytes(), *partition, *version))?;
        Ok(lanes)
    }

    #[test]
    fn repeats_are_counted_and_a_hole_or_a_second_partition_is_an_error() {
        let lanes = seen(&[("a", 0, 1), ("b", 1, 1), ("a", 0, 2), ("a", 0, 1), ("a", 0, 2), ("a", 0, 3)]).unwrap();
        assert_eq!((lanes.repeats, &lanes.records[..]), (2, &[5, 1, 0][..]));
        assert!(seen(&[("a", 0, 1), ("a", 0, 3)]).is_err(), "a hole");
        assert!(seen(&[("a", 0, 2)]).is_err(), "no beginning");
        assert!(seen(&[("a", 0, 1), ("a", 1, 2)]).is_err(), "two partitions");
    }

    #[test]
    fn an_idle_partition_has_no_share() {
        assert!((seen(&[("a", 0, 1), ("b", 1, 1)]).unwrap().least_partition_share()).abs() < f64::EPSILON);
        let even = seen(&[("a", 0, 1), ("b", 1, 1), ("c", 2, 1)]).unwrap();
        assert!((even.least_partition_share() - 1.0).abs() < f64::EPSILON);
    }
}
