//! What this instance sees of the way to the other side and back, for whoever asks: how far it has come, how much is under way, and
//! whether the broker is there.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use serde::Serialize;
use shared_events::Topic;
use tokio::sync::{Mutex, watch};

use super::{
    handover::HandOver,
    kafka::KafkaSettings,
    leader::Standing,
    marks::{self, Mark, Marks},
    progress::Progress,
    topics,
};

/// How long Kafka may take to say where its partitions end, all of them together, and to say anything at all.
const MARKS_WITHIN: Duration = Duration::from_secs(2);
const ANSWER_WITHIN: Duration = Duration::from_millis(1_500);

/// Asks the parts of this instance, and Kafka.
#[derive(Debug, Clone)]
pub struct Lookout {
    settings: KafkaSettings,
    announces_on: Topic,
    listens_to: String,
    group: String,
    progress: Progress,
    relay: HandOver,
    standing: watch::Receiver<Standing>,
    /// Each look takes a client of its own: one at a time.
    turn: Arc<Mutex<()>>,
}

/// What this instance's consumer has, and what its relay does.
#[derive(Debug, Serialize)]
pub struct ConsumerView {
    topic: String,
    group: String,
    instance: String,
    /// Whether it fetches nothing for now.
    paused: bool,
    /// How many partitions the topic has; null where Kafka does not answer. Those that are not listed are read by other instances.
    partitions_of_topic: Option<usize>,
    partitions: Vec<PartitionView>,
    relay: RelayView,
}

#[derive(Debug, Serialize)]
struct PartitionView {
    partition: i32,
    /// Everything before it is applied or parked, and committed.
    position: Option<i64>,
    /// Where the next record will be written; null where Kafka does not answer.
    end: Option<i64>,
    /// How many records are still to be applied.
    lag: Option<i64>,
}

#[derive(Debug, Serialize)]
struct RelayView {
    standing: &'static str,
    in_flight: usize,
    /// When an event was last acknowledged to this instance.
    acknowledged_at: Option<DateTime<Utc>>,
}

/// The consumer group of a service.
#[must_use]
pub fn group(settings: &KafkaSettings, service: &str) -> String {
    format!("{}{service}", settings.prefix)
}

impl Lookout {
    /// Of this service's instance.
    #[must_use]
    pub fn new(
        settings: KafkaSettings,
        service: &str,
        [announces_on, listens_to]: [Topic; 2],
        progress: Progress,
        relay: HandOver,
        standing: watch::Receiver<Standing>,
    ) -> Self {
        let listens_to = topics::name(&settings, listens_to);
        let (group, turn) = (group(&settings, service), Arc::default());
        Self { settings, announces_on, listens_to, group, progress, relay, standing, turn }
    }

    /// The topic of what this service announces.
    pub(crate) fn announces_on(&self) -> Topic {
        self.announces_on
    }

    /// Whether a broker answers.
    pub async fn broker_answers(&self) -> bool {
        let turn = self.turn.clone().lock_owned().await;
        let (settings, topic) = (self.settings.clone(), topics::name(&self.settings, self.announces_on));
        let asked = tokio::task::spawn_blocking(move || {
            let answers = marks::broker_answers(&settings, &topic, ANSWER_WITHIN);
            drop(turn);
            answers
        });
        asked.await.unwrap_or(false)
    }

    /// Where this instance stands, against the ends of its partitions.
    pub async fn look(&self) -> ConsumerView {
        let (marks, standpoint) = (self.marks().await, self.progress.now());
        let of = |partition: i32| marks.as_ref()?.partitions.iter().find(|mark| mark.partition == partition);
        let partitions = standpoint.partitions.iter();
        let flow = self.relay.flow();
        let standing = self.standing.borrow().name();
        ConsumerView {
            topic: self.listens_to.clone(),
            group: self.group.clone(),
            instance: self.settings.instance_id.clone(),
            paused: standpoint.is_paused,
            partitions_of_topic: marks.as_ref().map(|marks| marks.count),
            partitions: partitions
                .map(|(partition, next)| PartitionView::of(*partition, *next, of(*partition)))
                .collect(),
            relay: RelayView { standing, in_flight: flow.in_flight, acknowledged_at: flow.acknowledged_at },
        }
    }

    async fn marks(&self) -> Option<Marks> {
        let turn = self.turn.clone().lock_owned().await;
        let ours: Vec<i32> = self.progress.now().partitions.into_keys().collect();
        let (settings, topic, group) = (self.settings.clone(), self.listens_to.clone(), self.group.clone());
        let asked = tokio::task::spawn_blocking(move || {
            let marks = marks::marks(&settings, &group, &topic, &ours, MARKS_WITHIN);
            drop(turn);
            marks
        });
        match asked.await {
            Ok(Ok(marks)) => Some(marks),
            Ok(Err(error)) => {
                tracing::debug!(%error, "Kafka does not say where its partitions end: {error:#}");
                None
            }
            Err(died) => {
                tracing::error!("the look at Kafka died: {died}");
                None
            }
        }
    }
}

impl PartitionView {
    fn of(partition: i32, next: Option<i64>, mark: Option<&Mark>) -> Self {
        let position = next.or(mark.map(Mark::position));
        let end = mark.map(|mark| mark.end);
        // The end was asked for first: meanwhile more may have been applied.
        let lag = end.zip(position).map(|(end, position)| (end - position).max(0));
        Self { partition, position, end, lag }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_applied_here_counts_before_what_was_committed_and_a_silent_kafka_leaves_the_lag_open() {
        let mark = Mark { partition: 1, beginning: 3, end: 10, committed: Some(5) };
        let lag = |next, mark: Option<Mark>| PartitionView::of(1, next, mark.as_ref()).lag;
        assert_eq!(lag(Some(8), Some(mark)), Some(2));
        assert_eq!(lag(Some(12), Some(mark)), Some(0));
        assert_eq!(lag(None, Some(mark)), Some(5));
        assert_eq!(lag(None, Some(Mark { committed: None, ..mark })), Some(7));
        assert_eq!((lag(Some(8), None), lag(None, None)), (None, None));
    }
}
