//! What the broker loses, or brings in another order than it took it in.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use devstack::wait_until;
use serde_json::{Value, json};

use super::{STOPPED_WITHIN, wait};
use crate::broker::{self, Record};
use crate::fault::{Side, Unread};
use crate::ground::Ground;

/// How long a service may take to put all that it has ever announced into its outbox once more.
const ANNOUNCED_WITHIN: Duration = Duration::from_secs(180);
/// Before anything was announced.
const EVER: &str = "2020-01-01T00:00:00Z";

/// Plays the runbook: everything stops, the broker begins anew without a record, both sides announce again whatever they have announced.
/// Says how many records were lost.
pub async fn wipe_broker(ground: &mut Ground) -> Result<u64> {
    for side in Side::BOTH {
        for instance in &mut ground.station(side).instances {
            instance.terminate(STOPPED_WITHIN).await?;
        }
    }
    let mut lost = 0;
    for side in Side::BOTH {
        lost += set_aside(ground, side).await?.all.len() as u64;
    }
    ground.kafka.lose_everything().await?;
    for side in Side::BOTH {
        ground.archive.begins_anew(side);
    }
    ground.all_ready().await?;
    for side in Side::BOTH {
        announce_again(ground, side, EVER).await?;
    }
    Ok(lost)
}

/// Kills who reads this side's topic, and takes away what lies there. What was not read comes again in another order, or not at all: then
/// this side is asked to announce it again. Says how many records that were.
pub async fn take_unread(ground: &mut Ground, side: Side, how: Unread, for_ms: u64) -> Result<u64> {
    for reader in &mut ground.station(side.other()).instances {
        reader.kill().await?;
    }
    wait(for_ms).await;
    let Taken { all, unread } = set_aside(ground, side).await?;
    let bootstrap = ground.kafka.bootstrap().to_owned();
    broker::delete(&bootstrap, side.announces_on(), &all).await?;
    match how {
        Unread::Overtaken => {
            let is_poison = |record: &Record| ground.archive.is_poison(side, (record.partition, record.offset));
            let (again, poison): (Vec<_>, Vec<_>) =
                unread.into_iter().rev().map(|one| (one.clone(), is_poison(&one))).unzip();
            let spots = broker::produce(&bootstrap, side.announces_on(), &again).await?;
            ground
                .archive
                .poisoned(side, spots.iter().zip(poison).filter_map(|(spot, is_poison)| is_poison.then_some(*spot)));
            ground.all_ready().await?;
            Ok(again.len() as u64)
        }
        Unread::Dropped => {
            ground.all_ready().await?;
            let times = unread.iter().filter_map(|record| str::from_utf8(record.header("ce_time")?).ok());
            if let Some(first) = times.min() {
                announce_again(ground, side, first).await?;
            }
            Ok(unread.len() as u64)
        }
    }
}

struct Taken {
    all: Vec<Record>,
    /// What lies behind the offsets that the other side has committed.
    unread: Vec<Record>,
}

/// Copies what lies on a topic into the archive.
async fn set_aside(ground: &mut Ground, side: Side) -> Result<Taken> {
    let (bootstrap, topic) = (ground.kafka.bootstrap(), side.announces_on());
    let all = broker::read_all(bootstrap, topic).await?;
    let positions = broker::positions(bootstrap, side.other().service(), topic).await?;
    let read: BTreeMap<i32, i64> =
        positions.iter().map(|position| (position.partition, position.committed.unwrap_or(0))).collect();
    let is_unread = |(partition, offset): (i32, i64)| read.get(&partition).is_none_or(|next| offset >= *next);
    let unread = all.iter().filter(|record| is_unread((record.partition, record.offset))).cloned().collect();
    ground.archive.takes(side, all.clone(), is_unread);
    Ok(Taken { all, unread })
}

/// Asks a service, as an operator would, to announce again what it has announced since, and waits until all of it is in its outbox.
async fn announce_again(ground: &Ground, side: Side, since: &str) -> Result<()> {
    let http = reqwest::Client::builder().timeout(Duration::from_secs(10)).build()?;
    let addresses = ground.addresses(side);
    let url = format!("{}/republications", addresses[0]);
    let asked = json!({ "since": since, "reason": "a broker has lost records" });
    let answer = http.post(&url).json(&asked).send().await?;
    let status = answer.status();
    let said: Value = answer.json().await?;
    ensure!(status.is_success(), "{url} answers {status}: {said}");
    let url = format!("{url}/{}", said["id"].as_str().context("a republication without an id")?);
    let ended = wait_until(ANNOUNCED_WITHIN, async || {
        let now: Value = http.get(&url).send().await?.json().await?;
        Ok((!now["ended_at"].is_null()).then_some(()))
    });
    ended.await?.with_context(|| format!("{url} has not ended within {ANNOUNCED_WITHIN:?}"))
}
