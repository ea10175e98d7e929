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
use chassis::Api;

pub use admission::AdmissionLimits;
pub use refusal::refused;
pub use view::{OrderView, ProductView};

use crate::requests::Request;
use admission::Admission;
use waiting::Waiters;

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
