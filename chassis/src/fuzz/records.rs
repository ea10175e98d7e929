//! Records: what can be read is what was meant, and nothing ends the process.

use std::{fs, path::Path};

use bolero::TypeGenerator;
use serde_json::Value;
use shared_events::{EventKind, wire::Unreadable};

use super::{Edits, INPUTS, edited};
use crate::messaging::Record;

/// What of a good record is damaged, and how.
#[derive(Clone, Debug, TypeGenerator)]
enum Damage {
    Key(Edits),
    NoKey,
    Payload(Edits),
    NoPayload,
    Header { number: u8, edits: Edits },
    HeaderName { number: u8, edits: Edits },
    HeaderOf { number: u8, other: u8 },
    HeaderWithoutValue { number: u8 },
    NoHeader { number: u8 },
    HeaderTwice { number: u8, edits: Edits },
    OtherPayload { golden: u8 },
}

/// The golden records of the contract.
fn golden() -> Vec<(EventKind, Record)> {
    let contract = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared-events/contract");
    let files = fs::read_dir(contract).expect("the contract").map(|file| file.expect("a file").path());
    let mut files: Vec<_> = files.filter(|file| !file.to_string_lossy().contains(".schema.")).collect();
    files.sort();
    files.iter().map(|file| record(&fs::read(file).expect("a golden file"))).collect()
}

fn record(golden: &[u8]) -> (EventKind, Record) {
    let golden: Value = serde_json::from_slice(golden).expect("a golden file is JSON");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let kind: EventKind = text(&golden["headers"]["ce_type"]).parse().expect("a kind of event");
    let headers = golden["headers"].as_object().expect("headers").iter();
    let record = Record {
        topic: kind.topic().name().into(),
        partition: 0,
        offset: 0,
        key: Some(text(&golden["key"]).into()),
        headers: headers.map(|(name, value)| (name.clone(), Some(text(value).into()))).collect(),
        payload: Some(golden["data"].to_string().into()),
    };
    (kind, record)
}

fn damage(record: &mut Record, damage: &Damage, golden: &[(EventKind, Record)]) {
    let count = record.headers.len().max(1);
    let number = |number: u8| usize::from(number) % count;
    match damage {
        Damage::Key(edits) => record.key = record.key.as_ref().map(|key| edited(key, edits).into()),
        Damage::NoKey => record.key = None,
        Damage::Payload(edits) => record.payload = record.payload.as_ref().map(|value| edited(value, edits).into()),
        Damage::NoPayload => record.payload = None,
        Damage::OtherPayload { golden: other } => {
            record.payload.clone_from(&golden[usize::from(*other) % golden.len()].1.payload);
        }
        Damage::HeaderTwice { number: at, edits } => {
            let again = record.headers.get(number(*at)).cloned();
            let again = again.map(|(name, value)| (name, value.map(|value| edited(&value, edits).into())));
            record.headers.splice(number(*at)..number(*at), again);
        }
        Damage::NoHeader { number: at } => {
            let end = record.headers.len().min(number(*at) + 1);
            drop(record.headers.splice(number(*at)..end, []));
        }
        Damage::HeaderOf { number: at, other } => {
            let value = record.headers.get(number(*other)).and_then(|(_, value)| value.clone());
            record.headers.get_mut(number(*at)).into_iter().for_each(|header| header.1.clone_from(&value));
        }
        Damage::HeaderWithoutValue { number: at } => {
            record.headers.get_mut(number(*at)).into_iter().for_each(|header| header.1 = None);
        }
        Damage::Header { number: at, edits } => record.headers.get_mut(number(*at)).into_iter().for_each(|header| {
            header.1 = header.1.as_ref().map(|value| edited(value, edits).into());
        }),
        Damage::HeaderName { number: at, edits } => {
            record.headers.get_mut(number(*at)).into_iter().for_each(|header| {
                header.0 = String::from_utf8_lossy(&edited(header.0.as_bytes(), edits)).into_owned();
            })
        }
    }
}

#[test]
fn every_golden_record_can_be_read() {
    let golden = golden();
    assert!(golden.len() >= 7, "there are some: {}", golden.len());
    for (kind, record) in golden {
        assert_eq!(record.envelope(kind.topic()).expect("it can be read").event.kind(), kind);
    }
}

#[test]
fn a_damaged_record_is_read_as_what_it_says_or_refused() {
    let golden = golden();
    let check = bolero::check!().with_iterations(INPUTS).with_type::<(u8, [Option<Damage>; 2])>();
    check.for_each(|(which, damages)| {
        let (kind, mut record) = golden[usize::from(*which) % golden.len()].clone();
        damages.iter().flatten().for_each(|one| damage(&mut record, one, &golden));
        let place = record.place();
        match record.envelope(kind.topic()) {
            Ok(envelope) => {
                assert_eq!(
                    place,
                    Some((envelope.order_id, envelope.version)),
                    "where it would be parked is where it belongs"
                );
                assert_eq!(
                    record.key.as_deref(),
                    Some(envelope.order_id.to_string().as_bytes()),
                    "its lane is its order's"
                );
                let wire = envelope.to_wire().expect("an envelope has a wire form");
                let headers = wire.headers.iter().map(|(name, value)| (*name, value.as_bytes()));
                let headers: std::collections::HashMap<_, _> = headers.collect();
                let again = shared_events::Envelope::from_wire(|name| headers.get(name).copied(), &wire.data);
                assert_eq!(again.expect("what was read can be read again"), envelope);
            }
            Err(Unreadable::UnknownSchema(why) | Unreadable::Undecodable(why)) => assert!(!why.is_empty()),
        }
    });
}
