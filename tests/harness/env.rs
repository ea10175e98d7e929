//! A test's own corner: two databases and two topics that nobody else has.

use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result};
use chassis::messaging::{KafkaSettings, Record, topics};
use devstack::{Kafka, Postgres};
use shared_events::Topic;
use sqlx::{PgPool, migrate::Migrator, postgres::PgPoolOptions};
use tokio::sync::{MutexGuard, Semaphore, SemaphorePermit};

use crate::{Launch, PATIENCE, Servers, eventually_is, launch::Side, topic};

/// How many tests hold an environment at once, however many threads the test runner has: they share one server and one broker.
const AT_ONCE: usize = 8;
static ROOM: Semaphore = Semaphore::const_new(AT_ONCE);

/// A test's own databases and topics, on the servers that all tests share or on its own.
pub struct Env {
    prefix: String,
    orders: String,
    deliveries: String,
    servers: Held,
    _room: SemaphorePermit<'static>,
}

enum Held {
    Shared(&'static Servers),
    Own(Box<Servers>),
}

impl Env {
    /// Two fresh databases, and a prefix for topics, on the servers that all tests share: these must not be stopped.
    ///
    /// # Panics
    /// When the servers cannot be started, with the reason.
    pub async fn new(name: &str) -> Self {
        let room = ROOM.acquire().await.expect("the semaphore is never closed");
        let servers = Servers::shared().await.expect("PostgreSQL and Kafka are started");
        Self::on(Held::Shared(servers), name, room).await.expect("databases are made")
    }

    /// The same on servers of its own, for a test that stops, kills or pauses them. Takes some seconds longer.
    ///
    /// # Panics
    /// When the servers cannot be started, with the reason.
    pub async fn apart(name: &str) -> Self {
        let room = ROOM.acquire().await.expect("the semaphore is never closed");
        let servers = Servers::start().await.expect("PostgreSQL and Kafka are started");
        Self::on(Held::Own(Box::new(servers)), name, room).await.expect("databases are made")
    }

    async fn on(servers: Held, name: &str, room: SemaphorePermit<'static>) -> Result<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let short: String = name.chars().filter(char::is_ascii_alphanumeric).take(30).collect();
        let short = short.to_ascii_lowercase();
        let database = |side: &str| format!("t{number}_{short}_{side}");
        let (orders, deliveries) = {
            let postgres = servers.get().postgres.lock().await;
            let orders = postgres.create_service_database(&database("orders")).await?;
            (orders, postgres.create_service_database(&database("deliveries")).await?)
        };
        Ok(Self { prefix: format!("t{number}-{short}-"), orders, deliveries, servers, _room: room })
    }

    /// Put before the names of this test's topics and consumer groups.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The URL of the order side's database, as its service's role. Empty until a service or [`Env::migrated`] migrates it.
    #[must_use]
    pub fn orders_database(&self) -> &str {
        &self.orders
    }

    /// The URL of the delivery side's database, as its service's role.
    #[must_use]
    pub fn deliveries_database(&self) -> &str {
        &self.deliveries
    }

    /// Connections to a database. Lazy: nothing is opened before it is used.
    ///
    /// # Panics
    /// When the URL is none.
    #[must_use]
    pub fn pool(&self, url: &str) -> PgPool {
        PgPoolOptions::new().max_connections(12).connect_lazy(url).expect("a database URL")
    }

    /// Connections to a database, with the chassis' tables in it and those of `service`.
    ///
    /// # Panics
    /// When a migration fails.
    pub async fn migrated(&self, url: &str, service: &Migrator) -> PgPool {
        let pool = self.pool(url);
        chassis::migrate(&pool, service).await.expect("the tables are made");
        pool
    }

    /// Connections to a database with the chassis' tables only.
    pub async fn chassis_tables(&self, url: &str) -> PgPool {
        self.migrated(url, &Migrator::DEFAULT).await
    }

    /// How to reach Kafka, with this test's prefix, as this instance.
    #[must_use]
    pub fn kafka(&self, instance_id: &str) -> KafkaSettings {
        KafkaSettings {
            bootstrap_servers: self.servers.get().bootstrap.clone(),
            prefix: self.prefix.clone(),
            instance_id: instance_id.to_owned(),
        }
    }

    /// The name in Kafka of this test's `orders` or `deliveries`.
    #[must_use]
    pub fn topic(&self, topic: Topic) -> String {
        topics::name(&self.kafka("tests"), topic)
    }

    /// Makes both topics, as the services do, and waits until they can be used.
    ///
    /// # Panics
    /// When Kafka does not make them.
    pub async fn create_topics(&self, partitions: i32) {
        let kafka = self.kafka("tests");
        topics::create(&kafka, partitions, 1).await.expect("topics are made");
        let count = usize::try_from(partitions).expect("a number of partitions");
        eventually_is("both topics are there", PATIENCE, [count; 2], async || {
            let kafka = kafka.clone();
            tokio::task::spawn_blocking(move || topics::partition_counts(&kafka)).await.context("died")?
        })
        .await;
    }

    /// Makes topics of any name and width.
    ///
    /// # Panics
    /// When Kafka does not make them.
    pub async fn make_topics(&self, topics: &[(&str, u32)]) {
        let kafka = self.servers.get().kafka.lock().await;
        kafka.create_topics(topics).await.expect("topics are made");
    }

    /// Sends records to Kafka as they are, and waits for their acknowledgements. See [`topic::produce`].
    pub async fn produce(&self, records: &[Record]) {
        topic::produce(&self.kafka("tests"), records).await;
    }

    /// Everything that a topic holds now, from offset 0, partition after partition.
    pub async fn read(&self, topic: Topic) -> Vec<Record> {
        topic::read_all(&self.kafka("tests"), &self.topic(topic)).await
    }

    /// The order side as a process, on this test's database and topics.
    #[must_use]
    pub fn order_service(&self) -> Launch<'_> {
        Launch::new(self, Side::Order)
    }

    /// The delivery side as a process, on this test's database and topics.
    #[must_use]
    pub fn delivery_service(&self) -> Launch<'_> {
        Launch::new(self, Side::Delivery)
    }

    /// The server, to be stopped and started. Only for [`Env::apart`].
    ///
    /// # Panics
    /// When the server is shared.
    pub async fn postgres(&self) -> MutexGuard<'_, Postgres> {
        self.own().postgres.lock().await
    }

    /// The broker, to be stopped and started. Only for [`Env::apart`].
    ///
    /// # Panics
    /// When the broker is shared.
    pub async fn broker(&self) -> MutexGuard<'_, Kafka> {
        self.own().kafka.lock().await
    }

    fn own(&self) -> &Servers {
        match &self.servers {
            Held::Own(servers) => servers,
            Held::Shared(_) => panic!("other tests use these servers: `Env::apart` has its own"),
        }
    }
}

impl Held {
    fn get(&self) -> &Servers {
        match self {
            Held::Shared(servers) => servers,
            Held::Own(servers) => servers,
        }
    }
}
