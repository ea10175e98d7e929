//! What is broken: a PostgreSQL, a Kafka and two instances of each service, all real, all our own, with a proxy on every way that
//! can be cut.

mod station;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, bail};
use devstack::{Binaries, Kafka, KafkaOptions, Postgres, Progress, ServiceProcess, ServiceSettings};
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tests::Proxy;

pub use self::station::Station;
use crate::archive::Archive;
use crate::audit::Finding;
use crate::disk::SmallDisk;
use crate::fault::Side;

/// How long an instance may take until it is ready again, when all that it needs is there.
pub const READY_WITHIN: Duration = Duration::from_secs(90);
const STOPPED_WITHIN: Duration = Duration::from_secs(60);
pub const PARTITIONS: u32 = 6;
const HEAP_MB: u32 = 512;
/// What our own connections to the databases are called there.
pub const OURSELVES: &str = "faults";

/// Everything. Dropping it ends everything.
// The order of the fields is the order in which they are dropped: the services before what they use.
pub struct Ground {
    pub orders: Station,
    pub deliveries: Station,
    pub kafka: Kafka,
    pub postgres: Postgres,
    /// What both databases are on, if it can be filled.
    pub disk: Option<SmallDisk>,
    /// How many brokers there are.
    pub brokers: usize,
    /// What lay on the topics.
    pub archive: Archive,
    /// How many services have begun with an empty database of their own, and what their tables lack.
    pub apart: usize,
    pub half_made: Vec<String>,
    pools: [PgPool; 2],
}

/// The names of both databases, which are those of their roles.
fn database(side: Side) -> &'static str {
    match side {
        Side::Orders => "order_service",
        Side::Deliveries => "delivery_service",
    }
}

/// What no service is started with before the rest is known.
fn of_no_service() -> ServiceSettings {
    ServiceSettings {
        name: String::new(),
        binary: PathBuf::new(),
        port: None,
        database_url: String::new(),
        kafka_bootstrap_servers: String::new(),
        topic_prefix: String::new(),
        partitions: PARTITIONS,
        instance_id: String::new(),
        extra_args: Vec::new(),
        environment: Vec::new(),
        log_directory: None,
    }
}

impl Ground {
    /// Starts everything, and waits until all instances are ready.
    pub async fn prepare(
        binaries: &Binaries,
        brokers: usize,
        bug: Option<&str>,
        logs: &Path,
        progress: &Progress,
    ) -> Result<Self> {
        let (to_orders, to_deliveries) = (Proxy::to("nowhere").await, Proxy::to("nowhere").await);
        let fronts = vec![to_orders.address().port(), to_deliveries.address().port()];
        // A proxy leads to one broker: the way to several of them stays open.
        let fronts = if brokers == 1 { fronts } else { Vec::new() };
        let options = KafkaOptions { heap_mb: HEAP_MB, fronts, nodes: brokers };
        let (postgres, kafka) = tokio::try_join!(Postgres::start_own(progress), Kafka::start_own(&options, progress))?;
        for (proxy, behind) in [&to_orders, &to_deliveries].into_iter().zip(kafka.behind()) {
            proxy.lead_to(&behind);
        }
        let step = progress.step("Starting two instances of each service");
        let plain = ServiceSettings {
            kafka_bootstrap_servers: if brokers == 1 { String::new() } else { kafka.bootstrap().to_owned() },
            extra_args: vec!["--open-on-loopback".to_owned(), format!("--replicas={brokers}")],
            environment: bug.map(|bug| ("PLANTED_BUG".to_owned(), bug.to_owned())).into_iter().collect(),
            log_directory: Some(logs.to_path_buf()),
            ..of_no_service()
        };
        let disk = SmallDisk::mount(&postgres).await?;
        let plain = ServiceSettings { binary: binaries.order_service.clone(), ..plain };
        let orders = Station::open(Side::Orders, plain.clone(), to_orders, &postgres, disk.as_ref()).await?;
        let plain = ServiceSettings { binary: binaries.delivery_service.clone(), ..plain };
        let deliveries = Station::open(Side::Deliveries, plain, to_deliveries, &postgres, disk.as_ref()).await?;
        let pools = Side::BOTH.map(|side| {
            let url: PgConnectOptions = postgres.url(database(side)).parse()?;
            let options = PgPoolOptions::new().max_connections(8).acquire_timeout(Duration::from_secs(5));
            anyhow::Ok(options.connect_lazy_with(url.application_name(OURSELVES)))
        });
        let [Ok(first), Ok(second)] = pools else { bail!("a database has no URL") };
        step.done("two instances of order-service and two of delivery-service are ready");
        Ok(Self {
            orders,
            deliveries,
            kafka,
            postgres,
            disk,
            brokers,
            archive: Archive::default(),
            apart: 0,
            half_made: Vec::new(),
            pools: [first, second],
        })
    }

    pub fn station(&mut self, side: Side) -> &mut Station {
        match side {
            Side::Orders => &mut self.orders,
            Side::Deliveries => &mut self.deliveries,
        }
    }

    /// Where the instances of a service listen. They keep their ports.
    pub fn addresses(&self, side: Side) -> Vec<String> {
        let station = match side {
            Side::Orders => &self.orders,
            Side::Deliveries => &self.deliveries,
        };
        station.instances.iter().map(ServiceProcess::url).collect()
    }

    /// Connections to a service's database, past the proxy.
    pub fn pool(&self, side: Side) -> &PgPool {
        &self.pools[side.index()]
    }

    /// The same of both, for whoever looks there meanwhile.
    pub fn pools(&self) -> [PgPool; 2] {
        self.pools.clone()
    }

    /// Waits until all instances are ready.
    pub async fn all_ready(&mut self) -> Result<()> {
        for station in [&mut self.orders, &mut self.deliveries] {
            for instance in &mut station.instances {
                if !instance.is_running()? {
                    instance.restart().await?;
                }
                instance.wait_ready(READY_WITHIN).await?;
            }
        }
        Ok(())
    }

    /// Ends everything in good order, and says which instances did not stop by themselves, and whose tables were not made whole.
    pub async fn clear(mut self) -> Result<Vec<Finding>> {
        let mut violations = Vec::new();
        for pool in &self.pools {
            pool.close().await;
        }
        for station in [&mut self.orders, &mut self.deliveries] {
            for instance in &mut station.instances {
                match instance.terminate(STOPPED_WITHIN).await {
                    Ok(status) if status.is_none_or(|status| status.success()) => {}
                    Ok(status) => violations.push(format!("{} ended with {status:?}", station.side.service())),
                    Err(error) => violations.push(format!("{error:#}")),
                }
            }
        }
        self.kafka.stop().await?;
        self.postgres.stop().await?;
        let mut findings = vec![Finding { name: "stop", says: "every instance stops in good order", violations }];
        if self.apart > 0 {
            let says = "whoever starts next finishes tables that are half made";
            findings.push(Finding { name: "tables", says, violations: self.half_made });
        }
        Ok(findings)
    }
}
