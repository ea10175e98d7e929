//! Why an order waits: each cause is produced on real services, and named by the endpoint and by the operator's command.

mod behind;
mod failing;
mod lists;
mod lost;
mod parked;
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
use sqlx::PgPool;
use tests::{Env, PATIENCE, Pair, Service, Shop, eventually, order_of};

/// The pair with one article and one zone, and room for everybody.
struct Stage {
    pair: Pair,
    shop: Shop,
    orders: PgPool,
    deliveries: PgPool,
}

impl Stage {
    async fn opens(name: &str) -> Self {
        let env = Env::new(name).await;
        let orders = env.order_service().start().await;
        Self::with(env, orders).await
    }

    /// With an order-service of its own kind.
    async fn with(env: Env, orders: Service) -> Self {
        let deliveries = env.delivery_service().start().await;
        let pair = Pair { orders, deliveries, env };
        let (shop, (orders, deliveries)) = (pair.shop(), pair.pools());
        shop.sells("A", 100_000).await.expect("pieces");
        shop.serves("berlin", "1", 100_000).await.expect("Berlin is served");
        shop.employs("anna", 5).await.expect("a courier");
        Self { pair, shop, orders, deliveries }
    }

    /// Places an order. Answers with its id.
    async fn places(&self) -> String {
        let placed = self.shop.place(&order_of(&[("A", 1)], "10115")).await.expect("there is an answer");
        placed.require(StatusCode::CREATED).expect("the order is placed")["id"].as_str().unwrap_or_default().to_owned()
    }

    async fn becomes(&self, id: &str, status: &str) -> Value {
        eventually(&format!("order {id} is {status}"), PATIENCE, async || {
            let order = self.shop.order(id).await?;
            ensure!(order["status"] == status, "{order}");
            Ok(order)
        })
        .await
    }

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
