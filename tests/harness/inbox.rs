//! The receiving side of a service whose reactions are a test's own.

use std::sync::Arc;

use anyhow::Result;
use chassis::messaging::{Applied, Consumer, Inbox, Record, Retries, Wakes};
use shared_events::Topic;
use sqlx::PgPool;
use tokio::{sync::watch, task::JoinHandle};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{Env, TestReactions};

/// The consumer group of a [`TestInbox`], before its prefix.
const GROUP: &str = "test-service";

/// An inbox that listens to `orders`, on the delivery side's database, with the retry worker beside it.
pub struct TestInbox {
    /// The database: the chassis' tables and `applied`.
    pub pool: PgPool,
    /// What the reactions are told.
    pub reactions: TestReactions,
    /// What applies batches of records.
    pub inbox: Arc<Inbox<TestReactions>>,
    /// The retry worker, to be turned by hand.
    pub retries: Retries<TestReactions>,
}

impl TestInbox {
    /// With its tables made.
    pub async fn new(env: &Env) -> Self {
        let pool = env.chassis_tables(env.deliveries_database()).await;
        TestReactions::make_table(&pool).await;
        Self::on(pool, TestReactions::default())
    }

    /// Another instance of the same service, with its own connections.
    #[must_use]
    pub fn twin(&self, env: &Env) -> Self {
        self.twin_at(env, env.deliveries_database())
    }

    /// Another instance of the same service, which reaches the database through a proxy.
    #[must_use]
    pub fn twin_at(&self, env: &Env, url: &str) -> Self {
        Self::on(env.pool(url), self.reactions.clone())
    }

    fn on(pool: PgPool, reactions: TestReactions) -> Self {
        let wakes = Wakes::default();
        let retry = wakes.retries.clone();
        let inbox = Arc::new(Inbox::new(reactions.clone(), pool.clone(), Topic::Orders, wakes, Applied::default()));
        let retries = Retries::new(inbox.clone(), pool.clone(), retry);
        Self { pool, reactions, inbox, retries }
    }

    /// Consumes from Kafka in a task of its own, as this instance.
    #[must_use]
    pub fn consume(&self, env: &Env, instance_id: &str) -> Consuming {
        let (partitions, assigned) = watch::channel(None);
        let group = self.group(env);
        let topic = env.topic(Topic::Orders);
        let consumer = Consumer::new(&env.kafka(instance_id), &topic, &group, self.inbox.clone(), partitions);
        let stop = CancellationToken::new();
        let task = tokio::spawn(consumer.run(stop.clone()));
        Consuming { assigned, stop: stop.drop_guard(), task }
    }

    /// The name of the consumer group.
    #[must_use]
    pub fn group(&self, env: &Env) -> String {
        format!("{}{GROUP}", env.prefix())
    }

    /// How many rows `applied` has.
    ///
    /// # Errors
    /// The database's.
    pub async fn applied(&self) -> Result<i64> {
        Ok(sqlx::query_scalar("select count(*) from applied").fetch_one(&self.pool).await?)
    }

    /// Applies a batch, which must not fail.
    ///
    /// # Panics
    /// When the database fails.
    pub async fn apply(&self, batch: &[Record]) -> Vec<chassis::messaging::Outcome> {
        self.inbox.apply(batch).await.expect("the batch is applied")
    }
}

/// A consumer at work. Dropping it tells it to stop, without waiting.
pub struct Consuming {
    /// How many partitions it has; none while it has no assignment.
    pub assigned: watch::Receiver<Option<usize>>,
    stop: DropGuard,
    task: JoinHandle<Result<()>>,
}

impl Consuming {
    /// Stops it in good order: the batch under way is finished and its offsets are committed.
    ///
    /// # Errors
    /// What ended it before.
    pub async fn stop(self) -> Result<()> {
        drop(self.stop);
        self.task.await?
    }

    /// Waits until it ends by itself, and says why.
    ///
    /// # Errors
    /// What ended it.
    pub async fn ended(self) -> Result<()> {
        self.task.await?
    }

    /// Ends it in the middle of whatever it is doing, as a kill would: nothing more is committed by this task.
    pub fn abort(self) {
        self.task.abort();
    }
}
