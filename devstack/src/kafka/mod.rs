//! A Kafka broker: the one that `KAFKA_BOOTSTRAP_SERVERS` names, or one of our own.

mod broker;
mod cluster;
mod distribution;
mod topics;

use std::time::Duration;

use anyhow::{Context, Result};
use futures_util::future::try_join_all;

use self::broker::Broker;
use self::cluster::Cluster;
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
    /// How many nodes there are. With three, each record has three copies, of which two have to be in sync. Nobody can stand in front of
    /// more than one.
    pub nodes: usize,
}

impl Default for KafkaOptions {
    fn default() -> Self {
        Self { heap_mb: 256, fronts: Vec::new(), nodes: 1 }
    }
}

/// A broker. Dropping it ends a broker of our own and removes its files.
pub struct Kafka {
    bootstrap: String,
    /// `None` when `KAFKA_BOOTSTRAP_SERVERS` named the broker: it is somebody else's, and we never stop it.
    cluster: Option<Cluster>,
}

impl Kafka {
    /// Uses the broker that `KAFKA_BOOTSTRAP_SERVERS` names; without one, starts a real Apache Kafka (KRaft)
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
        Ok(Self { bootstrap, cluster: None })
    }

    /// Starts a fresh broker whatever the environment says: for those who mean to stop and kill it.
    pub async fn start_own(options: &KafkaOptions, progress: &Progress) -> Result<Self> {
        let distribution = Distribution::prepare(progress).await?;
        let step = progress.step("Starting Kafka");
        let cluster = Cluster::start(distribution, options).await?;
        let bootstrap = cluster.bootstrap();
        step.done(&format!("Apache Kafka {} on {bootstrap}", distribution::VERSION));
        Ok(Self { bootstrap, cluster: Some(cluster) })
    }

    /// Whether the broker was given, and so belongs to somebody else.
    pub fn is_given(&self) -> bool {
        self.cluster.is_none()
    }

    /// `host:port`, as Kafka's clients want it.
    pub fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    /// Where those have to lead to who stand in front of a broker of our own, in the order of [`KafkaOptions::fronts`].
    pub fn behind(&self) -> Vec<String> {
        self.cluster.as_ref().map(|cluster| cluster.first().behind()).unwrap_or_default()
    }

    /// The process id of a broker of our own, of several the first one's, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.cluster.as_ref().and_then(|cluster| cluster.first().pid())
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
        self.own()?.stop().await
    }

    /// Kills the broker with SIGKILL.
    pub async fn kill(&mut self) -> Result<()> {
        self.own()?.kill().await
    }

    /// Starts a stopped or killed broker again (and stops a running one before), with the same ports and records.
    pub async fn restart(&mut self) -> Result<()> {
        self.own()?.restart().await
    }

    /// Kills the broker, removes everything it had, and starts it on empty storage, with the same ports: no topics, no groups.
    pub async fn lose_everything(&mut self) -> Result<()> {
        self.own()?.lose_everything().await
    }

    /// Makes the broker stand still with its connections open (SIGSTOP): to its clients that looks like a network that
    /// swallows everything.
    pub fn pause(&mut self) -> Result<()> {
        self.own()?.nodes().iter().try_for_each(Broker::pause)
    }

    /// Lets a paused broker go on (SIGCONT).
    pub fn resume(&mut self) -> Result<()> {
        self.own()?.nodes().iter().try_for_each(Broker::resume)
    }

    /// Kills some nodes with SIGKILL, by their numbers from 0.
    pub async fn kill_nodes(&mut self, numbers: &[usize]) -> Result<()> {
        let nodes = self.own()?.nodes();
        for number in numbers {
            nodes.get_mut(*number).context("There is no such node.")?.kill().await?;
        }
        Ok(())
    }

    /// Starts nodes that were killed, together, and waits until all copies are in sync.
    pub async fn start_nodes(&mut self, numbers: &[usize]) -> Result<()> {
        let cluster = self.own()?;
        let gone = cluster.nodes().iter_mut().enumerate().filter(|(number, _)| numbers.contains(number));
        try_join_all(gone.map(|(_, node)| node.start_again())).await?;
        cluster.await_in_sync().await
    }

    /// Makes some nodes stand still (SIGSTOP).
    pub fn pause_nodes(&mut self, numbers: &[usize]) -> Result<()> {
        let nodes = self.own()?.nodes();
        numbers.iter().try_for_each(|number| nodes.get(*number).context("There is no such node.")?.pause())
    }

    /// Lets all go on, and waits until all copies are in sync.
    pub async fn resume_nodes(&mut self) -> Result<()> {
        self.resume()?;
        self.own()?.await_in_sync().await
    }

    /// Restarts one node after the other in good order; each is in sync before the next one goes.
    pub async fn roll(&mut self) -> Result<()> {
        for number in 0..self.own()?.nodes().len() {
            self.own()?.nodes()[number].stop().await?;
            self.start_nodes(&[number]).await?;
        }
        Ok(())
    }

    fn own(&mut self) -> Result<&mut Cluster> {
        self.cluster.as_mut().context("The broker that KAFKA_BOOTSTRAP_SERVERS names is not ours to stop.")
    }
}
