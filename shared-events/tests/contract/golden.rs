//! `contract/*.json`: one record as it stands in Kafka for each event and version. Written by hand, so that a
//! change of a type or of a header that would break the other side breaks this first.

use std::{collections::BTreeMap, fs, path::PathBuf};

use serde::Deserialize;
use serde_json::{Value, json};
use shared_events::{
    Address, CancellationReason, Cause, CreationFailure, DeliveryCancelled, DeliveryCompleted, DeliveryCreated,
    DeliveryDispatched, DeliveryFailed, Envelope, Event, EventKind, FulfilmentFailure, Goods, Item, Money,
    OrderCancelled, OrderCompleted, OrderId, Proof, Slot, TransitFailure, Version, wire::Wire,
};

/// A golden record: every header, and the data as JSON.
#[derive(Debug, Clone, Deserialize)]
pub struct Golden {
    pub key: String,
    pub headers: BTreeMap<String, String>,
    pub data: Value,
}

impl Golden {
    /// Reads it as a consumer would.
    pub fn read(&self) -> Result<Envelope, shared_events::wire::Unreadable> {
        let data = self.data.to_string();
        Envelope::from_wire(|name| self.headers.get(name).map(String::as_bytes), data.as_bytes())
    }

    /// The same record with another value in one header, or without it.
    pub fn with(&self, header: &str, value: Option<&str>) -> Golden {
        let mut changed = self.clone();
        match value {
            Some(value) => changed.headers.insert(header.to_owned(), value.to_owned()),
            None => changed.headers.remove(header),
        };
        changed
    }
}

/// The folder of golden records and schemas.
pub fn contract() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("contract")
}

