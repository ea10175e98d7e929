//! The receiving side, behind Kafka: batches of records, handed to the inbox by hand.

mod concurrent;
pub mod poison;
mod reactions;
mod repeats;
mod retries;
mod version_rule;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use chassis::messaging::{Outcome, Reason, Record};
use chrono::{DateTime, Utc};
use shared_events::{Envelope, OrderId, Topic};
use sqlx::PgPool;
use tests::{Env, PATIENCE, TestInbox, TestReactions, envelope, golden, record};
use uuid::Uuid;

/// An inbox, and a partition whose records are numbered as Kafka does it.
struct Receiver {
    env: Env,
    inbox: TestInbox,
    next_offset: i64,
}

impl Receiver {
    async fn new(name: &str) -> Self {
        let env = Env::new(name).await;
        let inbox = TestInbox::new(&env).await;
        Self { env, inbox, next_offset: 0 }
    }

    /// The next record of the partition.
    fn record(&mut self, envelope: &Envelope) -> Record {
        let record = record(&self.env.topic(Topic::Orders), envelope);
        self.place(record)
    }

    /// Puts a record into the partition.
    fn place(&mut self, record: Record) -> Record {
        let offset = self.next_offset;
        self.next_offset += 1;
        Record { partition: 0, offset, ..record }
    }

    /// The next records: one event of each of these versions.
    fn records(&mut self, order_id: OrderId, versions: impl IntoIterator<Item = i64>) -> Vec<Record> {
        versions.into_iter().map(|version| self.record(&completed(order_id, version))).collect()
    }

    /// Applies one record that carries an event of this version.
    async fn receive(&mut self, order_id: OrderId, version: i64) -> Outcome {
        let record = self.record(&completed(order_id, version));
        self.one(record).await
    }

    async fn one(&self, record: Record) -> Outcome {
        let mut outcomes = self.inbox.apply(&[record]).await;
        assert_eq!(outcomes.len(), 1, "one record has one outcome");
        outcomes.remove(0)
    }

    /// The versions of this order that were applied, in order.
    async fn applied(&self, order_id: OrderId) -> Vec<i64> {
        let rows = TestReactions::applied(&self.inbox.pool).await;
        rows.into_iter().filter(|row| row.order_id == order_id.0).map(|row| row.version).collect()
    }

    /// Turns the retry worker until nothing is due any more.
    async fn retry_what_is_due(&self) -> Result<()> {
        let turning = async {
            while self.inbox.retries.step().await? > 0 {}
            Ok(())
        };
        tokio::time::timeout(PATIENCE, turning).await.context("there is always more to retry")?
    }

    async fn parked(&self) -> Vec<Parked> {
        Parked::all(&self.inbox.pool).await
    }
}

/// Checkout of the order is completed: the event that has to wait for its predecessor, whatever its version.
fn completed(order_id: OrderId, version: i64) -> Envelope {
    envelope(order_id, version, golden("OrderCompleted.v1.least"))
}

/// The order is cancelled: the event that may jump a gap.
fn cancelled(order_id: OrderId, version: i64) -> Envelope {
    envelope(order_id, version, golden("OrderCancelled.v1"))
}

fn gap(seen: i64) -> Outcome {
    Outcome::Parked(Reason::Gap { seen: shared_events::Version(seen) })
}

/// A row of `parked_events`, as far as tests look at it.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct Parked {
    pub partition: i32,
    pub offset: i64,
    pub order_id: Option<Uuid>,
    pub version: Option<i64>,
    pub key: Option<Vec<u8>>,
    pub header_names: Vec<String>,
    pub header_values: Vec<Option<Vec<u8>>>,
    pub payload: Option<Vec<u8>>,
    pub cause: String,
    pub error: String,
    pub attempts: i32,
    pub next_attempt_at: Option<DateTime<Utc>>,
    pub resolution: Option<String>,
}

impl Parked {
    /// Everything that was ever parked, in the order of the partitions.
    pub async fn all(pool: &PgPool) -> Vec<Self> {
        let rows = sqlx::query_as("select * from parked_events order by partition, \"offset\"").fetch_all(pool).await;
        rows.expect("parked events can be read")
    }

    /// Cause and resolution, `-` where it still waits.
    fn state(&self) -> (&str, &str) {
        (&self.cause, self.resolution.as_deref().unwrap_or("-"))
    }

    /// Whether it is this record, byte for byte.
    pub fn ensure_is(&self, record: &Record) -> Result<()> {
        let values = self.header_values.iter().map(|value| value.clone().map(Bytes::from));
        let headers: Vec<_> = self.header_names.iter().cloned().zip(values).collect();
        ensure!(headers == record.headers, "headers {headers:?} instead of {:?}", record.headers);
        ensure!(self.key.as_deref() == record.key.as_deref(), "key {:?} instead of {:?}", self.key, record.key);
        ensure!(self.payload.as_deref() == record.payload.as_deref(), "another payload, at offset {}", record.offset);
        let place = (self.partition, self.offset);
        ensure!(place == (record.partition, record.offset), "{place:?} instead of {}", record.offset);
        Ok(())
    }
}
