//! `sagactl verify`, and the same check at the end of the demo.

use anyhow::{Context, Result};
use sagactl::verify::{self, Options, Report};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;

use crate::args::Verify;
use crate::ending::Ending;
use crate::say::Page;

/// Runs the command.
pub async fn run(args: &Verify) -> Result<Ending> {
    let options = Options { most: args.most, patience: args.patience_seconds };
    let report = check(&args.orders_database, &args.deliveries_database, options).await?;
    let page = Page::new();
    if args.json {
        page.line(serde_json::to_string_pretty(&report)?)?;
    } else {
        page.line(report.to_string().trim_end())?;
    }
    Ok(if report.holds() { Ending::Well } else { Ending::Failed })
}

/// Checks the invariants over these two databases.
pub async fn check(orders: &str, deliveries: &str, options: Options) -> Result<Report> {
    let orders = connect(orders).await.context("order-service's database cannot be reached")?;
    let deliveries = connect(deliveries).await.context("delivery-service's database cannot be reached")?;
    let report = verify::check(&orders, &deliveries, options).await;
    orders.close().await;
    deliveries.close().await;
    report
}

async fn connect(url: &str) -> Result<PgPool> {
    Ok(PgPoolOptions::new().max_connections(1).connect(url).await?)
}
