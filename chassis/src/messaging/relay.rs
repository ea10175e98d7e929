//! From the outbox to Kafka: only the lowest version of each order, a pointer deleted only after the broker's
//! acknowledgement, never two unacknowledged events of one order in flight.
//!
//! That rule makes two relays at once merely repeat, never disorder; electing one ([`super::leader`]) saves the repeats.

use std::{collections::HashMap, pin::Pin, time::Duration};

use anyhow::Context;
use futures_util::{FutureExt, StreamExt, stream::FuturesUnordered};
use rdkafka::{
    ClientConfig,
    error::{KafkaError, RDKafkaErrorCode},
    producer::{FutureProducer, Producer},
};
use shared_events::{OrderId, Topic};
use sqlx::PgPool;
use tokio::time::Instant;
use uuid::Uuid;

use super::{
    complaints::Complaints,
    kafka::{self, KafkaSettings},
    outbox::{self, Pending},
    record, topics,
};
use crate::database::answered;

/// How many events are in flight at most. A few hundred fill the pipeline; more would only wait in the client's queue.
const WINDOW: usize = 500;
/// How long a turn waits for acknowledgements before it looks for new events again.
const PATIENCE: Duration = Duration::from_millis(20);
/// How many orders may rest before the relay stops looking for others: by then it is Kafka that is ill, not the events.
const RESTING: usize = 1_000;
/// How long an event may be unacknowledged before the client is taken to be stuck. Longer than an election, and than a produce
/// request to a broker that is alive; a client that is replaced for nothing costs a few repeats.
const STUCK_AFTER: Duration = Duration::from_secs(20);
/// An event that could not be published is tried again after 1 s × 2ⁿ, at most this.
const LONGEST_REST: Duration = Duration::from_secs(60);

/// What one turn of the relay did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// So many events were acknowledged, and their pointers deleted; others may be in flight.
    Relayed(usize),
    /// There was nothing to send, and nothing is in flight.
    Idle,
}

/// Sends what the outbox points to.
pub struct Relay {
    pool: PgPool,
    topic: Topic,
    topic_name: String,
    config: ClientConfig,
    producer: FutureProducer<Complaints>,
    in_flight: FuturesUnordered<Flight>,
    /// The orders of what is in flight, and since when: their next version waits.
    flying: HashMap<OrderId, Instant>,
    resting: HashMap<OrderId, Rest>,
}

type Flight = Pin<Box<dyn Future<Output = Landed> + Send>>;

struct Landed {
    seq: i64,
    order_id: OrderId,
    acknowledged: Result<(), String>,
}

struct Rest {
    until: Instant,
    tries: u32,
}

impl Relay {
    /// A relay of a service that announces on this topic.
    ///
    /// # Errors
    /// When the Kafka client refuses its settings.
    pub fn new(pool: PgPool, topic: Topic, settings: &KafkaSettings) -> anyhow::Result<Self> {
        let config = kafka::producer(settings);
        let producer = config.create_with_context(Complaints::default()).context("the producer could not be made")?;
        Ok(Self {
            pool,
            topic,
            topic_name: topics::name(settings, topic),
            config,
            producer,
            in_flight: FuturesUnordered::new(),
            flying: HashMap::new(),
            resting: HashMap::new(),
        })
    }

    /// One turn: sends what may go out, waits a moment for acknowledgements, and deletes the acknowledged pointers.
    ///
    /// # Errors
    /// When the database fails or a producer cannot be made. What is in flight stays so: the next turn goes on with it.
    pub async fn step(&mut self) -> anyhow::Result<Step> {
        self.replace_broken_producer()?;
        self.send().await?;
        if self.in_flight.is_empty() {
            return Ok(Step::Idle);
        }
        let landed = self.land().await;
        Ok(Step::Relayed(self.settle(landed).await?))
    }

