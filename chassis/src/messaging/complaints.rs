//! What Kafka's clients complain of. They report an absent broker with every attempt to reach it, many times a second: one
//! line in a while tells as much.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use rdkafka::{ClientContext, consumer::ConsumerContext, error::KafkaError};
use tokio::time::Instant;

const TOLD_EVERY: Duration = Duration::from_secs(10);

/// Logs the first complaint, and then one in ten seconds. Also the context of a client that has nothing else to call back.
#[derive(Debug, Default)]
pub(super) struct Complaints(Mutex<Option<Instant>>);

impl Complaints {
    pub(super) fn tell(&self, error: &KafkaError, reason: &str) {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if told.is_none_or(|told| told.elapsed() >= TOLD_EVERY) {
            *told = Some(Instant::now());
            tracing::warn!(%error, "Kafka's client complains: {error}: {reason}");
        } else {
            tracing::debug!(%error, "Kafka's client complains: {error}: {reason}");
        }
    }
}

impl ClientContext for Complaints {
    fn error(&self, error: KafkaError, reason: &str) {
        self.tell(&error, reason);
    }
}

impl ConsumerContext for Complaints {}