/// The golden record of this name.
pub fn golden(name: &str) -> Golden {
    let path = contract().join(format!("{name}.json"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The names of all golden records in the folder.
pub fn golden_names() -> Vec<String> {
    let names = fs::read_dir(contract()).expect("shared-events/contract").map(|file| {
        let name = file.expect("a file").file_name();
        name.to_str().expect("a name in ASCII").to_owned()
    });
    let mut names: Vec<String> = names
        .filter_map(|name| name.strip_suffix(".json").filter(|stem| !stem.ends_with(".schema")).map(str::to_owned))
        .collect();
    names.sort();
    names
}

fn order() -> OrderId {
    "019abcde-0000-7000-8000-00000000000a".parse().expect("an id")
}

fn event_id(last: &str) -> String {
    format!("019abcde-0000-7000-8000-0000000000{last}")
}

/// An envelope of the first order, without a trace.
fn envelope(id: &str, version: i64, time: &str, cause: &str, event: Event) -> Envelope {
    Envelope {
        id: event_id(id).parse().expect("an id"),
        order_id: order(),
        version: Version(version),
        time: time.parse().expect("a time"),
        cause: Cause { id: cause.to_owned(), trace_parent: None },
        event,
    }
}

fn traced(mut envelope: Envelope) -> Envelope {
    envelope.cause.trace_parent = Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned());
    envelope
}

fn item(sku: &str, quantity: u32, weight_g: u32, unit_price_minor: Option<i64>) -> Item {
    Item { sku: sku.to_owned(), quantity, weight_g, unit_price_minor }
}

fn date(text: &str) -> chrono::NaiveDate {
    text.parse().expect("a date")
}

fn full_order() -> OrderCompleted {
    OrderCompleted {
        items: vec![item("TEA-GREEN-100", 2, 120, Some(799)), item("POT-BLUE", 1, 950, Some(2799))],
        total: Money::new(4397, "EUR".parse().expect("a currency")),
        delivery_address: Address {
            recipient: "Zoë Müller".to_owned(),
            line1: "Prenzlauer Allee 1".to_owned(),
            line2: Some("3. OG".to_owned()),
            city: "Berlin".to_owned(),
            postal_code: "10405".to_owned(),
            country: "DE".to_owned(),
        },
        wished_date: Some(date("2026-03-04")),
        customer_id: Some("customer-42".to_owned()),
    }
}

/// Everything that may be left out is left out.
fn least_order() -> OrderCompleted {
    OrderCompleted {
        items: vec![item("TEA-GREEN-100", 1, 120, None)],
        total: Money::new(1500, "JPY".parse().expect("a currency")),
        delivery_address: Address {
            recipient: "佐藤 花子".to_owned(),
            line1: "神南1-1-1".to_owned(),
            line2: None,
            city: "渋谷区".to_owned(),
            postal_code: "150-0041".to_owned(),
            country: "JP".to_owned(),
        },
        wished_date: None,
        customer_id: None,
    }
}

fn created() -> DeliveryCreated {
    DeliveryCreated {
        delivery_id: event_id("d1").parse().expect("an id"),
        slot: Slot { zone: "berlin-north".to_owned(), date: date("2026-03-04") },
        promised_date: date("2026-03-04"),
    }
}

fn alternatives() -> Vec<Slot> {
    ["2026-03-05", "2026-03-09"].map(|day| Slot { zone: "berlin-north".to_owned(), date: date(day) }).to_vec()
}

fn completed() -> DeliveryCompleted {
    let reference = Some("signature/2026/03/04/0042".to_owned());
    DeliveryCompleted { proof: Proof { received_by: "Z. Müller".to_owned(), reference } }
}

/// What each golden record says, in this program's types.
#[rustfmt::skip]
fn meanings() -> Vec<(&'static str, Envelope)> {
    let (placed, cancelled) = (event_id("11"), event_id("13"));
    let mut least = envelope("12", 1, "2026-03-01T09:16:00Z", "req-7f3b", Event::OrderCompleted(least_order()));
    least.order_id = "019abcde-0000-7000-8000-00000000000b".parse().expect("an id");
    let customer = Event::OrderCancelled(OrderCancelled { reason: CancellationReason::Customer });
    let unserved = DeliveryFailed::Creation { reason: CreationFailure::ZoneUnserved, alternatives: vec![] };
    let full = DeliveryFailed::Creation { reason: CreationFailure::SlotFull, alternatives: alternatives() };
    let nobody = DeliveryFailed::Fulfilment { reason: FulfilmentFailure::NoCourier };
    let returned = DeliveryFailed::Transit { reason: TransitFailure::RecipientAbsent, goods: Goods::Returned };
    let dispatched = DeliveryDispatched { courier: "courier-17".to_owned() };
    vec![
        ("OrderCompleted.v1", traced(envelope("11", 1, "2026-03-01T09:15:00.000001Z", "req-7f3a", Event::OrderCompleted(full_order())))),
        ("OrderCompleted.v1.least", least),
        ("OrderCancelled.v1", traced(envelope("13", 2, "2026-03-01T09:20:00.5Z", "req-80c1", customer))),
        ("DeliveryCreated.v1", traced(envelope("21", 1, "2026-03-01T09:15:00.123456Z", &placed, Event::DeliveryCreated(created())))),
        ("DeliveryFailed.v1.creation", traced(envelope("22", 1, "2026-03-01T09:15:00.2Z", &placed, Event::DeliveryFailed(unserved)))),
        ("DeliveryFailed.v1.creation.alternatives", envelope("28", 1, "2026-03-01T09:15:00.3Z", &placed, Event::DeliveryFailed(full))),
        ("DeliveryFailed.v1.fulfilment", envelope("23", 2, "2026-03-03T17:00:00Z", "req-9a01", Event::DeliveryFailed(nobody))),
        ("DeliveryFailed.v1.transit", envelope("24", 3, "2026-03-04T12:30:00Z", "req-9b17", Event::DeliveryFailed(returned))),
        ("DeliveryCancelled.v1", traced(envelope("25", 2, "2026-03-01T09:20:00.7Z", &cancelled, Event::DeliveryCancelled(DeliveryCancelled {})))),
        ("DeliveryDispatched.v1", envelope("26", 2, "2026-03-04T07:05:00Z", "req-9c55", Event::DeliveryDispatched(dispatched))),
        ("DeliveryCompleted.v1", envelope("27", 3, "2026-03-04T10:42:00.999999Z", "req-9d02", Event::DeliveryCompleted(completed()))),
    ]
}

fn as_json(wire: &Wire) -> Value {
    let headers: BTreeMap<&str, &str> = wire.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(headers.len(), wire.headers.len(), "a header is written twice: {wire:?}");
    let data: Value = serde_json::from_slice(&wire.data).expect("JSON");
    json!({ "key": wire.key, "headers": headers, "data": data })
}

#[test]
fn every_golden_record_means_what_the_types_say() {
    for (name, meaning) in meanings() {
        assert_eq!(golden(name).read().unwrap_or_else(|error| panic!("{name}: {error}")), meaning, "{name}");
    }
}

#[test]
fn what_the_types_say_is_written_as_the_golden_record() {
    for (name, meaning) in meanings() {
        let golden = golden(name);
        let written = as_json(&meaning.to_wire().expect("JSON"));
        assert_eq!(written, json!({ "key": golden.key, "headers": golden.headers, "data": golden.data }), "{name}");
    }
}

#[test]
fn no_golden_record_is_left_unread() {
    let mut named: Vec<String> = meanings().into_iter().map(|(name, _)| name.to_owned()).collect();
    named.sort();
    assert_eq!(golden_names(), named);
}

#[test]
fn every_event_has_a_golden_record_of_its_version() {
    for kind in EventKind::ALL {
        let name = format!("{kind}.v{}", kind.schema_version());
        let found = golden_names().iter().any(|golden| *golden == name || golden.starts_with(&format!("{name}.")));
        assert!(found, "contract/{name}.json is missing");
    }
}

#[test]
fn every_stage_of_a_failure_has_a_golden_record() {
    let stages: Vec<Value> = ["creation", "fulfilment", "transit"]
        .map(|stage| golden(&format!("DeliveryFailed.v1.{stage}")).data["stage"].clone())
        .to_vec();
    assert_eq!(stages, [json!("creation"), json!("fulfilment"), json!("transit")]);
}

#[test]
fn the_key_is_the_order_and_so_is_the_correlation() {
    for name in golden_names() {
        let golden = golden(&name);
        assert_eq!(golden.key, golden.headers["ce_subject"], "{name}");
        assert_eq!(golden.key, golden.headers["ce_correlationid"], "{name}");
    }
}
