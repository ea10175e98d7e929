//! The faults of one instance.

use std::time::Duration;

use ::tests::Traffic;
use anyhow::{Context, Result};
use devstack::ServiceProcess;

use super::{STOPPED_WITHIN, wait};
use crate::fault::{Fault, Side};
use crate::ground::{Ground, READY_WITHIN};

/// How long an instance is looked at before it is struck: long enough that one which works has done something.
const LOOKED_AT_MS: u64 = 400;
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// What counts as work: requests answered, events of the other side applied, own events sent.
const WORK: [&str; 3] = ["http_request_seconds_count", "inbox_events_total", "outbox_relayed_total"];
/// Requests of those who only look.
const LOOKS: [&str; 2] = ["/health", "/metrics"];

/// The faults of one instance; there are no others here. Says how much it did in the moment before: one that was idle was not hit.
pub async fn hit_instance(ground: &mut Ground, fault: &Fault) -> Result<u64> {
    match *fault {
        Fault::ServiceKilled { side, instance, down_ms } => kill(ground, side, instance, down_ms).await,
        Fault::LeaderKilled { side, down_ms } => {
            let instance = ground.station(side).leader().await?;
            kill(ground, side, instance, down_ms).await
        }
        Fault::KilledWhileCutOff { side, instance, cut_off_ms } => {
            let done = done_just_now(ground, side, instance).await?;
            ground.station(side).to_database.set(Traffic::Vanishes);
            kill_behind_the_cut(ground, side, instance, cut_off_ms).await.map(|()| done)
        }
        Fault::LeaderKilledWhileCutOff { side, cut_off_ms } => {
            let instance = ground.station(side).leader().await?;
            let done = done_just_now(ground, side, instance).await?;
            ground.station(side).to_broker.set(Traffic::Vanishes);
            kill_behind_the_cut(ground, side, instance, cut_off_ms).await.map(|()| done)
        }
        Fault::ServicePaused { side, instance, for_ms } => {
            let done = done_just_now(ground, side, instance).await?;
            ground.station(side).instances[instance].pause()?;
            wait(for_ms).await;
            ground.station(side).instances[instance].resume().map(|()| done)
        }
        Fault::ServiceStopped { side, instance } => {
            let done = done_just_now(ground, side, instance).await?;
            let stopped = &mut ground.station(side).instances[instance];
            stopped.terminate(STOPPED_WITHIN).await?;
            stopped.restart().await.map(|()| done)
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
        | Fault::Flood { .. }
        | Fault::OffsetsDeleted { .. }
        | Fault::Rebalances { .. }
        | Fault::ClockJumps { .. }
        | Fault::KilledWhileMigrating { .. }
        | Fault::CrashAt { .. } => anyhow::bail!("{} hits no instance", fault.kind()),
    }
}

async fn kill(ground: &mut Ground, side: Side, instance: usize, down_ms: u64) -> Result<u64> {
    let done = done_just_now(ground, side, instance).await?;
    let killed = &mut ground.station(side).instances[instance];
    killed.kill().await?;
    wait(down_ms).await;
    killed.restart().await?;
    killed.wait_ready(READY_WITHIN).await?;
    Ok(done)
}

async fn kill_behind_the_cut(ground: &mut Ground, side: Side, instance: usize, cut_off_ms: u64) -> Result<()> {
    wait(cut_off_ms).await;
    let station = ground.station(side);
    station.instances[instance].kill().await?;
    station.mend();
    station.instances[instance].restart().await
}

async fn done_just_now(ground: &mut Ground, side: Side, instance: usize) -> Result<u64> {
    let instance = &ground.station(side).instances[instance];
    let before = done(instance).await?;
    wait(LOOKED_AT_MS).await;
    Ok(done(instance).await?.saturating_sub(before))
}

/// What it has done since it was started, by its own counters.
async fn done(instance: &ServiceProcess) -> Result<u64> {
    let http = reqwest::Client::builder().timeout(ANSWER_WITHIN).build()?;
    let answer = http.get(format!("{}/metrics", instance.url())).send().await?;
    counted(&answer.text().await?)
}

fn counted(metrics: &str) -> Result<u64> {
    let is_work =
        |line: &&str| WORK.iter().any(|name| line.starts_with(name)) && !LOOKS.iter().any(|at| line.contains(at));
    let count = |line: &str| {
        let (_, count) = line.rsplit_once(' ').context("a metric without a value")?;
        count.parse::<u64>().with_context(|| format!("{line} is no count"))
    };
    metrics.lines().filter(is_work).map(count).sum()
}

#[cfg(test)]
mod tests {
    use super::counted;

    #[test]
    fn requests_and_events_are_work_and_who_only_looks_makes_none() {
        let metrics = "# TYPE inbox_events_total counter\ninbox_events_total{outcome=\"applied\"} 3\noutbox_relayed_total 4\n\
                       http_request_seconds_count{method=\"POST\",route=\"/orders\"} 5\nhttp_request_seconds_sum{} 0.25\n\
                       http_request_seconds_count{method=\"GET\",route=\"/health/ready\"} 6\noutbox_unsent 7\n";
        assert_eq!(counted(metrics).expect("counts"), 12);
        assert!(counted("outbox_relayed_total many").is_err());
    }
}
