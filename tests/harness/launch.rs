//! A service as a process of its own.

use std::{
    fs,
    ops::{Deref, DerefMut},
    path::PathBuf,
    process::Output,
};

use devstack::{ServiceProcess, ServiceSettings};
use tokio::{process::Command, time::timeout};

use crate::{Env, PATIENCE, servers::binaries};

/// How many of the last lines of a service's log a failing test shows.
const LAST_LINES: usize = 60;
const PARTITIONS: u32 = 3;

/// Which of the two services.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Side {
    Order,
    Delivery,
}

/// A service that is about to be started.
pub struct Launch<'a> {
    side: Side,
    instance_id: String,
    database_url: String,
    partitions: u32,
    bootstrap: String,
    args: Vec<String>,
    access: Vec<String>,
    environment: Vec<(String, String)>,
    env: &'a Env,
}

impl<'a> Launch<'a> {
    pub(crate) fn new(env: &'a Env, side: Side) -> Self {
        let database_url = match side {
            Side::Order => env.orders_database(),
            Side::Delivery => env.deliveries_database(),
        };
        let environment = vec![("RUST_LOG".to_owned(), "info".to_owned())];
        Self {
            side,
            instance_id: format!("{}-1", side.name()),
            database_url: database_url.to_owned(),
            partitions: PARTITIONS,
            bootstrap: env.kafka("tests").bootstrap_servers,
            args: Vec::new(),
            access: vec!["--open-on-loopback".to_owned()],
            environment,
            env,
        }
    }

    /// Its name in the consumer group. A second instance needs another one than the first.
    #[must_use]
    pub fn instance(mut self, instance_id: &str) -> Self {
        instance_id.clone_into(&mut self.instance_id);
        self
    }

    /// Another way to its database: through a [`crate::Proxy`].
    #[must_use]
    pub fn database(mut self, url: &str) -> Self {
        url.clone_into(&mut self.database_url);
        self
    }

    /// Where it is told that Kafka is, nobody listens.
    #[must_use]
    pub fn without_kafka(mut self) -> Self {
        "127.0.0.1:1".clone_into(&mut self.bootstrap);
        self
    }

    /// How many partitions the topics get, where this service makes them. 3 if nothing is said.
    #[must_use]
    pub fn partitions(mut self, partitions: u32) -> Self {
        self.partitions = partitions;
        self
    }

    /// One more flag.
    #[must_use]
    pub fn arg(mut self, flag: impl Into<String>) -> Self {
        self.args.push(flag.into());
        self
    }

    /// Asks for credentials, as these flags say: none of them, and only API keys are accepted. Nobody is asked if nothing is said.
    #[must_use]
    pub fn guarded(mut self, flags: &[String]) -> Self {
        flags.clone_into(&mut self.access);
        self
    }

    /// One more environment variable.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Starts it and waits until it is ready.
    ///
    /// # Panics
    /// When it does not become ready, with the end of its log.
    pub async fn start(self) -> Service {
        let mut service = self.spawn().await;
        service.wait_ready(PATIENCE).await.expect("the service becomes ready");
        service
    }

    /// Starts it and does not wait.
    ///
    /// # Panics
    /// When there is no such program.
    pub async fn spawn(self) -> Service {
        let binary = self.side.binary().await;
        let process = ServiceProcess::start(ServiceSettings {
            name: self.side.name().to_owned(),
            binary,
            port: None,
            database_url: self.database_url,
            kafka_bootstrap_servers: self.bootstrap,
            topic_prefix: self.env.prefix().to_owned(),
            partitions: self.partitions,
            instance_id: self.instance_id.clone(),
            extra_args: [self.access, self.args].concat(),
            environment: self.environment,
            log_directory: None,
        });
        Service { process: process.expect("the service is started"), instance_id: self.instance_id }
    }
}

impl Launch<'_> {
    /// Runs it to its end, for something that it does instead of serving; says how it ended and what it wrote. An empty
    /// database URL is not told to it.
    ///
    /// # Panics
    /// When it does not end.
    pub async fn to_its_end(self) -> Output {
        let mut command = Command::new(self.side.binary().await);
        command
            .arg(format!("--kafka-bootstrap-servers={}", self.bootstrap))
            .arg(format!("--topic-prefix={}", self.env.prefix()))
            .arg(format!("--partitions={}", self.partitions))
            .args(self.args)
            .env_remove("DATABASE_URL")
            .envs(self.environment)
            .kill_on_drop(true);
        if !self.database_url.is_empty() {
            command.env("DATABASE_URL", self.database_url);
        }
        let ended = timeout(PATIENCE, command.output()).await.expect("it ends");
        ended.expect("there is such a program")
    }
}

impl Side {
    async fn binary(self) -> PathBuf {
        let binaries = binaries().await.expect("both services can be built");
        match self {
            Side::Order => binaries.order_service.clone(),
            Side::Delivery => binaries.delivery_service.clone(),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Side::Order => "order-service",
            Side::Delivery => "delivery-service",
        }
    }
}

/// A service that was started: everything that [`ServiceProcess`] can do. Dropped by a failing test, it shows the end of its log.
pub struct Service {
    process: ServiceProcess,
    instance_id: String,
}

impl Deref for Service {
    type Target = ServiceProcess;

    fn deref(&self) -> &ServiceProcess {
        &self.process
    }
}

impl DerefMut for Service {
    fn deref_mut(&mut self) -> &mut ServiceProcess {
        &mut self.process
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        match fs::read_to_string(self.process.log_path()) {
            Ok(log) => {
                let lines: Vec<_> = log.lines().collect();
                let last = lines[lines.len().saturating_sub(LAST_LINES)..].join("\n");
                eprintln!("---- the log of {} ends:\n{last}\n----", self.instance_id);
            }
            Err(error) => eprintln!("the log of {} cannot be read: {error}", self.instance_id),
        }
    }
}
