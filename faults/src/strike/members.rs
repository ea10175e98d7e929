//! What is done to all instances of a service, or to the group that they are.

use std::time::Duration;

use anyhow::{Result, ensure};
use devstack::wait_until;

use super::STOPPED_WITHIN;
use crate::broker;
use crate::fault::{Point, Side};
use crate::ground::{Ground, READY_WITHIN};
use crate::plan::INSTANCES;

/// How long instances have to come to the point at which they end.
const CRASHED_WITHIN: Duration = Duration::from_secs(20);

/// Says how many records are read once more because of it.
pub async fn delete_offsets(ground: &mut Ground, side: Side) -> Result<u64> {
    for instance in &mut ground.station(side).instances {
        instance.terminate(STOPPED_WITHIN).await?;
    }
    let (bootstrap, group) = (ground.kafka.bootstrap().to_owned(), side.service());
    let positions = broker::positions(&bootstrap, group, side.other().announces_on()).await?;
    broker::forget_offsets(&bootstrap, group).await?;
    for instance in &mut ground.station(side).instances {
        instance.restart().await?;
    }
    Ok(positions.iter().filter_map(|position| position.committed).map(|offset| offset.unsigned_abs()).sum())
}

/// Each is a member that the group has never seen; when it has gone its partitions are missed until its session has run out.
pub async fn come_and_go(ground: &mut Ground, side: Side, instances: usize) -> Result<u64> {
    let station = ground.station(side);
    for _ in 0..instances {
        station.guests += 1;
        let mut guest = station.further(INSTANCES + station.guests).await?;
        guest.kill().await?;
    }
    Ok(instances as u64)
}

/// Starts all instances of a service so that they end there, and says how many did before all are started as they were.
pub async fn crash(ground: &mut Ground, side: Side, point: Point, pass: u64) -> Result<u64> {
    let at = ("CRASH_AT".to_owned(), format!("{}:{pass}", point.names().0));
    let station = ground.station(side);
    let usual = station.environment();
    let environment: Vec<_> = usual.iter().cloned().chain([at]).collect();
    for instance in &mut station.instances {
        instance.restart_with(environment.clone()).await?;
    }
    match point {
        Point::Stopping => {
            for instance in &mut station.instances {
                instance.wait_ready(READY_WITHIN).await?;
                let status = instance.terminate(STOPPED_WITHIN).await?;
                ensure!(status.is_some_and(|status| !status.success()), "an instance stopped as if nothing was");
            }
        }
        Point::Revoked => drop(come_and_go(ground, side, 1).await?),
        Point::LanesLocked
        | Point::Claimed
        | Point::BeforeCommit
        | Point::AfterCommit
        | Point::BeforeOffsets
        | Point::AfterOffsets
        | Point::Given
        | Point::Acknowledged
        | Point::Deleted => {}
    }
    let station = ground.station(side);
    let crashed = wait_until(CRASHED_WITHIN, async || {
        let mut crashed = 0;
        for instance in &mut station.instances {
            crashed += u64::from(!instance.is_running()?);
        }
        Ok((crashed > 0).then_some(crashed))
    });
    let crashed = crashed.await?.unwrap_or(0);
    for instance in &mut station.instances {
        instance.restart_with(usual.clone()).await?;
    }
    Ok(crashed)
}
