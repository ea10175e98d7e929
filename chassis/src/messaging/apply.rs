//! A batch of records, from bytes to committed effects: decode → claim by version → react → park and release → commit.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    mem,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use shared_events::{Envelope, OrderId, Topic, wire::Unreadable};
use sqlx::{Acquire, PgConnection, PgPool};
use tokio::sync::broadcast;

use super::{
    heard::Heard,
    inbox::{self, Candidate, Claimed, Lanes, Outcome, Plan, Reason},
    outbox::Wakes,
    parking,
    pauses::Pauses,
    reactions::{Incoming, Reactions},
    record::Record,
};
use crate::{
    Failure, Tx, clock,
    database::{OwnConnection, answered},
    planted::{Bug, Point, crash_at, planted},
};

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
    pub(super) reactions: R,
    pub(super) pool: PgPool,
    /// The consumer's, that is: the retries, which come now and then, take another one if it is under way.
    connection: Mutex<OwnConnection>,
    pub(super) listens_to: Topic,
    pub(super) wakes: Wakes,
    pub(super) pauses: Pauses,
    applied: Applied,
    heard: Heard,
    /// Whether the batch before held repeats. The next one will, too: they come in rows, when a consumer has to begin further back.
    expects_repeats: AtomicBool,
}

/// One try of a batch.
enum Tried {
    Committed(Vec<Outcome>),
    /// Another consumer moved one of the lanes in between.
    PlanAgain,
}

impl<R: Reactions> Inbox<R> {
    /// The inbox of a service that listens to this topic. What is announced goes to the relay, and the retries are woken when
    /// parked events became applicable.
    pub fn new(reactions: R, pool: PgPool, listens_to: Topic, wakes: Wakes, applied: Applied) -> Self {
        let (connection, pauses) = (Mutex::default(), Pauses::default());
        let (heard, expects_repeats) = (Heard::default(), AtomicBool::default());
        Self { reactions, pool, connection, listens_to, wakes, pauses, applied, heard, expects_repeats }
    }

    /// What is held back on this instance.
    #[must_use]
    pub fn pauses(&self) -> Pauses {
        self.pauses.clone()
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
        let mut unknown = HashMap::new();
        while let Some(half) = halves.pop() {
            match answered(self.try_once(half, &unknown, None)).await {
                Ok(Tried::Committed(done)) => outcomes.extend(done),
                Ok(Tried::PlanAgain) => halves.push(half),
                Err(Failure::Transient(error)) => return Err(error),
                Err(Failure::UnknownOrders(orders)) => {
                    let before = unknown.len();
                    unknown.extend(orders.into_iter().map(|order_id| (order_id, Reason::UnknownOrder)));
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
        unknown: &HashMap<OrderId, Reason>,
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

    async fn try_once(
        &self,
        batch: &[Record],
        unknown: &HashMap<OrderId, Reason>,
        rejected: Option<String>,
    ) -> Result<Tried, Failure> {
        let mut own = mem::take(&mut *self.own_connection());
        let mut connection = own.take(&self.pool).await?;
        let tried = self.try_on(&mut connection, batch, unknown, rejected).await?;
        own.keep(connection);
        *self.own_connection() = own;
        Ok(tried)
    }

    fn own_connection(&self) -> MutexGuard<'_, OwnConnection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One transaction; or only a look, where everything turns out to be a repeat. With `rejected`, what would be applied is parked
    /// for that reason instead.
    async fn try_on(
        &self,
        connection: &mut PgConnection,
        batch: &[Record],
        unknown: &HashMap<OrderId, Reason>,
        rejected: Option<String>,
    ) -> Result<Tried, Failure> {
        let expects_repeats = self.expects_repeats.load(Ordering::Relaxed);
        if expects_repeats && !planted(Bug::NoVersionGate) && were_all_applied(connection, batch).await? {
            let outcomes = vec![Outcome::Duplicate; batch.len()];
            count(&outcomes);
            return Ok(Tried::Committed(outcomes));
        }
        let read: Vec<_> = batch.iter().map(|record| record.envelope(self.listens_to)).collect();
        let candidates: Vec<_> =
            batch.iter().zip(&read).map(|(record, read)| candidate(record, read, rejected.as_deref())).collect();

        let mut tx = Tx::announcing_to(&self.wakes.relay, connection.begin().await?);
        // Most batches only begin lanes. That is supposed without looking: where it is wrong, the claim says so.
        let mut lanes = Lanes::default();
        let mut plan = inbox::plan(&lanes.seen, &candidates, unknown);
        if expects_repeats || plan.outcomes.iter().any(|outcome| *outcome != Outcome::Handled) {
            lanes = inbox::read(&mut tx, &orders(&candidates)).await?;
            crash_at(Point::LanesLocked);
            lanes.held.extend(unknown.clone());
            plan = inbox::plan(&lanes.seen, &candidates, &lanes.held);
        }
        let Some(claimed) = inbox::claim(&mut tx, &lanes.seen, &plan.claims).await? else {
            tx.rollback().await?;
            self.expects_repeats.store(true, Ordering::Relaxed);
            return Ok(Tried::PlanAgain);
        };
        crash_at(Point::Claimed);
        let events = incoming(read, &plan);
        if !events.is_empty() {
            self.reactions.react(&mut tx, &events).await?;
        }
        let parked = parking::park(&mut tx, batch, &candidates, &plan.outcomes).await?;
        let released = match (claimed, parked) {
            (Claimed::NothingWaits, 0) => false,
            (Claimed::NothingWaits | Claimed::SomethingMayWait, _) => {
                parking::resolve_and_release(&mut tx, &lanes.seen, &candidates, &plan).await?
            }
        };
        tx.commit().await?;
        self.expects_repeats.store(plan.outcomes.contains(&Outcome::Duplicate), Ordering::Relaxed);
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
        if self.applied.0.receiver_count() > 0 {
            let orders: Arc<[_]> = events.iter().map(|event| event.envelope.order_id).collect();
            // Fails when the last one that waited has just gone: then nobody misses it.
            let told = self.applied.0.send(orders).unwrap_or(0);
            tracing::trace!(told, "told who waits for these orders");
        }
    }
}

/// By their headers alone: what was applied at its place before is a repeat, whatever else is in it.
async fn were_all_applied(connection: &mut PgConnection, batch: &[Record]) -> sqlx::Result<bool> {
    let places: Option<Vec<_>> = batch.iter().map(Record::place).collect();
    match places {
        None => Ok(false),
        Some(places) => inbox::were_all_applied(connection, &places).await,
    }
}

pub(super) fn candidate(record: &Record, read: &Result<Envelope, Unreadable>, rejected: Option<&str>) -> Candidate {
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

/// Sorted, each once.
fn orders(candidates: &[Candidate]) -> Vec<OrderId> {
    let orders: BTreeSet<_> = candidates.iter().filter_map(Candidate::order_id).collect();
    orders.into_iter().collect()
}

fn incoming(read: Vec<Result<Envelope, Unreadable>>, plan: &Plan) -> Vec<Incoming> {
    let new: HashSet<_> = plan.claims.iter().filter(|claim| claim.seen.is_none()).map(|claim| claim.order_id).collect();
    let handled = read.into_iter().zip(&plan.outcomes).filter(|(_, outcome)| **outcome == Outcome::Handled);
    let incoming = |envelope: Envelope| {
        let order_is_new = new.contains(&envelope.order_id);
        Incoming { envelope, stamp: clock::stamp(), order_is_new }
    };
    handled.filter_map(|(read, _)| read.ok()).map(incoming).collect()
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
