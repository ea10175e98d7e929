//! Kafka of our own: what it acknowledged outlives a stop and a kill.

use std::time::Duration;

use anyhow::{Result, ensure};
use devstack::{Kafka, KafkaOptions, Progress};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{FutureProducer, FutureRecord};

const TOPIC: &str = "kept";

async fn produce(kafka: &Kafka, payload: &str) -> Result<()> {
    let mut config = ClientConfig::new();
    let producer: FutureProducer = config.set("bootstrap.servers", kafka.bootstrap()).create()?;
    let record = FutureRecord::<str, str>::to(TOPIC).partition(0).payload(payload);
    producer.send(record, Duration::from_secs(10)).await.map_err(|(error, _)| error)?;
    Ok(())
}

/// How many records the first partition holds.
fn held(kafka: &Kafka) -> Result<i64> {
    let mut config = ClientConfig::new();
    let consumer: BaseConsumer = config.set("bootstrap.servers", kafka.bootstrap()).create()?;
    let (low, high) = consumer.fetch_watermarks(TOPIC, 0, Duration::from_secs(10))?;
    Ok(high - low)
}

#[tokio::test]
async fn acknowledged_records_outlive_a_stop_and_a_kill() -> Result<()> {
    let mut kafka = Kafka::start_own(&KafkaOptions::default(), &Progress::hidden()).await?;
    kafka.create_topics(&[(TOPIC, 3), ("gone", 1)]).await?;
    kafka.delete_topics(&["gone"]).await?;
    let topics = kafka.topics().await?;
    ensure!(topics == [TOPIC], "the topics are {topics:?}");

    produce(&kafka, "before the stop").await?;
    kafka.stop().await?;
    kafka.restart().await?;
    ensure!(held(&kafka)? == 1, "a stop lost a record");

    produce(&kafka, "before the kill").await?;
    kafka.kill().await?;
    kafka.restart().await?;
    ensure!(held(&kafka)? == 2, "a kill lost a record");

    kafka.pause()?;
    ensure!(kafka.topics().await.is_err(), "a paused broker answered");
    kafka.resume()?;
    produce(&kafka, "after the pause").await?;
    kafka.stop().await
}
