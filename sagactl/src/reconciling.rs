//! `sagactl reconcile`

use anyhow::{Context, Result};
use sagactl::reconcile::{self, Options, Places};
use sagactl::services::Services;

use crate::args::Reconcile;
use crate::checking::connect;
use crate::ending::Ending;
use crate::say::{self, Page};

/// Runs the command.
pub async fn run(args: &Reconcile) -> Result<Ending> {
    let topics = args.kafka.needed()?;
    let orders = connect(&args.orders_database).await.context("order-service's database cannot be reached")?;
    let deliveries =
        connect(&args.deliveries_database).await.context("delivery-service's database cannot be reached")?;
    let bar = say::bar(0, "records read");
    let places = Places { orders: &orders, deliveries: &deliveries, topics: &topics, progress: &bar };
    let options = Options { most_orders: args.most.into(), patience: args.patience_seconds };
    let reconciliation = match args.reason.as_deref().filter(|_| args.mode.apply) {
        Some(reason) => {
            let services = Services::at(args.reach.addresses(), args.reach.credentials.bearer()?)?;
            reconcile::apply(places, &services, reason, options).await?
        }
        None => reconcile::rehearse(places, options).await?,
    };
    let page = Page::new();
    if args.json {
        page.line(serde_json::to_string_pretty(&reconciliation)?)?;
    } else {
        page.line(reconciliation.to_string().trim_end())?;
    }
    Ok(if reconciliation.is_whole() { Ending::Well } else { Ending::Failed })
}
