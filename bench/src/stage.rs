//! The running pair: raised with default durable settings, filled, measured while it is under load, and its books checked afterwards.

mod books;
mod lanes;
mod shop;
mod steps;
mod tables;
mod watch;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use devstack::{ALL_SCOPES, KafkaOptions, Ports, Progress, ServiceProcess, Stack, StackOptions, wait_until};

pub use self::books::{Books, Durability};
pub use self::lanes::Lanes;
pub use self::steps::Steps;
pub use self::tables::{Table, Tables};
pub use self::watch::{Cost, Watch};
use crate::cost::Pid;
use crate::fill;
use crate::load::{Asked, Load};
use crate::options::Options;
use crate::report::Report;

/// The number of partitions of every topic.
pub const PARTITIONS: u32 = 6;
/// The broker's heap, in MiB.
pub const HEAP_MB: u32 = 512;
/// How long nothing may be confirmed before it is given up.
const PATIENCE: Duration = Duration::from_secs(60);

/// The pair, and what is known of it from outside.
pub struct Stage {
    /// All that runs.
    pub stack: Stack,
    /// What the databases say.
    pub books: Books,
    seed: u64,
    loads: u32,
    /// All orders that were accepted by now.
    accepted: u64,
    /// Those that were put in finished.
    finished: u64,
}

/// The process ids of everything that is measured.
#[derive(Clone, Debug)]
pub struct Programs {
    /// All instances of order-service.
    pub order_services: Vec<Pid>,
    /// All instances of delivery-service.
    pub delivery_services: Vec<Pid>,
    /// The postmaster; the others of PostgreSQL are its children.
    pub postgres: Pid,
    /// The broker.
    pub kafka: Pid,
}

impl Stage {
    /// One instance of each service.
    pub async fn raise(options: &Options, progress: &Progress, report: &mut Report) -> Result<Self> {
        Self::raise_with(StackOptions::default(), options, progress, report).await
    }

    /// With instances and flags as wanted; the rest is as the benchmark has it.
    pub async fn raise_with(
        wanted: StackOptions,
        options: &Options,
        progress: &Progress,
        report: &mut Report,
    ) -> Result<Self> {
        let kafka = KafkaOptions { heap_mb: HEAP_MB, ..KafkaOptions::default() };
        let binaries = options.services.clone();
        let wanted = StackOptions { ports: Ports::Free, partitions: PARTITIONS, kafka, binaries, ..wanted };
        let stack = Stack::start(wanted, progress).await?;
        shop::fill(&stack).await?;
        let books = Books::at(stack.order_database_url())?;
        report.postgres = Some(books.durability().await?);
        Ok(Self { stack, books, seed: options.seed, loads: 0, accepted: 0, finished: 0 })
    }

    /// Puts finished orders into both databases until there are so many, and answers how many that took, and how long.
    pub async fn fill_up_to(&mut self, orders: u64) -> Result<(u64, Duration)> {
        let missing = orders.saturating_sub(self.finished);
        let took = if missing > 0 { fill::finished(&self.stack, missing).await? } else { Duration::ZERO };
        self.finished += missing;
        Ok((missing, took))
    }

    /// Whether nothing has been asked of this pair yet.
    pub fn begins(&self) -> bool {
        self.loads == 0
    }

    /// A load on all instances, with keys of its own.
    pub fn load(&mut self, connections: u32, asked: Asked) -> Result<Load> {
        self.loads += 1;
        let addresses = self.stack.order_services().map(address).collect::<Result<Vec<_>>>()?;
        let token = self.stack.token("bench", ALL_SCOPES)?;
        Ok(Load { addresses, seed: self.seed, number: self.loads, connections, asked, token })
    }

    /// Begins to watch what the next load costs.
    pub fn watch(&self) -> Result<Watch> {
        Watch::begin(self.programs()?, address(&self.stack.order_service)?, self.stack.token("bench", ALL_SCOPES)?)
    }

    /// What is to be measured.
    fn programs(&self) -> Result<Programs> {
        let ids = |services: Vec<Option<Pid>>| services.into_iter().collect::<Option<Vec<_>>>();
        Ok(Programs {
            order_services: ids(self.stack.order_services().map(ServiceProcess::pid).collect())
                .context("an order-service has ended")?,
            delivery_services: ids(self.stack.delivery_services().map(ServiceProcess::pid).collect())
                .context("a delivery-service has ended")?,
            postgres: self.stack.postgres.pid().context("DATABASE_URL is set: only a server of our own is measured")?,
            kafka: self
                .stack
                .kafka
                .pid()
                .context("KAFKA_BOOTSTRAP_SERVERS is set: only a broker of our own is measured")?,
        })
    }

    /// Waits until every order is confirmed that was accepted, these `accepted` ones among them.
    ///
    /// # Errors
    /// As [`Stage::drain`] and [`Stage::check`].
    pub async fn settle(&mut self, accepted: u64) -> Result<()> {
        self.drain().await?;
        self.check(accepted).await
    }

    /// Waits until no order waits for the delivery side's word any more, and answers how long that took.
    ///
    /// # Errors
    /// When orders wait and none of them gets anywhere.
    pub async fn drain(&self) -> Result<Duration> {
        let began = Instant::now();
        let mut undecided = i64::MAX;
        let drained = async || Ok((!self.books.any_undecided().await?).then_some(()));
        while wait_until(PATIENCE, drained).await?.is_none() {
            let now = self.books.undecided().await?;
            ensure!(now < undecided, "{now} orders wait for the delivery side's word, as many as {PATIENCE:?} ago");
            undecided = now;
        }
        Ok(began.elapsed())
    }

    /// Compares what was accepted, these `accepted` orders among them, with what the database has.
    ///
    /// # Errors
    /// When there are more orders than were accepted, or fewer, or when some are not confirmed.
    pub async fn check(&mut self, accepted: u64) -> Result<()> {
        self.accepted += accepted;
        let counts = self.books.counts().await?;
        let (accepted, finished) = (i64::try_from(self.accepted)?, i64::try_from(self.finished)?);
        ensure!(
            counts.orders == accepted + finished && counts.confirmed == accepted,
            "{accepted} orders were accepted and {finished} put in, but the database has {} of which {} are confirmed",
            counts.orders,
            counts.confirmed
        );
        Ok(())
    }

    /// Takes everything down.
    pub async fn strike(self) -> Result<()> {
        self.stack.stop().await
    }
}

fn address(service: &ServiceProcess) -> Result<SocketAddr> {
    let url = service.url();
    url.strip_prefix("http://").and_then(|address| address.parse().ok()).with_context(|| format!("{url} is no address"))
}
