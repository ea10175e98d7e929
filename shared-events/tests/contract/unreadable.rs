//! A record that is newer than the reader waits for a newer reader; a broken one waits for a person. Neither is
//! ever taken for something else.

use serde_json::{Value, json};
use shared_events::{CreationFailure, DeliveryFailed, Envelope, Event, Version, wire::Unreadable};

use crate::golden::{Golden, golden, golden_names};

fn check_undecodable(record: &Golden, says: &str) {
    match record.read() {
        Err(Unreadable::Undecodable(why)) => assert!(why.contains(says), "`{why}` does not say `{says}`"),
        Err(Unreadable::UnknownSchema(why)) => panic!("broken, but taken for newer: {why}"),
        Ok(envelope) => panic!("broken ({says}), but read as {envelope:?}"),
    }
}

fn check_unknown_schema(record: &Golden, says: &str) {
    match record.read() {
        Err(Unreadable::UnknownSchema(why)) => assert!(why.contains(says), "`{why}` does not say `{says}`"),
        Err(Unreadable::Undecodable(why)) => panic!("newer, but taken for broken: {why}"),
        Ok(envelope) => panic!("newer ({says}), but read as {envelope:?}"),
    }
}

/// Without one of these nobody can say what happened, to which order, in which place, or why.
const REQUIRED: [&str; 10] = [
    "ce_specversion",
    "ce_id",
    "ce_source",
    "ce_type",
    "ce_time",
    "ce_subject",
    "ce_sequence",
    "ce_correlationid",
    "ce_causationid",
    "ce_dataschema",
];

#[test]
fn a_record_without_one_of_its_headers_is_undecodable_and_says_which() {
    for name in golden_names() {
        for header in REQUIRED {
            check_undecodable(&golden(&name).with(header, None), header);
        }
    }
}

#[test]
fn a_malformed_header_is_undecodable_and_says_which() {
    let malformed = [
        ("ce_specversion", "0.3"),
        ("ce_specversion", ""),
        ("ce_id", "4711"),
        ("ce_id", ""),
        ("ce_subject", "order 12"),
        ("ce_subject", "019abcde-0000-7000-8000"),
        ("ce_time", "yesterday"),
        ("ce_time", "2026-03-01"),
        ("ce_time", "2026-13-01T00:00:00Z"),
        ("ce_sequence", "one"),
        ("ce_sequence", ""),
        ("ce_sequence", "1.5"),
        ("ce_sequence", "0"),
        ("ce_sequence", "-1"),
        ("ce_sequence", "9223372036854775808"),
        ("ce_correlationid", "019abcde-0000-7000-8000-0000000000ff"),
        ("ce_correlationid", "not an order"),
        ("ce_source", "warehouse-service"),
        ("ce_source", ""),
        ("content-type", "text/plain"),
        ("content-type", "application/cloudevents+json"),
    ];
    for name in golden_names() {
        for (header, value) in malformed {
            check_undecodable(&golden(&name).with(header, Some(value)), header);
        }
    }
}

#[test]
fn an_event_from_the_other_service_is_undecodable() {
    let forged = golden("DeliveryDispatched.v1").with("ce_source", Some("order-service"));
    check_undecodable(&forged, "ce_source");
    let forged = golden("OrderCancelled.v1").with("ce_source", Some("delivery-service"));
    check_undecodable(&forged, "ce_source");
}

#[test]
fn an_unknown_type_waits_for_a_newer_program() {
    for unknown in ["OrderAmended", "ordercompleted", "OrderCompleted ", "OrderCompletedV2", ""] {
        let record = golden("OrderCompleted.v1").with("ce_type", Some(unknown));
        check_unknown_schema(&record, unknown);
    }
}

