//! `contract/<Event>.v<n>.schema.json`: what the other side may rely on, in a form that every language reads.

use std::{env, fs};

use schemars::{Schema, schema_for};
use serde_json::Value;
use shared_events::{
    DeliveryCancelled, DeliveryCompleted, DeliveryCreated, DeliveryDispatched, DeliveryFailed, EventKind,
    OrderCancelled, OrderCompleted, wire,
};

use crate::golden::{contract, golden, golden_names};

/// Set it to write the files anew from the types, then read the difference before committing it.
const REWRITE: &str = "UPDATE_CONTRACT";

/// The schema that the type generates, named as `ce_dataschema` names it.
fn generated(kind: EventKind) -> Value {
    let mut schema: Schema = match kind {
        EventKind::OrderCompleted => schema_for!(OrderCompleted),
        EventKind::OrderCancelled => schema_for!(OrderCancelled),
        EventKind::DeliveryCreated => schema_for!(DeliveryCreated),
        EventKind::DeliveryFailed => schema_for!(DeliveryFailed),
        EventKind::DeliveryCancelled => schema_for!(DeliveryCancelled),
        EventKind::DeliveryDispatched => schema_for!(DeliveryDispatched),
        EventKind::DeliveryCompleted => schema_for!(DeliveryCompleted),
    };
    schema.insert("$id".to_owned(), wire::data_schema(kind).into());
    schema.to_value()
}

fn file_of(kind: EventKind) -> std::path::PathBuf {
    contract().join(format!("{kind}.v{}.schema.json", kind.schema_version()))
}

fn kept(kind: EventKind) -> Value {
    let path = file_of(kind);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn kind_of(golden: &str) -> EventKind {
    golden.split('.').next().expect("a name").parse().expect("an event's name")
}

#[test]
fn every_event_has_the_schema_that_its_type_generates() {
    for kind in EventKind::ALL {
        let generated = generated(kind);
        if env::var_os(REWRITE).is_some() {
            let text = serde_json::to_string_pretty(&generated).expect("JSON");
            fs::write(file_of(kind), text + "\n").expect("contract/ can be written");
        }
        assert_eq!(kept(kind), generated, "{kind}: is this a breaking change? If not, set {REWRITE}=1 and look again");
    }
}

#[test]
fn no_schema_is_kept_for_what_is_no_event() {
    let mut files: Vec<String> = fs::read_dir(contract())
        .expect("shared-events/contract")
        .map(|file| file.expect("a file").file_name().to_str().expect("ASCII").to_owned())
        .filter(|name| name.ends_with(".schema.json"))
        .collect();
    let mut events: Vec<String> =
        EventKind::ALL.map(|kind| format!("{kind}.v{}.schema.json", kind.schema_version())).to_vec();
    files.sort();
    events.sort();
    assert_eq!(files, events);
}

#[test]
fn every_golden_record_keeps_to_its_schema() {
    for name in golden_names() {
        let schema = jsonschema::validator_for(&kept(kind_of(&name))).expect("a schema");
        let errors: Vec<String> = schema.iter_errors(&golden(&name).data).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{name}: {errors:?}");
    }
}

#[test]
fn a_schema_refuses_data_without_a_field_it_requires() {
    for name in golden_names() {
        let schema = kept(kind_of(&name));
        let validator = jsonschema::validator_for(&schema).expect("a schema");
        let fields: Vec<String> = golden(&name).data.as_object().expect("an object").keys().cloned().collect();
        for field in fields.into_iter().filter(|field| requires(&schema, field)) {
            let mut data = golden(&name).data;
            data.as_object_mut().expect("an object").remove(&field);
            assert!(!validator.is_valid(&data), "{name} without {field}");
        }
    }
}

fn requires(schema: &Value, field: &str) -> bool {
    let required = schema.get("required").and_then(Value::as_array);
    required.is_some_and(|required| required.iter().any(|name| name == field))
}

#[test]
fn a_schema_lets_through_fields_that_a_newer_writer_adds() {
    for name in golden_names() {
        let mut data = golden(&name).data;
        data["added_later"] = Value::from("anything");
        let schema = jsonschema::validator_for(&kept(kind_of(&name))).expect("a schema");
        assert!(schema.is_valid(&data), "{name}");
    }
}
