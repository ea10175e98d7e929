//! What is done to all instances of a service, or to the group that they are.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use devstack::wait_until;

use super::STOPPED_WITHIN;
use crate::broker;
use crate::fault::{Point, Side};
use crate::ground::{Ground, PARTITIONS, READY_WITHIN, Station};
use crate::listening::Listening;

/// How long instances have to come to the point at which they end.
const CRASHED_WITHIN: Duration = Duration::from_secs(20);
/// What a service writes whenever it is given partitions.
const GIVEN_OUT: &str = " partitions are ours";
/// A session runs out after ten seconds.
const MISSED_WITHIN: Duration = Duration::from_secs(60);

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

/// Each guest is a member that the group has never seen; when it has gone its partitions are missed until its session has run out. Says how
/// often partitions were given out anew, by the instance that was told so most often. That is twice at least: nobody is missed here
/// before all have come.
pub async fn come_and_go(ground: &mut Ground, side: Side, instances: usize) -> Result<u64> {
    let station = ground.station(side);
    let residents = station.instances.iter().map(Listening::to).collect::<Result<Vec<_>>>()?;
    let rebalances =
        || residents.iter().map(|resident| resident.heard(GIVEN_OUT)).try_fold(0, |most, count| Ok(most.max(count?)));
    let mut guests = station.guests(instances).await?;
    let came = rebalances()?;
    ensure!(came > 0, "{instances} guests came, and no partition moved");
    for guest in &mut guests {
        guest.kill().await?;
    }
    let missed = wait_until(MISSED_WITHIN, async || {
        let all_are_back = station.partitions().await == u64::from(PARTITIONS);
        Ok((all_are_back && rebalances()? > came).then_some(()))
    });
    missed.await?.with_context(|| format!("the guests of {} are not missed", side.service()))?;
    rebalances()
}

/// Starts all instances of a service so that they end there, and says how many did, by their own words, before all are started as they were.
pub async fn crash(ground: &mut Ground, side: Side, point: Point, pass: u64) -> Result<u64> {
    let at = ("CRASH_AT".to_owned(), format!("{}:{pass}", point.names().0));
    let station = ground.station(side);
    let usual = station.environment();
    let environment: Vec<_> = usual.iter().cloned().chain([at]).collect();
    let last_words = station.instances.iter().map(Listening::to).collect::<Result<Vec<_>>>()?;
    for instance in &mut station.instances {
        instance.restart_with(environment.clone()).await?;
    }
    lead_to(station, point).await?;
    let words = format!("ends at {}, as it was asked to", point.names().0);
    let ended = || last_words.iter().map(|instance| Ok(instance.heard(&words)?.min(1))).sum::<Result<u64>>();
    let crashed = wait_until(CRASHED_WITHIN, async || Ok(Some(ended()?).filter(|ended| *ended > 0))).await?;
    for instance in &mut station.instances {
        instance.restart_with(usual.clone()).await?;
    }
    // The others may have come there meanwhile.
    Ok(if crashed.is_some() { ended()? } else { 0 })
}

/// Some points are passed only when somebody does something.
async fn lead_to(station: &mut Station, point: Point) -> Result<()> {
    match point {
        Point::Stopping => {
            for instance in &mut station.instances {
                instance.wait_ready(READY_WITHIN).await?;
                let status = instance.terminate(STOPPED_WITHIN).await?;
                ensure!(status.is_some_and(|status| !status.success()), "an instance stopped as if nothing was");
            }
            Ok(())
        }
        Point::Revoked => {
            for guest in &mut station.guests(1).await? {
                guest.kill().await?;
            }
            Ok(())
        }
        Point::LanesLocked
        | Point::Claimed
        | Point::BeforeCommit
        | Point::AfterCommit
        | Point::BeforeOffsets
        | Point::AfterOffsets
        | Point::Given
        | Point::Acknowledged
        | Point::Deleted => Ok(()),
    }
}