#[test]
fn an_unknown_schema_version_waits_for_a_newer_program() {
    let unknown = ["urn:order-delivery:OrderCompleted:2", "urn:order-delivery:OrderCancelled:1", "", "v1"];
    for schema in unknown {
        let record = golden("OrderCompleted.v1").with("ce_dataschema", Some(schema));
        check_unknown_schema(&record, schema);
    }
}

#[test]
fn an_unknown_type_waits_even_where_its_data_means_nothing_here() {
    let mut record = golden("OrderCompleted.v1").with("ce_type", Some("OrderAmended"));
    record.data = json!(["of", "another", "shape"]);
    check_unknown_schema(&record, "OrderAmended");
}

#[test]
fn a_header_that_is_no_text_is_undecodable_and_says_which() {
    let record = golden("OrderCompleted.v1");
    let data = record.data.to_string();
    for broken in REQUIRED.into_iter().chain(["traceparent", "content-type"]) {
        let header = |name: &str| match record.headers.get(name) {
            Some(_) if name == broken => Some(&[0xC3_u8, 0x28][..]),
            found => found.map(String::as_bytes),
        };
        match Envelope::from_wire(header, data.as_bytes()) {
            Err(Unreadable::Undecodable(why)) => assert!(why.contains(broken), "{why}"),
            Err(Unreadable::UnknownSchema(why)) => panic!("{broken} is broken, but taken for newer: {why}"),
            Ok(envelope) => panic!("{broken} is no text, but read as {envelope:?}"),
        }
    }
}

#[test]
fn data_of_another_shape_is_undecodable() {
    let shapes = [json!(null), json!([]), json!(["customer"]), json!("text"), json!(7)];
    for name in golden_names() {
        let kind = golden(&name).headers["ce_type"].clone();
        for shape in &shapes {
            let mut record = golden(&name);
            record.data = shape.clone();
            check_undecodable(&record, &kind);
        }
    }
}

#[test]
fn data_without_a_field_or_with_a_wrong_one_is_undecodable() {
    let broken: [(&str, &str, Option<Value>); 14] = [
        ("OrderCompleted.v1", "/items", None),
        ("OrderCompleted.v1", "/items/0/quantity", Some(json!(-1))),
        ("OrderCompleted.v1", "/items/0/quantity", Some(json!(1.5))),
        ("OrderCompleted.v1", "/items/0/quantity", Some(json!(4_294_967_296_u64))),
        ("OrderCompleted.v1", "/items/0/weight_g", Some(json!("120"))),
        ("OrderCompleted.v1", "/total/amount_minor", Some(json!("4397"))),
        ("OrderCompleted.v1", "/total/currency", Some(json!("EURO"))),
        ("OrderCompleted.v1", "/delivery_address/country", Some(json!(null))),
        ("OrderCompleted.v1", "/wished_date", Some(json!("2026-02-30"))),
        ("OrderCancelled.v1", "/reason", Some(json!("bored"))),
        ("DeliveryCreated.v1", "/delivery_id", Some(json!("d1"))),
        ("DeliveryFailed.v1.creation", "/reason", Some(json!("lost"))),
        ("DeliveryFailed.v1.transit", "/goods", None),
        ("DeliveryFailed.v1.transit", "/stage", Some(json!("heaven"))),
    ];
    for (name, at, value) in broken {
        let mut record = golden(name);
        replace(&mut record.data, at, value);
        check_undecodable(&record, &golden(name).headers["ce_type"]);
    }
}

/// Puts another value at a JSON pointer, or takes away what is there.
fn replace(data: &mut Value, pointer: &str, value: Option<Value>) {
    let (parent, field) = pointer.rsplit_once('/').expect("a pointer");
    let parent = data.pointer_mut(parent).expect("the parent of what is replaced");
    let fields = parent.as_object_mut().expect("an object");
    let before = match value {
        Some(value) => fields.insert(field.to_owned(), value),
        None => fields.remove(field),
    };
    assert!(before.is_some(), "there was nothing at {pointer}");
}

