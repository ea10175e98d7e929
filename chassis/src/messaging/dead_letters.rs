//! What rests, told to other tools: a parked event that nobody tries any more also goes to a topic of its own, byte for byte, with why.
//!
//! It stays parked here all the same. A dead letter is a copy for those who watch topics; nothing reads it back, and replaying is done
//! from the table.

use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use rdkafka::{
    ClientConfig,
    message::{Header, OwnedHeaders},
    producer::{FutureProducer, FutureRecord},
};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::kafka::{self, KafkaSettings};
use crate::{Tx, clock, database::answered};

/// How many are sent together.
const MOST: i64 = 100;
/// As much of an error as travels.
const MOST_ERROR_CHARS: usize = 4_000;
const LOOK_EVERY: Duration = Duration::from_secs(2);
const AFTER_AN_ERROR: Duration = Duration::from_secs(10);
/// How long the broker may take to acknowledge. The rows are locked meanwhile: shorter than an idle transaction may take.
const ACKNOWLEDGED_WITHIN: Duration = Duration::from_secs(10);

/// The topic of a service's dead letters.
#[must_use]
pub fn topic(settings: &KafkaSettings, service: &str) -> String {
    format!("{}{service}.dead-letters", settings.prefix)
}

/// Points at those among these records that rest now and have not been told of.
pub(super) async fn point<'a>(tx: &mut Tx<'_>, parked: impl Iterator<Item = (&'a str, i32, i64)>) -> sqlx::Result<()> {
    let parked: Vec<_> = parked.collect();
    sqlx::query!(
        r#"insert into dead_letters (parked_id)
           select id
           from unnest($1::text[], $2::integer[], $3::bigint[]) as asked (topic, "partition", "offset")
           join parked_events using (topic, "partition", "offset")
           where resolved_at is null and next_attempt_at is null and cause not in ('gap', 'paused') and dead_letter_sent_at is null
           on conflict do nothing"#,
        &parked.iter().map(|(topic, ..)| *topic).collect::<Vec<_>>() as _,
        &parked.iter().map(|(_, partition, _)| *partition).collect::<Vec<_>>(),
        &parked.iter().map(|(.., offset)| *offset).collect::<Vec<_>>(),
    )
    .execute(&mut **tx)
    .await
    .map(drop)
}

/// Sends dead letters. Several instances may: none waits for a row that another one has locked.
pub struct DeadLetters {
    pool: PgPool,
    config: ClientConfig,
    service: &'static str,
    topic: String,
}

/// A dead letter as it lies in the table.
struct Letter {
    id: Uuid,
    topic: String,
    partition: i32,
    offset: i64,
    key: Option<Vec<u8>>,
    header_names: Vec<String>,
    header_values: Vec<Option<Vec<u8>>>,
    payload: Option<Vec<u8>>,
    cause: String,
    error: String,
    attempts: i32,
    parked_at: DateTime<Utc>,
}

impl DeadLetters {
    /// The dead letters of this service.
    #[must_use]
    pub fn new(settings: &KafkaSettings, service: &'static str, pool: PgPool) -> Self {
        Self { pool, config: kafka::producer(settings), service, topic: topic(settings, service) }
    }

    /// Sends what there is, until told to stop. A broker that is away is tried again: the pointers stay.
    pub async fn run(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let wait = match answered(self.step()).await {
                Ok(0) => LOOK_EVERY,
                Ok(sent) => {
                    tracing::warn!(sent, "{sent} parked events rest: dead letters sent to `{}`", self.topic);
                    continue;
                }
                Err(error) => {
                    tracing::warn!(%error, "dead letters could not be sent, trying again in {AFTER_AN_ERROR:?}: {error:#}");
                    AFTER_AN_ERROR
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Sends the first of them, and says how many the broker has acknowledged. A crash in between sends them once more.
    ///
    /// # Errors
    /// The database's; and the broker's, where it took none.
    pub async fn step(&self) -> anyhow::Result<usize> {
        let mut tx = Tx::from(self.pool.begin().await?);
        let letters = self.lock(&mut tx).await?;
        if letters.is_empty() {
            return Ok(0);
        }
        // Made when it is needed, which is hardly ever: a producer has threads and buffers.
        let producer: FutureProducer = self.config.create().context("no producer for dead letters")?;
        let sent = join_all(letters.iter().map(|letter| self.send(&producer, letter))).await;
        let (mut acknowledged, mut refused) = (Vec::new(), None);
        for (letter, sent) in letters.iter().zip(sent) {
            match sent {
                Ok(()) => acknowledged.push(letter.id),
                Err(error) => {
                    tracing::error!(parked_event = %letter.id, %error, "a dead letter was not taken: {error:#}");
                    refused = Some(error);
                }
            }
        }
        if acknowledged.is_empty() {
            return refused.map_or(Ok(0), Err);
        }
        forget(&mut tx, &acknowledged).await?;
        tx.commit().await?;
        metrics::counter!("dead_letters_sent_total").increment(acknowledged.len() as u64);
        Ok(acknowledged.len())
    }

    async fn lock(&self, tx: &mut Tx<'_>) -> sqlx::Result<Vec<Letter>> {
        sqlx::query_as!(
            Letter,
            r#"select id, topic, "partition", "offset", key, header_names,
                      header_values as "header_values: Vec<Option<Vec<u8>>>", payload, cause, error, attempts, parked_at
               from dead_letters
               join parked_events on id = parked_id
               order by parked_id limit $1
               for update of dead_letters skip locked"#,
            MOST
        )
        .fetch_all(&mut **tx)
        .await
    }

    async fn send(&self, producer: &FutureProducer, letter: &Letter) -> anyhow::Result<()> {
        let record = FutureRecord::<[u8], [u8]>::to(&self.topic).headers(self.headers(letter));
        let record = FutureRecord { key: letter.key.as_deref(), payload: letter.payload.as_deref(), ..record };
        let acknowledged = tokio::time::timeout(ACKNOWLEDGED_WITHIN, producer.send(record, Duration::ZERO)).await;
        acknowledged.context("the broker does not acknowledge")?.map(drop).map_err(|(error, _)| error.into())
    }

    /// Those that it came with, and then what became of it here.
    fn headers(&self, letter: &Letter) -> OwnedHeaders {
        let came_with = letter.header_names.iter().zip(&letter.header_values);
        let headers = came_with
            .fold(OwnedHeaders::new(), |headers, (key, value)| headers.insert(Header { key, value: value.as_deref() }));
        let error: String = letter.error.chars().take(MOST_ERROR_CHARS).collect();
        let ours = [
            ("dead-letter-id", letter.id.to_string()),
            ("dead-letter-service", self.service.to_owned()),
            ("dead-letter-cause", letter.cause.clone()),
            ("dead-letter-error", error),
            ("dead-letter-attempts", letter.attempts.to_string()),
            ("dead-letter-topic", letter.topic.clone()),
            ("dead-letter-partition", letter.partition.to_string()),
            ("dead-letter-offset", letter.offset.to_string()),
            ("dead-letter-parked-at", letter.parked_at.to_rfc3339()),
        ];
        ours.iter().fold(headers, |headers, (key, value)| headers.insert(Header { key, value: Some(value) }))
    }
}

async fn forget(tx: &mut Tx<'_>, acknowledged: &[Uuid]) -> sqlx::Result<()> {
    sqlx::query!(
        "with sent as (update parked_events set dead_letter_sent_at = $2 where id = any ($1::uuid[]))
         delete from dead_letters where parked_id = any ($1::uuid[])",
        acknowledged,
        clock::now()
    )
    .execute(&mut **tx)
    .await
    .map(drop)
}
