//! What a load costs, from the beginning of the load until its last order is confirmed.

use std::net::SocketAddr;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use super::Programs;
use crate::cost::{Pid, cpu_ms, own_cpu_ms, resident_mb, shared_mb};
use crate::load::status;
use crate::report::{Report, Unit};

const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Watches programs at work.
pub struct Watch {
    programs: Programs,
    began: Instant,
    before: Cpu,
    at_rest: Resident,
    enough: oneshot::Sender<()>,
    looking: JoinHandle<Result<Seen>>,
}

/// What it came to.
pub struct Cost {
    took: Duration,
    cpu: Cpu,
    at_rest: Resident,
    postgres_mb: f64,
    kafka_mb: f64,
    /// What was seen every second.
    pub seen: Seen,
}

/// What was seen every second.
#[derive(Clone, Debug)]
pub struct Seen {
    most: Resident,
    /// Seconds since the beginning, and how many orders waited for the delivery side's word.
    pub backlog: Vec<(f64, f64)>,
}

/// CPU time, in milliseconds.
#[derive(Clone, Copy, Debug)]
struct Cpu {
    order_services: f64,
    delivery_services: f64,
    postgres: f64,
    kafka: f64,
    client: f64,
}

/// Resident memory of the largest instance, in megabytes.
#[derive(Clone, Copy, Debug)]
struct Resident {
    order_service: f64,
    delivery_service: f64,
}

impl Watch {
    /// Begins. The backlog is what the order-service at `address` tells of it.
    pub fn begin(programs: Programs, address: SocketAddr, token: String) -> Result<Self> {
        let (enough, told) = oneshot::channel();
        let at_rest = Resident::of(&programs)?;
        let looking = tokio::spawn(look(programs.clone(), address, token, told));
        let (began, before) = (Instant::now(), Cpu::of(&programs)?);
        Ok(Self { began, before, at_rest, programs, enough, looking })
    }

    /// Ends, and tells what it came to.
    pub async fn end(self) -> Result<Cost> {
        let (took, cpu) = (self.began.elapsed(), Cpu::of(&self.programs)?.since(self.before));
        let (postgres_mb, kafka_mb) = (shared_mb(self.programs.postgres)?, resident_mb(self.programs.kafka)?);
        drop(self.enough);
        let seen = self.looking.await.context("The watch broke down")??;
        Ok(Cost { took, cpu, at_rest: self.at_rest, postgres_mb, kafka_mb, seen })
    }
}

async fn look(
    programs: Programs,
    address: SocketAddr,
    token: String,
    mut enough: oneshot::Receiver<()>,
) -> Result<Seen> {
    let mut door = status::Door::at(address, &token).await?;
    let began = Instant::now();
    let mut seen = Seen { most: Resident::of(&programs)?, backlog: Vec::new() };
    let mut turns = interval(LOOK_EVERY);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = &mut enough => return Ok(seen),
            _ = turns.tick() => {}
        }
        seen.most = seen.most.or_more(Resident::of(&programs)?);
        if let Some(undecided) = door.undecided_orders().await? {
            seen.backlog.push((began.elapsed().as_secs_f64(), undecided));
        }
    }
}

impl Cost {
    /// Adds what one order cost, and the memory.
    pub fn report(&self, section: &str, orders: u64, report: &mut Report) {
        let Cpu { order_services, delivery_services, postgres, kafka, client } = self.cpu;
        for (program, cpu_ms) in [
            ("order_service", order_services),
            ("delivery_service", delivery_services),
            ("services", order_services + delivery_services),
            ("postgres", postgres),
            ("kafka", kafka),
            ("client", client),
            // What there was: what the others leave of it went to the kernel's own threads, or to nobody.
            (
                "machine",
                self.took.as_secs_f64() * 1_000.0 * available_parallelism().map_or(1.0, |cores| cores.get() as f64),
            ),
        ] {
            report.add(&format!("{section}.{program}_cpu_ms_per_order"), cpu_ms / orders as f64, Unit::Ms);
        }
        let Seen { most, .. } = self.seen;
        for (what, megabytes) in [
            ("order_service_rest_rss", self.at_rest.order_service),
            ("order_service_max_rss", most.order_service),
            ("delivery_service_rest_rss", self.at_rest.delivery_service),
            ("delivery_service_max_rss", most.delivery_service),
            ("postgres", self.postgres_mb),
            ("kafka_rss", self.kafka_mb),
        ] {
            report.add(&format!("{section}.{what}_mb"), megabytes, Unit::Mb);
        }
    }
}

impl Cpu {
    fn of(programs: &Programs) -> Result<Self> {
        let sum = |pids: &[Pid]| pids.iter().map(|pid| cpu_ms(*pid)).sum::<Result<f64>>();
        Ok(Self {
            order_services: sum(&programs.order_services)?,
            delivery_services: sum(&programs.delivery_services)?,
            postgres: cpu_ms(programs.postgres)?,
            kafka: cpu_ms(programs.kafka)?,
            client: own_cpu_ms()?,
        })
    }

    fn since(self, before: Self) -> Self {
        Self {
            order_services: self.order_services - before.order_services,
            delivery_services: self.delivery_services - before.delivery_services,
            postgres: self.postgres - before.postgres,
            kafka: self.kafka - before.kafka,
            client: self.client - before.client,
        }
    }
}

impl Resident {
    fn of(programs: &Programs) -> Result<Self> {
        let largest =
            |pids: &[Pid]| pids.iter().try_fold(0.0_f64, |most, pid| anyhow::Ok(most.max(resident_mb(*pid)?)));
        Ok(Self {
            order_service: largest(&programs.order_services)?,
            delivery_service: largest(&programs.delivery_services)?,
        })
    }

    fn or_more(self, other: Self) -> Self {
        Self {
            order_service: self.order_service.max(other.order_service),
            delivery_service: self.delivery_service.max(other.delivery_service),
        }
    }
}
