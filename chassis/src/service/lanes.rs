//! The parts of a service that need Kafka: opened once it answers and its topics are as they should be.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use chrono::TimeDelta;
use shared_events::Topic;
use sqlx::PgPool;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::stages::Stages;
use crate::{
    Settings,
    database::Pools,
    messaging::{
        self, Consumer, DeadLetters, Inbox, Leader, Progress, Reactions, Relay, Retries, Standing, Wakes,
        topics::{self, Shape},
    },
    preflight::{self, Check, Severity},
};

pub(super) const TRY_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Where a service's events come from and go to.
pub(super) struct Lanes {
    pub name: &'static str,
    pub announces_on: Topic,
    pub listens_to: Topic,
    pub longest_wait: TimeDelta,
    pub pools: Pools,
    /// Where the consumer tells how far it has come.
    pub progress: Progress,
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
        let (group, progress) = (messaging::group(&kafka, self.name), self.progress);

        let preflight = Preflight {
            settings: settings.clone(),
            service: self.name,
            group: group.clone(),
            pool: self.pools.inbox.clone(),
            longest_wait: self.longest_wait,
        };
        stages.add("preflight", |stop| preflight.run(open, stop));
        let (client, reading, mut gate) = (kafka.clone(), inbox.clone(), opened.clone());
        stages.add("consumer", move |stop| async move {
            if !passes(&mut gate, &stop).await {
                return Ok(());
            }
            Consumer::new(&client, &topic, &group, reading, partitions).telling(progress).run(stop).await
        });
        let (heard, pool, topic) = (inbox.heard(), self.pools.inbox.clone(), self.listens_to);
        stages.add("heard", move |stop| heard.keep(pool, topic, stop));
        let pauses = inbox.pauses();
        stages.add("retries", |stop| Retries::new(inbox, self.pools.inbox, wakes.retries.clone()).run(stop));
        let (letters, mut gate) = (DeadLetters::new(&kafka, self.name, self.pools.relay.clone()), opened.clone());
        stages.add("dead letters", |stop| async move {
            if passes(&mut gate, &stop).await {
                letters.run(stop).await;
            }
        });
        // The relay goes last: what the consumer's final batch announced still goes out.
        let (pool, handed_over, mut gate) = (self.pools.relay, wakes.relay.clone(), opened);
        stages.add("relay", move |stop| async move {
            if passes(&mut gate, &stop).await {
                let relay = Relay::new(pool.clone(), self.announces_on, &kafka, handed_over.clone())?.heeding(pauses);
                Leader { relay, pool, handed_over, standing }.run(stop).await;
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

/// What has to be right before the lanes open.
struct Preflight {
    settings: Settings,
    service: &'static str,
    group: String,
    pool: PgPool,
    longest_wait: TimeDelta,
}

impl Preflight {
    /// Creates the topics where told to, looks whether everything is as it should be, and opens the gate. Kafka or the database being
    /// away passes; what is set wrong does not.
    async fn run(self, open: watch::Sender<bool>, stop: CancellationToken) -> anyhow::Result<()> {
        while !stop.is_cancelled() {
            match self.look().await {
                Ok(checks) => {
                    preflight::judge(&checks, self.settings.despite_preflight)?;
                    open.send_replace(true);
                    stop.cancelled().await;
                }
                Err(error) => {
                    tracing::warn!(
                        %error,
                        "the topics cannot be checked, trying again in {TRY_AGAIN_AFTER:?}: {error:#}"
                    );
                    tokio::select! {
                        () = stop.cancelled() => {}
                        () = tokio::time::sleep(TRY_AGAIN_AFTER) => {}
                    }
                }
            }
        }
        Ok(())
    }

    async fn look(&self) -> anyhow::Result<Vec<Check>> {
        let shapes = topics_are_there(&self.settings, self.service).await?;
        let Settings { profile, despite_preflight, .. } = self.settings;
        let kafka = self.settings.kafka();
        let checks = preflight::all(&kafka, &self.group, &self.pool, &shapes, profile, self.longest_wait).await?;
        // What is gone on with is what is remembered.
        if despite_preflight || checks.iter().all(|check| check.severity != Severity::Refusal) {
            preflight::remember(&self.pool, &shapes).await?;
            tracing::info!("both topics have {} partitions", shapes[0].partitions);
        }
        Ok(checks)
    }
}

/// Creates the topics where told to, with the one for what this service cannot apply, and says what both are like.
pub(super) async fn topics_are_there(settings: &Settings, service: &str) -> anyhow::Result<[Shape; 2]> {
    let kafka = settings.kafka();
    if settings.create_topics {
        topics::create(&kafka, settings.partitions, settings.replicas).await?;
        topics::create_dead_letters(&kafka, service, settings.replicas).await?;
    }
    tokio::task::spawn_blocking(move || topics::shapes(&kafka)).await.context("the check of the topics died")?
}
