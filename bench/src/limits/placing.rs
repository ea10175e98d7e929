//! The work of placing an order, told once: what L1 and L2 send to PostgreSQL, and L3 to Kafka.
//!
//! The statements are order-service's own (`order-service/src/store/`, `chassis/src/http/idempotency.rs`,
//! `chassis/src/messaging/outbox.rs`), with `values` where the service has `unnest` for a batch: for one row that is
//! quicker, and a limit should be as high as can be. A test places one order through the service and one through here,
//! and compares what is in the tables then.

use anyhow::Result;
use chrono::{DateTime, Utc};
use shared_events::{
    Address, Cause, Envelope, Event, EventId, Item, Money, OrderCompleted, OrderId, Version, wire::data_schema,
};
use uuid::Uuid;

/// A script for pgbench: the transaction that places one order.
pub const ONE: &str = include_str!("placing/one.sql");
/// The same for a hundred orders.
pub const HUNDRED: &str = include_str!("placing/hundred.sql");
/// What the caller is answered, and is kept under the key.
pub const ANSWER: &str = include_str!("placing/answer.json");

/// What the scripts call by name: pgbench sends these as parameters, each time anew.
pub fn variables() -> Result<[(&'static str, String); 5]> {
    let event = Event::OrderCompleted(order()?);
    Ok([
        ("customer", "customer-123".to_owned()),
        ("address", serde_json::to_string(&address())?),
        ("data_schema", data_schema(event.kind())),
        ("data", hex(&event.to_json()?)),
        ("body", hex(ANSWER.as_bytes())),
    ])
}

/// What announces such an order.
pub fn envelope(id: Uuid, at: DateTime<Utc>) -> Result<Envelope> {
    Ok(Envelope {
        id: EventId(id),
        order_id: OrderId(id),
        version: Version(1),
        time: at,
        cause: Cause { id: id.to_string(), trace_parent: None },
        event: Event::OrderCompleted(order()?),
    })
}

fn order() -> Result<OrderCompleted> {
    let item =
        |sku: &str, quantity| Item { sku: sku.to_owned(), quantity, weight_g: 500, unit_price_minor: Some(1_999) };
    Ok(OrderCompleted {
        items: vec![item("ARTICLE-017", 1), item("ARTICLE-042", 2)],
        total: Money::new(5_997, "EUR".parse()?),
        delivery_address: address(),
        wished_date: None,
        customer_id: Some("customer-17".to_owned()),
    })
}

fn address() -> Address {
    Address {
        recipient: "Ada Lovelace".to_owned(),
        line1: "Harbour Street 1".to_owned(),
        line2: None,
        city: "Hamburg".to_owned(),
        postal_code: "20457".to_owned(),
        country: "DE".to_owned(),
    }
}

/// Bytes as PostgreSQL reads them.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold("\\x".to_owned(), |text, byte| text + &format!("{byte:02x}"))
}
