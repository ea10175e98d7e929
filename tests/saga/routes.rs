//! Every route of both services with what it takes, read from where they are declared, so that no list has to be kept beside them.

use std::{collections::BTreeSet, fs, path::Path};

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
            Some("orders") => &known.order,
            Some("products") => &known.sku,
            Some("deliveries") => &known.delivery,
            Some("zones") => &known.zone,
            _ => &known.courier,
        };
        self.pattern.replace("{id}", id).replace("{sku}", id)
    }

    /// Everything that it takes: what was declared, HEAD with GET, and OPTIONS.
    pub fn takes(&self) -> BTreeSet<String> {
        let head = self.methods.contains("GET").then_some("HEAD");
        self.methods.iter().map(String::as_str).chain(head).chain(["OPTIONS"]).map(str::to_owned).collect()
    }
}

/// All of them, those that the chassis gives to every service once for each.
pub fn all() -> Vec<Route> {
    let of = |folder: &str, side: Side| {
        declared(folder).into_iter().map(move |(pattern, methods)| Route { side, pattern, methods }).collect::<Vec<_>>()
    };
    let own = [of("order-service", Side::Orders), of("delivery-service", Side::Deliveries)];
    let probes = [of("chassis", Side::Orders), of("chassis", Side::Deliveries)];
    let all = own.into_iter().chain(probes).collect::<Vec<_>>().concat();
    assert!(all.len() > 20, "where are the routes? {all:?}");
    all
}

fn declared(name: &str) -> Vec<(String, BTreeSet<String>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name).join("src/http");
    let files = fs::read_dir(&folder).expect("the routes of a crate").map(|file| file.expect("a file").path());
    let sources = files.filter(|file| file.extension().is_some_and(|end| end == "rs"));
    sources.flat_map(|file| routes_in(&fs::read_to_string(file).expect("a source"))).collect()
}

/// `.route("/orders", post(orders::place).get(orders::list))`, over as many lines as it takes. Unit tests declare routes of their own.
fn routes_in(source: &str) -> Vec<(String, BTreeSet<String>)> {
    let code = source.split("#[cfg(test)]").next().unwrap_or_default();
    code.split(".route(").skip(1).filter_map(route).collect()
}

fn route(declaration: &str) -> Option<(String, BTreeSet<String>)> {
    let mut quoted = declaration.splitn(3, '"');
    let (pattern, handlers) = (quoted.nth(1)?, quoted.next()?);
    let mut depth = 1;
    let end = handlers.find(|c| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        depth == 0
    })?;
    let words = handlers[..end].split(|c: char| !c.is_ascii_alphanumeric() && c != '(' && c != '_');
    let methods = ["get(", "post(", "put(", "patch(", "delete("];
    let taken = words.filter_map(|word| methods.iter().find(|method| word.starts_with(**method)));
    Some((pattern.to_owned(), taken.map(|method| method.trim_end_matches('(').to_uppercase()).collect()))
}

#[test]
fn routes_are_found_where_they_are_declared() {
    let source = "Router::new()\n    .route(\"/a\", get(a::list).post(a::forget))\n    .route(\n        \"/b/{id}\",\n        put(b::put),\n    )\n\
                  #[cfg(test)]\n.route(\"/c\", get(c))";
    let methods = |methods: &[&str]| methods.iter().map(|method| (*method).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(
        routes_in(source),
        [("/a".to_owned(), methods(&["GET", "POST"])), ("/b/{id}".to_owned(), methods(&["PUT"]))]
    );
    let all = all();
    let place = all.iter().find(|route| route.pattern == "/orders").expect("orders can be placed");
    assert_eq!(place.takes(), methods(&["GET", "HEAD", "OPTIONS", "POST"]));
    assert_eq!(all.iter().filter(|route| route.pattern == "/health/ready").count(), 2);
}
