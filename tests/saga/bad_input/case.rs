//! One bad request, and what has to come of it.

use anyhow::Result;

use super::raw::Raw;

/// What is there already, and must stay as it is.
#[derive(Clone, Debug)]
pub struct Known {
    pub order: String,
    pub delivery: String,
    pub sku: String,
    pub zone: String,
    pub courier: String,
    pub api_key: String,
}

/// Which of the two is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Orders,
    Deliveries,
}

#[derive(Clone, Debug)]
pub struct Case {
    what: String,
    pub side: Side,
    pub raw: Raw,
    expected: Expected,
}

#[derive(Clone, Debug)]
enum Expected {
    Problem(u16, String),
    /// `invalid_fields`, naming exactly these, in any order.
    Fields(Vec<String>),
    /// `invalid_query`, naming exactly these, in any order.
    Parameters(Vec<String>),
}

impl Case {
    pub fn problem(what: impl Into<String>, side: Side, raw: Raw, status: u16, code: &str) -> Self {
        Self { what: what.into(), side, raw, expected: Expected::Problem(status, code.to_owned()) }
    }

    pub fn fields(what: impl Into<String>, side: Side, raw: Raw, fields: &[&str]) -> Self {
        Self { what: what.into(), side, raw, expected: Expected::Fields(sorted(fields)) }
    }

    pub fn parameters(what: impl Into<String>, side: Side, raw: Raw, parameters: &[&str]) -> Self {
        Self { what: what.into(), side, raw, expected: Expected::Parameters(sorted(parameters)) }
    }

    /// What is wrong with the answer, if anything is.
    pub async fn complaint(&self, address: &str) -> Option<String> {
        match self.judge(address).await {
            Ok(None) => None,
            Ok(Some(instead)) => Some(format!("{} {}: {instead}", self.side.name(), self.what)),
            Err(error) => Some(format!("{} {}: {error:#}", self.side.name(), self.what)),
        }
    }

    async fn judge(&self, address: &str) -> Result<Option<String>> {
        let reply = self.raw.send(address).await?;
        let code = reply.problem();
        let is_right = match &self.expected {
            Expected::Problem(status, expected) => reply.status == *status && code.as_ref() == Some(expected),
            Expected::Fields(expected) => {
                let mut fields = reply.errors("field");
                fields.sort_unstable();
                reply.status == 422 && code.as_deref() == Some("invalid_fields") && fields == *expected
            }
            Expected::Parameters(expected) => {
                let mut parameters = reply.errors("parameter");
                parameters.sort_unstable();
                reply.status == 400 && code.as_deref() == Some("invalid_query") && parameters == *expected
            }
        };
        let answer = format!("{} {} {}", reply.status, reply.content_type, String::from_utf8_lossy(&reply.body));
        Ok((!is_right).then(|| format!("expected {:?}, got {answer}", self.expected)))
    }
}

fn sorted(names: &[&str]) -> Vec<String> {
    let mut names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    names.sort_unstable();
    names
}

impl Side {
    pub fn name(self) -> &'static str {
        match self {
            Side::Orders => "order-service",
            Side::Deliveries => "delivery-service",
        }
    }
}

/// Every route that takes a body, with a good one. None of these is ever sent as it is.
pub fn writes(known: &Known) -> Vec<(Side, &'static str, String, serde_json::Value)> {
    let Known { order, delivery, sku, zone, courier, api_key } = known;
    let on_delivery = |command: &str| format!("/deliveries/{delivery}/{command}");
    vec![
        (Side::Orders, "POST", "/orders".to_owned(), tests::shop::order_of(&[(sku, 1)], "10115")),
        (Side::Orders, "POST", format!("/orders/{order}/cancellation"), serde_json::json!({})),
        (
            Side::Orders,
            "PUT",
            format!("/products/{sku}"),
            serde_json::json!({ "name": "Lamp", "price_minor": 1, "currency": "EUR", "weight_g": 1 }),
        ),
        (Side::Orders, "POST", format!("/products/{sku}/receipts"), serde_json::json!({ "quantity": 1 })),
        (Side::Deliveries, "POST", on_delivery("courier"), serde_json::json!({ "courier_id": courier })),
        (Side::Deliveries, "POST", on_delivery("dispatch"), serde_json::json!({})),
        (
            Side::Deliveries,
            "POST",
            on_delivery("attempts"),
            serde_json::json!({ "number": 1, "note": "x", "date": "2026-12-01" }),
        ),
        (Side::Deliveries, "POST", on_delivery("completion"), serde_json::json!({ "received_by": "Ada" })),
        (Side::Deliveries, "POST", on_delivery("failure"), serde_json::json!({ "reason": "operator" })),
        (
            Side::Deliveries,
            "PUT",
            format!("/zones/{zone}"),
            serde_json::json!({ "country": "DE", "prefixes": ["9"], "capacity_per_day": 1, "weight_limit_g": 1 }),
        ),
        (Side::Deliveries, "PUT", format!("/couriers/{courier}"), serde_json::json!({ "name": "Max", "capacity": 1 })),
        (
            Side::Deliveries,
            "POST",
            "/api-keys".to_owned(),
            serde_json::json!({ "name": "till", "subject": "till-1", "scopes": ["staff"], "valid_days": 1, "reason": "x" }),
        ),
        (Side::Orders, "DELETE", format!("/api-keys/{api_key}"), serde_json::json!({ "reason": "x" })),
    ]
    .into_iter()
    .chain(acts(order))
    .collect()
}

/// What an operator asks for, about something that is not there.
fn acts(id: &str) -> [(Side, &'static str, String, serde_json::Value); 6] {
    let why = || serde_json::json!({ "reason": "a reason" });
    let replay = serde_json::json!({ "cause": "gap", "reason": "a reason" });
    let pause = serde_json::json!({ "what": "consumer", "name": "nobody", "for_s": 1, "reason": "a reason" });
    let again = serde_json::json!({ "order_id": id, "reason": "a reason" });
    [
        (Side::Deliveries, "POST", format!("/parked-events/{id}/giving-up"), why()),
        (Side::Deliveries, "POST", "/replays".to_owned(), replay),
        (Side::Orders, "POST", format!("/replays/{id}/start"), why()),
        (Side::Orders, "POST", "/pauses".to_owned(), pause),
        (Side::Orders, "POST", format!("/pauses/{id}/end"), why()),
        (Side::Orders, "POST", "/republications".to_owned(), again),
    ]
}
