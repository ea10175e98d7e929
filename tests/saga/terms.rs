//! What the services are told when nobody tells them anything.

use clap::Parser;
use delivery_service::settings::DeliverySettings;
use order_service::settings::OrderSettings;

/// Only the database has no default.
const DATABASE: &str = "--database-url=postgres://nowhere";

/// The order side's terms by default.
pub(crate) fn order_terms() -> order_service::domain::Terms {
    OrderSettings::try_parse_from(["order-service", DATABASE]).expect("every other setting has a default").terms()
}

/// The delivery side's terms by default.
pub(crate) fn delivery_terms() -> delivery_service::domain::Terms {
    DeliverySettings::try_parse_from(["delivery-service", DATABASE]).expect("every other setting has a default").terms()
}
