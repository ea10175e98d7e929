//! How far each side's consumer has come: as the services say, or as Kafka says where it can be asked.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result};
use chassis::messaging::{self, KafkaSettings, Marks, topics};
use serde::Deserialize;
use uuid::Uuid;

use crate::services::{Services, Side, Sides};

const KAFKA_WITHIN: Duration = Duration::from_secs(10);

/// How many records each side has still to read, by partition.
#[derive(Clone, Debug, Default)]
pub(super) struct Lags(pub Sides<Lag>);

/// Of one side.
#[derive(Clone, Debug, Default)]
pub(super) struct Lag {
    /// How many partitions there are; 0 where nobody says.
    pub partitions: usize,
    /// Those that are known.
    pub by_partition: BTreeMap<i32, i64>,
    /// Why nothing is known, where nothing is.
    pub unknown: Option<String>,
}

#[derive(Deserialize)]
struct Consumer {
    partitions_of_topic: Option<usize>,
    partitions: Vec<Partition>,
}

#[derive(Deserialize)]
struct Partition {
    partition: i32,
    lag: Option<i64>,
}

impl Lags {
    /// How many records this side has still to read before it has read all there is of this order; none where that is not known.
    pub fn of(&self, side: Side, order: Uuid) -> Option<i64> {
        let lag = self.0.of(side);
        lag.by_partition.get(&partition_of(order, lag.partitions)?).copied()
    }
}

/// Asks Kafka, where it can be asked, or else both services.
pub(super) async fn look(services: &Services, kafka: Option<&KafkaSettings>) -> Lags {
    let mut lags = Lags::default();
    for side in Side::BOTH {
        let asked = match kafka {
            Some(kafka) => by_kafka(kafka.clone(), side).await,
            None => by_service(services, side).await,
        };
        let unknown = |error: anyhow::Error| Lag { unknown: Some(format!("{error:#}")), ..Lag::default() };
        *lags.0.of_mut(side) = asked.unwrap_or_else(unknown);
    }
    lags
}

async fn by_service(services: &Services, side: Side) -> Result<Lag> {
    let consumer: Option<Consumer> = services.read(side, "/consumer").await?;
    let Consumer { partitions_of_topic, partitions } = consumer.context("it says nothing of its consumer")?;
    let by_partition = partitions.into_iter().filter_map(|one| Some((one.partition, one.lag?))).collect();
    let count = partitions_of_topic.with_context(|| format!("Kafka does not answer {side}"))?;
    Ok(Lag { partitions: count, by_partition, unknown: None })
}

async fn by_kafka(kafka: KafkaSettings, side: Side) -> Result<Lag> {
    let (group, topic) = (messaging::group(&kafka, side.name()), topics::name(&kafka, side.other().announces_on()));
    let asked = move || messaging::marks(&kafka, &group, &topic, &[], KAFKA_WITHIN);
    let Marks { count, partitions } = tokio::task::spawn_blocking(asked).await??;
    let by_partition = partitions.iter().map(|mark| (mark.partition, (mark.end - mark.position()).max(0))).collect();
    Ok(Lag { partitions: count, by_partition, unknown: None })
}

/// Which partition the events of an order are on: by the partitioner that Java clients use, which is the relay's as well.
fn partition_of(order: Uuid, partitions: usize) -> Option<i32> {
    let hash = murmur2(order.hyphenated().to_string().as_bytes()) & 0x7fff_ffff;
    i32::try_from(hash.checked_rem(u32::try_from(partitions).ok()?)?).ok()
}

/// As Kafka has it, for a length that four divides: an order's id has 36 characters.
fn murmur2(key: &[u8]) -> u32 {
    const M: u32 = 0x5bd1_e995;
    let (words, _) = key.as_chunks::<4>();
    let begin = 0x9747_b28c ^ u32::try_from(key.len()).unwrap_or(u32::MAX);
    let mixed = words.iter().fold(begin, |hash, word| {
        let word = u32::from_le_bytes(*word).wrapping_mul(M);
        hash.wrapping_mul(M) ^ (word ^ (word >> 24)).wrapping_mul(M)
    });
    let mixed = (mixed ^ (mixed >> 13)).wrapping_mul(M);
    mixed ^ (mixed >> 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_partition_is_the_one_that_java_clients_choose() {
        // The cases of Kafka's own tests whose length four divides.
        let cases = [
            ("a-little-bit-long-string", -985_981_536_i32),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
        ];
        for (key, hash) in cases {
            assert_eq!(murmur2(key.as_bytes()).cast_signed(), hash, "{key}");
        }
    }

    #[test]
    fn without_a_number_of_partitions_nothing_is_known() {
        assert_eq!(partition_of(Uuid::nil(), 0), None);
        assert!(partition_of(Uuid::max(), 3).is_some_and(|partition| (0..3).contains(&partition)));
    }
}
