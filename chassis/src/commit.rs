//! Group commit: what arrives while one batch is being committed becomes the next batch, and so does what arrives a moment later.
//!
//! One caller alone pays for one small transaction; a thousand at once share a few large ones. Each still gets its own
//! answer, and one refused request costs the others nothing.

mod batch;
mod outcome;

use std::time::Duration;

use serde::Serialize;
use shared_events::{Cause, Stamp};
use sqlx::PgPool;
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub use batch::Asking;
pub(crate) use outcome::Mark;

use crate::{
    Failure, Tx, clock,
    database::OwnConnection,
    http::{Answer, Caller, Problem, idempotency::Keyed},
    messaging::HandOver,
};

/// How many requests one transaction takes at most (twice as many when twins of theirs went before): beyond a few hundred, a larger batch costs latency and gains little.
const BATCH: usize = 256;
/// How many requests may wait for their batch; what comes on top is refused at once.
const QUEUE: usize = 2_048;

/// A batch begins so long after the one before it, at the earliest. A batch of three costs nearly as much as one of ten, here and on the
/// other side: where orders come quicker than this they wait for each other, and one that comes alone waits for nobody.
const APART: Duration = Duration::from_millis(8);

/// After how many seconds a service that stops is likely to be back, or a caller to be sent to another instance.
const RESTARTED_WITHIN_S: u32 = 5;

/// A request with what it needs to be decided: when, under which ids, and what caused it.
#[derive(Debug, Clone)]
pub struct Asked<Q> {
    /// What is asked.
    pub request: Q,
    /// The moment and the ids it may use up; the same when the batch is tried again.
    pub stamp: Stamp,
    /// Recorded with the change.
    pub cause: Cause,
}

/// What a service does with what people ask of it: load → decide → save.
pub trait Requests: Send + Sync + 'static {
    /// One request of any kind that changes something.
    type Request: Send + Sync + 'static;

    /// Decides a batch in `tx`, one request after the other, each seeing what the earlier ones did, and saves what became of it.
    /// Returns one answer for each, in order. The caller commits.
    ///
    /// It may be called again with the same batch after a rollback, so all ids have to come from the stamps.
    fn decide(
        &self,
        tx: &mut Tx<'_>,
        asked: &[&Asked<Self::Request>],
    ) -> impl Future<Output = Result<Vec<Answer>, Failure>> + Send;
}

/// Hands requests to the task that commits them in batches.
#[derive(Debug)]
pub struct Committer<Q>(mpsc::Sender<Asking<Q>>);

impl<Q> Clone for Committer<Q> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<Q: Send + Sync + 'static> Committer<Q> {
    /// Asks for a change and waits for what became of it. `body` is what the caller sent, as understood: under an
    /// `Idempotency-Key`, the same body gets the same answer, and another one is refused.
    ///
    /// # Errors
    /// 503 where the request could not be carried out for want of a database, a place in the queue, or time.
    pub async fn submit(&self, request: Q, caller: Caller, body: &impl Serialize) -> Result<Answer, Problem> {
        let keyed = caller.idempotency_key.map(|key| Keyed::new(key, body));
        let asked = Asked { request, stamp: clock::stamp(), cause: caller.cause };
        let (answer, answered) = oneshot::channel();
        self.0.try_send(Asking { asked, keyed, answer }).map_err(|_| {
            Problem::unavailable("overloaded", "Too many requests are waiting already; nothing was changed.")
        })?;
        answered.await.unwrap_or_else(|_| {
            let stopping = Problem::unavailable("stopping", "The service is stopping; nothing was changed.");
            Err(stopping.retry_after(RESTARTED_WITHIN_S))
        })
    }
}

/// The task behind the [`Committer`]s of a service. It ends when told to stop, after the batches that were waiting.
pub struct GroupCommit<R: Requests> {
    requests: R,
    pool: PgPool,
    connection: OwnConnection,
    relay: HandOver,
    /// Under which its marks are left.
    committer: Uuid,
    queue: mpsc::Receiver<Asking<R::Request>>,
}

impl<R: Requests> GroupCommit<R> {
    /// A committer and the task that serves it.
    pub fn new(requests: R, pool: PgPool, relay: HandOver) -> (Committer<R::Request>, Self) {
        let (sender, queue) = mpsc::channel(QUEUE);
        let (connection, committer) = (OwnConnection::default(), clock::fresh_id());
        (Committer(sender), Self { requests, pool, connection, relay, committer, queue })
    }

    /// Commits batch after batch. Whoever runs it ends the process if it panics: without it no request is ever answered.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut waiting = Vec::with_capacity(BATCH);
        loop {
            if waiting.is_empty() && !self.receive(&mut waiting, &stop).await {
                return;
            }
            let (batch, twins) = batch::without_twins(waiting);
            waiting = twins;
            let next_from = Instant::now() + APART;
            self.commit(batch).await;
            sleep_until(next_from).await;
            // What came in the meantime joins the twins that were put back. These take nobody's place: they are many when a caller
            // tries again and again, and only one of them can go into a batch.
            let room = waiting.len() + BATCH;
            while waiting.len() < room {
                let Ok(asking) = self.queue.try_recv() else { break };
                waiting.push(asking);
            }
        }
    }

    /// Waits for the first, takes what else is there. `false` once nothing more can come.
    async fn receive(&mut self, waiting: &mut Vec<Asking<R::Request>>, stop: &CancellationToken) -> bool {
        tokio::select! {
            biased;
            taken = self.queue.recv_many(waiting, BATCH) => taken > 0,
            () = stop.cancelled() => {
                // Nobody new is let in; those who are in are still served.
                self.queue.close();
                self.queue.recv_many(waiting, BATCH).await > 0
            }
        }
    }

    async fn commit(&mut self, batch: Vec<Asking<R::Request>>) {
        // A caller that has gone is not worth a decision; one that goes later has had its request carried out.
        let batch: Vec<_> = batch.into_iter().filter(|asking| !asking.answer.is_closed()).collect();
        if batch.is_empty() {
            return;
        }
        metrics::histogram!("commit_batch_requests").record(f64::from(u32::try_from(batch.len()).unwrap_or(u32::MAX)));
        let Self { requests, pool, connection, relay, committer, .. } = self;
        let mut committing = batch::Committing { requests, pool, connection, relay, committer: *committer };
        batch::carry_out(&mut committing, batch).await;
    }
}

/// How long to wait before a batch that failed for a passing reason is tried again.
const TRY_AGAIN_AFTER: Duration = Duration::from_millis(20);
