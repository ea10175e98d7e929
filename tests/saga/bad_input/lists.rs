//! Lists that cannot be given as asked for: every parameter that is wrong is named, and all at once.

use std::collections::BTreeSet;

use super::{
    case::{Case, Side},
    raw::Raw,
};

/// A parameter with what it refuses.
type Wrong = (&'static str, &'static [&'static str]);

/// What every list takes, with what each refuses.
const PAGES: [Wrong; 2] = [
    ("limit", &["0", "101", "-1", "", "x", "1.5", "1e1", "%00", "%zz", "%ff", "99999999999999999999"]),
    ("cursor", &["", "%00", "%ff", "a%20b", "%C3%A4"]),
];
const STATUSES: &[&str] = &["", ",", "open", "Delivered", "delivered,", "delivered,open", "delivered%20", "%00", "*"];
const MOMENTS: &[&str] = &[
    "",
    "today",
    "2026",
    "2026-02-30",
    "2026-12-01T08:00",
    "2026-12-01T08:00:00",
    "2026-12-01T25:00:00Z",
    "2026-12-01T08:00:00+01:00",
    "1764576000",
    "%00",
];
const FLAGS: &[&str] = &["", "yes", "1", "TRUE", "late", "true,late_dispatch", "%00"];
const YES_OR_NO: &[&str] = &["", "yes", "1", "True", "%00"];
const COUNTRIES: &[&str] = &["", "de", "DEU", "D1", "%00"];
const IDS: &[&str] = &["", "x", "%00", "1'%20or%20'1'='1"];
const TARGETS: &[&str] = &["", "%00", "a%0Ab"];
const SECONDS: &[&str] = &["", "x", "-1", "1.5", "1e1", "3162240001", "%00"];
const SEVERAL: &[&str] = &["", "x", ",", "019abcde-0000-7000-8000-000000000000,", "%00"];
const NAMES: &[&str] = &["", "a%20b", "%00", "%C3%A4"];

/// Every list, with what it can be narrowed by.
fn lists() -> [(Side, &'static str, Vec<Wrong>); 9] {
    let waiting = || [("older_than_s", SECONDS), ("order_id", SEVERAL), ("cursor", IDS)].to_vec();
    let dated = [("status", STATUSES), ("from", MOMENTS), ("until", MOMENTS), ("attention", FLAGS)];
    [
        (Side::Orders, "/orders", [&dated[..], &[("customer_id", NAMES), ("cursor", IDS)]].concat()),
        (Side::Orders, "/products", vec![("available", YES_OR_NO)]),
        (Side::Deliveries, "/deliveries", [&dated[..], &[("order_id", IDS), ("cursor", IDS)]].concat()),
        (Side::Deliveries, "/zones", vec![("country", COUNTRIES)]),
        (Side::Deliveries, "/couriers", vec![("has_room", YES_OR_NO)]),
        (Side::Deliveries, "/api-keys", vec![("cursor", IDS)]),
        (
            Side::Orders,
            "/operator-actions",
            vec![("who", NAMES), ("action", NAMES), ("target", TARGETS), ("cursor", IDS)],
        ),
        (Side::Orders, "/stuck", waiting()),
        (Side::Deliveries, "/stuck", waiting()),
    ]
}

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (side, path, narrowed) in lists() {
        let parameters = [&PAGES[..], &narrowed].concat();
        let mut case = |query: &str, named: &[&str]| {
            let what: String = format!("GET {path}?{query}").chars().take(90).collect();
            cases.push(Case::parameters(what, side, Raw::new("GET", &format!("{path}?{query}")), named));
        };
        for (name, texts) in &parameters {
            for text in *texts {
                case(&format!("{name}={text}"), &[name]);
            }
            case(&format!("{name}={}", "9".repeat(5_000)), &[name]);
            case(&format!("{name}=1&{name}=1"), &[name]);
            case(name, &[name]);
        }
        let names: BTreeSet<_> = parameters.iter().map(|(name, _)| *name).collect();
        let query: Vec<_> = names.iter().map(|name| format!("{name}=%00")).collect();
        case(&query.join("&"), &Vec::from_iter(names));
        case("page=2&colour=red", &["page", "colour"]);
        case("limit=1&colour=red", &["colour"]);
        case("=", &[""]);
        case("limit=0&cursor=", &["limit", "cursor"]);
    }
    cases.extend(periods());
    cases
}

/// Moments that are good, and no period together.
fn periods() -> Vec<Case> {
    let both = [(Side::Orders, "/orders"), (Side::Deliveries, "/deliveries")];
    let wrong = [
        "from=2026-12-02&until=2026-12-01",
        "from=2026-12-01&until=2026-12-01",
        "from=2026-12-01T00:00:00Z&until=2026-12-01",
        "until=2026-12-01T00:00:00%2B01:00&from=2026-12-01",
    ];
    let cases = both.into_iter().flat_map(|(side, path)| {
        wrong.map(|query| {
            let raw = Raw::new("GET", &format!("{path}?{query}"));
            Case::parameters(format!("GET {path}?{query}"), side, raw, &["until"])
        })
    });
    cases.collect()
}
