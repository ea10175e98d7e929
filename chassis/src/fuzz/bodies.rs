//! Bodies: what is accepted keeps to what was asked for, and what is refused says why.

use axum::{
    body::Body,
    extract::{FromRequest, Request},
};
use futures_util::FutureExt;
use http::{StatusCode, header};
use serde_json::{Value, json};

use super::{Edits, INPUTS, edited};
use crate::http::{Day, Form, Name, Problem};

/// What the forms of both services are made of.
#[derive(Debug)]
struct Read {
    customer: Option<Name>,
    items: Vec<(String, i64)>,
    city: Option<String>,
    tags: Vec<String>,
    slot: Option<Day>,
}

const JSON: &[u8] = b"application/json";

fn good() -> Vec<u8> {
    json!({
        "customer_id": "ada", "slot": "2026-12-01", "tags": ["one", "two"], "delivery_address": { "city": "Zürich" },
        "items": [{ "sku": "MUG", "quantity": 2 }, { "sku": "POT", "quantity": 1 }],
    })
    .to_string()
    .into_bytes()
}

fn read(mut form: Form) -> Result<Read, Problem> {
    let customer = form.parsed::<Name>("customer_id", Name::SHAPE);
    let items = form.list("items", 1..=5, |item| (item.text("sku", 1..=10), item.integer("quantity", 1..=99)));
    let city = form.object("delivery_address", |address| address.text("city", 1..=20));
    let tags = if form.has("tags") { form.texts("tags", 1..=5, 1..=10) } else { vec![] };
    let slot = form.optional_parsed::<Day>("slot", Day::SHAPE);
    form.finish()?;
    Ok(Read { customer, items, city, tags, slot })
}

fn sent(body: &[u8], content_type: &[u8]) -> Option<Result<Read, Problem>> {
    let request = Request::builder().header(header::CONTENT_TYPE, content_type).body(Body::from(body.to_vec())).ok()?;
    let form = Form::from_request(request, &()).now_or_never().expect("all of it has come");
    Some(form.and_then(read))
}

fn is_text(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

#[test]
fn a_damaged_body_is_read_as_what_it_says_or_refused() {
    let good = good();
    assert!(sent(&good, JSON).is_some_and(|read| read.is_ok()));
    let check = bolero::check!().with_iterations(INPUTS).with_type::<(Edits, Option<Edits>)>();
    check.for_each(|(body, content_type)| {
        let body = edited(&good, body);
        let content_type = content_type.as_ref().map_or(JSON.to_vec(), |edits| edited(JSON, edits));
        let Some(read) = sent(&body, &content_type) else { return };
        match read {
            Ok(read) => {
                let says: Value = serde_json::from_slice(&body).expect("what was read is JSON");
                assert_eq!(says["customer_id"], json!(read.customer.expect("it has to be there").0));
                assert!((1..=5).contains(&read.items.len()));
                assert!(read.items.iter().all(|(sku, quantity)| is_text(sku, 10) && (1..=99).contains(quantity)));
                assert!(is_text(&read.city.expect("it has to be there"), 20));
                assert!(read.tags.iter().all(|tag| is_text(tag, 10)));
                assert_eq!(says["slot"].is_null(), read.slot.is_none());
            }
            Err(problem) => {
                let expected = [
                    StatusCode::BAD_REQUEST,
                    StatusCode::PAYLOAD_TOO_LARGE,
                    StatusCode::UNSUPPORTED_MEDIA_TYPE,
                    StatusCode::UNPROCESSABLE_ENTITY,
                ];
                assert!(expected.contains(&problem.status()), "{problem:?}");
                let document: Value = serde_json::from_slice(&problem.to_json()).expect("a problem is JSON");
                assert!(document["detail"].as_str().is_some_and(|detail| !detail.is_empty()));
            }
        }
    });
}
