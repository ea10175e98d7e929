//! One order's events on both topics: where each of them lies.

use anyhow::{Context, Result};
use chassis::messaging::{KafkaSettings, Record};
use chrono::{DateTime, TimeDelta, Utc};
use indicatif::ProgressBar;
use serde::Serialize;
use shared_events::{OrderId, Topic};
use uuid::Uuid;

use super::{Reader, Seen};

/// The clocks of who sent the records need not be ours.
const EARLIER: TimeDelta = TimeDelta::minutes(1);

/// A record that says of itself that it is about the order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Found {
    /// The topic's name in Kafka.
    pub topic: String,
    /// Its partition.
    pub partition: i32,
    /// Its place there.
    pub offset: i64,
    /// Its place among what its service announced of the order. The same again: a repeat.
    pub version: i64,
    /// What happened: the name of the event.
    pub kind: String,
    /// When its producer says that it sent it.
    pub timestamp: Option<DateTime<Utc>>,
    /// The event's id, the same in each repeat.
    pub event_id: Option<Uuid>,
}

/// All records about the order that were sent at this moment or later, by their own timestamps: those on `orders`, then those on
/// `deliveries`, each partition in its order. By their headers alone, so that a record is found which cannot be decoded.
/// `progress` is moved on with each record that is read.
///
/// # Errors
/// Kafka does not answer, or a topic is missing.
pub async fn find(
    settings: &KafkaSettings,
    order_id: OrderId,
    since: DateTime<Utc>,
    progress: &ProgressBar,
) -> Result<Vec<Found>> {
    let (settings, progress) = (settings.clone(), progress.clone());
    let looked = tokio::task::spawn_blocking(move || {
        let begin = |topic| Reader::since(&settings, topic, since - EARLIER);
        let mut readers = [begin(Topic::Orders)?, begin(Topic::Deliveries)?];
        let mut records = 0;
        for reader in &mut readers {
            records += reader.look_ahead()?;
        }
        progress.set_length(records);
        let mut found = Vec::new();
        for reader in &mut readers {
            let mut of_topic = Vec::new();
            reader.read(|seen| {
                of_topic.extend(about(order_id, &seen));
                progress.inc(1);
            })?;
            of_topic.sort_by_key(|found: &Found| (found.partition, found.offset));
            found.extend(of_topic);
        }
        anyhow::Ok(found)
    });
    looked.await.context("the search died")?
}

fn about(order_id: OrderId, seen: &Seen) -> Option<Found> {
    let record = &seen.record;
    let (named, version) = record.place()?;
    (named == order_id).then(|| Found {
        topic: record.topic.to_string(),
        partition: record.partition,
        offset: record.offset,
        version: version.0,
        kind: header(record, "ce_type").unwrap_or_default(),
        timestamp: seen.at,
        event_id: header(record, "ce_id").and_then(|id| id.parse().ok()),
    })
}

fn header(record: &Record, name: &str) -> Option<String> {
    let (_, value) = record.headers.iter().find(|(key, _)| key == name)?;
    Some(String::from_utf8_lossy(value.as_deref()?).into_owned())
}
