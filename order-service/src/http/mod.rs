//! What the order side answers over HTTP. Changes go to the batch that is forming; reads go to the database.

mod fields;
mod orders;
mod prefer;
mod products;
mod refusal;
mod view;
mod waiting;

use axum::{
    Router,
    routing::{get, post, put},
};
use chassis::Api;

pub use refusal::refused;
pub use view::{OrderView, ProductView};

use crate::requests::Request;
use waiting::Waiters;

/// What every handler gets.
#[derive(Clone)]
struct Shop {
    api: Api<Request>,
    waiters: Waiters,
}

/// All routes of the order side. Called within the runtime: it starts the task that watches orders for those who wait.
pub fn routes(api: Api<Request>) -> Router {
    let waiters = Waiters::start(&api);
    Router::new()
        .route("/orders", post(orders::place).get(orders::list))
        .route("/orders/{id}", get(orders::show))
        .route("/orders/{id}/cancellation", post(orders::cancel))
        .route("/products", get(products::list))
        .route("/products/{sku}", put(products::put))
        .route("/products/{sku}/receipts", post(products::receive))
        .with_state(Shop { api, waiters })
}