#[test]
fn data_that_is_no_json_is_undecodable() {
    let record = golden("OrderCancelled.v1");
    for data in [&b""[..], b"{", b"{\"reason\":\"customer\"} and more", b"\xff\xfe", b"reason=customer"] {
        let read = Envelope::from_wire(|name| record.headers.get(name).map(String::as_bytes), data);
        assert!(matches!(read, Err(Unreadable::Undecodable(_))), "{data:?}: {read:?}");
    }
}

#[test]
fn fields_and_headers_that_a_newer_writer_adds_are_ignored() {
    for name in golden_names() {
        let mut newer = golden(&name).with("ce_addedlater", Some("anything"));
        newer.data["added_later"] = json!({ "deep": [1, 2, 3] });
        assert_eq!(newer.read().expect("readable"), golden(&name).read().expect("readable"), "{name}");
    }
}

/// The days that are read where these alternatives stand. Whatever they are, the refusal is.
fn check_alternatives(alternatives: Value, days: &[&str]) {
    let mut record = golden("DeliveryFailed.v1.creation.alternatives");
    record.data["alternatives"] = alternatives.clone();
    let Event::DeliveryFailed(DeliveryFailed::Creation { reason, alternatives: read }) =
        record.read().expect("readable").event
    else {
        panic!("another event")
    };
    let read: Vec<String> = read.iter().map(|slot| slot.date.to_string()).collect();
    assert_eq!(
        (reason, read),
        (CreationFailure::SlotFull, days.iter().map(|day| (*day).to_owned()).collect()),
        "{alternatives}"
    );
}

#[test]
fn of_more_alternatives_than_the_contract_allows_the_first_are_read() {
    let slots = (1..=28).map(|day| json!({ "zone": "berlin-north", "date": format!("2026-03-{day:02}") }));
    let more = slots.chain([json!("and more")]).collect();
    check_alternatives(more, &["2026-03-01", "2026-03-02", "2026-03-03", "2026-03-04", "2026-03-05"]);
}

#[test]
fn alternatives_that_nobody_can_read_are_none_and_the_refusal_is_read_without_them() {
    let slot = |date: &str| json!({ "zone": "berlin-north", "date": date });
    for unreadable in
        [json!(null), json!("tomorrow"), json!(7), json!({ "1": slot("2026-03-01") }), json!([null, [], {}])]
    {
        check_alternatives(unreadable, &[]);
    }
    let between = json!([{ "zone": "berlin-north" }, slot("2026-03-04"), slot("2026-02-30"), slot("2026-03-06")]);
    check_alternatives(between, &["2026-03-04", "2026-03-06"]);
}

#[test]
fn a_record_without_a_content_type_or_with_parameters_is_read() {
    for name in golden_names() {
        for content_type in [None, Some("application/json; charset=utf-8")] {
            let record = golden(&name).with("content-type", content_type);
            assert_eq!(record.read().expect("readable"), golden(&name).read().expect("readable"), "{name}");
        }
    }
}

#[test]
fn the_order_and_the_place_of_a_record_are_known_where_its_data_is_broken() {
    let record = golden("DeliveryDispatched.v1").with("ce_type", Some("DeliveryTeleported")).with("ce_time", None);
    let place = Envelope::place_of(|name| record.headers.get(name).map(String::as_bytes));
    assert_eq!(place, Some((record.key.parse().expect("an id"), Version(2))));
}

#[test]
fn a_record_without_a_place_has_none() {
    for (header, value) in [
        ("ce_subject", None),
        ("ce_subject", Some("?")),
        ("ce_sequence", None),
        ("ce_sequence", Some("0")),
        ("ce_sequence", Some("-3")),
        ("ce_sequence", Some("?")),
    ] {
        let record = golden("DeliveryDispatched.v1").with(header, value);
        let place = Envelope::place_of(|name| record.headers.get(name).map(String::as_bytes));
        assert_eq!(place, None, "{header}: {value:?}");
    }
}
