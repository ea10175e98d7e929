//! Carries out one fault, heals it, and says how hard it bit.

use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Result;
use serde::Serialize;
use sqlx::PgPool;
use tests::{COMMIT, Proxy, Traffic};
use tokio::time::{Instant, sleep};

use crate::fault::{Fault, From, How, Side};
use crate::ground::{Ground, READY_WITHIN};
use crate::load::Pulse;

const STOPPED_WITHIN: Duration = Duration::from_secs(60);

/// What a fault met, and what was felt of it until it was healed.
#[derive(Clone, Debug, Serialize)]
pub struct Bite {
    #[serde(flatten)]
    pub fault: Fault,
    pub took_ms: u64,
    /// At the moment of the strike.
    pub requests_in_flight: i64,
    /// Orders without an outcome and events that were not sent, at the moment of the strike.
    pub under_way: i64,
    /// Requests that went unanswered or were put off, until it was healed.
    pub passing_failures: u64,
}

impl Bite {
    /// Whether there was anything that it could hit.
    pub fn bit(&self) -> bool {
        self.requests_in_flight > 0 || self.under_way > 0 || self.passing_failures > 0
    }
}

/// Strikes and heals. When this returns, all instances are ready again.
pub async fn strike(ground: &mut Ground, fault: &Fault, pulse: &Pulse) -> Result<Bite> {
    let failures = pulse.passing_failures.load(Ordering::Relaxed);
    let under_way = ground.under_way().await?;
    let requests_in_flight = pulse.in_flight.iter().map(|side| side.load(Ordering::Relaxed)).sum();
    let began = Instant::now();
    carry_out(ground, fault).await?;
    ground.all_ready().await?;
    Ok(Bite {
        fault: fault.clone(),
        took_ms: u64::try_from(began.elapsed().as_millis())?,
        requests_in_flight,
        under_way,
        passing_failures: pulse.passing_failures.load(Ordering::Relaxed) - failures,
    })
}

async fn carry_out(ground: &mut Ground, fault: &Fault) -> Result<()> {
    match *fault {
        Fault::ServiceKilled { side, instance, down_ms } => kill(ground, side, instance, down_ms).await,
        Fault::LeaderKilled { side, down_ms } => {
            let instance = ground.station(side).leader().await?;
            kill(ground, side, instance, down_ms).await
        }
        Fault::KilledWhileCutOff { side, instance, cut_off_ms } => {
            ground.station(side).to_database.set(Traffic::Vanishes);
            wait(cut_off_ms).await;
            ground.station(side).instances[instance].kill().await?;
            ground.station(side).mend();
            ground.station(side).instances[instance].restart().await
        }
        Fault::ServicePaused { side, instance, for_ms } => {
            ground.station(side).instances[instance].pause()?;
            wait(for_ms).await;
            ground.station(side).instances[instance].resume()
        }
        Fault::ServiceStopped { side, instance } => {
            let stopped = &mut ground.station(side).instances[instance];
            stopped.terminate(STOPPED_WITHIN).await?;
            stopped.restart().await
        }
        Fault::BrokerKilled { .. }
        | Fault::BrokerPaused { .. }
        | Fault::BrokerRestarted
        | Fault::DatabaseKilled { .. }
        | Fault::BackendsCut => hit_servers(ground, fault).await,
        Fault::CutOff { side, from, how, for_ms } => {
            let station = ground.station(side);
            cut_off(if from == From::Broker { &station.to_broker } else { &station.to_database }, how);
            wait(for_ms).await;
            station.mend();
            Ok(())
        }
    }
}

/// The faults of the broker and of PostgreSQL; there are no others here.
async fn hit_servers(ground: &mut Ground, fault: &Fault) -> Result<()> {
    match *fault {
        Fault::BrokerKilled { down_ms } => {
            ground.kafka.kill().await?;
            wait(down_ms).await;
            ground.kafka.restart().await
        }
        Fault::BrokerPaused { for_ms } => {
            ground.kafka.pause()?;
            wait(for_ms).await;
            ground.kafka.resume()
        }
        Fault::BrokerRestarted => ground.kafka.restart().await,
        Fault::DatabaseKilled { down_ms } => {
            ground.postgres.kill().await?;
            wait(down_ms).await;
            ground.postgres.restart(devstack::Shutdown::Fast).await
        }
        Fault::BackendsCut => {
            for side in Side::BOTH {
                cut_backends(ground.pool(side)).await?;
            }
            Ok(())
        }
        Fault::ServiceKilled { .. }
        | Fault::LeaderKilled { .. }
        | Fault::KilledWhileCutOff { .. }
        | Fault::ServicePaused { .. }
        | Fault::ServiceStopped { .. }
        | Fault::CutOff { .. } => anyhow::bail!("{} hits no server", fault.kind()),
    }
}

async fn kill(ground: &mut Ground, side: Side, instance: usize, down_ms: u64) -> Result<()> {
    let killed = &mut ground.station(side).instances[instance];
    killed.kill().await?;
    wait(down_ms).await;
    killed.restart().await?;
    killed.wait_ready(READY_WITHIN).await
}

/// How long a fault lasts is part of the plan; nothing is judged by it.
async fn wait(ms: u64) {
    sleep(Duration::from_millis(ms)).await;
}

async fn cut_backends(pool: &PgPool) -> Result<()> {
    let cut = "select count(pg_terminate_backend(pid)) from pg_stat_activity
               where datname = current_database() and pid <> pg_backend_pid() and usename = datname";
    sqlx::query(cut).execute(pool).await?;
    Ok(())
}

fn cut_off(proxy: &Proxy, how: How) {
    match how {
        How::Vanishes => proxy.set(Traffic::Vanishes),
        How::IsRefused => {
            proxy.set(Traffic::IsRefused);
            proxy.cut();
        }
        How::Dawdles { ms } => proxy.set(Traffic::Dawdles(Duration::from_millis(ms))),
        How::BreaksOff { bytes } => proxy.set(Traffic::BreaksOff(bytes)),
        How::LosesCommits { answers } => proxy.lose_answers_to(COMMIT, answers),
    }
}
