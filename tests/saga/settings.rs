//! What the services are told when nobody tells them anything.

use clap::Parser;
use delivery_service::settings::DeliverySettings;
use order_service::settings::OrderSettings;
use sqlx::PgPool;
use tests::Env;

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

/// The tables of the order side and those of the delivery side, with nothing in them.
pub(crate) async fn migrated_pair(env: &Env) -> (PgPool, PgPool) {
    let orders = order_service::service(&order_settings(&[])).migrations;
    let deliveries = delivery_service::service(&delivery_settings(&[])).migrations;
    (env.migrated(env.orders_database(), &orders).await, env.migrated(env.deliveries_database(), &deliveries).await)
}

/// `sagactl preflight` asks no service how long it waits: what it takes for granted has to be true of both.
#[test]
fn the_preflight_takes_for_granted_what_the_services_are_told_by_nobody() {
    let longest = order_settings(&[]).terms().longest_wait().max(delivery_settings(&[]).terms().longest_wait());
    assert_eq!(longest.num_seconds().to_string(), sagactl::preflight::LONGEST_WAIT_SECONDS);
}
