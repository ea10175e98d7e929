//! What the order side answers over HTTP. Changes go to the batch that is forming; reads go to the database.

mod admission;
mod journey;
mod orders;
mod prefer;
mod products;
mod refusal;
mod stuck;
mod view;
mod waiting;

use std::sync::Arc;

use axum::{
    Router,
    routing::{get, post, put},
};
use chassis::{
    Api,
    access::{Rule, Scope},
};

pub use admission::AdmissionLimits;
pub use refusal::refused;
pub use view::{OrderView, ProductView};

use crate::requests::Request;
use admission::Admission;
use waiting::Waiters;

const STAFF: &[Scope] = &[Scope::Staff];
const OFFICE: &[Scope] = &[Scope::Staff, Scope::Operator];
const SHOP: &[Scope] = &[Scope::Customer, Scope::Staff, Scope::Operator];

/// Who may use which route. A customer is narrowed to their own orders where these are read, and where they are cancelled.
pub const RULES: &[Rule] = &[
    Rule::new("GET", "/orders/{id}/journey", OFFICE),
    Rule::new("GET", "/stuck", &[Scope::Operator]),
    Rule::new("POST", "/orders", &[Scope::Customer, Scope::Staff]),
    Rule::new("GET", "/orders", SHOP),
    Rule::new("GET", "/orders/{id}", SHOP),
    Rule::new("POST", "/orders/{id}/cancellation", SHOP),
    Rule::new("GET", "/products", SHOP),
    Rule::new("PUT", "/products/{sku}", STAFF),
    Rule::new("POST", "/products/{sku}/receipts", STAFF),
    Rule::new("GET", "/status", OFFICE),
];

/// What every handler gets.
struct Shop {
    api: Api<Request>,
    waiters: Waiters,
    admission: Admission,
}

/// All routes of the order side. Called within the runtime: it starts the tasks that watch orders for those who wait, and what
/// piles up.
pub fn routes(api: Api<Request>, limits: AdmissionLimits) -> Router {
    let (waiters, admission) = (Waiters::start(&api), Admission::start(&api, limits));
    Router::new()
        .route("/orders", post(orders::place).get(orders::list))
        .route("/orders/{id}", get(orders::show))
        .route("/orders/{id}/cancellation", post(orders::cancel))
        .route("/orders/{id}/journey", get(journey::show))
        .route("/stuck", get(stuck::list))
        .route("/products", get(products::list))
        .route("/products/{sku}", put(products::put))
        .route("/products/{sku}/receipts", post(products::receive))
        .route("/status", get(admission::status))
        .with_state(Arc::new(Shop { api, waiters, admission }))
}

#[cfg(test)]
mod fuzz;
