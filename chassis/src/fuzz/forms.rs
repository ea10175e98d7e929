//! A body that is damaged, and what a reader makes of it. The services' tests of what they read take this as well.

use axum::{
    body::Body,
    extract::{FromRequest, Request},
};
use futures_util::FutureExt;
use http::{StatusCode, header};
use serde_json::{Map, Value};

use super::{
    Form, Problem,
    edits::{Edits, edited},
};

const JSON: &[u8] = b"application/json";

/// What is done to a body, and perhaps to what it is said to be.
pub type Damage = (Edits, Option<Edits>);

/// Damages a good body and has it read. What is accepted has to hold against what the body says, nulls left out; what is refused says why.
pub fn damaged<T>(
    good: &Value,
    read: impl Fn(Form) -> Result<T, Problem>,
    holds: impl Fn(&T, &Value) -> bool,
) -> impl Fn(&Damage) {
    let good = good.to_string().into_bytes();
    let whole = sent(&good, JSON).expect("a request").and_then(&read);
    assert!(whole.is_ok_and(|whole| holds(&whole, &said(&good))), "undamaged, it is read as it is");
    move |(body, content_type)| {
        let body = edited(&good, body);
        let content_type = content_type.as_ref().map_or(JSON.to_vec(), |edits| edited(JSON, edits));
        let Some(form) = sent(&body, &content_type) else { return };
        match form.and_then(&read) {
            Ok(read) => assert!(holds(&read, &said(&body)), "{}", String::from_utf8_lossy(&body)),
            Err(problem) => assert_says_why(&problem, &body),
        }
    }
}

fn sent(body: &[u8], content_type: &[u8]) -> Option<Result<Form, Problem>> {
    let request = Request::builder().header(header::CONTENT_TYPE, content_type).body(Body::from(body.to_vec())).ok()?;
    Some(Form::from_request(request, &()).now_or_never().expect("all of it has come"))
}

/// Nothing at all says as much as an object without fields.
fn said(body: &[u8]) -> Value {
    if body.is_empty() {
        return Value::Object(Map::new());
    }
    without_nulls(serde_json::from_slice(body).expect("what was read is JSON"))
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let said = fields.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(said.map(|(name, value)| (name, without_nulls(value))).collect())
        }
        Value::Array(values) => Value::Array(values.into_iter().map(without_nulls).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
    }
}

/// Whether that is what was heard, without what is null because nothing was said.
pub fn is_said(heard: Value, says: &Value) -> bool {
    without_nulls(heard) == *says
}

fn assert_says_why(problem: &Problem, body: &[u8]) {
    let document: Value = serde_json::from_slice(&problem.to_json()).expect("a problem is JSON");
    assert!(document["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{problem:?}");
    if problem.status() == StatusCode::UNPROCESSABLE_ENTITY {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let errors = document["errors"].as_array().expect("a list");
        assert!(!errors.is_empty() && errors.iter().all(|error| names_a_field(error, &body)), "{problem:?}");
    } else {
        let expected = [StatusCode::BAD_REQUEST, StatusCode::PAYLOAD_TOO_LARGE, StatusCode::UNSUPPORTED_MEDIA_TYPE];
        assert!(expected.contains(&problem.status()), "{problem:?}");
    }
}

/// A field that is there, or one that is missing where others are.
fn names_a_field(error: &Value, body: &Value) -> bool {
    let (Some(field), Some(detail)) = (error["field"].as_str(), error["detail"].as_str()) else { return false };
    let beside = field.rsplit_once('/').is_some_and(|(around, _)| body.is_null() || body.pointer(around).is_some());
    // A name that nobody asked for is shown shortened.
    let is_elsewhere = ["is missing", "is not a field of this request"].contains(&detail);
    body.pointer(field).is_some() || (is_elsewhere && beside)
}
