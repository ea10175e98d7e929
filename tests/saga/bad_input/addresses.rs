//! Addresses, methods and headers that make no sense, and requests that the business refuses.

use chassis::clock::fresh_id;
use serde_json::json;
use tests::order_of;

use crate::routes;

use super::{
    case::{Case, Known, Side, writes},
    raw::Raw,
};

pub fn cases(known: &Known) -> Vec<Case> {
    [methods(known), nowhere(known), ids(known), preferences(known), refusals(known)].concat()
}

/// Every route takes its own methods; all others are refused.
fn methods(known: &Known) -> Vec<Case> {
    let methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW", "get", "options"];
    let mut cases = Vec::new();
    for route in routes::all() {
        let (path, takes) = (route.path(known), route.takes());
        for method in methods.iter().filter(|method| !takes.contains(**method)) {
            let raw = Raw::new(method, &path);
            cases.push(Case::problem(format!("{method} {path}"), route.side, raw, 405, "method_not_allowed"));
        }
    }
    cases
}

fn nowhere(known: &Known) -> Vec<Case> {
    let order = &known.order;
    let long = format!("/{}", "x".repeat(20_000));
    let paths = [
        "/",
        "/order",
        "/orders/",
        "//orders",
        "/ORDERS",
        "/orders%2F",
        "/./orders",
        "/orders/../products",
        "/orders;x=1",
        "/%00",
        "/%ff",
        "/health",
        "/health/dead",
        "/admin",
        "/.env",
        "/orders/1/2/3",
        "*",
        &format!("/orders/{order}/teleport"),
        &long,
    ];
    let both = [Side::Orders, Side::Deliveries];
    let cases = both.into_iter().flat_map(|side| paths.map(|path| (side, path)));
    cases
        .map(|(side, path)| {
            let what: String = format!("GET {path}").chars().take(60).collect();
            Case::problem(what, side, Raw::new("GET", path), 404, "no_such_route")
        })
        .collect()
}

/// Names that nothing has, or nothing can have.
fn ids(known: &Known) -> Vec<Case> {
    let stranger = fresh_id().to_string();
    let long = "9".repeat(5_000);
    let mut cases = Vec::new();
    let mut case = |side, method: &str, path: String, body: serde_json::Value| {
        let what: String = format!("{method} {path}").chars().take(80).collect();
        let raw = Raw::new(method, &path);
        let raw = if method == "GET" { raw } else { raw.json(body.to_string()) };
        cases.push(Case::problem(what, side, raw, 404, "not_found"));
    };
    for id in [&stranger, "x", "0", "-1", "%00", "%ff", "%E2%82", "null", "1'%20or%20'1'='1", "%F0%9F%9B%92", &long] {
        case(Side::Orders, "GET", format!("/orders/{id}"), json!({}));
        case(Side::Orders, "POST", format!("/orders/{id}/cancellation"), json!({}));
        case(Side::Orders, "GET", format!("/orders/{id}/journey"), json!({}));
        case(Side::Deliveries, "GET", format!("/orders/{id}/journey"), json!({}));
        case(Side::Orders, "POST", format!("/products/{id}/receipts"), json!({ "quantity": 1 }));
        case(Side::Deliveries, "GET", format!("/deliveries/{id}"), json!({}));
        case(Side::Deliveries, "POST", format!("/deliveries/{id}/dispatch"), json!({}));
        case(Side::Deliveries, "POST", format!("/deliveries/{id}/courier"), json!({ "courier_id": known.courier }));
        case(Side::Deliveries, "POST", format!("/deliveries/{id}/completion"), json!({ "received_by": "Ada" }));
        case(Side::Deliveries, "POST", format!("/deliveries/{id}/attempts"), json!({ "number": 1 }));
        case(Side::Deliveries, "POST", format!("/deliveries/{id}/failure"), json!({ "reason": "lost" }));
        case(Side::Deliveries, "GET", format!("/zones/{id}"), json!({}));
        case(Side::Deliveries, "GET", format!("/couriers/{id}"), json!({}));
        case(Side::Deliveries, "DELETE", format!("/api-keys/{id}"), json!({ "reason": "x" }));
    }
    cases
}

