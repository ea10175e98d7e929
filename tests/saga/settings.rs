//! What the services are told when nobody tells them anything.

use clap::Parser;
use delivery_service::settings::DeliverySettings;
use order_service::settings::OrderSettings;

/// Only the database has no default.
const DATABASE: &str = "--database-url=postgres://nowhere";

/// The order side's settings, with these flags.
pub(crate) fn order_settings(flags: &[&str]) -> OrderSettings {
    let told = ["order-service", DATABASE].iter().chain(flags);
    OrderSettings::try_parse_from(told).expect("every other setting has a default")
}

/// The delivery side's settings, with these flags.
pub(crate) fn delivery_settings(flags: &[&str]) -> DeliverySettings {
    let told = ["delivery-service", DATABASE].iter().chain(flags);
    DeliverySettings::try_parse_from(told).expect("every other setting has a default")
}
