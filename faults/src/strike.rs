//! Carries out one fault, heals it, and says how hard it bit.

mod clocks;
mod losses;
mod members;
mod migrations;

use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Serialize;
use sqlx::PgPool;
use tests::{COMMIT, Proxy, Traffic};
use tokio::time::{Instant, sleep};

use crate::fault::{Fault, From, How, Side};
use crate::ground::{Ground, READY_WITHIN};
use crate::hostile;
use crate::load::Pulse;
use clocks::jump;
use losses::{take_unread, wipe_broker};
use members::{come_and_go, crash, delete_offsets};
use migrations::kill_while_migrating;

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
    /// What it hit, where that can be counted: records, connections that a proxy broke, offsets, instances.
    pub hits: Option<u64>,
}

impl Bite {
    /// Whether there was anything that it could hit.
    pub fn bit(&self) -> bool {
        match self.hits {
            Some(hits) => hits > 0,
            None => self.requests_in_flight > 0 || self.under_way > 0 || self.passing_failures > 0,
        }
    }
}

/// Strikes and heals. When this returns, all instances are ready again.
pub async fn strike(ground: &mut Ground, fault: &Fault, pulse: &Pulse) -> Result<Bite> {
    let failures = pulse.passing_failures.load(Ordering::Relaxed);
    let under_way = ground.under_way().await?;
    let requests_in_flight = pulse.in_flight.iter().map(|side| side.load(Ordering::Relaxed)).sum();
    let began = Instant::now();
    let hits = carry_out(ground, fault).await?;
    ground.all_ready().await?;
    Ok(Bite {
        fault: fault.clone(),
        took_ms: u64::try_from(began.elapsed().as_millis())?,
        requests_in_flight,
        under_way,
        passing_failures: pulse.passing_failures.load(Ordering::Relaxed) - failures,
        hits,
    })
}

/// What it hit, where that can be counted.
async fn carry_out(ground: &mut Ground, fault: &Fault) -> Result<Option<u64>> {
    match *fault {
        Fault::ServiceKilled { .. }
        | Fault::LeaderKilled { .. }
        | Fault::KilledWhileCutOff { .. }
        | Fault::LeaderKilledWhileCutOff { .. }
        | Fault::ServicePaused { .. }
        | Fault::ServiceStopped { .. } => hit_service(ground, fault).await.map(|()| None),
        Fault::BrokerKilled { .. }
        | Fault::BrokerPaused { .. }
        | Fault::BrokerRestarted
        | Fault::DatabaseKilled { .. }
        | Fault::DiskFull { .. } => hit_servers(ground, fault).await.map(|()| None),
        Fault::BackendsCut => {
            let mut cut = 0;
            for side in Side::BOTH {
                cut += cut_backends(ground.pool(side)).await?;
            }
            Ok(Some(cut))
        }
        Fault::CutOff { side, from, how, for_ms } => {
            let station = ground.station(side);
            let proxy = if from == From::Broker { &station.to_broker } else { &station.to_database };
            let harmed = proxy.harmed();
            cut_off(proxy, how);
            wait(for_ms).await;
            let hits = (proxy.harmed() - harmed) as u64;
            station.mend();
            Ok(how.is_counted().then_some(hits))
        }
        Fault::Repeats { side, how, records, drawn } => {
            hostile::repeat(ground, side, how, records, drawn).await.map(Some)
        }
        Fault::Poison { side, records, drawn } => {
            let spots = hostile::poison(ground, side, records, drawn).await?;
            let hits = spots.len() as u64;
            ground.archive.poisoned(side, spots);
            Ok(Some(hits))
        }
        Fault::BrokerWiped => wipe_broker(ground).await.map(Some),
        Fault::Unread { side, how, for_ms } => take_unread(ground, side, how, for_ms).await.map(Some),
        Fault::OffsetsDeleted { side } => delete_offsets(ground, side).await.map(Some),
        Fault::Rebalances { side, instances } => come_and_go(ground, side, instances).await.map(Some),
        Fault::ClockJumps { side, by_s, for_ms } => jump(ground, side, by_s, for_ms).await.map(Some),
        Fault::KilledWhileMigrating { side, steps } => kill_while_migrating(ground, side, steps).await.map(Some),
        Fault::CrashAt { side, point, pass } => crash(ground, side, point, pass).await.map(Some),
    }
}