fn preferences(known: &Known) -> Vec<Case> {
    let order = order_of(&[(&known.sku, 1)], "10115").to_string();
    let wrong: [&[u8]; 9] = [
        b"wait=31",
        b"wait=-1",
        b"wait=+1",
        b"wait=",
        b"wait",
        b"wait=1.5",
        b"wait=99999999999999999999",
        b"wait=\xff",
        b"wait=1, wait=2",
    ];
    let with = |value: &[u8]| Raw::new("POST", "/orders").header("prefer", value);
    let mut cases: Vec<_> = wrong
        .iter()
        .map(|value| {
            let what = format!("Prefer: {}", String::from_utf8_lossy(value));
            Case::problem(what, Side::Orders, with(value).json(&order), 400, "invalid_preference")
        })
        .collect();
    let twice = with(b"wait=1").header("prefer", "wait=2").json(&order);
    cases.push(Case::problem("Prefer twice", Side::Orders, twice, 400, "invalid_preference"));
    for (side, method, path, good) in writes(known).into_iter().filter(|(_, method, _, _)| *method == "POST") {
        let raw = Raw::new(method, &path)
            .header("idempotency-key", "a")
            .header("idempotency-key", "b")
            .json(good.to_string());
        let what = format!("{method} {path} under two Idempotency-Keys");
        cases.push(Case::problem(what, side, raw, 400, "invalid_idempotency_key"));
    }
    cases
}

/// Well-formed, and the business says no.
fn refusals(known: &Known) -> Vec<Case> {
    let Known { delivery, sku, zone, courier, .. } = known;
    let place = |what: &str, order: serde_json::Value, status, code| {
        Case::problem(what, Side::Orders, Raw::new("POST", "/orders").json(order.to_string()), status, code)
    };
    let with = |name: &str, value: serde_json::Value| {
        let mut order = order_of(&[(sku, 1)], "10115");
        order[name] = value;
        order
    };
    let staff = |command: &str, body: serde_json::Value, status, code| {
        let raw = Raw::new("POST", &format!("/deliveries/{delivery}/{command}")).json(body.to_string());
        Case::problem(format!("{command} {body}"), Side::Deliveries, raw, status, code)
    };
    let put = |side, path: &str, body: serde_json::Value, code| {
        Case::problem(format!("PUT {path} {body}"), side, Raw::new("PUT", path).json(body.to_string()), 409, code)
    };
    vec![
        place("an unknown sku", order_of(&[(sku, 1), ("NO-SUCH", 1)], "10115"), 422, "unknown_sku"),
        place("more than there is", order_of(&[(sku, 10_000)], "10115"), 409, "out_of_stock"),
        place("a foreign currency", with("currency", json!("USD")), 422, "currency_mismatch"),
        place("another total", with("expected_total", json!(1)), 409, "price_changed"),
        put(
            Side::Orders,
            &format!("/products/{sku}"),
            json!({ "name": "Lamp", "price_minor": 1, "currency": "USD", "weight_g": 1 }),
            "currency_fixed",
        ),
        staff("courier", json!({ "courier_id": "nobody" }), 422, "unknown_courier"),
        staff("courier", json!({ "courier_id": "ä'; drop table couriers" }), 422, "unknown_courier"),
        staff("completion", json!({ "received_by": "Ada" }), 409, "wrong_status"),
        staff("attempts", json!({ "number": 1 }), 409, "wrong_status"),
        staff("failure", json!({ "reason": "lost" }), 409, "reason_does_not_fit"),
        put(
            Side::Deliveries,
            &format!("/zones/{zone}"),
            json!({ "country": "DE", "prefixes": ["1"], "capacity_per_day": 0, "weight_limit_g": 1 }),
            "capacity_below_taken",
        ),
        put(
            Side::Deliveries,
            &format!("/couriers/{courier}"),
            json!({ "name": "Max", "capacity": 0 }),
            "capacity_below_load",
        ),
    ]
}
