//! What one part of a service comes to when it has nothing to wait for: everything that it could want is there before it starts.
//!
//! - `relay`: events in order-service's outbox, drained.
//! - `consumer`: the same events in the topic, applied by delivery-service (whose own relay announces what came of them meanwhile).
//! - `replay`: the same topic from its beginning once more, all of it known already.

mod consumer;
mod relay;
mod replay;
mod topic;

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use devstack::{Progress, ServiceProcess, Stack, wait_until};
use sqlx::{Connection, PgConnection};

use crate::cost::most_resident_mb;
use crate::fill;
use crate::options::Options;
use crate::report::{Report, Unit};
use crate::stage::Stage;

use topic::Topic;

/// How long everything together may take that is to be done. Far more than it takes.
const PATIENCE: Duration = Duration::from_secs(600);
pub const READY_WITHIN: Duration = Duration::from_secs(60);
pub const STOPPED_WITHIN: Duration = Duration::from_secs(60);

/// Measures the three, one after the other.
pub async fn measure(options: &Options, progress: &Progress, report: &mut Report) -> Result<()> {
    let mut stage = Stage::raise(options, progress, report).await?;
    let events = options.sized(200_000, 5_000);
    let measured = one_after_the_other(&mut stage.stack, events, report).await;
    // Whatever came of it, nothing is left behind.
    measured.and(stage.strike().await)
}

async fn one_after_the_other(stack: &mut Stack, events: u64, report: &mut Report) -> Result<()> {
    let orders = Topic::of(stack, "orders")?;
    stack.delivery_service.terminate(STOPPED_WITHIN).await?;
    stack.order_service.terminate(STOPPED_WITHIN).await?;
    fill::placed(stack, events).await?;

    let drained = relay::drain(stack, &orders, events).await.context("the relay")?;
    report.add("relay.rows_per_s", drained, Unit::PerSecond);
    report.add("relay.order_service_max_rss_mb", most(&stack.order_service)?, Unit::Mb);
    stack.order_service.terminate(STOPPED_WITHIN).await?;

    let applied = consumer::catch_up(stack, events).await.context("the consumer")?;
    report.add("consumer.records_per_s", applied, Unit::PerSecond);
    report.add("consumer.delivery_service_max_rss_mb", most(&stack.delivery_service)?, Unit::Mb);
    stack.delivery_service.terminate(STOPPED_WITHIN).await?;

    let skipped = replay::skip(stack, &orders).await.context("the replay")?;
    report.add("replay.records_per_s", skipped, Unit::PerSecond);
    report.add("replay.delivery_service_max_rss_mb", most(&stack.delivery_service)?, Unit::Mb);
    all_is_well(stack, events).await
}

/// The most memory that it has had since it was started, in megabytes.
fn most(service: &ServiceProcess) -> Result<f64> {
    most_resident_mb(service.pid().context("a service has ended")?)
}

/// With both at work again, every order gets confirmed: what was measured was the real thing.
async fn all_is_well(stack: &mut Stack, events: u64) -> Result<()> {
    stack.order_service.restart().await?;
    stack.order_service.wait_ready(READY_WITHIN).await?;
    let question = "select count(*) from orders where status = 'confirmed'";
    counts(stack.order_database_url(), question, events).await.context("orders are not confirmed")
}

/// Waits until the answer to this question is so many. Asked seldom: it takes a while to count.
pub async fn counts(database: &str, question: &'static str, expected: u64) -> Result<()> {
    let mut database = PgConnection::connect(database).await?;
    let there = wait_until(PATIENCE, async || {
        let counted: i64 = sqlx::query_scalar(question).fetch_one(&mut database).await?;
        ensure!(counted.unsigned_abs() <= expected, "there are {counted}, but no more than {expected} were expected");
        if counted.unsigned_abs() == expected {
            return Ok(Some(()));
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
        Ok(None)
    });
    there.await?.with_context(|| format!("not {expected} within {PATIENCE:?}: {question}"))
}

/// Waits until nothing is left to be sent.
async fn is_sent(database: &str) -> Result<()> {
    let mut database = PgConnection::connect(database).await?;
    let sent = wait_until(PATIENCE, async || {
        let is_empty: bool =
            sqlx::query_scalar("select not exists (select from outbox)").fetch_one(&mut database).await?;
        Ok(is_empty.then_some(()))
    });
    sent.await?.context("not everything was sent in time")
}
