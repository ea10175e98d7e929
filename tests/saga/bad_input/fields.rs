//! Fields that are missing, unknown, of the wrong type or out of range: every one is named, and all at once.

use serde_json::{Value, json};

use super::{
    case::{Case, Known, Side, writes},
    raw::Raw,
};

pub fn cases(known: &Known) -> Vec<Case> {
    let mut cases = Vec::new();
    for (side, method, path, good) in writes(known) {
        let mut wrong = wrong_values(method, &path);
        wrong.extend(unknown_fields(&good));
        for (field, value) in wrong {
            let body = replaced(good.clone(), field, &value);
            let what = format!("{method} {path}, {field} = {}", shortened(&value));
            cases.push(Case::fields(what, side, Raw::new(method, &path).json(body.to_string()), &[named(field)]));
        }
    }
    cases.extend(many_at_once(known));
    cases
}

/// Stands for "the field is not there at all".
fn missing() -> Value {
    json!({ "missing": "really" })
}

/// By route: each of these alone is a reason to refuse.
fn wrong_values(method: &str, path: &str) -> Vec<(&'static str, Value)> {
    match path.rsplit('/').next() {
        Some("orders") => [order(), address()].concat(),
        Some("cancellation") => {
            let mut values = optional_texts("/reason", 500);
            values.extend(["queen", ""].map(|by| ("/by", json!(by))));
            // Why is an operator's to say.
            values.extend([("/by", json!(7)), ("/reason", json!("because"))]);
            values
        }
        Some("api-keys") => api_key(),
        Some("receipts") => integers("/quantity", 1, 1_000_000),
        Some("courier") => texts("/courier_id", 64),
        Some("dispatch") => Vec::new(),
        Some("attempts") => {
            let mut values = [integers("/number", 1, 10), optional_texts("/note", 200)].concat();
            values.extend(days().map(|day| ("/date", day)));
            values
        }
        Some("completion") => {
            let mut values = texts("/received_by", 100);
            values.extend(optional_texts("/reference", 200));
            values
        }
        Some("failure") => {
            let values = [json!("bored"), json!(""), json!(7), json!(null), json!("zone_unserved"), missing()];
            values.map(|value| ("/reason", value)).into()
        }
        _ if path.starts_with("/products/") && method == "PUT" => product(),
        _ if path.starts_with("/zones/") => zone(),
        Some("replays") => {
            let rates = integers("/per_second", 1, 1_000).into_iter();
            texts("/reason", 500)
                .into_iter()
                .chain(rates.filter(|(_, rate)| !rate.is_null() && *rate != missing()))
                .collect()
        }
        Some("pauses") => [texts("/reason", 500), texts("/name", 200), integers("/for_s", 1, 2_592_000)].concat(),
        Some("giving-up" | "start" | "end" | "republications") => texts("/reason", 500),
        _ if path.starts_with("/api-keys/") => texts("/reason", 500),
        _ => [texts("/name", 100), integers("/capacity", 0, 1_000_000)].concat(),
    }
}

fn order() -> Vec<(&'static str, Value)> {
    let item = json!({ "sku": "x", "quantity": 1 });
    let items: Vec<_> = (0..101).map(|n| json!({ "sku": format!("x{n}"), "quantity": 1 })).collect();
    let mut values = vec![
        ("/items", json!([])),
        ("/items", json!({})),
        ("/items", json!("x")),
        ("/items", json!(null)),
        ("/items", missing()),
        ("/items", json!(items)),
        ("/items/0", json!("x")),
        ("/items/0", json!(null)),
        ("/items/0", json!([])),
        ("/delivery_address", json!(null)),
        ("/delivery_address", json!([])),
        ("/delivery_address", json!("here")),
        ("/delivery_address", missing()),
        ("/customer_id", missing()),
        ("/items/0/sku", missing()),
    ];
    // The second line has the same article as the first.
    values.push(("/items twice", json!([item, item])));
    let names = ["", " ", "a b", "ä", "a/b", "a\u{0}", "a\n", &"x".repeat(65)].map(Value::from);
    for value in names.into_iter().chain([json!(7), json!(null), json!([]), json!({})]) {
        values.push(("/customer_id", value.clone()));
        values.push(("/items/0/sku", value));
    }
    values.extend(integers("/items/0/quantity", 1, 10_000));
    values.extend(integers("/expected_total", 0, i64::MAX).into_iter().filter(|(_, value)| !is_absent(value)));
    values.extend(currencies());
    values.extend(days().map(|day| ("/slot", day)));
    values
}

