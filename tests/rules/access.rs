//! Who may use what: every route has a rule, and every rule a route.

use std::collections::BTreeSet;

use chassis::access::{OPERATOR_RULES, Rule, Scope};
use tests::routes::declared;

/// A method and a route.
type Use = (String, String);

fn routes(folder: &str) -> BTreeSet<Use> {
    let of_route =
        |(path, methods): (String, BTreeSet<String>)| methods.into_iter().map(move |method| (method, path.clone()));
    declared(folder).into_iter().flat_map(of_route).collect()
}

fn rules(rules: &[Rule]) -> BTreeSet<Use> {
    rules.iter().map(|rule| (rule.method.to_owned(), rule.path.to_owned())).collect()
}

/// What tells how an instance is, to whoever asks, and nothing else. Nobody is let into anything by adding to this list.
fn probes() -> BTreeSet<Use> {
    let probes = ["/health/live", "/health/ready", "/metrics"];
    probes.map(|path| ("GET".to_owned(), path.to_owned())).into()
}

fn differences(routes: &BTreeSet<Use>, rules: &BTreeSet<Use>) -> Vec<String> {
    let ruleless = routes.difference(rules).map(|(method, path)| format!("{method} {path} has no rule"));
    let routeless = rules.difference(routes).map(|(method, path)| format!("the rule for {method} {path} has no route"));
    ruleless.chain(routeless).collect()
}

#[test]
fn every_route_has_a_rule_and_every_rule_a_route() {
    let of_services =
        [("order-service/src", order_service::http::RULES), ("delivery-service/src", delivery_service::http::RULES)];
    for (folder, its_rules) in of_services {
        let routes = routes(folder);
        assert!(routes.len() > 5, "where are the routes of {folder}?");
        assert_eq!(differences(&routes, &rules(its_rules)), Vec::<String>::new(), "{folder}");
        assert_eq!(rules(its_rules).len(), its_rules.len(), "a route has two rules in {folder}");
    }
    let of_chassis: BTreeSet<Use> = routes("chassis/src").difference(&probes()).cloned().collect();
    assert_eq!(differences(&of_chassis, &rules(&OPERATOR_RULES.concat())), Vec::<String>::new());
}

/// What is the operators' is theirs alone, and whoever brings parcels sees nothing but parcels.
#[test]
fn nobody_may_more_than_their_part() {
    for rule in OPERATOR_RULES.concat() {
        assert_eq!(rule.scopes.names(), ["operator"], "{rule:?}");
    }
    let services = [order_service::http::RULES, delivery_service::http::RULES].concat();
    for rule in services {
        let is_about_parcels = rule.path.starts_with("/deliveries");
        assert!(!rule.scopes.has(Scope::Courier) || is_about_parcels, "{rule:?}");
        let is_about_orders =
            ["/orders", "/products", "/delivery-options"].iter().any(|path| rule.path.starts_with(path));
        let is_a_customers = (rule.method == "GET" || rule.path.starts_with("/orders")) && is_about_orders;
        assert!(!rule.scopes.has(Scope::Customer) || is_a_customers, "{rule:?}");
        let looks = rule.method == "GET" || rule.path == "/orders/{id}/cancellation";
        assert!(!rule.scopes.has(Scope::Operator) || looks, "{rule:?}: operators look, and cancel");
    }
}

#[test]
fn the_rules_of_access_can_fail() {
    let uses =
        |paths: &[&str]| paths.iter().map(|path| ("GET".to_owned(), (*path).to_owned())).collect::<BTreeSet<_>>();
    assert!(differences(&uses(&["/a"]), &uses(&["/a"])).is_empty());
    assert_eq!(differences(&uses(&["/a", "/b"]), &uses(&["/a"])), ["GET /b has no rule"]);
    assert_eq!(differences(&uses(&["/a"]), &uses(&["/a", "/c"])), ["the rule for GET /c has no route"]);
}
