//! A small shop: two articles, one zone, two couriers. Moments and ids are counted, not drawn, so every run is alike.

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use delivery_service::domain::{Courier, Couriers, Plan, Terms as DeliveryTerms, Zone};
use order_service::domain::{Catalogue, PlaceOrder, ProductDetails, Terms as OrderTerms, Wanted};
use shared_events::{Address, EventId, Stamp};
use uuid::Uuid;

/// How long orders wait here.
pub const ORDER_TERMS: OrderTerms = OrderTerms {
    outcome: TimeDelta::minutes(10),
    extensions: 3,
    cancellation: TimeDelta::minutes(1),
    late_after: TimeDelta::hours(1),
};

/// How late deliveries may be here.
pub const DELIVERY_TERMS: DeliveryTerms = DeliveryTerms { max_attempts: 3, late_after: TimeDelta::hours(1) };

/// The `n`th moment, with ids that nothing else has.
pub fn stamp(n: u64) -> Stamp {
    let moment = TimeDelta::try_seconds(i64::try_from(n).expect("a small number")).expect("a small number");
    let id = |kind: u128| Uuid::from_u128(0x019a_bcde_0000_7000_8000_0000_0000_0000 + (kind << 40) + u128::from(n));
    Stamp { at: first_moment() + moment, event_id: EventId(id(1)), fresh_id: id(2) }
}

fn first_moment() -> DateTime<Utc> {
    "2026-03-01T08:00:00Z".parse().expect("a moment")
}

/// The day that is so many days after the first moment.
pub fn day(after: u64) -> NaiveDate {
    first_moment().date_naive().checked_add_days(Days::new(after)).expect("a day")
}

/// An address that the zone of [`zone`] serves.
pub fn address() -> Address {
    Address {
        recipient: "Zoë Müller".to_owned(),
        line1: "Prenzlauer Allee 1".to_owned(),
        line2: None,
        city: "Berlin".to_owned(),
        postal_code: "10405".to_owned(),
        country: "DE".to_owned(),
    }
}

/// Two teas and a pot: 2 × 15.00 + 13.97.
pub fn request() -> PlaceOrder {
    let wanted = |sku: &str, quantity| Wanted { sku: sku.to_owned(), quantity };
    PlaceOrder {
        customer_id: "customer-1".to_owned(),
        currency: "EUR".parse().expect("a currency"),
        items: vec![wanted("TEA", 2), wanted("POT", 1)],
        delivery_address: address(),
        wished_date: None,
        expected_total_minor: Some(REQUEST_TOTAL_MINOR),
    }
}

/// What [`request`] costs.
pub const REQUEST_TOTAL_MINOR: i64 = 4_397;

/// A catalogue with so many pieces of both articles.
pub fn catalogue(pieces: u32) -> Catalogue {
    let mut catalogue = Catalogue::default();
    for (sku, price_minor, weight_g) in [("TEA", 1_500, 120), ("POT", 1_397, 950)] {
        let currency = "EUR".parse().expect("a currency");
        let details = ProductDetails { name: sku.to_lowercase(), price_minor, currency, weight_g };
        catalogue.put(sku, details).expect("a new article");
        catalogue.receive(sku, pieces).expect("a known article");
    }
    catalogue
}

/// Berlin, with so many places a day and up to so many grams for a parcel.
pub fn zone(capacity_per_day: i64, weight_limit_g: i64) -> Zone {
    Zone {
        id: "berlin".to_owned(),
        country: "DE".to_owned(),
        prefixes: vec!["10".to_owned()],
        capacity_per_day,
        weight_limit_g,
    }
}

/// A plan of that one zone, with nothing taken.
pub fn plan(capacity_per_day: i64, weight_limit_g: i64) -> Plan {
    Plan::new([zone(capacity_per_day, weight_limit_g)], [])
}

/// Anna and Bo, who can carry so many parcels each.
pub fn couriers(capacity: i64) -> Couriers {
    let courier = |id: &str| Courier { id: id.to_owned(), name: id.to_owned(), capacity, load: 0 };
    Couriers::new([courier("anna"), courier("bo")])
}
