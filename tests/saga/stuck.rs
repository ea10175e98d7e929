//! Why an order waits: each cause is produced on real services, and named by the endpoint and by the operator's command.

mod behind;
mod failing;
mod lists;
mod lost;
mod parked;
mod paused;
mod people;
mod unpublished;

use anyhow::{Context, Result, ensure};
use chassis::{clock, messaging::KafkaSettings};
use http::StatusCode;
use sagactl::{
    services::{Services, Side, Sides},
    stuck::{self, Cause, Options, Report, Row},
};
use serde_json::Value;
use tests::{PATIENCE, eventually};

use crate::stage::Stage;

impl Stage {
    async fn cancels(&self, id: &str) {
        let asked = self.shop.cancel(id).await.expect("there is an answer");
        asked.require(StatusCode::ACCEPTED).expect("it is being cancelled");
    }

    /// As the list of a side has it.
    async fn listed(&self, side: Side, id: &str) -> Result<Value> {
        let address = match side {
            Side::OrderService => &self.shop.orders,
            Side::DeliveryService => &self.shop.deliveries,
        };
        let page = self.shop.read(&format!("{address}/stuck?order_id={id}")).await?;
        page["items"].get(0).cloned().with_context(|| format!("{id} is not on the list: {page}"))
    }

    /// Waits until that side's own list names this cause.
    async fn is_listed(&self, side: Side, id: &str, cause: &str) -> Value {
        eventually(&format!("{side} says {cause}"), PATIENCE, async || {
            let item = self.listed(side, id).await?;
            ensure!(item["cause"] == cause, "{item}");
            Ok(item)
        })
        .await
    }

    async fn report(&self, options: &Options) -> Result<Report> {
        let (orders, deliveries) = (Some(self.shop.orders.clone()), Some(self.shop.deliveries.clone()));
        let services = Services::at(Sides { orders, deliveries }, None)?;
        stuck::look(&services, options, clock::now()).await
    }

    /// Waits until the operator's command names this cause, there.
    async fn is_named(&self, id: &str, cause: Cause, at: Side) -> (Row, Report) {
        self.is_named_with(None, id, cause, at).await
    }

    async fn is_named_with(&self, kafka: Option<KafkaSettings>, id: &str, cause: Cause, at: Side) -> (Row, Report) {
        let options = Options { orders: vec![id.parse().expect("an id")], kafka, ..Options::default() };
        eventually(&format!("{cause:?} at {at}"), PATIENCE, async || {
            let report = self.report(&options).await?;
            let [row] = report.rows.as_slice() else { anyhow::bail!("{report}") };
            ensure!((row.cause, row.at) == (cause, at), "{row:?}");
            ensure!(!row.detail.is_empty() && !row.helps.is_empty() && row.age_s.is_some(), "{row:?}");
            Ok((row.clone(), report))
        })
        .await
    }
}
