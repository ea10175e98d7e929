//! Everything wired together.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use uuid::Uuid;

use crate::port::require_free;
use crate::{Binaries, Kafka, KafkaOptions, Postgres, Progress, ServiceProcess, ServiceSettings, binaries};

/// Where order-service listens when [`Ports::Default`] are wanted.
pub const ORDER_SERVICE_PORT: u16 = 8080;
/// Where delivery-service listens when [`Ports::Default`] are wanted.
pub const DELIVERY_SERVICE_PORT: u16 = 8081;

const READY_WITHIN: Duration = Duration::from_secs(60);
const STOPPED_WITHIN: Duration = Duration::from_secs(30);

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
    /// Where the services' logs go. `None`: they go with the stack.
    pub log_directory: Option<PathBuf>,
}

impl Default for StackOptions {
    fn default() -> Self {
        let kafka = KafkaOptions::default();
        Self { ports: Ports::Default, partitions: 6, kafka, log_directory: None }
    }
}

/// PostgreSQL, Kafka and both services, all ready. Dropping it ends everything; [`Stack::stop`] does so in good order.
// The order of the fields is the order in which they are dropped: the services before what they use.
pub struct Stack {
    /// The side that takes orders.
    pub order_service: ServiceProcess,
    /// The side that delivers.
    pub delivery_service: ServiceProcess,
    /// The broker between them.
    pub kafka: Kafka,
    /// The server with a database for each.
    pub postgres: Postgres,
    names: Names,
}

impl Stack {
    /// Starts everything and waits until both services are ready.
    pub async fn start(options: StackOptions, progress: &Progress) -> Result<Self> {
        if options.ports == Ports::Default {
            // Asked before anything takes time: this is the commonest reason why a demo can't start.
            require_free(ORDER_SERVICE_PORT, "order-service")?;
            require_free(DELIVERY_SERVICE_PORT, "delivery-service")?;
        }
        let (mut postgres, mut kafka, binaries) =
            tokio::try_join!(Postgres::start(progress), Kafka::start(&options.kafka, progress), binaries(progress))?;
        let names = Names::new(&postgres, &kafka);
        let wiring =
            Wiring { options: &options, postgres: &postgres, kafka: &kafka, names: &names, binaries: &binaries };
        match wiring.start_services(progress).await {
            Ok((order_service, delivery_service)) => {
                Ok(Self { order_service, delivery_service, kafka, postgres, names })
            }
            Err(error) => {
                names.remove(&mut postgres, &mut kafka).await.with_context(|| format!("After this: {error:#}"))?;
                Err(error)
            }
        }
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

    /// Stops the services, then what they used. What was made on a server or broker of somebody else is removed again.
    pub async fn stop(mut self) -> Result<()> {
        let services =
            tokio::join!(self.order_service.terminate(STOPPED_WITHIN), self.delivery_service.terminate(STOPPED_WITHIN));
        // A service that does not stop is no reason to leave anything on somebody else's server.
        let removed = self.names.remove(&mut self.postgres, &mut self.kafka).await;
        services.0.and(services.1).map(drop).and(removed)
    }
}

/// The names of what this stack makes on the server and the broker.
struct Names {
    order_database: String,
    delivery_database: String,
    topic_prefix: String,
}

impl Names {
    /// Removes what was made on a server or broker of somebody else, and stops those that are ours. One that fails keeps none of
    /// the others from being tried.
    async fn remove(&self, postgres: &mut Postgres, kafka: &mut Kafka) -> Result<()> {
        let broker = if kafka.is_given() { self.delete_topics(kafka).await } else { kafka.stop().await };
        if !postgres.is_given() {
            return broker.and(postgres.stop().await);
        }
        let orders = postgres.drop_service_database(&self.order_database).await;
        let deliveries = postgres.drop_service_database(&self.delivery_database).await;
        broker.and(orders).and(deliveries)
    }

    async fn delete_topics(&self, kafka: &Kafka) -> Result<()> {
        let topics = kafka.topics().await?;
        let ours: Vec<&str> =
            topics.iter().map(String::as_str).filter(|topic| topic.starts_with(&self.topic_prefix)).collect();
        if ours.is_empty() { Ok(()) } else { kafka.delete_topics(&ours).await }
    }

    /// Plain names where everything is ours; on somebody else's server or broker, names that nobody else has.
    fn new(postgres: &Postgres, kafka: &Kafka) -> Self {
        let run = Uuid::new_v4().simple().to_string();
        let database_suffix = if postgres.is_given() { format!("_{}", &run[..8]) } else { String::new() };
        let topic_prefix = if kafka.is_given() { format!("stack-{}-", &run[..8]) } else { String::new() };
        Self {
            order_database: format!("order_service{database_suffix}"),
            delivery_database: format!("delivery_service{database_suffix}"),
            topic_prefix,
        }
    }
}

/// What the services' settings are made from.
struct Wiring<'a> {
    options: &'a StackOptions,
    postgres: &'a Postgres,
    kafka: &'a Kafka,
    names: &'a Names,
    binaries: &'a Binaries,
}

impl Wiring<'_> {
    async fn start_services(&self, progress: &Progress) -> Result<(ServiceProcess, ServiceProcess)> {
        let step = progress.step("Starting order-service and delivery-service");
        let mut orders = ServiceProcess::start(self.order_service().await?)?;
        let mut deliveries = ServiceProcess::start(self.delivery_service().await?)?;
        tokio::try_join!(orders.wait_ready(READY_WITHIN), deliveries.wait_ready(READY_WITHIN))?;
        step.done(&format!("order-service on {}, delivery-service on {}", orders.url(), deliveries.url()));
        Ok((orders, deliveries))
    }

    async fn order_service(&self) -> Result<ServiceSettings> {
        let binary = self.binaries.order_service.clone();
        self.service("order-service", binary, ORDER_SERVICE_PORT, &self.names.order_database).await
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
            extra_args: Vec::new(),
            environment: Vec::new(),
            log_directory: self.options.log_directory.clone(),
        })
    }
}