/// None of these is a day.
fn days() -> impl Iterator<Item = Value> {
    let days = ["", "tomorrow", "2026-02-30", "2026-13-01", "26-01-01", "+262143-01-01", "2026-12-01T00:00:00Z"];
    days.map(Value::from).into_iter().chain([json!(20_261_201), json!({})])
}

fn address() -> Vec<(&'static str, Value)> {
    let countries =
        ["", "de", "DEU", "D1", "ÄÖ"].map(Value::from).into_iter().chain([json!(null), json!(49), missing()]);
    [
        texts("/delivery_address/recipient", 100),
        texts("/delivery_address/line1", 200),
        optional_texts("/delivery_address/line2", 200),
        texts("/delivery_address/city", 100),
        texts("/delivery_address/postal_code", 16),
        countries.map(|country| ("/delivery_address/country", country)).collect(),
    ]
    .concat()
}

fn product() -> Vec<(&'static str, Value)> {
    [texts("/name", 200), integers("/price_minor", 1, 1_000_000_000), integers("/weight_g", 1, 1_000_000), currencies()]
        .concat()
}

fn zone() -> Vec<(&'static str, Value)> {
    let many = vec!["1"; 201];
    let prefixes = [json!([]), json!({}), json!("1"), json!(null), json!(many), missing()];
    let one_prefix = ["", " ", "-", "1/2", "ä", "12345678901", "1\u{0}"].map(Value::from);
    let one_prefix = one_prefix.into_iter().chain([json!(1), json!(null), json!([])]);
    let countries = ["", "de", "DEU", "D1"].map(Value::from).into_iter().chain([json!(null), json!(49), missing()]);
    [
        integers("/capacity_per_day", 0, 1_000_000),
        integers("/weight_limit_g", 1, 1_000_000_000),
        prefixes.map(|value| ("/prefixes", value)).into(),
        one_prefix.map(|value| ("/prefixes/0", value)).collect(),
        countries.map(|country| ("/country", country)).collect(),
    ]
    .concat()
}

fn api_key() -> Vec<(&'static str, Value)> {
    let scopes = [json!([]), json!({}), json!("staff"), json!(null), json!(vec!["staff"; 5]), missing()];
    let one_scope =
        ["", "Staff", "root", "staff operator", "a\u{0}"].map(Value::from).into_iter().chain([json!(1), json!(null)]);
    let subjects = ["", "a b", "ä", "a\u{0}"].map(Value::from).into_iter().chain([json!(7), json!(null), missing()]);
    [
        texts("/name", 100),
        texts("/reason", 500),
        integers("/valid_days", 1, 365),
        scopes.map(|value| ("/scopes", value)).into(),
        one_scope.map(|value| ("/scopes/0", value)).collect(),
        subjects.map(|subject| ("/subject", subject)).collect(),
    ]
    .concat()
}

fn currencies() -> Vec<(&'static str, Value)> {
    let codes = ["", "eur", "EURO", "ABC", "XAU", "€", "EU\u{0}"].map(Value::from);
    codes.into_iter().chain([json!(978), json!(null), missing()]).map(|code| ("/currency", code)).collect()
}

fn integers(field: &'static str, least: i64, most: i64) -> Vec<(&'static str, Value)> {
    let mut values = vec![
        json!(least - 1),
        json!(i64::MIN),
        json!(1.5),
        json!(1.0),
        json!(1e30),
        json!(u64::MAX),
        json!("1"),
        json!(true),
        json!([1]),
        json!({}),
        json!(null),
        missing(),
    ];
    values.extend(most.checked_add(1).map(|more| json!(more)));
    values.into_iter().map(|value| (field, value)).collect()
}

fn texts(field: &'static str, most: usize) -> Vec<(&'static str, Value)> {
    let mut values = optional_texts(field, most);
    values.extend([(field, json!(null)), (field, missing())]);
    values
}

fn optional_texts(field: &'static str, most: usize) -> Vec<(&'static str, Value)> {
    let long = "ä".repeat(most + 1);
    let texts = ["", "   ", "a\u{0}b", "\u{0}", "a\nb", "\u{1b}[2J", "a\u{7f}", "a\u{85}", &long, &"x".repeat(100_000)];
    let texts = texts.map(Value::from).into_iter();
    texts.chain([json!(7), json!(true), json!(["a"]), json!({})]).map(|value| (field, value)).collect()
}

