//! `sagactl verify`, and the same check at the end of the demo.

use std::time::Duration;

use anyhow::{Context, Result};
use sagactl::services::Sides;
use sagactl::topics::KafkaSettings;
use sagactl::verify::{self, Options, Report};
use sqlx::postgres::PgPoolOptions;
use sqlx::{Connection, PgConnection, PgPool};
use tokio::time::timeout;

use crate::args::Verify;
use crate::ending::Ending;
use crate::say::{self, Page};

const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Runs the command.
pub async fn run(args: &Verify) -> Result<Ending> {
    let report = look(args).await?;
    let page = Page::new();
    if args.json {
        page.line(serde_json::to_string_pretty(&report)?)?;
    } else {
        page.line(report.to_string().trim_end())?;
    }
    Ok(match (report.holds(), report.is_whole()) {
        (false, _) => Ending::Failed,
        (true, false) => Ending::CouldNotLook,
        (true, true) => Ending::Well,
    })
}

/// Checks the invariants over as much as there is of what is named.
async fn look(args: &Verify) -> Result<Report> {
    let options = Options { most: args.most, patience: args.patience_seconds };
    let topics = if args.topics { args.kafka.settings() } else { None };
    let orders = named(args.orders_database.as_deref(), "--orders-database").await;
    let deliveries = named(args.deliveries_database.as_deref(), "--deliveries-database").await;
    let databases = Sides { orders, deliveries };
    let bar = say::bar(0, "records read");
    let report = verify::check_what_is_there(databases, topics.as_ref().map(|topics| (topics, &bar)), options).await;
    bar.finish_and_clear();
    report
}

async fn named(database: Option<&str>, flag: &str) -> Result<PgPool> {
    connect(database.with_context(|| format!("{flag} is missing"))?).await
}

/// Checks the invariants over these two databases, and over these topics where they are told.
pub async fn check(orders: &str, deliveries: &str, topics: Option<&KafkaSettings>, options: Options) -> Result<Report> {
    let orders = connect(orders).await.context("order-service's database cannot be reached")?;
    let deliveries = connect(deliveries).await.context("delivery-service's database cannot be reached")?;
    let report = match topics {
        None => verify::check(&orders, &deliveries, options).await,
        Some(topics) => {
            let bar = say::bar(0, "records read");
            let report = verify::check_with_topics(&orders, &deliveries, topics, &bar, options).await;
            bar.finish_and_clear();
            report
        }
    };
    orders.close().await;
    deliveries.close().await;
    report
}

/// A pool tries until its time is up and then only says so; a single connection says what is wrong.
pub async fn connect(url: &str) -> Result<PgPool> {
    let first = timeout(ANSWER_WITHIN, PgConnection::connect(url)).await;
    first.with_context(|| format!("it does not answer within {ANSWER_WITHIN:?}"))??.close().await?;
    Ok(PgPoolOptions::new().max_connections(1).connect_lazy(url)?)
}
