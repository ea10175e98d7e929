//! One side of the saga: catalogue, orders, money and stock.

pub mod domain;
pub mod http;
pub mod reactions;
pub mod requests;
pub mod store;

use chassis::Service;
use shared_events::Topic;

use crate::{reactions::OrderReactions, requests::OrderRequests};

/// The order side: what it is called, what it announces, what it listens to, and what it does about it.
#[must_use]
pub fn service() -> Service<OrderRequests, OrderReactions> {
    Service {
        name: "order-service",
        port: 8080,
        migrations: sqlx::migrate!(),
        announces_on: Topic::Orders,
        listens_to: Topic::Deliveries,
        requests: OrderRequests,
        reactions: OrderReactions,
        routes: http::routes,
    }
}
