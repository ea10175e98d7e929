//! The faults of the broker and of PostgreSQL.

use anyhow::{Context, Result};

use super::wait;
use crate::fault::{Fault, Side};
use crate::ground::Ground;
use crate::listening::Listening;

/// What PostgreSQL says, and whoever asked it writes down (SQLSTATE 53100).
const NO_ROOM: &str = "No space left on device";

/// The faults of the broker and of PostgreSQL; there are no others here. Says what they hit where that can be counted.
pub async fn hit_servers(ground: &mut Ground, fault: &Fault) -> Result<Option<u64>> {
    match *fault {
        Fault::BrokerKilled { first, count, down_ms } => {
            let killed: Vec<usize> = (first..first + count).map(|number| number % ground.brokers).collect();
            ground.kafka.kill_nodes(&killed).await?;
            wait(down_ms).await;
            ground.kafka.start_nodes(&killed).await.map(|()| None)
        }
        Fault::BrokerPaused { node, for_ms } => {
            ground.kafka.pause_nodes(&[node])?;
            wait(for_ms).await;
            ground.kafka.resume_nodes().await.map(|()| None)
        }
        Fault::BrokerRestarted => ground.kafka.roll().await.map(|()| None),
        Fault::DatabaseKilled { down_ms } => {
            ground.postgres.kill().await?;
            wait(down_ms).await;
            ground.postgres.restart(devstack::Shutdown::Fast).await.map(|()| None)
        }
        Fault::DiskFull { for_ms } => fill_disk(ground, for_ms).await.map(Some),
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
        | Fault::Flood { .. }
        | Fault::OffsetsDeleted { .. }
        | Fault::Rebalances { .. }
        | Fault::ClockJumps { .. }
        | Fault::KilledWhileMigrating { .. }
        | Fault::CrashAt { .. } => anyhow::bail!("{} hits no server", fault.kind()),
    }
}

/// Says how often a service was told that there is no room.
async fn fill_disk(ground: &mut Ground, for_ms: u64) -> Result<u64> {
    let mut listening = Vec::new();
    for side in Side::BOTH {
        for instance in &ground.station(side).instances {
            listening.push(Listening::to(instance)?);
        }
    }
    let disk = ground.disk.as_ref().context("there is no disk to fill")?;
    disk.fill()?;
    wait(for_ms).await;
    disk.empty()?;
    listening.iter().map(|instance| instance.heard(NO_ROOM)).sum()
}
