//! The pair with one article and one zone, and room for everybody.

use anyhow::ensure;
use http::StatusCode;
use serde_json::Value;
use sqlx::PgPool;
use tests::{Env, PATIENCE, Pair, Service, Shop, eventually, order_of};

/// Both services, and what is asked of them.
pub struct Stage {
    pub pair: Pair,
    pub shop: Shop,
    pub orders: PgPool,
    pub deliveries: PgPool,
}

impl Stage {
    /// The pair as it is by default: nobody is impatient, so that time passes only by hand.
    pub async fn opens(name: &str) -> Self {
        let env = Env::new(name).await;
        let orders = env.order_service().start().await;
        Self::with(env, orders).await
    }

    /// With an order-service of its own kind.
    pub async fn with(env: Env, orders: Service) -> Self {
        let deliveries = env.delivery_service().start().await;
        let pair = Pair { orders, deliveries, env };
        let (shop, (orders, deliveries)) = (pair.shop(), pair.pools());
        shop.sells("A", 100_000).await.expect("pieces");
        shop.serves("berlin", "1", 100_000).await.expect("Berlin is served");
        shop.employs("anna", 5).await.expect("a courier");
        Self { pair, shop, orders, deliveries }
    }

    /// Places an order. Answers with its id.
    pub async fn places(&self) -> String {
        let placed = self.shop.place(&order()).await.expect("there is an answer");
        placed.require(StatusCode::CREATED).expect("the order is placed")["id"].as_str().unwrap_or_default().to_owned()
    }

    pub async fn becomes(&self, id: &str, status: &str) -> Value {
        eventually(&format!("order {id} is {status}"), PATIENCE, async || {
            let order = self.shop.order(id).await?;
            ensure!(order["status"] == status, "{order}");
            Ok(order)
        })
        .await
    }
}

/// One piece of the article.
pub fn order() -> Value {
    order_of(&[("A", 1)], "10115")
}
