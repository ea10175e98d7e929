//! A batch of records, from bytes to committed effects: decode → claim by version → react → park and release → commit.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use shared_events::{Envelope, OrderId, Stamp, Topic, wire::Unreadable};
use sqlx::PgPool;
use tokio::sync::broadcast;

use super::{
    heard::Heard,
    inbox::{self, Candidate, Outcome, Plan, Reason},
    outbox::Wakes,
    parking,
    record::Record,
};
use crate::{Failure, Tx, clock, database::answered};

/// What a service does with what the other side announced: load → react → save.
pub trait Reactions: Send + Sync + 'static {
    /// Applies events that are claimed in `tx`: each is new to this service, and those of one order come in version order. The
    /// caller commits.
    ///
    /// A business condition is never a failure: an event has happened, and an answer to it always exists.
    fn react(&self, tx: &mut Tx<'_>, events: &[Incoming]) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// An event that is to be applied, with what deciding about it may use up.
#[derive(Debug, Clone)]
pub struct Incoming {
    /// The event.
    pub envelope: Envelope,
    /// The moment and the ids.
    pub stamp: Stamp,
}

/// Tells which orders events have just changed on this instance, after their commit.
#[derive(Debug, Clone)]
pub struct Applied(broadcast::Sender<Arc<[OrderId]>>);

impl Default for Applied {
    fn default() -> Self {
        Self(broadcast::Sender::new(256))
    }
}

impl Applied {
    /// From now on. Whoever falls behind misses some, and has to look for itself.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<[OrderId]>> {
        self.0.subscribe()
    }
}

/// The receiving side of a service, behind Kafka: applies batches of records, live or parked, through one and the same claim.
pub struct Inbox<R> {
    reactions: R,
    pool: PgPool,
    listens_to: Topic,
    wakes: Wakes,
    applied: Applied,
    heard: Heard,
}

/// One try of a batch.
enum Tried {
    Committed(Vec<Outcome>),
    /// Another consumer moved one of the lanes in between.
    PlanAgain,
}

impl<R: Reactions> Inbox<R> {
    /// The inbox of a service that listens to this topic. The relay is woken after each commit, the retries when parked
    /// events became applicable.
    pub fn new(reactions: R, pool: PgPool, listens_to: Topic, wakes: Wakes, applied: Applied) -> Self {
        Self { reactions, pool, listens_to, wakes, applied, heard: Heard::default() }
    }

    /// What was heard through this inbox, to be kept.
    #[must_use]
    pub fn heard(&self) -> Heard {
        self.heard.clone()
    }

    /// Applies a batch: once this returns, every record's outcome is committed, and its offset may be stored.
    ///
    /// A record that can never be applied is found by halving and parked alone. Halves are committed one after the other, so
    /// what an error leaves behind is a prefix, and the next try finds it to be duplicates.
    ///
    /// # Errors
    /// The database's, which pass: try the batch again for as long as it takes.
    pub async fn apply(&self, batch: &[Record]) -> anyhow::Result<Vec<Outcome>> {
        let mut outcomes = Vec::with_capacity(batch.len());
        let mut halves = vec![batch];
        let mut unknown = HashSet::new();
        while let Some(half) = halves.pop() {
            match answered(self.try_once(half, &unknown, None)).await {
                Ok(Tried::Committed(done)) => outcomes.extend(done),
                Ok(Tried::PlanAgain) => halves.push(half),
                Err(Failure::Transient(error)) => return Err(error),
                Err(Failure::UnknownOrders(orders)) => {
                    let before = unknown.len();
                    unknown.extend(orders);
                    anyhow::ensure!(unknown.len() > before, "reactions named no new unknown order");
                    halves.push(half);
                }
                Err(Failure::Permanent(error)) => match half {
                    [one] => outcomes.extend(self.park_rejected(one, &unknown, &error).await?),
                    _ => {
                        let (first, second) = half.split_at(half.len() / 2);
                        halves.extend([second, first]);
                    }
                },
            }
        }
        Ok(outcomes)
    }

