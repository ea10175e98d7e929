//! A Kafka broker: the one that `KAFKA_BOOTSTRAP_SERVERS` names, or one of our own.

mod broker;
mod distribution;
mod topics;

use std::time::Duration;

use anyhow::{Context, Result};

use self::broker::Broker;
use self::distribution::Distribution;
use crate::{Progress, given};

/// How long a broker that somebody else runs may take to answer.
const GIVEN_ANSWERS_WITHIN: Duration = Duration::from_secs(10);

/// What can be chosen for a broker of our own.
#[derive(Clone, Debug)]
pub struct KafkaOptions {
    /// The JVM's heap in MiB. 256 carries the tests and the demo; a load test may want 512.
    pub heap_mb: u32,
    /// Ports of 127.0.0.1 where somebody else stands between clients and the broker. For each of them the broker has one more listener
    /// ([`Kafka::behind`]), whose clients are sent to that port and to no other.
    pub fronts: Vec<u16>,
}

impl Default for KafkaOptions {
    fn default() -> Self {
        Self { heap_mb: 256, fronts: Vec::new() }
    }
}

/// A broker. Dropping it ends a broker of our own and removes its files.
pub struct Kafka {
    bootstrap: String,
    /// `None` when `KAFKA_BOOTSTRAP_SERVERS` named the broker: it is somebody else's, and we never stop it.
    broker: Option<Broker>,
}

impl Kafka {
    /// Uses the broker that `KAFKA_BOOTSTRAP_SERVERS` names; without one, starts a real Apache Kafka (KRaft, one node)
    /// on free ports of 127.0.0.1. The first start on a machine downloads it.
    pub async fn start(options: &KafkaOptions, progress: &Progress) -> Result<Self> {
        match given("KAFKA_BOOTSTRAP_SERVERS") {
            Some(bootstrap) => Self::given(bootstrap, progress).await,
            None => Self::start_own(options, progress).await,
        }
    }

    async fn given(bootstrap: String, progress: &Progress) -> Result<Self> {
        let step = progress.step("Looking for Kafka");
        topics::await_answer(&bootstrap, GIVEN_ANSWERS_WITHIN)
            .await
            .context("The broker that KAFKA_BOOTSTRAP_SERVERS names does not answer.")?;
        step.done(&format!("Kafka of KAFKA_BOOTSTRAP_SERVERS, at {bootstrap}"));
        Ok(Self { bootstrap, broker: None })
    }

    /// Starts a fresh broker whatever the environment says: for those who mean to stop and kill it.
    pub async fn start_own(options: &KafkaOptions, progress: &Progress) -> Result<Self> {
        let distribution = Distribution::prepare(progress).await?;
        let step = progress.step("Starting Kafka");
        let broker = Broker::start(distribution, options).await?;
        let bootstrap = broker.bootstrap();
        step.done(&format!("Apache Kafka {} on {bootstrap}", distribution::VERSION));
        Ok(Self { bootstrap, broker: Some(broker) })
    }

    /// Whether the broker was given, and so belongs to somebody else.
    pub fn is_given(&self) -> bool {
        self.broker.is_none()
    }

    /// `host:port`, as Kafka's clients want it.
    pub fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    /// Where those have to lead to who stand in front of a broker of our own, in the order of [`KafkaOptions::fronts`].
    pub fn behind(&self) -> Vec<String> {
        self.broker.as_ref().map(Broker::behind).unwrap_or_default()
    }

    /// The process id of a broker of our own, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.broker.as_ref().and_then(Broker::pid)
    }

    /// Makes topics, each a name and its number of partitions; none may be there yet. When this answers, every
    /// partition has a leader, so the first record need not wait for one.
    pub async fn create_topics(&self, topics: &[(&str, u32)]) -> Result<()> {
        topics::create(&self.bootstrap, topics).await
    }

    /// Removes topics. All of them must be there.
    pub async fn delete_topics(&self, names: &[&str]) -> Result<()> {
        topics::delete(&self.bootstrap, names).await
    }

    /// The names of all topics, Kafka's own among them.
    pub async fn topics(&self) -> Result<Vec<String>> {
        topics::names(&self.bootstrap).await
    }

    /// Stops the broker in good order. Its records stay until this value is dropped.
    pub async fn stop(&mut self) -> Result<()> {
        self.own_broker()?.stop().await
    }

    /// Kills the broker with SIGKILL.
    pub async fn kill(&mut self) -> Result<()> {
        self.own_broker()?.kill().await
    }

    /// Starts a stopped or killed broker again (and stops a running one before), with the same ports and records.
    pub async fn restart(&mut self) -> Result<()> {
        self.own_broker()?.restart().await
    }

    /// Kills the broker, removes everything it had, and starts it on empty storage, with the same ports: no topics, no groups.
    pub async fn lose_everything(&mut self) -> Result<()> {
        self.own_broker()?.lose_everything().await
    }

    /// Makes the broker stand still with its connections open (SIGSTOP): to its clients that looks like a network that
    /// swallows everything.
    pub fn pause(&mut self) -> Result<()> {
        self.own_broker()?.pause()
    }

    /// Lets a paused broker go on (SIGCONT).
    pub fn resume(&mut self) -> Result<()> {
        self.own_broker()?.resume()
    }

    fn own_broker(&mut self) -> Result<&mut Broker> {
        self.broker.as_mut().context("The broker that KAFKA_BOOTSTRAP_SERVERS names is not ours to stop.")
    }
}
