//! From Kafka to the inbox: a thread that polls, a bounded channel, a worker that takes what is there.
//!
//! The poll thread never waits for the database, so the group never believes us dead. The worker applies a lone event at once, and
//! under load what came during one commit is the next batch.

mod polling;

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use rdkafka::{
    ClientConfig,
    consumer::{BaseConsumer, CommitMode, Consumer as _},
    error::RDKafkaErrorCode,
};
use tokio::{
    runtime::Handle,
    sync::{mpsc, oneshot, watch},
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use super::{
    apply::Inbox,
    kafka::{self, KafkaSettings},
    offsets::{self, Assignment, Generation},
    progress::Progress,
    reactions::Reactions,
    record::Record,
};
use crate::planted::{Bug, Point, crash_at, planted};
use polling::PollThread;

/// How many records one transaction takes at most. Reached only by who is behind: the more, the less of each commit falls to one record.
const BATCH: usize = 1_000;
/// A batch begins so long after the one before it, at the earliest: what was announced together comes in pieces, one for each partition.
const APART: Duration = Duration::from_millis(4);
/// How many records may wait between the thread and the worker: the next batch.
const CHANNEL: usize = BATCH;
/// How long a client may be without an assignment before another takes its place. Longer than the slowest rebalance, which waits
/// `max.poll.interval.ms` for its last member; doubled each time, because a broker may be away for long.
const ASSIGNED_WITHIN: Duration = Duration::from_secs(75);
const LONGEST_PATIENCE: Duration = Duration::from_secs(600);
/// How long a client is waited for that closes.
const CLOSED_WITHIN: Duration = Duration::from_secs(5);
const TRY_AGAIN_AFTER: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

type Polled = (Generation, Record);

/// Reads one topic in a consumer group and applies what it reads.
pub struct Consumer<R> {
    config: ClientConfig,
    topic: String,
    partitions: watch::Sender<Option<usize>>,
    progress: Progress,
    inbox: Arc<Inbox<R>>,
}

type Client = Arc<BaseConsumer<Assignment>>;

/// The client has stopped trying to join its group, or tries in vain: after an outage of Kafka one was seen to wait for ever.
#[derive(Debug, thiserror::Error)]
#[error("no partitions were assigned for {0:?}")]
struct Unassigned(Duration);

impl<R: Reactions> Consumer<R> {
    /// A member of this group. `partitions` is told how many partitions are ours, as it changes; none while there is no assignment.
    #[must_use]
    pub fn new(
        settings: &KafkaSettings,
        topic: &str,
        group: &str,
        inbox: Arc<Inbox<R>>,
        partitions: watch::Sender<Option<usize>>,
    ) -> Self {
        let (config, progress) = (kafka::consumer(settings, group), Progress::default());
        Self { config, topic: topic.to_owned(), partitions, progress, inbox }
    }

    /// The same, telling there how far it has come.
    #[must_use]
    pub fn telling(self, progress: Progress) -> Self {
        Self { progress, ..self }
    }

    /// Joins the group and consumes until told to stop: then the batch under way is finished and its offsets are committed.
    ///
    /// # Errors
    /// When this consumer can never go on: another one has taken its name in the group, or the client refuses its settings.
    pub async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        let mut patience = ASSIGNED_WITHIN;
        loop {
            let client = self.join()?;
            let ended = self.consume(&client, patience, &stop).await;
            let was_fenced_by_itself = was_fenced_by_itself(&client);
            close(client).await;
            match ended {
                Err(error) if was_fenced_by_itself && !stop.is_cancelled() => {
                    tracing::warn!(%error, "fenced while joining the group again, by what was sent before: joining as a new client");
                    patience = ASSIGNED_WITHIN;
                }
                Err(error) if error.is::<Unassigned>() => {
                    tracing::warn!(%error, "joining the group as a new client: {error}");
                    patience = (patience * 2).min(LONGEST_PATIENCE);
                }
                ended => return ended,
            }
        }
    }

    fn join(&self) -> anyhow::Result<Client> {
        // Whatever the client before had is not this one's.
        self.partitions.send_replace(None);
        self.progress.revoked();
        let assignment = Assignment::new(self.partitions.clone(), self.progress.clone());
        let client: BaseConsumer<Assignment> =
            self.config.create_with_context(assignment).context("the consumer could not be made")?;
        let topic = &self.topic;
        client.subscribe(&[topic]).with_context(|| format!("topic `{topic}` cannot be subscribed to"))?;
        Ok(Arc::new(client))
    }

    async fn consume(&self, client: &Client, patience: Duration, stop: &CancellationToken) -> anyhow::Result<()> {
        let (sender, receiver) = mpsc::channel(CHANNEL);
        let handle = Handle::current();
        let topic = self.topic.as_str().into();
        let thread = PollThread::new(client.clone(), topic, sender, stop.clone());
        let polling = tokio::task::spawn_blocking(move || thread.run(patience, &handle));
        self.work(client, receiver, stop).await;
        polling.await.context("the poll thread died")?
    }

    /// What is there, once nobody holds it back. What was polled meanwhile waits in the channel, and the thread pauses its partitions.
    async fn next(&self, receiver: &mut mpsc::Receiver<Polled>, batch: &mut Vec<Polled>) -> usize {
        let taken = receiver.recv_many(batch, BATCH).await;
        self.inbox.pauses.reading().await;
        taken
    }

    async fn work(&self, client: &Client, mut receiver: mpsc::Receiver<Polled>, stop: &CancellationToken) {
        let mut batch: Vec<Polled> = Vec::with_capacity(BATCH);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                taken = self.next(&mut receiver, &mut batch) => if taken == 0 { return },
            }
            let next_from = Instant::now() + APART;
            let (generations, records): (Vec<_>, Vec<_>) = batch.drain(..).unzip();
            if planted(Bug::OffsetBeforeCommit) {
                offsets::store(client, generations.iter().copied().zip(&records));
            }
            if !self.apply_until_done(&records, stop).await {
                return;
            }
            // The offset goes last: a crash before it costs a repeat, a crash after it would have cost the events.
            crash_at(Point::BeforeOffsets);
            offsets::store(client, generations.into_iter().zip(&records));
            crash_at(Point::AfterOffsets);
            sleep_until(next_from).await;
        }
    }

    /// A database that is away is no failure of the events: they are tried for as long as it takes. `false` if told to stop first.
    async fn apply_until_done(&self, records: &[Record], stop: &CancellationToken) -> bool {
        let mut wait = TRY_AGAIN_AFTER;
        loop {
            match self.inbox.apply(records).await {
                Ok(_) => return true,
                Err(error) => {
                    tracing::warn!(%error, records = records.len(), "a batch was not applied, trying again in {wait:?}: {error:#}");
                }
            }
            tokio::select! {
                () = stop.cancelled() => return false,
                () = tokio::time::sleep(wait) => wait = (wait * 2).min(LONGEST_WAIT),
            }
        }
    }
}

/// Whoever loses the group for a while joins it again under the same name, and what it had sent before may arrive after that:
/// then the broker fences it for the sake of its own successor. A namesake, though, fences one that is in possession.
fn was_fenced_by_itself(client: &Client) -> bool {
    let is_fenced = matches!(client.client().fatal_error(), Some((RDKafkaErrorCode::FencedInstanceId, _)));
    is_fenced && client.context().is_rejoining()
}

/// Commits what is stored and lets go of the client, on a thread of its own: both wait for the broker, without a limit of their
/// own, and it may be away. What is not committed by then comes again.
async fn close(client: Client) {
    let (closed, done) = oneshot::channel::<()>();
    std::thread::spawn(move || {
        if let Err(error) = client.commit_consumer_state(CommitMode::Sync) {
            tracing::debug!(%error, "nothing was left to commit at the end: {error}");
        }
        drop(client);
        drop(closed);
    });
    if tokio::time::timeout(CLOSED_WITHIN, done).await.is_err() {
        tracing::warn!("the consumer's client did not close within {CLOSED_WITHIN:?} and is left behind");
    }
}
