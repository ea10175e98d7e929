//! Kafka's client, and what it reports. Its thread only puts the reports down; a future for each record would cost more than the record.

use std::{
    mem,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::Context;
use rdkafka::{
    ClientConfig, ClientContext,
    error::{KafkaError, RDKafkaErrorCode},
    producer::{BaseRecord, DeliveryResult, Producer, ProducerContext, ThreadedProducer},
};
use shared_events::{OrderId, Topic, wire::Attributes};
use tokio::sync::Notify;

use crate::messaging::{
    complaints::Complaints,
    kafka::{self, KafkaSettings},
    record, topics,
};

/// What became of a record.
pub(super) struct Report {
    pub order_id: OrderId,
    /// The number of the pointer that it was found by.
    pub seq: i64,
    pub acknowledged: Result<(), KafkaError>,
}

/// The reports of one client. No more of them than it has records.
#[derive(Default)]
pub(super) struct Reports {
    reported: Mutex<Vec<Report>>,
    arrived: Notify,
    complaints: Complaints,
}

impl Reports {
    pub fn take(&self) -> Vec<Report> {
        mem::take(&mut *self.reported.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns when a report arrives, or at once if one did since the last time.
    pub async fn arrived(&self) {
        self.arrived.notified().await;
    }
}

impl ClientContext for Reports {
    fn error(&self, error: KafkaError, reason: &str) {
        self.complaints.tell(&error, reason);
    }
}

impl ProducerContext for Reports {
    type DeliveryOpaque = Box<(OrderId, i64)>;

    fn delivery(&self, delivered: &DeliveryResult<'_>, pointer: Box<(OrderId, i64)>) {
        let acknowledged = delivered.as_ref().map(drop).map_err(|(error, _)| error.clone());
        let (order_id, seq) = *pointer;
        let report = Report { order_id, seq, acknowledged };
        self.reported.lock().unwrap_or_else(PoisonError::into_inner).push(report);
        self.arrived.notify_one();
    }
}

/// Whether Kafka's client took a record.
pub(super) enum Given {
    Taken,
    /// Its queue is full. It takes more when some of what it has is through.
    Full,
    Refused(KafkaError),
}

/// The client of one relay.
pub(super) struct Client {
    topic: String,
    config: ClientConfig,
    producer: ThreadedProducer<Reports>,
}

impl Client {
    pub fn new(settings: &KafkaSettings, topic: Topic) -> anyhow::Result<Self> {
        let config = kafka::producer(settings);
        let producer = made(&config)?;
        Ok(Self { topic: topics::name(settings, topic), config, producer })
    }

    pub fn reports(&self) -> Arc<Reports> {
        self.producer.context().clone()
    }

    pub fn give(&self, (order_id, seq): (OrderId, i64), attributes: &Attributes, data: &[u8]) -> Given {
        let key = order_id.to_string();
        let record = BaseRecord::with_opaque_to(&self.topic, Box::new((order_id, seq)));
        let record = record.key(&key).payload(data).headers(record::headers(attributes));
        match self.producer.send(record) {
            Ok(()) => Given::Taken,
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => Given::Full,
            Err((error, _)) => Given::Refused(error),
        }
    }

    /// Why it is of no more use, if it is not.
    pub fn fatal_error(&self) -> Option<String> {
        self.producer.client().fatal_error().map(|(code, text)| format!("{code}: {text}"))
    }

    /// Begins anew. Of what the old client has nobody hears any more.
    pub fn replace(&mut self) -> anyhow::Result<()> {
        let old = mem::replace(&mut self.producer, made(&self.config)?);
        // Closing waits for the client's threads, and they may wait for a broker.
        std::thread::spawn(move || drop(old));
        Ok(())
    }
}

fn made(config: &ClientConfig) -> anyhow::Result<ThreadedProducer<Reports>> {
    config.create_with_context(Reports::default()).context("the producer could not be made")
}
