//! The relay: a full outbox, and nobody who adds to it.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use devstack::{Stack, wait_until};

use super::topic::Topic;
use super::{PATIENCE, is_sent};

/// Starts order-service on these rows and answers how many a second it drains: from the first acknowledged record to the deletion of the
/// last pointer. While records come nobody asks the database.
pub async fn drain(stack: &mut Stack, topic: &Topic, rows: u64) -> Result<f64> {
    ensure!(topic.records().await? == 0, "the topic is not empty");
    stack.order_service.restart().await?;
    let first = wait_until(PATIENCE, async || {
        let records = topic.records().await?;
        Ok((records > 0).then_some(records))
    });
    let first = first.await?.context("no record came")?;
    let began = Instant::now();
    let all = wait_until(PATIENCE, async || Ok((topic.records().await? >= rows).then_some(())));
    all.await?.context("not all records came")?;
    is_sent(stack.order_database_url()).await?;
    Ok(rows.saturating_sub(first) as f64 / began.elapsed().as_secs_f64())
}