/// The faults of one instance; there are no others here.
async fn hit_service(ground: &mut Ground, fault: &Fault) -> Result<()> {
    match *fault {
        Fault::ServiceKilled { side, instance, down_ms } => kill(ground, side, instance, down_ms).await,
        Fault::LeaderKilled { side, down_ms } => {
            let instance = ground.station(side).leader().await?;
            kill(ground, side, instance, down_ms).await
        }
        Fault::KilledWhileCutOff { side, instance, cut_off_ms } => {
            ground.station(side).to_database.set(Traffic::Vanishes);
            kill_behind_the_cut(ground, side, instance, cut_off_ms).await
        }
        Fault::LeaderKilledWhileCutOff { side, cut_off_ms } => {
            let instance = ground.station(side).leader().await?;
            ground.station(side).to_broker.set(Traffic::Vanishes);
            kill_behind_the_cut(ground, side, instance, cut_off_ms).await
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
        | Fault::DiskFull { .. }
        | Fault::BackendsCut
        | Fault::BrokerWiped
        | Fault::Unread { .. }
        | Fault::CutOff { .. }
        | Fault::Repeats { .. }
        | Fault::Poison { .. }
        | Fault::OffsetsDeleted { .. }
        | Fault::Rebalances { .. }
        | Fault::ClockJumps { .. }
        | Fault::KilledWhileMigrating { .. }
        | Fault::CrashAt { .. } => anyhow::bail!("{} hits no instance", fault.kind()),
    }
}

async fn kill_behind_the_cut(ground: &mut Ground, side: Side, instance: usize, cut_off_ms: u64) -> Result<()> {
    wait(cut_off_ms).await;
    let station = ground.station(side);
    station.instances[instance].kill().await?;
    station.mend();
    station.instances[instance].restart().await
}

/// The faults of the broker and of PostgreSQL; there are no others here.
async fn hit_servers(ground: &mut Ground, fault: &Fault) -> Result<()> {
    match *fault {
        Fault::BrokerKilled { first, count, down_ms } => {
            let killed: Vec<usize> = (first..first + count).map(|number| number % ground.brokers).collect();
            ground.kafka.kill_nodes(&killed).await?;
            wait(down_ms).await;
            ground.kafka.start_nodes(&killed).await
        }
        Fault::BrokerPaused { node, for_ms } => {
            ground.kafka.pause_nodes(&[node])?;
            wait(for_ms).await;
            ground.kafka.resume_nodes().await
        }
        Fault::BrokerRestarted => ground.kafka.roll().await,
        Fault::DatabaseKilled { down_ms } => {
            ground.postgres.kill().await?;
            wait(down_ms).await;
            ground.postgres.restart(devstack::Shutdown::Fast).await
        }
        Fault::DiskFull { for_ms } => {
            let disk = ground.disk.as_ref().context("there is no disk to fill")?;
            disk.fill()?;
            wait(for_ms).await;
            disk.empty()
        }
        Fault::ServiceKilled { .. }
        | Fault::LeaderKilled { .. }
        | Fault::KilledWhileCutOff { .. }
        | Fault::LeaderKilledWhileCutOff { .. }
        | Fault::ServicePaused { .. }
        | Fault::ServiceStopped { .. }
        | Fault::BackendsCut
        | Fault::BrokerWiped
        | Fault::Unread { .. }
        | Fault::CutOff { .. }
        | Fault::Repeats { .. }
        | Fault::Poison { .. }
        | Fault::OffsetsDeleted { .. }
        | Fault::Rebalances { .. }
        | Fault::ClockJumps { .. }
        | Fault::KilledWhileMigrating { .. }
        | Fault::CrashAt { .. } => anyhow::bail!("{} hits no server", fault.kind()),
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

async fn cut_backends(pool: &PgPool) -> Result<u64> {
    let cut = "select count(pg_terminate_backend(pid)) from pg_stat_activity
               where datname = current_database() and pid <> pg_backend_pid() and usename = datname";
    let cut: i64 = sqlx::query_scalar(cut).fetch_one(pool).await?;
    Ok(cut.unsigned_abs())
}

fn cut_off(proxy: &Proxy, how: How) {
    match how {
        How::Vanishes => proxy.set(Traffic::Vanishes),
        How::IsRefused => {
            proxy.set(Traffic::IsRefused);
            proxy.cut();
        }
        How::Dawdles { ms } => proxy.set(Traffic::Dawdles(Duration::from_millis(ms))),
        How::BreaksOff { bytes } => proxy.set(Traffic::AnswersBreakOff(bytes)),
        How::SwallowsCommits { questions } => proxy.lose_questions(COMMIT, questions),
        How::LosesCommits { answers } => proxy.lose_answers_to(COMMIT, answers),
    }
}
