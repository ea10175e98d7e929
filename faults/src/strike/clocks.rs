//! A clock that is wrong: nothing that two parties have to agree on may hang on it.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use sqlx::PgPool;

use super::wait;
use crate::fault::Side;
use crate::ground::Ground;

/// Says how many events were announced under a time that was never real.
pub async fn jump(ground: &mut Ground, side: Side, by_s: i64, for_ms: u64) -> Result<u64> {
    let clock = ground.station(side).clock.clone();
    let before = announced_then(ground.pool(side), by_s).await?;
    set(&clock, by_s)?;
    wait(for_ms).await;
    set(&clock, 0)?;
    Ok((announced_then(ground.pool(side), by_s).await? - before).unsigned_abs())
}

/// Renamed into its place: nobody reads half of it.
fn set(clock: &Path, off_by_s: i64) -> Result<()> {
    let beside = clock.with_extension("next");
    fs::write(&beside, off_by_s.to_string())?;
    fs::rename(beside, clock).context("the clock cannot be moved")
}

/// Events whose time is as far from now as the clock is off, give or take a quarter of an hour.
async fn announced_then(pool: &PgPool, by_s: i64) -> Result<i64> {
    let count = "select count(*) from event_log
                 where abs(extract(epoch from occurred_at - now()) - $1::bigint) < 900";
    Ok(sqlx::query_scalar(count).bind(by_s).fetch_one(pool).await?)
}
