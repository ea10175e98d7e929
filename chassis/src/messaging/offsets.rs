//! How far this consumer has come: an offset is stored only after the outcome of its record is committed, and only for a
//! partition that is still ours.

use std::{
    collections::HashMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use rdkafka::{
    ClientContext, Offset, TopicPartitionList,
    consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, Rebalance},
    error::{KafkaError, KafkaResult, RDKafkaErrorCode},
};
use tokio::sync::watch;

use super::{complaints::Complaints, progress::Progress, record::Record};
use crate::planted::{Bug, Point, crash_at, planted};

/// Which assignment a record was polled under. A rebalance begins the next one.
pub type Generation = u64;

/// What the client calls back on: keeps track of the assignment.
pub struct Assignment {
    generation: AtomicU64,
    /// How many partitions are ours; none before the first rebalance.
    partitions: watch::Sender<Option<usize>>,
    /// Whether an assignment was lost, and none has come since.
    is_rejoining: AtomicBool,
    progress: Progress,
    fatal: Mutex<Option<String>>,
    complaints: Complaints,
}

impl Assignment {
    /// Tells `partitions` how many are ours, as it changes, and `progress` which ones.
    #[must_use]
    pub fn new(partitions: watch::Sender<Option<usize>>, progress: Progress) -> Self {
        let (generation, is_rejoining) = (AtomicU64::new(0), AtomicBool::new(false));
        let (fatal, complaints) = (Mutex::default(), Complaints::default());
        Self { generation, partitions, is_rejoining, progress, fatal, complaints }
    }

    /// Where how far this consumer has come is kept.
    #[must_use]
    pub(super) fn progress(&self) -> &Progress {
        &self.progress
    }

    /// The assignment that is in force.
    #[must_use]
    pub fn generation(&self) -> Generation {
        self.generation.load(Ordering::Acquire)
    }

    /// Whether there is an assignment, be it an empty one.
    #[must_use]
    pub fn is_assigned(&self) -> bool {
        self.partitions.borrow().is_some()
    }

    /// Whether this consumer was joining its group again, not in possession of partitions, when the client broke.
    #[must_use]
    pub fn is_rejoining(&self) -> bool {
        self.is_rejoining.load(Ordering::Acquire)
    }

    /// An error that passes by itself.
    pub(super) fn complain(&self, error: &KafkaError) {
        self.complaints.tell(error, "while polling");
    }

    /// What ended this consumer for good, if something has.
    #[must_use]
    pub fn fatal(&self) -> Option<String> {
        self.fatal.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ClientContext for Assignment {
    fn error(&self, error: KafkaError, reason: &str) {
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::Fatal) {
            self.fatal.lock().unwrap_or_else(PoisonError::into_inner).replace(reason.to_owned());
        }
        self.complaints.tell(&error, reason);
    }
}

impl ConsumerContext for Assignment {
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Revoke(partitions) = rebalance {
            crash_at(Point::Revoked);
            // A pause outlives the assignment: what goes paused would come back paused, and nobody would know to resume it.
            if let Err(error) = consumer.resume(partitions) {
                tracing::debug!(%error, "partitions were not resumed on revoke: {error}");
            }
            // What is stored is committed, without waiting; what is still being worked on comes again elsewhere. Nothing of it
            // where the partitions are lost already: a commit that arrives late would only get our next membership fenced.
            if !consumer.assignment_lost()
                && let Err(error) = consumer.commit_consumer_state(CommitMode::Async)
            {
                tracing::debug!(%error, "nothing was committed on revoke: {error}");
            }
            self.generation.fetch_add(1, Ordering::AcqRel);
            // A client that is fenced loses its partitions too, afterwards: that is no rejoining.
            let is_broken = consumer.client().fatal_error().is_some();
            self.is_rejoining.store(!is_broken, Ordering::Release);
        }
    }

    fn post_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        match rebalance {
            Rebalance::Assign(partitions) => {
                tracing::info!(partitions = partitions.count(), "{} partitions are ours", partitions.count());
                self.progress.assigned(partitions.elements().iter().map(|element| element.partition()));
                self.partitions.send_replace(Some(partitions.count()));
                self.is_rejoining.store(false, Ordering::Release);
            }
            Rebalance::Revoke(_) => {
                self.progress.revoked();
                self.partitions.send_replace(None);
            }
            Rebalance::Error(error) => tracing::warn!(%error, "a rebalance failed: {error}"),
        }
    }

    fn commit_callback(&self, result: KafkaResult<()>, _: &TopicPartitionList) {
        if let Err(error) = result {
            // Normal in a rebalance: the records come again and change nothing.
            tracing::debug!(%error, "offsets were not committed: {error}");
        }
    }
}

/// Stores the offsets after a batch. The caller has committed the outcome of every record in it.
///
/// Records of an earlier assignment are left out: their partition may have moved on elsewhere, and storing would set it back.
pub fn store<'a>(consumer: &BaseConsumer<Assignment>, done: impl Iterator<Item = (Generation, &'a Record)>) {
    let current = consumer.context().generation();
    let mut next: HashMap<(&str, i32), i64> = HashMap::new();
    for (_, record) in done.filter(|(generation, _)| *generation == current) {
        // `store_offsets` takes the offset that is to be read next; `store_offset` would have added the one itself.
        next.insert((&*record.topic, record.partition), record.offset + 1 + i64::from(planted(Bug::OffsetOffByOne)));
    }
    if next.is_empty() {
        return;
    }
    let mut offsets = TopicPartitionList::new();
    for ((topic, partition), offset) in &next {
        if let Err(error) = offsets.add_partition_offset(topic, *partition, Offset::Offset(*offset)) {
            tracing::error!(%error, topic, partition, offset, "an offset could not be listed: {error}");
        }
    }
    if let Err(error) = consumer.store_offsets(&offsets) {
        // The partitions were taken away in between: somebody else reads these records again.
        tracing::debug!(%error, "offsets were not stored: {error}");
        return;
    }
    for ((_, partition), offset) in next {
        consumer.context().progress().applied(partition, offset);
    }
}
