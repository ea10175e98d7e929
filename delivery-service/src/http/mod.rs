//! The routes: what is asked over HTTP becomes a request, and what is shown is made here.

mod couriers;
mod deliveries;
mod journey;
mod options;
mod refusal;
mod stuck;
mod views;
mod zones;

use axum::Router;
use axum::routing::{get, post};
use chassis::Api;
use chassis::access::{Rule, Scope};
use chassis::http::{Form, Name, Problem};

use crate::domain::Terms;
use crate::requests::Request;

pub use views::{CourierView, DeliveryView, ZoneView};

const STAFF: &[Scope] = &[Scope::Staff];
const OFFICE: &[Scope] = &[Scope::Staff, Scope::Operator];
const ON_THE_ROAD: &[Scope] = &[Scope::Courier, Scope::Staff];
const ABOUT_PARCELS: &[Scope] = &[Scope::Courier, Scope::Staff, Scope::Operator];

/// Who may use which route. A courier is narrowed to the parcels that are theirs to bring, where these are read and where anything is done
/// with them.
pub const RULES: &[Rule] = &[
    Rule::new("GET", "/orders/{id}/journey", OFFICE),
    Rule::new("GET", "/stuck", &[Scope::Operator]),
    Rule::new("GET", "/deliveries", ABOUT_PARCELS),
    Rule::new("GET", "/deliveries/{id}", ABOUT_PARCELS),
    Rule::new("POST", "/deliveries/{id}/courier", STAFF),
    Rule::new("POST", "/deliveries/{id}/dispatch", ON_THE_ROAD),
    Rule::new("POST", "/deliveries/{id}/attempts", ON_THE_ROAD),
    Rule::new("POST", "/deliveries/{id}/completion", ON_THE_ROAD),
    Rule::new("POST", "/deliveries/{id}/failure", ON_THE_ROAD),
    Rule::new("GET", "/delivery-options", &[Scope::Customer, Scope::Staff, Scope::Operator]),
    Rule::new("GET", "/zones", OFFICE),
    Rule::new("GET", "/zones/{id}", OFFICE),
    Rule::new("PUT", "/zones/{id}", STAFF),
    Rule::new("GET", "/couriers", OFFICE),
    Rule::new("GET", "/couriers/{id}", OFFICE),
    Rule::new("PUT", "/couriers/{id}", STAFF),
];

/// Every route of this service.
pub fn routes(api: Api<Request>, terms: Terms) -> Router {
    let journeys = journey::Journeys { pool: api.pool.clone(), terms };
    let journeys = Router::new().route("/orders/{id}/journey", get(journey::show)).with_state(journeys);
    Router::new()
        .route("/stuck", get(stuck::list))
        .route("/deliveries", get(deliveries::list))
        .route("/deliveries/{id}", get(deliveries::show))
        .route("/deliveries/{id}/courier", post(deliveries::assign_courier))
        .route("/deliveries/{id}/dispatch", post(deliveries::dispatch))
        .route("/deliveries/{id}/attempts", post(deliveries::attempt))
        .route("/deliveries/{id}/completion", post(deliveries::complete))
        .route("/deliveries/{id}/failure", post(deliveries::fail))
        .route("/delivery-options", get(options::show))
        .route("/zones", get(zones::list))
        .route("/zones/{id}", get(zones::show).put(zones::put))
        .route("/couriers", get(couriers::list))
        .route("/couriers/{id}", get(couriers::show).put(couriers::put))
        .with_state(api)
        .merge(journeys)
}

/// The shop's own names for zones and couriers: they stand in addresses, so they are kept plain.
fn check_name(form: &mut Form, id: &str) {
    if id.parse::<Name>().is_err() {
        form.refuse("id", format!("in the address has to be {}", Name::SHAPE));
    }
}

/// What cannot be the name of anything is not there: the database need not be asked, and some texts it would not take.
fn existing_name(id: &str, what: &str) -> Result<Name, Problem> {
    id.parse().map_err(|_| Problem::not_found(what))
}

#[cfg(test)]
mod fuzz;
