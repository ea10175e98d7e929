//! The whole topic once more, for a service that has applied all of it.

use std::time::Instant;

use anyhow::{Context, Result};
use devstack::{Stack, wait_until};
use reqwest::Client;

use super::PATIENCE;
use super::topic::{Topic, rewind};

/// How a service counts what it skips.
const DUPLICATES: &str = "inbox_events_total{outcome=\"duplicate\"} ";

/// Starts delivery-service at the beginning of the topic and answers how many records a second it skips: from the first count that it
/// shows to the last.
pub async fn skip(stack: &mut Stack, topic: &Topic) -> Result<f64> {
    let records = topic.records().await?;
    rewind(stack, topic, "delivery-service").await?;
    stack.delivery_service.restart().await?;
    let (http, metrics) = (Client::new(), format!("{}/metrics", stack.delivery_service.url()));
    let at_least = async |least: u64| {
        let skipped = wait_until(PATIENCE, async || {
            let skipped = skipped(&http, &metrics).await?;
            Ok((skipped >= least).then_some(skipped))
        });
        skipped.await?.with_context(|| format!("not {least} records were skipped within {PATIENCE:?}"))
    };
    let first = at_least(1).await?;
    let began = Instant::now();
    let last = at_least(records).await?;
    Ok((last - first) as f64 / began.elapsed().as_secs_f64())
}

/// How many by now; none while the service does not answer yet, or has not skipped any.
async fn skipped(http: &Client, metrics: &str) -> Result<u64> {
    let Ok(answer) = http.get(metrics).send().await else { return Ok(0) };
    let text = answer.text().await?;
    let count = text.lines().find_map(|line| line.strip_prefix(DUPLICATES));
    count.map_or(Ok(0), |count| count.trim().parse().context("the count is no number"))
}
