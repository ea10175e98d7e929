//! Every route of both services with what it takes, read from where they are declared, so that no list has to be kept beside them.

use std::collections::BTreeSet;

use tests::routes::{declared, in_source};

use crate::bad_input::{Known, Side};

/// One address.
#[derive(Clone, Debug)]
pub struct Route {
    /// Who has it.
    pub side: Side,
    /// As it was declared: `/orders/{id}`.
    pub pattern: String,
    /// As they were declared, in capitals.
    pub methods: BTreeSet<String>,
}

impl Route {
    /// An address of something that is there.
    pub fn path(&self, known: &Known) -> String {
        let id = match self.pattern.split('/').nth(1) {
            // Of what operators do there is nothing yet: any id will do.
            Some("orders" | "parked-events" | "pauses" | "replays" | "republications") => &known.order,
            Some("products") => &known.sku,
            Some("deliveries") => &known.delivery,
            Some("zones") => &known.zone,
            Some("api-keys") => &known.api_key,
            _ => &known.courier,
        };
        self.pattern.replace("{id}", id).replace("{sku}", id)
    }

    /// Everything that it takes: what was declared, HEAD with GET, and OPTIONS.
    pub fn takes(&self) -> BTreeSet<String> {
        let head = self.methods.contains("GET").then_some("HEAD");
        self.methods.iter().map(String::as_str).chain(head).chain(["OPTIONS"]).map(str::to_owned).collect()
    }

    /// Whether it answers whoever asks: it tells how the instance is, and nothing else.
    pub fn is_a_probe(&self) -> bool {
        self.pattern.starts_with("/health/") || self.pattern == "/metrics"
    }
}

/// All of them, those that the chassis gives to every service once for each.
pub fn all() -> Vec<Route> {
    let of = |folder: &str, side: Side| {
        declared(folder).into_iter().map(move |(pattern, methods)| Route { side, pattern, methods }).collect::<Vec<_>>()
    };
    let own = [of("order-service/src/http", Side::Orders), of("delivery-service/src/http", Side::Deliveries)];
    let of_both = [of("chassis/src", Side::Orders), of("chassis/src", Side::Deliveries)];
    let all = own.into_iter().chain(of_both).collect::<Vec<_>>().concat();
    assert!(all.len() > 20, "where are the routes? {all:?}");
    all
}

#[test]
fn routes_are_found_where_they_are_declared() {
    let source = "Router::new()\n    .route(\"/a\", get(a::list).post(a::forget))\n    .route(\n        \"/b/{id}\",\n        put(b::put),\n    )\n\
                  #[cfg(test)]\n.route(\"/c\", get(c))";
    let methods = |methods: &[&str]| methods.iter().map(|method| (*method).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(
        in_source(source),
        [("/a".to_owned(), methods(&["GET", "POST"])), ("/b/{id}".to_owned(), methods(&["PUT"]))]
    );
    let all = all();
    let place = all.iter().find(|route| route.pattern == "/orders").expect("orders can be placed");
    assert_eq!(place.takes(), methods(&["GET", "HEAD", "OPTIONS", "POST"]));
    assert_eq!(all.iter().filter(|route| route.pattern == "/health/ready").count(), 2);
}
