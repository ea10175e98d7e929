//! Each body that the delivery side reads, damaged: what is read is what was said, and what is not is refused with the field's name.
//!
//! `cargo test` plays the corpora beside this file (`__fuzz__`) and some thousand inputs more; `scripts/fuzz` goes on from there.

#[path = "../../../chassis/src/fuzz/edits.rs"]
mod edits;
#[path = "../../../chassis/src/fuzz/forms.rs"]
mod forms;

use std::collections::BTreeSet;

use chassis::http::{Form, Problem};
use serde_json::{Value, json};
use shared_events::Proof;

use super::{couriers, deliveries, zones};
use crate::domain::{FailureReason, Zone, normal_postal_code};
use edits::INPUTS;
use forms::{damaged, is_said};

#[test]
fn a_damaged_zone_is_read_as_what_it_says_or_refused() {
    let good = json!({
        "country": "DE", "prefixes": ["50", "51 1", "sw1-a"], "capacity_per_day": 40, "weight_limit_g": 30_000,
    });
    let holds = |zone: &Zone, says: &Value| {
        let said = says["prefixes"].as_array().into_iter().flatten().map(|text| text.as_str().unwrap_or_default());
        let normal: BTreeSet<String> = said.map(normal_postal_code).collect();
        let heard = json!({
            "country": zone.country, "prefixes": says["prefixes"], "capacity_per_day": zone.capacity_per_day,
            "weight_limit_g": zone.weight_limit_g,
        });
        zone.prefixes.iter().eq(&normal) && is_said(heard, says)
    };
    let read = |form: Form| -> Result<Zone, Problem> { zones::read_zone("cologne".to_owned(), form) };
    bolero::check!().with_iterations(INPUTS).with_type().for_each(damaged(&good, read, holds));
}

#[test]
fn a_damaged_courier_is_read_as_what_it_says_or_refused() {
    let good = json!({ "name": "Anna", "capacity": 12 });
    let read = |form: Form| couriers::read_courier("anna", form);
    let holds =
        |(name, capacity): &(String, i64), says: &Value| is_said(json!({ "name": name, "capacity": capacity }), says);
    bolero::check!().with_iterations(INPUTS).with_type().for_each(damaged(&good, read, holds));
}

#[test]
fn a_damaged_assignment_is_read_as_what_it_says_or_refused() {
    let good = json!({ "courier_id": "anna" });
    let holds = |courier: &String, says: &Value| is_said(json!({ "courier_id": courier }), says);
    bolero::check!().with_iterations(INPUTS).with_type().for_each(damaged(&good, deliveries::read_assignment, holds));
}

#[test]
fn a_damaged_attempt_is_read_as_what_it_says_or_refused() {
    let good = json!({ "number": 2, "note": "Nobody there.", "date": "2026-12-01" });
    let holds = |(number, note, date): &deliveries::Attempted, says: &Value| {
        is_said(json!({ "number": number, "note": note, "date": date }), says)
    };
    bolero::check!().with_iterations(INPUTS).with_type().for_each(damaged(&good, deliveries::read_attempt, holds));
}

#[test]
fn a_damaged_proof_is_read_as_what_it_says_or_refused() {
    let good = json!({ "received_by": "Ada Müller", "reference": "S-4711" });
    let holds = |proof: &Proof, says: &Value| {
        is_said(json!({ "received_by": proof.received_by, "reference": proof.reference }), says)
    };
    bolero::check!().with_iterations(INPUTS).with_type().for_each(damaged(&good, deliveries::read_proof, holds));
}

#[test]
fn a_damaged_failure_is_read_as_what_it_says_or_refused() {
    let good = json!({ "reason": FailureReason::NoCourier.name() });
    let holds = |reason: &FailureReason, says: &Value| is_said(json!({ "reason": reason.name() }), says);
    bolero::check!().with_iterations(INPUTS).with_type().for_each(damaged(&good, deliveries::read_failure, holds));
}
