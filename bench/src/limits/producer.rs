//! A bare producer: the record that announces an order, again and again, as fast as the broker acknowledges.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use chrono::Utc;
use devstack::Kafka;
use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};
use uuid::Uuid;

use super::placing;
use crate::stage::PARTITIONS;

const TOPIC: &str = "limits";
/// How long the last records may take to be acknowledged.
const ACKNOWLEDGED_WITHIN: Duration = Duration::from_secs(60);
/// How long to look for acknowledgements while there is no room for another record.
const MAKE_ROOM_FOR: Duration = Duration::from_millis(5);

/// How many records a second are acknowledged, from the first one sent to the last acknowledgement.
pub async fn records_per_second(kafka: &Kafka, records: u64) -> Result<f64> {
    kafka.create_topics(&[(TOPIC, PARTITIONS)]).await?;
    let bootstrap = kafka.bootstrap().to_owned();
    // librdkafka waits in the calling thread.
    let sent = tokio::task::spawn_blocking(move || send(&bootstrap, records)).await?;
    kafka.delete_topics(&[TOPIC]).await?;
    Ok(records as f64 / sent?.as_secs_f64())
}

/// As the services' relay sends, where that is a promise (acknowledged by all, neither twice nor out of order, on the
/// lane that murmur2 finds); all else as is quickest.
fn producer(bootstrap: &str) -> Result<BaseProducer<Reports>> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", bootstrap);
    config.set("acks", "all").set("enable.idempotence", "true").set("partitioner", "murmur2_random");
    config.create_with_context(Reports::default()).context("The producer could not be made.")
}

fn send(bootstrap: &str, records: u64) -> Result<Duration> {
    let producer = producer(bootstrap)?;
    let wire = placing::envelope(Uuid::now_v7(), Utc::now())?.to_wire()?;
    let headers = OwnedHeaders::new_with_capacity(wire.headers.len());
    let headers = wire.headers.iter().fold(headers, |all, (key, value)| all.insert(Header { key, value: Some(value) }));
    let keys: Vec<String> = (0..records).map(|_| Uuid::now_v7().to_string()).collect();
    let began = Instant::now();
    for key in &keys {
        let mut record = BaseRecord::to(TOPIC).key(key).payload(&wire.data).headers(headers.clone());
        while let Err((error, refused)) = producer.send(record) {
            let KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull) = error else {
                bail!("A record could not be sent: {error}.");
            };
            record = refused;
            producer.poll(MAKE_ROOM_FOR);
        }
    }
    producer.flush(ACKNOWLEDGED_WITHIN).context("Not everything was acknowledged in time.")?;
    let took = began.elapsed();
    let acknowledged = producer.context().acknowledged.load(Ordering::Relaxed);
    ensure!(acknowledged == records, "Of {records} records {acknowledged} were acknowledged.");
    Ok(took)
}

/// What the broker has acknowledged.
#[derive(Default)]
struct Reports {
    acknowledged: AtomicU64,
}

impl ClientContext for Reports {}

impl ProducerContext for Reports {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if result.is_ok() {
            self.acknowledged.fetch_add(1, Ordering::Relaxed);
        }
    }
}
