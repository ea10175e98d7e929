//! Everything wired together.

mod names;

use std::iter::once;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use futures_util::future::join_all;
use rustix::process::Signal;

use self::names::{Names, Readers};
use crate::guardian::Guardian;
use crate::port::require_free;
use crate::{
    Binaries, DevelopmentKeys, Kafka, KafkaOptions, Postgres, Progress, ServiceProcess, ServiceSettings, binaries,
};

/// Where order-service listens when [`Ports::Default`] are wanted.
pub const ORDER_SERVICE_PORT: u16 = 8080;
/// Where delivery-service listens when [`Ports::Default`] are wanted.
pub const DELIVERY_SERVICE_PORT: u16 = 8081;

const READY_WITHIN: Duration = Duration::from_secs(60);
const STOPPED_WITHIN: Duration = Duration::from_secs(30);
/// How long a token of a stack is good: longer than anybody tries things at a stretch.
const TOKEN_VALID: Duration = Duration::from_secs(12 * 60 * 60);

/// Where the services listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ports {
    /// 8080 and 8081: what a person expects, and what the documentation shows.
    Default,
    /// Whatever is free, so that many stacks can run at the same time.
    Free,
}

/// What can be chosen for a stack.
#[derive(Clone, Debug)]
pub struct StackOptions {
    /// Where the services listen.
    pub ports: Ports,
    /// The number of partitions of every topic.
    pub partitions: u32,
    /// The broker's options.
    pub kafka: KafkaOptions,
    /// How many instances of each service share the databases and the topics.
    pub instances: u32,
    /// Where the services' executables are. `None`: they are built, or lie beside the program that runs.
    pub binaries: Option<PathBuf>,
    /// Further flags of every instance of order-service.
    pub order_service_args: Vec<String>,
    /// Where the services' logs go. `None`: they go with the stack.
    pub log_directory: Option<PathBuf>,
}

impl Default for StackOptions {
    fn default() -> Self {
        let kafka = KafkaOptions::default();
        Self {
            ports: Ports::Default,
            partitions: 6,
            kafka,
            instances: 1,
            binaries: None,
            order_service_args: Vec::new(),
            log_directory: None,
        }
    }
}

/// PostgreSQL, Kafka and both services, all ready. Dropping it ends everything; [`Stack::stop`] does so in good order.
// The order of the fields is the order in which they are dropped: the services before what they use.
pub struct Stack {
    /// The side that takes orders.
    pub order_service: ServiceProcess,
    /// The side that delivers.
    pub delivery_service: ServiceProcess,
    /// What else of either there is, where more than one instance was asked for.
    further: Services,
    /// The broker between them.
    pub kafka: Kafka,
    /// The server with a database for each.
    pub postgres: Postgres,
    names: Names,
    keys: Keys,
    readers: Readers,
}

/// Whose tokens the services accept, in a directory that goes with the stack.
struct Keys {
    development: DevelopmentKeys,
    _directory: Guardian,
}

impl Keys {
    fn new() -> Result<Self> {
        let directory = Guardian::new("keys", Signal::TERM)?;
        Ok(Self { development: DevelopmentKeys::in_directory(directory.directory())?, _directory: directory })
    }
}

impl Stack {
    /// Starts everything and waits until both services are ready.
    pub async fn start(options: StackOptions, progress: &Progress) -> Result<Self> {
        if options.ports == Ports::Default {
            // Asked before anything takes time: this is the commonest reason why a demo can't start.
            require_free(ORDER_SERVICE_PORT, "order-service")?;
            require_free(DELIVERY_SERVICE_PORT, "delivery-service")?;
        }
        let found = async || match &options.binaries {
            Some(directory) => Binaries::in_directory(directory),
            None => binaries(progress).await,
        };
        let (mut postgres, mut kafka, binaries) =
            tokio::try_join!(Postgres::start(progress), Kafka::start(&options.kafka, progress), found())?;
        let (names, keys) = (Names::new(&postgres, &kafka), Keys::new()?);
        let wiring = Wiring {
            options: &options,
            postgres: &postgres,
            kafka: &kafka,
            names: &names,
            access: keys.development.flags(),
            binaries: &binaries,
        };
        let started = async {
            let started = wiring.start_services(progress).await?;
            let readers = names.make_readers(&postgres, started.0.database_url(), started.1.database_url()).await?;
            anyhow::Ok((started, readers))
        };
        match started.await {
            Ok(((order_service, delivery_service, further), readers)) => {
                Ok(Self { order_service, delivery_service, further, kafka, postgres, names, keys, readers })
            }
            Err(error) => {
                names.remove(&mut postgres, &mut kafka).await.with_context(|| format!("After this: {error:#}"))?;
                Err(error)
            }
        }
    }

    /// All instances of order-service.
    pub fn order_services(&self) -> impl Iterator<Item = &ServiceProcess> {
        once(&self.order_service).chain(&self.further.orders)
    }

    /// All instances of delivery-service.
    pub fn delivery_services(&self) -> impl Iterator<Item = &ServiceProcess> {
        once(&self.delivery_service).chain(&self.further.deliveries)
    }

