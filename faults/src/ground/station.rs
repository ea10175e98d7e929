//! One service: its instances, and its ways to what it needs.

use std::path::PathBuf;

use anyhow::{Context, Result};
use devstack::{Postgres, ServiceProcess, ServiceSettings, wait_until};
use tests::{Proxy, Traffic};

use super::{READY_WITHIN, database};
use crate::disk::SmallDisk;
use crate::fault::Side;
use crate::plan::INSTANCES;

/// One service: its instances, and its ways to what it needs.
pub struct Station {
    pub side: Side,
    pub instances: Vec<ServiceProcess>,
    pub to_database: Proxy,
    pub to_broker: Proxy,
    /// How many further instances have come and gone.
    pub guests: usize,
    /// By how many seconds its instances' clock is off, if they look there.
    pub clock: PathBuf,
    settings: ServiceSettings,
}

impl Station {
    /// Makes its database and the ways, and starts its instances.
    pub(super) async fn open(
        side: Side,
        plain: ServiceSettings,
        to_broker: Proxy,
        postgres: &Postgres,
        disk: Option<&SmallDisk>,
    ) -> Result<Self> {
        let url = postgres.create_service_database(database(side)).await?;
        if let Some(disk) = disk {
            disk.take(postgres, database(side)).await?;
        }
        let to_database = Proxy::before(&url).await;
        let directory = plain.log_directory.as_deref().context("the services' logs are to be kept")?;
        let clock = directory.join(format!("{}.clock", side.service()));
        let look = ("CLOCK_FILE".to_owned(), clock.display().to_string());
        let front = Some(to_broker.address().to_string()).filter(|_| plain.kafka_bootstrap_servers.is_empty());
        let settings = ServiceSettings {
            database_url: to_database.url(&url),
            kafka_bootstrap_servers: front.unwrap_or(plain.kafka_bootstrap_servers),
            environment: plain.environment.into_iter().chain([look]).collect(),
            ..plain
        };
        let mut station = Self { side, instances: Vec::new(), to_database, to_broker, guests: 0, clock, settings };
        for number in 1..=INSTANCES {
            let mut instance = station.further(number)?;
            instance.wait_ready(READY_WITHIN).await?;
            station.instances.push(instance);
        }
        Ok(station)
    }

    /// What its instances find in their environment.
    pub fn environment(&self) -> Vec<(String, String)> {
        self.settings.environment.clone()
    }

    /// An instance with a database and topics of its own, only just started.
    pub fn apart(&self, name: &str, database_url: String) -> Result<ServiceProcess> {
        let topic_prefix = format!("{name}-");
        let settings = ServiceSettings {
            instance_id: name.to_owned(),
            name: name.to_owned(),
            database_url,
            topic_prefix,
            ..self.settings.clone()
        };
        ServiceProcess::start(settings)
    }

    /// One more instance, only just started.
    fn further(&self, number: usize) -> Result<ServiceProcess> {
        let name = format!("{}-{number}", self.side.service());
        ServiceProcess::start(ServiceSettings { instance_id: name.clone(), name, ..self.settings.clone() })
    }

    /// Further instances, of names that the group has never heard: started together, and ready.
    pub async fn guests(&mut self, count: usize) -> Result<Vec<ServiceProcess>> {
        let first = INSTANCES + self.guests + 1;
        self.guests += count;
        let started: Result<Vec<_>> = (first..first + count).map(|number| self.further(number)).collect();
        let mut guests = started?;
        for guest in &mut guests {
            guest.wait_ready(READY_WITHIN).await?;
        }
        Ok(guests)
    }

    /// How many partitions its instances read, as they say themselves.
    pub async fn partitions(&self) -> u64 {
        let mut all = 0;
        for instance in &self.instances {
            all += readiness(instance).await.and_then(|said| said["partitions"].as_u64()).unwrap_or(0);
        }
        all
    }

    /// Which instance's relay leads, if one says so.
    pub async fn leader(&self) -> Result<usize> {
        let found = wait_until(READY_WITHIN, async || {
            for (at, instance) in self.instances.iter().enumerate() {
                if readiness(instance).await.is_some_and(|said| said["relay"] == "leading") {
                    return Ok(Some(at));
                }
            }
            Ok(None)
        });
        found.await?.with_context(|| format!("no relay of {} leads", self.side.service()))
    }

    /// Nothing is cut any more.
    pub fn mend(&self) {
        for proxy in [&self.to_database, &self.to_broker] {
            // Takes the trap away, whichever it was.
            proxy.lose_answers_to(tests::COMMIT, 0);
            if proxy.traffic() == Traffic::Vanishes {
                // What was swallowed on a connection is missing from it: nobody can go on with that one.
                proxy.cut();
            }
            proxy.set(Traffic::Flows);
        }
    }
}

/// What an instance says of itself, if it answers.
async fn readiness(instance: &ServiceProcess) -> Option<serde_json::Value> {
    reqwest::get(format!("{}/health/ready", instance.url())).await.ok()?.json().await.ok()
}
