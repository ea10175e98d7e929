//! Questions about delivery options that make no sense: every parameter that is wrong is named, and all at once.

use super::{
    case::{Case, Side},
    raw::Raw,
};

const GOOD: [(&str, &str); 4] = [("postal_code", "10115"), ("country", "DE"), ("weight_g", "500"), ("limit", "3")];

pub fn cases() -> Vec<Case> {
    let long = "1".repeat(5_000);
    let wrong: [(&str, Vec<&str>); 4] = [
        ("postal_code", vec!["", "%20", "%20%09", "1%00", "1%0a", "1%7f", "12345678901234567", &long]),
        ("country", vec!["", "de", "DEU", "D1", "%C3%84%C3%96", "%ff", "D%00", &long]),
        ("weight_g", [numbers(), vec!["1000000001", &long]].concat()),
        ("limit", [numbers(), vec!["15", &long]].concat()),
    ];
    let mut cases = Vec::new();
    for (name, texts) in wrong {
        for text in texts {
            let with = |(given, good): (&str, &str)| format!("{given}={}", if given == name { text } else { good });
            cases.push(case(&GOOD.map(with).join("&"), &[name]));
        }
        let twice = format!("{}&{name}=1", good(|_| true));
        cases.push(case(&twice, &[name]));
        if name != "limit" {
            cases.push(case(&good(|given| given != name), &[name]));
        }
    }
    cases.extend([
        case("", &["postal_code", "country", "weight_g"]),
        case("limit=0&weight_g=x&country=de", &["postal_code", "country", "weight_g", "limit"]),
        case(&format!("{}&colour=red&weight=1", good(|_| true)), &["colour", "weight"]),
        case(&format!("{}&=", good(|_| true)), &[""]),
        case(
            &format!("weight_g=-1&{}", "page=1&".repeat(5)),
            &["postal_code", "country", "weight_g", "page", "page", "page", "page", "page"],
        ),
    ]);
    cases
}

fn good(is_given: impl Fn(&str) -> bool) -> String {
    let given = GOOD.iter().filter(|(name, _)| is_given(name));
    given.map(|(name, text)| format!("{name}={text}")).collect::<Vec<_>>().join("&")
}

fn numbers() -> Vec<&'static str> {
    vec!["", "0", "-1", "1.5", "1e3", "x", "%20", "0x1", "%00", "99999999999999999999", "%EF%BC%91"]
}

fn case(query: &str, parameters: &[&str]) -> Case {
    let what: String = format!("GET /delivery-options?{query}").chars().take(90).collect();
    let raw = Raw::new("GET", &format!("/delivery-options?{query}"));
    Case::parameters(what, Side::Deliveries, raw, parameters)
}