    /// A token for this subject with these scopes, separated by blanks, that every service of the stack accepts.
    pub fn token(&self, subject: &str, scopes: &str) -> Result<String> {
        self.keys.development.signing.token(subject, scopes, TOKEN_VALID)
    }

    /// The file to make further tokens with.
    pub fn signing_key(&self) -> PathBuf {
        self.keys.development.private_file()
    }

    /// Put before the names of all topics; empty on a broker of our own.
    pub fn topic_prefix(&self) -> &str {
        &self.names.topic_prefix
    }

    /// Order-service's database, as order-service itself reaches it.
    pub fn order_database_url(&self) -> &str {
        self.order_service.database_url()
    }

    /// Delivery-service's database, as delivery-service itself reaches it.
    pub fn delivery_database_url(&self) -> &str {
        self.delivery_service.database_url()
    }

    /// Order-service's database, for whoever only reads it.
    pub fn order_reader_url(&self) -> &str {
        &self.readers.orders
    }

    /// Delivery-service's database, for whoever only reads it.
    pub fn delivery_reader_url(&self) -> &str {
        &self.readers.deliveries
    }

    /// Stops the services, then what they used. What was made on a server or broker of somebody else is removed again.
    pub async fn stop(mut self) -> Result<()> {
        let services = [&mut self.order_service, &mut self.delivery_service].into_iter();
        let services = services.chain(&mut self.further.orders).chain(&mut self.further.deliveries);
        let stopped = join_all(services.map(|service| service.terminate(STOPPED_WITHIN))).await;
        // A service that does not stop is no reason to leave anything on somebody else's server.
        let removed = self.names.remove(&mut self.postgres, &mut self.kafka).await;
        stopped.into_iter().collect::<Result<Vec<_>>>().map(drop).and(removed)
    }
}

/// Some instances of both services.
#[derive(Default)]
struct Services {
    orders: Vec<ServiceProcess>,
    deliveries: Vec<ServiceProcess>,
}

/// What the services' settings are made from.
struct Wiring<'a> {
    options: &'a StackOptions,
    postgres: &'a Postgres,
    kafka: &'a Kafka,
    names: &'a Names,
    access: Vec<String>,
    binaries: &'a Binaries,
}

impl Wiring<'_> {
    async fn start_services(&self, progress: &Progress) -> Result<(ServiceProcess, ServiceProcess, Services)> {
        let step = progress.step("Starting order-service and delivery-service");
        let (order_settings, delivery_settings) = (self.order_service().await?, self.delivery_service().await?);
        let (orders, deliveries) = start_pair(order_settings.clone(), delivery_settings.clone()).await?;
        let mut further = Services::default();
        for number in 2..=self.options.instances {
            let (orders, deliveries) =
                start_pair(order_settings.instance(number), delivery_settings.instance(number)).await?;
            further.orders.push(orders);
            further.deliveries.push(deliveries);
        }
        let instances = match self.options.instances {
            0 | 1 => String::new(),
            instances => format!(", {instances} instances of each"),
        };
        step.done(&format!("order-service on {}, delivery-service on {}{instances}", orders.url(), deliveries.url()));
        Ok((orders, deliveries, further))
    }

    async fn order_service(&self) -> Result<ServiceSettings> {
        let binary = self.binaries.order_service.clone();
        let settings = self.service("order-service", binary, ORDER_SERVICE_PORT, &self.names.order_database).await?;
        let extra_args = [settings.extra_args, self.options.order_service_args.clone()].concat();
        Ok(ServiceSettings { extra_args, ..settings })
    }

    async fn delivery_service(&self) -> Result<ServiceSettings> {
        let binary = self.binaries.delivery_service.clone();
        self.service("delivery-service", binary, DELIVERY_SERVICE_PORT, &self.names.delivery_database).await
    }

    async fn service(&self, name: &str, binary: PathBuf, port: u16, database: &str) -> Result<ServiceSettings> {
        Ok(ServiceSettings {
            name: name.to_owned(),
            binary,
            port: match self.options.ports {
                Ports::Default => Some(port),
                Ports::Free => None,
            },
            database_url: self.postgres.create_service_database(database).await?,
            kafka_bootstrap_servers: self.kafka.bootstrap().to_owned(),
            topic_prefix: self.names.topic_prefix.clone(),
            partitions: self.options.partitions,
            instance_id: format!("{name}-1"),
            extra_args: self.access.clone(),
            environment: Vec::new(),
            log_directory: self.options.log_directory.clone(),
        })
    }
}

/// Starts one instance of each and waits until both are ready.
async fn start_pair(orders: ServiceSettings, deliveries: ServiceSettings) -> Result<(ServiceProcess, ServiceProcess)> {
    let (mut orders, mut deliveries) = (ServiceProcess::start(orders)?, ServiceProcess::start(deliveries)?);
    tokio::try_join!(orders.wait_ready(READY_WITHIN), deliveries.wait_ready(READY_WITHIN))?;
    Ok((orders, deliveries))
}
