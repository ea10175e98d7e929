//! What is filled in must be what the services would have left, or what is measured on top of it is something else.

use anyhow::{Context, Result, ensure};
use clap::Parser;
use devstack::Progress;
use sagactl::verify::{self, Options as Verify};
use sqlx::PgPool;

use super::{finished, placed};
use crate::alone::{READY_WITHIN, STOPPED_WITHIN, counts};
use crate::options::Options;
use crate::report::Report;
use crate::stage::Stage;

/// Both databases, looked at by the operator's own command.
async fn whole(stage: &Stage) -> Result<verify::Report> {
    let (orders, deliveries) = (stage.stack.order_database_url(), stage.stack.delivery_database_url());
    let (orders, deliveries) = (PgPool::connect(orders).await?, PgPool::connect(deliveries).await?);
    let report = verify::check(&orders, &deliveries, Verify::default()).await?;
    ensure!(report.holds(), "{report}");
    Ok(report)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_filled_in_holds_every_invariant_and_the_services_go_on_from_there() -> Result<()> {
    let options = Options::try_parse_from(["bench", "--quick"])?;
    let mut stage = Stage::raise(&options, &Progress::hidden(), &mut Report::new(&options)).await?;

    finished(&stage.stack, 1_000).await?;
    // Another time, on top of the first.
    finished(&stage.stack, 60).await?;
    let report = whole(&stage).await.context("finished orders")?;
    ensure!(report.checked.orders == 1_060 && report.waiting.is_empty(), "{report}");
    let misplaced = "select count(*) from event_log_default";
    counts(stage.stack.order_database_url(), misplaced, 0).await.context("events have no partition")?;

    stage.stack.order_service.terminate(STOPPED_WITHIN).await?;
    placed(&stage.stack, 300).await?;
    whole(&stage).await.context("orders that nobody knows of yet")?;
    stage.stack.order_service.restart().await?;
    stage.stack.order_service.wait_ready(READY_WITHIN).await?;
    let confirmed = "select count(*) from orders where status = 'confirmed'";
    counts(stage.stack.order_database_url(), confirmed, 300).await?;
    whole(&stage).await.context("orders that were taken up")?;
    stage.strike().await
}
