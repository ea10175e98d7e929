//! One side of the saga: catalogue, orders, money and stock.

pub mod deadlines;
pub mod domain;
pub mod http;
pub mod reactions;
pub mod requests;
pub mod settings;
pub mod store;

use chassis::Service;
use shared_events::Topic;

use crate::{deadlines::OrderDeadlines, reactions::OrderReactions, requests::OrderRequests, settings::OrderSettings};

/// The order side: what it is called, what it announces, what it listens to, and what it does about it.
#[must_use]
pub fn service(settings: &OrderSettings) -> Service<OrderRequests, OrderReactions, OrderDeadlines> {
    let (terms, admission) = (settings.terms(), settings.admission());
    Service {
        name: "order-service",
        port: 8080,
        migrations: sqlx::migrate!(),
        announces_on: Topic::Orders,
        listens_to: Topic::Deliveries,
        longest_wait: terms.longest_wait(),
        requests: OrderRequests { terms },
        reactions: OrderReactions { terms },
        deadlines: OrderDeadlines { terms },
        rules: http::RULES,
        routes: Box::new(move |api| http::routes(api, admission)),
    }
}