    /// Waits for what is in flight, sending nothing new. What is not acknowledged by then goes out again later.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn finish(&mut self, within: Duration) -> anyhow::Result<()> {
        let give_up_at = Instant::now() + within;
        while !self.in_flight.is_empty() && Instant::now() < give_up_at {
            let landed = self.land().await;
            self.settle(landed).await?;
        }
        Ok(())
    }

    /// A client that broke is of no more use: the broker has lost track of an idempotent producer, or the client has lost all
    /// brokers for good. A broker that was cut off from its controller tells for a moment that there are no brokers and no leaders;
    /// librdkafka 2.12 then lets go of the only ones it knows, and a second answer of that kind calls off its way back to
    /// `bootstrap.servers` (`rd_kafka_rebootstrap_tmr_stop`). Its issue 5430 is another way to the same end.
    fn replace_broken_producer(&mut self) -> anyhow::Result<()> {
        let fatal = self.producer.client().fatal_error().map(|(code, text)| format!("{code}: {text}"));
        let oldest = self.flying.values().min().map(Instant::elapsed);
        let stuck = oldest.filter(|age| *age >= STUCK_AFTER).map(|age| format!("an event waits for {age:?}"));
        let Some(reason) = fatal.or(stuck) else { return Ok(()) };
        tracing::warn!("the producer is replaced: {reason}");
        metrics::counter!("relay_producers_replaced_total").increment(1);
        let new =
            self.config.create_with_context(Complaints::default()).context("the producer could not be made anew")?;
        let old = std::mem::replace(&mut self.producer, new);
        // What is in flight is sent again by the new one; where the old one's did arrive, it is a repeat.
        self.in_flight.clear();
        self.flying.clear();
        // Closing waits for the client's threads, and they may wait for a broker.
        std::thread::spawn(move || drop(old));
        Ok(())
    }

    async fn send(&mut self) -> anyhow::Result<()> {
        let now = Instant::now();
        let awake = |rest: &Rest| rest.until <= now;
        let resting: Vec<Uuid> = self.resting.iter().filter(|(_, rest)| !awake(rest)).map(|(id, _)| id.0).collect();
        let room = WINDOW.saturating_sub(self.in_flight.len());
        if room == 0 || resting.len() >= RESTING {
            return Ok(());
        }
        let mut held_back = resting;
        held_back.extend(self.flying.keys().map(|id| id.0));
        let sendable = outbox::sendable(&self.pool, self.topic, &held_back, i64::try_from(room)?);
        let pending = answered(sendable).await?;
        for one in pending {
            if !self.enqueue(one) {
                break;
            }
        }
        Ok(())
    }

    /// Hands one event to the client. `false` when its queue is full: the rest waits for the next turn.
    fn enqueue(&mut self, pending: Pending) -> bool {
        let Pending { seq, order_id, record } = pending;
        let Some((attributes, data)) = record else {
            self.rest(order_id, "the event log has no such event");
            return true;
        };
        let key = order_id.to_string();
        match self.producer.send_result(record::announcing(&self.topic_name, &key, &attributes, &data)) {
            Ok(delivery) => {
                self.flying.insert(order_id, Instant::now());
                self.in_flight.push(Box::pin(async move {
                    let acknowledged = match delivery.await {
                        Ok(Ok(_)) => Ok(()),
                        Ok(Err((error, _))) => Err(error.to_string()),
                        Err(_) => Err("the producer was replaced".to_owned()),
                    };
                    Landed { seq, order_id, acknowledged }
                }));
                true
            }
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => false,
            Err((error, _)) => {
                self.rest(order_id, &error.to_string());
                true
            }
        }
    }

    /// The next report and all that are in by then. Not for long: one partition without a leader must not keep the events of
    /// the others waiting.
    async fn land(&mut self) -> Vec<Landed> {
        let Ok(first) = tokio::time::timeout(PATIENCE, self.in_flight.next()).await else { return Vec::new() };
        let mut landed: Vec<_> = first.into_iter().collect();
        while let Some(Some(next)) = self.in_flight.next().now_or_never() {
            landed.push(next);
        }
        landed
    }

    /// Deletes the pointers of what was acknowledged, and lays the rest to rest.
    async fn settle(&mut self, landed: Vec<Landed>) -> anyhow::Result<usize> {
        let mut acknowledged = Vec::new();
        for Landed { seq, order_id, acknowledged: outcome } in landed {
            self.flying.remove(&order_id);
            match outcome {
                Ok(()) => {
                    self.resting.remove(&order_id);
                    acknowledged.push(seq);
                }
                Err(error) => self.rest(order_id, &error),
            }
        }
        if !acknowledged.is_empty() {
            answered(outbox::delete_acknowledged(&self.pool, &acknowledged)).await?;
            metrics::counter!("outbox_relayed_total").increment(acknowledged.len() as u64);
        }
        Ok(acknowledged.len())
    }

    /// An event that cannot be published waits, alone with its own order. It is never dropped.
    fn rest(&mut self, order_id: OrderId, error: &str) {
        let tries = self.resting.get(&order_id).map_or(0, |rest| rest.tries);
        let wait = Duration::from_secs(1 << tries.min(6)).min(LONGEST_REST);
        self.resting.insert(order_id, Rest { until: Instant::now() + wait, tries: tries + 1 });
        metrics::counter!("outbox_refused_total").increment(1);
        tracing::error!(%order_id, tries, "an event of order {order_id} could not be published, trying again in {wait:?}: {error}");
    }
}
