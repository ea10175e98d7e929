//! The other side of the saga: zones and their slots, couriers, deliveries.

pub mod deadlines;
pub mod domain;
pub mod http;
pub mod reactions;
pub mod requests;
pub mod settings;
pub mod store;

use chassis::Service;
use shared_events::Topic;

use deadlines::DeliveryDeadlines;
use reactions::DeliveryReactions;
use requests::DeliveryRequests;
use settings::DeliverySettings;

/// The service as a canvas: what it is called, what it says, what it listens to, and who answers.
#[must_use]
pub fn service(settings: &DeliverySettings) -> Service<DeliveryRequests, DeliveryReactions, DeliveryDeadlines> {
    let terms = settings.terms();
    Service {
        name: "delivery-service",
        port: 8081,
        migrations: sqlx::migrate!("./migrations"),
        announces_on: Topic::Deliveries,
        listens_to: Topic::Orders,
        longest_wait: terms.longest_wait(),
        requests: DeliveryRequests { terms },
        reactions: DeliveryReactions { terms },
        deadlines: DeliveryDeadlines { terms },
        rules: http::RULES,
        routes: Box::new(move |api| http::routes(api, terms)),
    }
}
