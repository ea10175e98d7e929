//! Kafka by hand: sending records as they are, and reading all there is.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use chassis::messaging::{KafkaSettings, Record, kafka};
use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    message::{Header, OwnedHeaders},
    producer::{FutureProducer, FutureRecord},
};

/// The partition of a record that goes where its key belongs.
pub const KEYED: i32 = -1;

const WITHIN: Duration = Duration::from_secs(30);

/// Sends records as they are (no key, no value, headers without values…), in order, and waits for their acknowledgements.
/// Those with a partition go there, [`KEYED`] ones where their key belongs.
///
/// # Panics
/// When Kafka does not take one.
pub async fn produce(settings: &KafkaSettings, records: &[Record]) {
    let producer: FutureProducer = kafka::producer(settings).create().expect("a producer");
    let mut deliveries = Vec::with_capacity(records.len());
    for record in records {
        let headers = record
            .headers
            .iter()
            .fold(OwnedHeaders::new(), |headers, (key, value)| headers.insert(Header { key, value: value.as_deref() }));
        let mut future = FutureRecord::<[u8], [u8]>::to(&record.topic).headers(headers);
        future.key = record.key.as_deref();
        future.payload = record.payload.as_deref();
        future.partition = (record.partition != KEYED).then_some(record.partition);
        let sent = producer.send_result(future).map_err(|(error, _)| error);
        deliveries.push(sent.expect("there is room for the record"));
    }
    for delivery in deliveries {
        delivery.await.expect("the producer lives").map_err(|(error, _)| error).expect("Kafka takes the record");
    }
}

/// Everything that a topic holds at this moment, from offset 0, partition after partition.
///
/// # Panics
/// When Kafka does not answer.
pub async fn read_all(settings: &KafkaSettings, topic: &str) -> Vec<Record> {
    let (settings, topic) = (settings.clone(), topic.to_owned());
    let read = tokio::task::spawn_blocking(move || read_to_the_end(&settings, &topic)).await;
    read.expect("the reader lives").expect("the topic can be read")
}

fn read_to_the_end(settings: &KafkaSettings, topic: &str) -> Result<Vec<Record>> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", &settings.bootstrap_servers)
        .set("group.id", "nobody")
        .set("enable.auto.commit", "false")
        .set("fetch.wait.max.ms", "20")
        .create()?;
    let metadata = consumer.fetch_metadata(Some(topic), WITHIN)?;
    let partitions = metadata.topics().first().context("no such topic")?.partitions().len();
    let mut wanted = TopicPartitionList::new();
    let mut missing = 0;
    for partition in 0..i32::try_from(partitions)? {
        let (low, high) = consumer.fetch_watermarks(topic, partition, WITHIN)?;
        if high > low {
            wanted.add_partition_offset(topic, partition, Offset::Beginning)?;
            missing += usize::try_from(high - low)?;
        }
    }
    consumer.assign(&wanted)?;
    let name = topic.into();
    let mut records = Vec::with_capacity(missing);
    let give_up_at = Instant::now() + WITHIN;
    // No transactions and no compaction here: between the two marks there is a record for each offset.
    while records.len() < missing {
        if let Some(message) = consumer.poll(Duration::from_millis(100)) {
            records.push(Record::copied(&name, &message?));
        } else if Instant::now() > give_up_at {
            bail!("{topic}: only {} of {missing} records within {WITHIN:?}", records.len());
        }
    }
    records.sort_by_key(|record| (record.partition, record.offset));
    Ok(records)
}
