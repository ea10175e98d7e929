//! The parts of a service that need Kafka: opened once it answers and its topics are as they should be.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use shared_events::Topic;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::stages::Stages;
use crate::{
    Settings,
    database::Pools,
    messaging::{Consumer, DeadLetters, Inbox, Leader, Reactions, Relay, Retries, Standing, Wakes, topics},
};

pub(super) const TRY_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Where a service's events come from and go to.
pub(super) struct Lanes {
    pub name: &'static str,
    pub announces_on: Topic,
    pub listens_to: Topic,
    pub pools: Pools,
}

impl Lanes {
    /// Adds the stages. They wait for Kafka by themselves: a service takes requests while it is away.
    pub(super) fn open<R: Reactions>(
        self,
        stages: &mut Stages,
        settings: &Settings,
        inbox: Arc<Inbox<R>>,
        wakes: &Wakes,
        partitions: watch::Sender<Option<usize>>,
        standing: watch::Sender<Standing>,
    ) {
        let kafka = settings.kafka();
        let (open, opened) = watch::channel(false);
        let topic = topics::name(&kafka, self.listens_to);
        let group = format!("{}{}", kafka.prefix, self.name);

        let checked = settings.clone();
        let service = self.name;
        stages.add("topics", move |stop| check_topics(checked, service, open, stop));
        let (client, reading, mut gate) = (kafka.clone(), inbox.clone(), opened.clone());
        stages.add("consumer", move |stop| async move {
            if !passes(&mut gate, &stop).await {
                return Ok(());
            }
            Consumer::new(&client, &topic, &group, reading, partitions).run(stop).await
        });
        let (heard, pool, topic) = (inbox.heard(), self.pools.inbox.clone(), self.listens_to);
        stages.add("heard", move |stop| heard.keep(pool, topic, stop));
        let pauses = inbox.pauses();
        stages.add("retries", |stop| Retries::new(inbox, self.pools.inbox, wakes.retries.clone()).run(stop));
        let (letters, mut gate) = (DeadLetters::new(&kafka, service, self.pools.relay.clone()), opened.clone());
        stages.add("dead letters", |stop| async move {
            if passes(&mut gate, &stop).await {
                letters.run(stop).await;
            }
        });
        // The relay goes last: what the consumer's final batch announced still goes out.
        let (pool, handed_over, mut gate) = (self.pools.relay, wakes.relay.clone(), opened);
        stages.add("relay", move |stop| async move {
            if passes(&mut gate, &stop).await {
                let relay = Relay::new(pool.clone(), self.announces_on, &kafka, handed_over.clone())?;
                Leader { relay, pool, handed_over, pauses, standing }.run(stop).await;
            }
            anyhow::Ok(())
        });
    }
}

/// Waits until the lanes may be used. `false` if told to stop first.
async fn passes(gate: &mut watch::Receiver<bool>, stop: &CancellationToken) -> bool {
    tokio::select! {
        () = stop.cancelled() => false,
        opened = gate.wait_for(|open| *open) => opened.is_ok(),
    }
}

/// Creates the topics where told to, checks them, and opens the gate. Kafka being away passes; unequal partition counts do not.
async fn check_topics(
    settings: Settings,
    service: &'static str,
    open: watch::Sender<bool>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    while !stop.is_cancelled() {
        match topics_are_right(&settings, service).await {
            Ok(count) => {
                tracing::info!("both topics have {count} partitions");
                open.send_replace(true);
                stop.cancelled().await;
            }
            Err(TopicError::Wrong(error)) => return Err(error),
            Err(TopicError::Away(error)) => {
                tracing::warn!(%error, "the topics cannot be checked, trying again in {TRY_AGAIN_AFTER:?}: {error:#}");
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = tokio::time::sleep(TRY_AGAIN_AFTER) => {}
                }
            }
        }
    }
    Ok(())
}

pub(super) enum TopicError {
    /// It may be better in a while.
    Away(anyhow::Error),
    /// It stays so until somebody does something.
    Wrong(anyhow::Error),
}

/// Creates the topics where told to, with the one for what this service cannot apply, and says how many partitions both have.
pub(super) async fn topics_are_right(settings: &Settings, service: &str) -> Result<usize, TopicError> {
    let kafka = settings.kafka();
    if settings.create_topics {
        topics::create(&kafka, settings.partitions, settings.replicas).await.map_err(TopicError::Away)?;
        topics::create_dead_letters(&kafka, service, settings.replicas).await.map_err(TopicError::Away)?;
    }
    let counts = tokio::task::spawn_blocking(move || topics::partition_counts(&kafka))
        .await
        .context("the check of the topics died")
        .and_then(|counts| counts)
        .map_err(TopicError::Away)?;
    topics::check(counts).map_err(TopicError::Wrong)
}