    async fn park_rejected(
        &self,
        one: &Record,
        unknown: &HashSet<OrderId>,
        error: &anyhow::Error,
    ) -> anyhow::Result<Vec<Outcome>> {
        tracing::error!(error = %error, offset = one.offset, "an event cannot be applied and is parked: {error:#}");
        loop {
            let park = self.try_once(std::slice::from_ref(one), unknown, Some(format!("{error:#}")));
            match answered(park).await {
                Ok(Tried::Committed(outcomes)) => return Ok(outcomes),
                Ok(Tried::PlanAgain) => {}
                Err(Failure::Transient(error) | Failure::Permanent(error)) => return Err(error),
                Err(unknown @ Failure::UnknownOrders(_)) => return Err(unknown.into()),
            }
        }
    }

    /// One transaction. With `rejected`, what would be applied is parked for that reason instead.
    async fn try_once(
        &self,
        batch: &[Record],
        unknown: &HashSet<OrderId>,
        rejected: Option<String>,
    ) -> Result<Tried, Failure> {
        let read: Vec<_> = batch.iter().map(|record| record.envelope(self.listens_to)).collect();
        let candidates: Vec<_> =
            batch.iter().zip(&read).map(|(record, read)| candidate(record, read, rejected.as_deref())).collect();
        let orders: BTreeSet<_> = candidates.iter().filter_map(Candidate::order_id).collect();
        let orders: Vec<_> = orders.into_iter().collect();

        let mut tx = self.pool.begin().await?;
        let seen = inbox::read(&mut tx, &orders).await?;
        let plan = inbox::plan(&seen, &candidates, unknown);
        if !plan.claims.is_empty() && !inbox::claim(&mut tx, &plan.claims).await? {
            tx.rollback().await?;
            return Ok(Tried::PlanAgain);
        }
        let events = incoming(read, &plan.outcomes);
        if !events.is_empty() {
            self.reactions.react(&mut tx, &events).await?;
        }
        parking::park(&mut tx, batch, &candidates, &plan.outcomes).await?;
        let released = parking::resolve_and_release(&mut tx, &seen, &candidates, &plan).await?;
        tx.commit().await?;
        self.heard.note(batch, &candidates, &plan.outcomes);
        self.tell(&events, &plan, released);
        Ok(Tried::Committed(plan.outcomes))
    }

    fn tell(&self, events: &[Incoming], plan: &Plan, released: bool) {
        count(&plan.outcomes);
        if released {
            self.wakes.retries.wake();
        }
        if events.is_empty() {
            return;
        }
        self.wakes.relay.wake();
        if self.applied.0.receiver_count() > 0 {
            let orders: Arc<[_]> = events.iter().map(|event| event.envelope.order_id).collect();
            // Fails when the last one that waited has just gone: then nobody misses it.
            let told = self.applied.0.send(orders).unwrap_or(0);
            tracing::trace!(told, "told who waits for these orders");
        }
    }
}

fn candidate(record: &Record, read: &Result<Envelope, Unreadable>, rejected: Option<&str>) -> Candidate {
    match (read, rejected) {
        (Ok(envelope), None) => Candidate::Readable {
            order_id: envelope.order_id,
            version: envelope.version,
            may_jump: envelope.event.kind().may_jump_a_gap(),
        },
        (Ok(envelope), Some(error)) => Candidate::Unreadable {
            place: Some((envelope.order_id, envelope.version)),
            reason: Reason::Rejected(error.to_owned()),
        },
        (Err(Unreadable::UnknownSchema(text)), _) => {
            Candidate::Unreadable { place: record.place(), reason: Reason::UnknownSchema(text.clone()) }
        }
        (Err(Unreadable::Undecodable(text)), _) => {
            Candidate::Unreadable { place: record.place(), reason: Reason::Undecodable(text.clone()) }
        }
    }
}

fn incoming(read: Vec<Result<Envelope, Unreadable>>, outcomes: &[Outcome]) -> Vec<Incoming> {
    let handled = read.into_iter().zip(outcomes).filter(|(_, outcome)| **outcome == Outcome::Handled);
    handled.filter_map(|(read, _)| read.ok()).map(|envelope| Incoming { envelope, stamp: clock::stamp() }).collect()
}

fn count(outcomes: &[Outcome]) {
    let mut counts: HashMap<&'static str, u64> = HashMap::new();
    for outcome in outcomes {
        let label = match outcome {
            Outcome::Handled => "handled",
            Outcome::Duplicate => "duplicate",
            Outcome::Parked(_) => "parked",
        };
        *counts.entry(label).or_default() += 1;
    }
    for (label, count) in counts {
        metrics::counter!("inbox_events_total", "outcome" => label).increment(count);
    }
}
