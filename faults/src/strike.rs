//! Carries out one fault, heals it, and says how hard it bit.

mod clocks;
mod felt;
mod instances;
mod losses;
mod members;
mod migrations;
mod servers;
mod ways;

use std::time::Duration;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use crate::fault::Fault;
use crate::ground::Ground;
use crate::hostile;
use crate::load::Pulse;
use crate::recovery;
pub use felt::Felt;

use clocks::jump;
use felt::Watch;
use instances::hit_instance;
use losses::{take_unread, wipe_broker};
use members::{come_and_go, crash, delete_offsets};
use migrations::kill_while_migrating;
use servers::hit_servers;
use ways::{cut_backends, cut_off};

const STOPPED_WITHIN: Duration = Duration::from_secs(60);

/// What a fault met, and what was felt of it until it was healed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Bite {
    #[serde(flatten)]
    pub fault: Fault,
    /// From the strike until all instances were ready again.
    pub took_ms: u64,
    #[serde(flatten)]
    pub felt: Felt,
    /// What it hit, where that can be counted: records, pieces and connections that a proxy harmed, offsets, rebalances, what an instance did
    /// in the moment before it was struck.
    pub hits: Option<u64>,
    /// From then until everything that was undecided or unsent then was decided and sent. None where it never was.
    pub recovered_ms: Option<u64>,
}

impl Bite {
    #[cfg(test)]
    pub fn of(fault: Fault, hits: Option<u64>) -> Self {
        Self { fault, took_ms: 0, felt: Felt::default(), hits, recovered_ms: None }
    }

    /// Whether there was anything that it could hit.
    pub fn bit(&self) -> bool {
        let Felt { requests_in_flight, under_way, requests_begun, passing_failures } = self.felt;
        match self.hits {
            Some(hits) => hits > 0,
            None => requests_in_flight > 0 || under_way > 0 || requests_begun > 0 || passing_failures > 0,
        }
    }
}

/// Strikes and heals. When this returns, all instances are ready again, and somebody watches how they recover.
pub async fn strike(ground: &mut Ground, fault: &Fault, pulse: &Pulse) -> Result<(Bite, JoinHandle<u64>)> {
    let mut watch = Watch::begun(ground.pools(), pulse);
    let began = Instant::now();
    let hits = tokio::select! {
        hits = carried_out_and_healed(ground, fault) => hits?,
        never = watch.goes_on() => match never {},
    };
    let took_ms = u64::try_from(began.elapsed().as_millis())?;
    let bite = Bite { fault: fault.clone(), took_ms, felt: watch.felt(), hits, recovered_ms: None };
    Ok((bite, recovery::watched(ground.pools()).await?))
}

async fn carried_out_and_healed(ground: &mut Ground, fault: &Fault) -> Result<Option<u64>> {
    let hits = carry_out(ground, fault).await?;
    ground.all_ready().await?;
    Ok(hits)
}

/// What it hit, where that can be counted.
async fn carry_out(ground: &mut Ground, fault: &Fault) -> Result<Option<u64>> {
    match *fault {
        Fault::ServiceKilled { .. }
        | Fault::LeaderKilled { .. }
        | Fault::KilledWhileCutOff { .. }
        | Fault::LeaderKilledWhileCutOff { .. }
        | Fault::ServicePaused { .. }
        | Fault::ServiceStopped { .. } => hit_instance(ground, fault).await.map(Some),
        Fault::BrokerKilled { .. }
        | Fault::BrokerPaused { .. }
        | Fault::BrokerRestarted
        | Fault::DatabaseKilled { .. }
        | Fault::DiskFull { .. } => hit_servers(ground, fault).await,
        Fault::BackendsCut => cut_backends(ground).await.map(Some),
        Fault::CutOff { side, from, how, for_ms } => Ok(Some(cut_off(ground.station(side), from, how, for_ms).await)),
        Fault::Repeats { side, how, records, drawn } => {
            hostile::repeat(ground, side, how, records, drawn).await.map(Some)
        }
        Fault::Poison { side, records, drawn } => hostile::poison(ground, side, records, drawn).await.map(Some),
        Fault::Flood { side, records, drawn } => hostile::flood(ground, side, records, drawn).await.map(Some),
        Fault::BrokerWiped => wipe_broker(ground).await.map(Some),
        Fault::Unread { side, how, for_ms } => take_unread(ground, side, how, for_ms).await.map(Some),
        Fault::OffsetsDeleted { side } => delete_offsets(ground, side).await.map(Some),
        Fault::Rebalances { side, instances } => come_and_go(ground, side, instances).await.map(Some),
        Fault::ClockJumps { side, by_s, for_ms } => jump(ground, side, by_s, for_ms).await.map(Some),
        Fault::KilledWhileMigrating { side, steps } => kill_while_migrating(ground, side, steps).await.map(Some),
        Fault::CrashAt { side, point, pass } => crash(ground, side, point, pass).await.map(Some),
    }
}

/// How long a fault lasts is part of the plan; nothing is judged by it.
async fn wait(ms: u64) {
    sleep(Duration::from_millis(ms)).await;
}