/// At the top, and in every object below.
fn unknown_fields(good: &Value) -> Vec<(&'static str, Value)> {
    let mut fields = vec![("/colour", json!("red")), ("/id", json!(null)), ("/__proto__", json!({}))];
    if good.get("items").is_some() {
        fields.extend([("/items/0/price", json!(1)), ("/delivery_address/planet", json!("Mars"))]);
    }
    fields
}

fn many_at_once(known: &Known) -> Vec<Case> {
    let nothing = Raw::new("POST", "/orders").json("{}");
    let all_wrong = json!({
        "customer_id": "", "currency": "EURO", "slot": 1, "expected_total": -1, "tip": 1,
        "items": [{ "sku": 1, "quantity": -1, "x": 1 }, { "sku": "a" }, { "sku": "a", "quantity": 1 }, 4],
        "delivery_address": { "recipient": "\u{0}", "line1": 5, "line2": "", "postal_code": " ", "country": "de", "y": 1 }
    });
    let all_wrong_fields = [
        "/customer_id",
        "/currency",
        "/slot",
        "/expected_total",
        "/tip",
        "/items/0/sku",
        "/items/0/quantity",
        "/items/0/x",
        "/items/1/quantity",
        "/items/2/sku",
        "/items/3",
        "/delivery_address/recipient",
        "/delivery_address/line1",
        "/delivery_address/line2",
        "/delivery_address/city",
        "/delivery_address/postal_code",
        "/delivery_address/country",
        "/delivery_address/y",
    ];
    let zone = Raw::new("PUT", "/zones/%00").json(r#"{"prefixes": ["1", "", "!"], "size": 1}"#);
    let product = Raw::new("PUT", "/products/a%20b").json("{}");
    let courier = Raw::new("PUT", &format!("/couriers/{}", "c".repeat(65))).json(r#"{"capacity": "1"}"#);
    let completion = Raw::new("POST", &format!("/deliveries/{}/completion", known.delivery)).body("");
    vec![
        Case::fields(
            "an order that says nothing",
            Side::Orders,
            nothing,
            &["/customer_id", "/currency", "/items", "/delivery_address"],
        ),
        Case::fields(
            "an order without a body",
            Side::Orders,
            Raw::new("POST", "/orders"),
            &["/customer_id", "/currency", "/items", "/delivery_address"],
        ),
        Case::fields(
            "an order that is wrong everywhere",
            Side::Orders,
            Raw::new("POST", "/orders").json(all_wrong.to_string()),
            &all_wrong_fields,
        ),
        Case::fields(
            "a product that is wrong everywhere",
            Side::Orders,
            product,
            &["/sku", "/name", "/price_minor", "/currency", "/weight_g"],
        ),
        Case::fields(
            "a zone that is wrong everywhere",
            Side::Deliveries,
            zone,
            &["/id", "/country", "/prefixes/1", "/prefixes/2", "/capacity_per_day", "/weight_limit_g", "/size"],
        ),
        Case::fields("a courier that is wrong everywhere", Side::Deliveries, courier, &["/id", "/name", "/capacity"]),
        Case::fields("a completion without a body", Side::Deliveries, completion, &["/received_by"]),
    ]
}

/// The body with this value in this place.
fn replaced(mut body: Value, field: &str, value: &Value) -> Value {
    let field = field.strip_suffix(" twice").unwrap_or(field);
    let (parent, name) = field.rsplit_once('/').unwrap_or_default();
    match body.pointer_mut(parent) {
        Some(Value::Object(fields)) if *value == missing() => drop(fields.remove(name)),
        Some(Value::Object(fields)) => drop(fields.insert(name.to_owned(), value.clone())),
        Some(Value::Array(entries)) => entries[0] = value.clone(),
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) | None => {
            panic!("{field} is no place in {body}")
        }
    }
    body
}

/// How the refusal names it.
fn named(field: &'static str) -> &'static str {
    if field == "/items twice" { "/items/1/sku" } else { field }
}

fn is_absent(value: &Value) -> bool {
    value.is_null() || *value == missing()
}

fn shortened(value: &Value) -> String {
    value.to_string().chars().take(60).collect()
}
