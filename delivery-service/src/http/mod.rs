//! The routes: what is asked over HTTP becomes a request, and what is shown is made here.

mod couriers;
mod deliveries;
mod refusal;
mod views;
mod zones;

use axum::Router;
use axum::routing::{get, post};
use chassis::Api;
use chassis::http::{Form, Problem};

use crate::requests::Request;

pub use views::{CourierView, DeliveryView, ZoneView};

/// Every route of this service.
pub fn routes(api: Api<Request>) -> Router {
    Router::new()
        .route("/deliveries", get(deliveries::list))
        .route("/deliveries/{id}", get(deliveries::show))
        .route("/deliveries/{id}/courier", post(deliveries::assign_courier))
        .route("/deliveries/{id}/dispatch", post(deliveries::dispatch))
        .route("/deliveries/{id}/completion", post(deliveries::complete))
        .route("/deliveries/{id}/failure", post(deliveries::fail))
        .route("/zones/{id}", get(zones::show).put(zones::put))
        .route("/couriers/{id}", get(couriers::show).put(couriers::put))
        .with_state(api)
}

/// The shop's own names for zones and couriers: they stand in addresses, so they are kept plain.
fn check_name(form: &mut Form, id: &str) {
    if !is_name(id) {
        form.refuse("id", "in the address has to be 1 to 64 of A–Z, a–z, 0–9, dot, underscore and hyphen");
    }
}

/// What cannot be the name of anything is not there: the database need not be asked, and some texts it would not take.
fn existing_name<'a>(id: &'a str, what: &str) -> Result<&'a str, Problem> {
    if is_name(id) { Ok(id) } else { Err(Problem::not_found(what)) }
}

fn is_name(id: &str) -> bool {
    (1..=64).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}
